#!/usr/bin/env bash
# One cross-validated ridge fit by chiasm, by the paper's normal equations and by a scikit-learn loop,
# on one core with the same BLAS kernel, as a Markdown table.
#   bash jobs/compare.sh [small] [wide] [paper-final] [paper-srp]     (default: small wide)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export CHIASM="${CHIASM:-$here/../build/release/src/chiasm}"
[ -x "$CHIASM" ] || { echo "compare.sh: $CHIASM is missing: run bash jobs/quickstart.sh first" >&2; exit 2; }
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
# The kernel that chiasm chose serves numpy too.
kernel=$("$CHIASM" --version | sed -n 's/.*OpenBLAS.*(\(.*\) kernel).*/\1/p')
[ -z "$kernel" ] || export OPENBLAS_CORETYPE="$kernel"
exec /usr/bin/python3 "$here/compare.py" "$@"
