#!/usr/bin/env bash
# How much faster two ranks are than one, on a planted study of about a minute's work.
#   bash jobs/two-ranks.sh [option of chiasm simulate...]     (default: --events 1600 --electrodes 48)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. jobs/setup.sh

chiasm_need build
chiasm_environment
chiasm_build release build/release
chiasm=build/release/src/chiasm
[ $# -gt 0 ] || set -- --events 1600 --electrodes 48

work=$(mktemp -d "${TMPDIR:-/tmp}/chiasm-two-ranks.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$chiasm" simulate "$work/study" "$@"

# Seconds of a fit on so many ranks, of one thread each, from start to end of mpirun.
seconds() {
  local start end
  start=$(date +%s.%N)
  mpirun -n "$1" --bind-to none "$chiasm" fit "$work/study" -o "$work/run$1" --threads 1 >"$work/out$1" 2>&1 ||
    { cat "$work/out$1" >&2; chiasm_die "the fit on $1 ranks failed"; }
  end=$(date +%s.%N)
  awk "BEGIN { print $end - $start }"
}
one=$(seconds 1)
two=$(seconds 2)
grep -h 'of the time' "$work/out2" || true
awk "BEGIN { printf \"1 rank %.1f s, 2 ranks %.1f s: %.3f of one rank's time\n\", $one, $two, $two / $one }"
