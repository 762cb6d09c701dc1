# shellcheck shell=bash
# Running chiasm inside a SLURM job. Sourced by jobs/sweep.sbatch and jobs/sweep-array.sbatch, in a batch shell:
#   chiasm_find_program        sets chiasm
#   chiasm_resources           sets launch and resources, from what SLURM has given
#   chiasm_job RUN ARGUMENT... runs chiasm ARGUMENT... until RUN is complete, over as many starts of this job as
#                              that takes. Does not return.
# Whether RUN is complete is asked of `chiasm status`: mpirun's exit code says little after a signal.

# From here on, so that a signal never meets a shell that does not expect it.
stop_asked=no
terminated=no
launched=
trap 'ask_to_stop' USR1
trap 'terminated=yes' TERM

ask_to_stop() {
  [ $stop_asked = no ] || return 0 # a second one would end the ranks in the middle of a unit
  stop_asked=yes
  chiasm_say "SLURM says that time runs short: chiasm finishes what it is at and stops"
  [ -z "$launched" ] || kill -USR1 "$launched" 2>/dev/null || true
}

chiasm_find_program() {
  chiasm=${CHIASM:-$here/../build/release/src/chiasm}
  [ -n "${CHIASM:-}" ] || [ -x "$chiasm" ] || chiasm=$(command -v chiasm) ||
    chiasm_refuse "there is no chiasm in $here/../build/release/src nor on the PATH; set CHIASM to the program"
  [ -x "$chiasm" ] || chiasm_refuse "CHIASM=$chiasm is no program"
}

chiasm_refuse() {
  printf 'chiasm: error: %s\n' "$*" >&2
  exit 2
}

# The most ranks that a node has, from "4(x3),2" and the like.
ranks_of_node() { tr ',' '\n' <<<"${SLURM_TASKS_PER_NODE:-1}" | sed 's/(.*//' | sort -n | tail -n 1; }

# Nothing is said of what SLURM does not say: chiasm then looks at the machine. 5 % of the memory is left to MPI.
chiasm_resources() {
  local megabytes=0
  read -ra launch <<<"${CHIASM_MPIRUN:-mpirun --bind-to none}"
  [ -z "${SLURM_NTASKS:-}" ] || launch+=(-n "$SLURM_NTASKS")
  resources=()
  if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then
    resources+=(--threads "$SLURM_CPUS_PER_TASK")
    export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK # srun does not look at the other any more
  fi
  if [ -n "${SLURM_MEM_PER_CPU:-}" ]; then
    megabytes=$((SLURM_MEM_PER_CPU * ${SLURM_CPUS_PER_TASK:-1}))
  elif [ -n "${SLURM_MEM_PER_NODE:-}" ]; then
    megabytes=$((SLURM_MEM_PER_NODE / $(ranks_of_node)))
  fi
  [ $megabytes = 0 ] || resources+=(--memory-per-rank $((megabytes * 95 / 100))M)
}

# One task of an array has a name of its own: its SLURM_JOB_ID may mean the whole array.
job_name() {
  if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
    echo "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
  else
    echo "${SLURM_JOB_ID:-}"
  fi
}

# Sets state (complete, failed: complete with failed units, unfinished, or none) and measure, a number that grows
# with what is done: encoding models, influences, replicates, files of stages.
look_at() {
  local run=$1 code=0 said file
  said=$("$chiasm" status "$run" 2>/dev/null) || code=$?
  case $code in
    0) state=complete ;;
    1) state=failed ;;
    3) state=unfinished ;;
    *) state=none ;;
  esac
  [ "$state" != failed ] || grep -q '^models ' <<<"$said" || state=none # it could not read the run
  measure=$(awk '$1 == "models" || $1 == "influences" || $1 == "replicates" { n += $2 } END { printf "%.0f\n", n }' <<<"$said")
  for file in fit.h5 influence.h5 bootstrap.h5 sites.csv; do
    [ ! -e "$run/$file" ] || measure=$((measure + 1))
  done
}

# Seconds to the end of the job's time, many where there is no limit or SLURM does not say.
seconds_left() {
  local end
  end=$(squeue -h -j "$(job_name)" -o %e 2>/dev/null) && end=$(date -d "$end" +%s 2>/dev/null) || end=
  echo $((${end:-$(($(date +%s) + 1000000000))} - $(date +%s)))
}

# Start chiasm and wait for it; after a call to stop at most until 20 s before the job's end. Sets code, of the
# program, or "" where it was still at work then.
launch_and_wait() {
  local last=
  "${launch[@]}" "$chiasm" "$@" </dev/null &
  launched=$!
  [ $stop_asked = no ] || kill -USR1 $launched
  while code=0 && { wait $launched || code=$?; } && kill -0 $launched 2>/dev/null; do # wait ends at signals too
    [[ $stop_asked = yes && $terminated = no ]] || continue
    [ -n "$last" ] || last=$(($(date +%s) + $(seconds_left) - 20))
    while kill -0 $launched 2>/dev/null && [ $terminated = no ]; do
      if [ "$(date +%s)" -ge "$last" ]; then
        code=
        return
      fi
      sleep 1
    done
  done
}

# Put this job back into the queue, which ends it here.
go_on_later() {
  local run=$1
  chiasm_say "$run: not complete yet; requeued, to go on (start $((${SLURM_RESTART_COUNT:-0} + 2)) of job $(job_name))"
  if scontrol requeue "$(job_name)"; then
    wait # for the end, which SLURM brings now
    exit 3
  fi
  chiasm_say "SLURM does not requeue this job (see above): submit the same line again to go on" >&2
  exit 3
}

chiasm_job() {
  local run=$1 state measure was before code
  shift
  look_at "$run"
  was=$state
  before=$measure
  chiasm_say "start $((${SLURM_RESTART_COUNT:-0} + 1)) of job $(job_name): ${launch[*]} $chiasm $*"
  launch_and_wait "$@"
  look_at "$run"
  # Of a run that was complete before, mpirun's word is all there is.
  if [[ ($was != complete && $was != failed) || $code = 0 ]]; then
    case $state in
      complete) exit 0 ;;
      failed) exit 1 ;;
    esac
  fi
  if [ $terminated = yes ]; then
    chiasm_say "ended by SIGTERM (scancel, for one): submit the same line again to go on" >&2
    exit 3
  fi
  [ "$measure" -gt "$before" ] || give_up "$run"
  go_on_later "$run"
}

give_up() {
  local why="it ended by itself; see what it said above"
  [ $stop_asked = no ] || why="not one unit was done in its time: ask for more (--time), or for smaller units"
  printf 'chiasm: error: %s: this start of the job came no further: %s; not requeued\n' "$1" "$why" >&2
  [ "$code" != 2 ] || exit 2
  exit 1
}
