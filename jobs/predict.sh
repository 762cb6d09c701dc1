#!/usr/bin/env bash
# What `chiasm plan` says of a planted study beside what was measured, on 1 and on 2 ranks.
#   bash jobs/predict.sh [option of chiasm simulate...]
# REPLICATES (10) is that of the bootstrap; ROUNDS (3) how often the machine is calibrated and each stage measured
# after it, to take the means: a virtual machine is a fifth faster or slower for minutes. CHIASM is a program that is
# built already. On a machine that has nothing else to do: other work makes the measured times longer and the
# calibration worse.
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

# Seconds of a command on so many ranks, from its start to its end; one rank needs no mpirun.
seconds() {
  local ranks=$1 start end launcher=()
  shift
  [ "$ranks" = 1 ] || launcher=(mpirun --oversubscribe -n "$ranks" --bind-to none)
  start=$(date +%s.%N)
  "${launcher[@]}" "$CHIASM" "$@" --threads 1 >"$work/log" 2>&1 ||
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

# One round on so many ranks: a line for each stage, "ranks stage predicted measured".
round() {
  local ranks=$1 fit influence boot run
  fit=$(seconds "$ranks" fit "$work/study" -o "$work/run" --overwrite)
  influence=$(seconds "$ranks" influence "$work/run" --overwrite)
  boot=$(seconds "$ranks" bootstrap "$work/run" --replicates "$replicates" --overwrite)
  run=$(seconds "$ranks" run "$work/study" -o "$work/run" --uncertainty both --replicates "$replicates" --overwrite)
  "$CHIASM" plan "$work/study" --machine "$work/machine.yaml" --ranks "$ranks" --uncertainty both \
    --replicates "$replicates" --json >"$work/plan"
  echo "$ranks fit $(predicted start_s fit.prepare_s fit.units_s fit.finish_s) $fit"
  echo "$ranks influence $(predicted start_s influence.prepare_s influence.units_s influence.finish_s) $influence"
  echo "$ranks bootstrap $(predicted start_s bootstrap.prepare_s bootstrap.units_s bootstrap.finish_s) $boot"
  echo "$ranks run $(predicted total_s) $run"
}

for ((i = 0; i < rounds; i++)); do
  "$CHIASM" plan "$work/study" --machine "$work/machine.yaml" --calibrate --json >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; chiasm_die "this machine could not be measured"; }
  round 1 >>"$work/times"
  round 2 >>"$work/times"
done
chiasm_say "load at the end: $(cut -d' ' -f1-3 /proc/loadavg)"
awk -v n="$rounds" '
  { name = $1 "  " $2; if (!(name in p)) order[++k] = name; p[name] += $3 / n; m[name] += $4 / n }
  END {
    printf "%-16s %11s %11s %9s\n", "ranks, stage", "predicted", "measured", "error"
    for (i = 1; i <= k; i++) {
      e = p[order[i]] / m[order[i]] - 1
      printf "%-16s %9.1f s %9.1f s %+7.1f %%\n", order[i], p[order[i]], m[order[i]], 100 * e
      if (e < 0) e = -e
      if (e > worst) worst = e
    }
    printf "largest error %.1f %%\n", 100 * worst
    exit worst > 0.15
  }' "$work/times" || chiasm_die "beyond 15 %; is the machine busy with something else?"
