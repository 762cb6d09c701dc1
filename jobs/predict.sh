#!/usr/bin/env bash
# What `chiasm plan` says of a planted study beside what was measured, on 1 and on 2 ranks.
#   bash jobs/predict.sh [option of chiasm simulate...]
# REPLICATES (10) is that of the bootstrap; ROUNDS (3) how often each is measured, to take the mean: one start
# alone varies by a tenth on a virtual machine; CHIASM a program that is built already. On a machine that has
# nothing else to do: other work makes the measured times longer and the calibration worse.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. jobs/setup.sh

replicates=${REPLICATES:-10}
rounds=${ROUNDS:-3}
chiasm_need build
chiasm_environment
if [ -z "${CHIASM:-}" ]; then
  chiasm_build release build/release
  CHIASM=build/release/src/chiasm
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/chiasm-predict.XXXXXX")
trap 'rm -rf "$work"' EXIT
chiasm_say "load of this machine: $(cut -d' ' -f1-3 /proc/loadavg)"
"$CHIASM" simulate "$work/study" "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; chiasm_die "no study"; }
"$CHIASM" plan "$work/study" --machine "$work/machine.yaml" --json >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; chiasm_die "this machine could not be measured"; }

# Seconds of a command on so many ranks, from start to end of mpirun.
seconds() {
  local ranks=$1 start end
  shift
  start=$(date +%s.%N)
  mpirun --oversubscribe -n "$ranks" --bind-to none "$CHIASM" "$@" --threads 1 >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; chiasm_die "chiasm $1 on $ranks ranks failed"; }
  end=$(date +%s.%N)
  awk "BEGIN { print $end - $start }"
}

# A number of the plan, by a path such as fit.units_s; sums of several.
predicted() {
  /usr/bin/python3 - "$work/plan" "$@" <<'PYTHON'
import json, sys
total = 0
with open(sys.argv[1]) as f:
    plan = json.load(f)
for path in sys.argv[2:]:
    value = plan
    for key in path.split("."):
        value = value[key]
    total += value
print(total)
PYTHON
}

worst=0
row() { # ranks, stage, predicted, measured
  awk -v r="$1" -v s="$2" -v p="$3" -v m="$(awk "BEGIN { print $4 }")" \
    'BEGIN { printf "%5d  %-20s %9.1f s %9.1f s %+7.1f %%\n", r, s, p, m, 100 * (p / m - 1) }'
  worst=$(awk "BEGIN { e = $3 / ($4) - 1; if (e < 0) e = -e; print (e > $worst ? e : $worst) }")
}

printf '%5s  %-20s %11s %11s %9s\n' ranks stage predicted measured error
fit=(start_s fit.prepare_s fit.units_s fit.finish_s)
boot=(bootstrap.prepare_s bootstrap.units_s bootstrap.finish_s)
for ranks in 1 2; do
  sum_fit=0 sum_boot=0 sum_run=0
  for ((i = 0; i < rounds; i++)); do
    sum_fit=$sum_fit+$(seconds "$ranks" fit "$work/study" -o "$work/run" --overwrite)
    sum_boot=$sum_boot+$(seconds "$ranks" bootstrap "$work/run" --replicates "$replicates" --overwrite)
    sum_run=$sum_run+$(seconds "$ranks" run "$work/study" -o "$work/run" --replicates "$replicates" --overwrite)
  done
  "$CHIASM" plan "$work/study" --machine "$work/machine.yaml" --ranks "$ranks" --replicates "$replicates" --json >"$work/plan"
  row "$ranks" fit "$(predicted "${fit[@]}")" "($sum_fit)/$rounds"
  row "$ranks" bootstrap "$(predicted start_s "${boot[@]}")" "($sum_boot)/$rounds"
  row "$ranks" "run (all stages)" "$(predicted total_s)" "($sum_run)/$rounds"
done
chiasm_say "load at the end: $(cut -d' ' -f1-3 /proc/loadavg)"
awk "BEGIN { printf \"largest error %.1f %%\\n\", 100 * $worst; exit !($worst <= 0.15) }" ||
  chiasm_die "beyond 15 %; is the machine busy with something else?"
