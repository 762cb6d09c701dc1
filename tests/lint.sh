#!/usr/bin/env bash
# What a compiler of another make, the formatter and the analyser say of the sources.
#   bash tests/lint.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. jobs/setup.sh
chiasm_setup test

git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
echo "clang-format: clean"

CC=clang cmake -S . -B build/clang -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCHIASM_WARNINGS_AS_ERRORS=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
cmake --build build/clang -- --quiet
echo "clang: no warnings"

git ls-files 'src/*.c' | xargs -P "$(nproc)" -n 8 clang-tidy -p build/clang --quiet --warnings-as-errors='*' 2>/dev/null
echo "clang-tidy: clean"
