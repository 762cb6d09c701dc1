#!/usr/bin/env bash
# How chiasm fit scales with the number of ranks. Strong: one study on more and more ranks. Weak: planted
# studies of one subject for each rank. Leaves OUT/scaling.csv and OUT/scaling.png.
#   bash jobs/scaling.sh OUT [--ranks 1,2,4] [--threads 1] [--study STUDY] [--planted "OPTIONS"] [--submit "OPTIONS"]
#   bash jobs/scaling.sh OUT --collect
#     --ranks    the counts of ranks, ascending
#     --threads  of each rank
#     --study    the study of strong scaling (default: a planted one)
#     --planted  options of chiasm simulate for the planted studies (default: --events 1600 --electrodes 24)
#     --submit   a SLURM job for each count, with these options of sbatch; --collect when they have ended
# Each job is `mpirun -n RANKS --bind-to none chiasm fit`; CHIASM_MPIRUN replaces `mpirun --bind-to none`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/setup.sh"

usage() { chiasm_die "$1; usage: bash jobs/scaling.sh OUT [--ranks 1,2,4] [--threads N] [--study STUDY]" \
  "[--planted OPTIONS] [--submit OPTIONS] | OUT --collect"; }

ranks=1,2 threads=1 study='' planted='--events 1600 --electrodes 24' submit='' how=here kind='' count=''
case ${1:--} in -*) usage "expected the folder OUT" ;; esac
out=$(realpath -m "$1")
shift
while [ $# -gt 0 ]; do
  case $1 in
    --collect) how=collect; shift; continue ;;
    --ranks | --threads | --study | --planted | --submit | --job) [ $# -gt 1 ] || usage "$1 needs a value" ;;
    *) usage "unknown argument $1" ;;
  esac
  case $1 in
    --ranks) ranks=$2 ;;
    --threads) threads=$2 ;;
    --study) study=$(realpath "$2") ;;
    --planted) planted=$2 ;;
    --submit) how=submit submit=$2 ;;
    --job) how=job kind=${2%-*} count=${2#*-} ;; # of a submitted job: strong-4
  esac
  shift 2
done
[[ $ranks =~ ^[1-9][0-9]*(,[1-9][0-9]*)*$ ]] || usage "--ranks $ranks: expected counts, as 1,2,4"
[[ $threads =~ ^[1-9][0-9]*$ ]] || usage "--threads $threads: expected a count"
chiasm=${CHIASM:-$here/../build/release/src/chiasm}
[ -x "$chiasm" ] || chiasm_die "$chiasm is missing: bash jobs/quickstart.sh builds it"
read -ra mpirun <<<"${CHIASM_MPIRUN:-mpirun --bind-to none}"
read -ra planted_options <<<"$planted"
chiasm_environment

# One fit of OUT/KIND-RANKS: its seconds, from the start to the end of mpirun, in the file `seconds`.
measure() {
  local folder=$out/$1-$2 of=$study start end
  mkdir -p "$folder"
  rm -rf "$folder/seconds" "$folder/study"
  if [ "$1" = weak ]; then
    of=$folder/study
    "$chiasm" simulate "$of" "${planted_options[@]}" --subjects "$2" >"$folder/out"
  fi
  start=$(date +%s.%N)
  "${mpirun[@]}" -n "$2" "$chiasm" fit "$of" -o "$folder/run" --overwrite --threads "$threads" >"$folder/out" 2>&1 || {
    cat "$folder/out" >&2
    chiasm_die "the fit on $2 ranks failed (above)"
  }
  end=$(date +%s.%N)
  echo "$threads $start $end" >"$folder/seconds"
  [ "$1" = strong ] || rm -rf "$folder/study"
}

collect() { "${CHIASM_PYTHON:-/usr/bin/python3}" "$here/scaling.py" "$out"; }

submit_job() {
  local options command
  read -ra options <<<"$submit"
  mkdir -p "$out/$1-$2"
  printf -v command '%q ' bash "$here/scaling.sh" "$out" --job "$1-$2" --threads "$threads" --study "$study" \
    --planted "$planted"
  sbatch --job-name "chiasm-$1-$2" --ntasks "$2" --cpus-per-task "$threads" --output "$out/$1-$2/job.log" \
    "${options[@]}" --wrap "$command"
}

case $how in
  collect) collect; exit ;;
  job) measure "$kind" "$count"; exit ;;
esac
mkdir -p "$out"
if [ -z "$study" ]; then
  study=$out/study
  rm -rf "$study"
  "$chiasm" simulate "$study" "${planted_options[@]}"
fi
for count in ${ranks//,/ }; do
  for kind in strong weak; do
    if [ $how = submit ]; then
      submit_job $kind "$count"
    else
      chiasm_say "$kind scaling, ranks: $count"
      measure $kind "$count"
    fi
  done
done
if [ $how = submit ]; then
  chiasm_say "when these jobs have ended: bash jobs/scaling.sh $out --collect"
else
  collect
fi
