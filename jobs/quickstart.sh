#!/usr/bin/env bash
# From nothing to scores: install what is missing, build, make a planted study, fit it on all cores.
#   bash jobs/quickstart.sh [ranks]
# Run again, it uses what is there; a fit that was interrupted goes on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. jobs/setup.sh
ranks=${1:-$(nproc)}

chiasm_setup build
[ -f build/release/build.ninja ] || cmake --preset release -G Ninja -DBUILD_TESTING=OFF >build-release.log 2>&1 ||
  { cat build-release.log >&2; exit 1; }
rm -f build-release.log
cmake --build --preset release -- --quiet
chiasm=$PWD/build/release/src/chiasm

# truth.csv is written last: a study without it is half made.
[ -f demo/study/truth.csv ] || { mkdir -p demo && "$chiasm" simulate demo/study --overwrite; }

state=0
"$chiasm" status demo/run >/dev/null 2>&1 || state=$?
mode=()
[ $state = 2 ] || mode=(--resume)
mpirun --bind-to none -n "$ranks" "$chiasm" fit demo/study -o demo/run "${mode[@]}"

cat <<TEXT

The study is in demo/study (what is planted where: demo/study/truth.csv), the scores in demo/run.
  build/release/src/chiasm status demo/run
  build/release/src/chiasm check demo/study
README.md says how to bring your own recordings.
TEXT
