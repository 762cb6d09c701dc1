#!/usr/bin/env bash
# How often `chiasm sites` is right: planted studies through the whole pipeline, their known sites
# against those called, as Markdown tables. Takes hours; interrupted, it goes on where it was.
#   bash jobs/calibrate.sh [SETTING]... [--seeds N] [--replicates N]
# Without settings all of them, with the seeds of each (calibrate.py has the list); --replicates 0: by influences
# alone, in half an hour.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export CHIASM="${CHIASM:-$here/../build/release/src/chiasm}"
[ -x "$CHIASM" ] || { echo "calibrate.sh: $CHIASM is missing: run bash jobs/quickstart.sh first" >&2; exit 2; }
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
cd "$here/.."
exec /usr/bin/python3 "$here/calibrate.py" "$@"
