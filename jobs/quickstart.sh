#!/usr/bin/env bash
# From nothing to the sites that integrate vision and language: installs what is missing, builds, makes a
# planted study, runs the whole analysis of it on all cores. Reuses what is there; interrupted, it goes on
# where it was.
#   bash jobs/quickstart.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. jobs/setup.sh

chiasm_need build
chiasm_environment
chiasm_build release build/release
chiasm=build/release/src/chiasm
cores=$(nproc)

# A study bears its name only once it is whole; a run belongs to the study it was made of.
if [ ! -d demo/study ]; then
  rm -rf demo/study.part demo/run
  mkdir -p demo
  "$chiasm" simulate demo/study.part --layers 3 --features 48 --effects 0.5,0.8
  mv demo/study.part demo/study
fi

# --resume begins what is not there, goes on with what is half done, and only shows what is complete.
code=0
mpirun -n "$cores" --bind-to none "$chiasm" run demo/study -o demo/run --resume || code=$?
[ "$code" = 0 ] || chiasm_die "the run ended with exit code $code; start this again to go on with it"

echo
"$chiasm" status demo/run | head -n 1
cat <<END
study    demo/study; what each electrode responds to is in demo/study/truth.csv
sites    demo/run/sites.csv, by region demo/run/regions.csv
scores   demo/run/fit.h5, influences demo/run/influence.h5; options demo/run/config.yaml; log demo/run/log.txt
program  $chiasm --help
next     your own recordings: README.md, "Your own data"
END
