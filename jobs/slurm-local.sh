#!/usr/bin/env bash
# A real SLURM of one node, this one, for trying the *.sbatch files without a cluster. It runs as whoever
# starts it, root in a container too, and keeps everything in one folder; /etc and a SLURM that is here already
# are left alone.
#   bash jobs/slurm-local.sh start        install what is missing (Debian), start; prints what to do next
#   . <(bash jobs/slurm-local.sh env)     sbatch, squeue, scancel ... of this shell then mean this SLURM
#   bash jobs/slurm-local.sh status       what sinfo and squeue say
#   bash jobs/slurm-local.sh stop         end its jobs and daemons, remove the folder
# CHIASM_SLURM_DIR: the folder, ${TMPDIR:-/tmp}/chiasm-slurm-UID if not set; several stand beside each other.
# CHIASM_SLURM_CPUS: CPUs that the node pretends to have, 4 if not set.
# Exit code 77: it can be neither installed nor started here.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$scripts/setup.sh"

folder=${CHIASM_SLURM_DIR:-${TMPDIR:-/tmp}/chiasm-slurm-$(id -u)}
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
cpus=${CHIASM_SLURM_CPUS:-4}
PATH=$PATH:/usr/sbin:/sbin # where the daemons are

cannot() {
  chiasm_say "no SLURM here: $*" >&2
  exit 77
}

# Two ports that nobody listens on, one after the other; those of a real SLURM, 6817 to 6819, are not among them.
free_ports() {
  local port
  for port in $(shuf -i 20000-30000 -n 50); do
    if ! listens "$port" && ! listens $((port + 1)); then
      echo "$port"
      return
    fi
  done
  return 1
}
listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# cred_expire is also how long a requeued job waits; less than 5 is refused.
write_configuration() {
  local port=$1 memory
  memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
  cat >"$folder/slurm.conf" <<END
ClusterName=chiasm
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=10
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
PlugStackConfig=$folder/plugstack.conf
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
JobRequeue=1
KillWait=5
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory
PartitionName=local Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
  : >"$folder/plugstack.conf"
}

start_munge() {
  mkdir -m 700 "$folder/munge"
  (umask 077 && head -c 1024 /dev/urandom >"$folder/munge/key")
  munged --force --socket="$folder/munge/socket" --key-file="$folder/munge/key" --num-threads=2 \
    --pid-file="$folder/munge/munged.pid" --log-file="$folder/munge/munged.log" \
    --seed-file="$folder/munge/seed" >"$folder/munged.out" 2>&1
}

# Wait until the node takes jobs.
wait_for_node() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    case $(sinfo -h -o %t 2>/dev/null) in idle | mix | alloc) return ;; esac
    sleep 0.2
  done
  return 1
}

start() {
  [ ! -e "$folder" ] || chiasm_die "$folder is there already; bash jobs/slurm-local.sh stop removes it"
  hash munged slurmctld slurmd sbatch 2>/dev/null || (chiasm_need slurm) >&2 ||
    cannot "slurm-wlm and munge could not be installed (see above)"
  local port ok=yes
  port=$(free_ports) || cannot "no free port"
  mkdir -p "$(dirname "$folder")"
  mkdir -m 755 "$folder" "$folder/state" "$folder/spool"
  write_configuration "$port"
  start_munge && slurmctld -c >"$folder/start.out" 2>&1 && slurmd >>"$folder/start.out" 2>&1 && wait_for_node || ok=no
  if [ $ok = no ]; then
    tail -n 5 "$folder"/munged.out "$folder"/munge/munged.log "$folder"/start.out "$folder"/slurm*.log >&2 || true
    stop
    cannot "its daemons do not start (see above)"
  fi
  chiasm_say "SLURM runs, $cpus CPUs, all of it in $folder"
  chiasm_say "next:  . <(bash $scripts/slurm-local.sh env); sbatch -n 2 $scripts/sweep.sbatch STUDY RUN"
}

# Whether a process is there, is what we started, and has not ended (nobody may collect it in a container).
lives() { grep -qs "^Name:.$2\$" "/proc/$1/status" && ! grep -q '^State:.Z' "/proc/$1/status"; }

stop_daemons() {
  local name pid tries pids=()
  for name in slurmd slurmctld munge/munged; do
    pid=$(cat "$folder/$name.pid" 2>/dev/null) || continue
    lives "$pid" "${name#*/}" || continue
    pids+=("$pid")
    kill "$pid" || true
  done
  for pid in "${pids[@]}"; do
    for ((tries = 0; tries < 100; tries++)); do
      lives "$pid" '.*' || continue 2
      sleep 0.1
    done
    kill -9 "$pid" || true
  done
}

stop() {
  [ -f "$folder/slurm.conf" ] || [ ! -e "$folder" ] || chiasm_die "$folder holds no SLURM of this script; it stays"
  if [ -f "$folder/slurmctld.pid" ]; then end_jobs; fi
  stop_daemons
  rm -rf "$folder"
}

end_jobs() {
  local tries
  timeout 10 scancel --user="$(id -un)" 2>/dev/null || return 0
  for ((tries = 0; tries < 50; tries++)); do
    [ -n "$(timeout 5 squeue -h 2>/dev/null)" ] || return 0
    sleep 0.2
  done
}

export SLURM_CONF=$folder/slurm.conf
case ${1:-} in
  start) start ;;
  stop) stop ;;
  status)
    [ -f "$SLURM_CONF" ] || chiasm_die "no SLURM of this script runs in $folder"
    sinfo && squeue
    ;;
  env) printf 'export SLURM_CONF=%q\n' "$SLURM_CONF" ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
