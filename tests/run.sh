#!/usr/bin/env bash
# Install what is missing, build with warnings as errors, run every test.
#   bash tests/run.sh [--asan] [ctest options]
# --asan: under AddressSanitizer and UBSan instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. jobs/setup.sh
chiasm_setup test

preset=dev
if [ "${1:-}" = --asan ]; then
  preset=asan
  shift
fi
cmake --preset "$preset" -G Ninja >/dev/null
cmake --build --preset "$preset" -- --quiet
ctest --preset "$preset" --parallel "$(nproc)" "$@"
