#!/usr/bin/env bash
# Installs what is missing, builds with warnings as errors, runs every test, then the checks of style.
#   bash tests/run.sh                 all of it
#   bash tests/run.sh -R encode ...   only these tests (arguments of ctest), no checks of style
#   bash tests/run.sh --asan          those that may meet errors of memory (label memory), with AddressSanitizer
#                                     and UBSan; --asan -R encode ... only these tests
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. jobs/setup.sh

preset=dev
if [ "${1:-}" = --asan ]; then
  preset=asan
  shift
fi
lint=no
[ $# -gt 0 ] || [ $preset = asan ] || lint=yes

chiasm_need build tests
(chiasm_need slurm) || chiasm_say "no SLURM: tests of jobs in it are skipped"
[ $lint = no ] || chiasm_need lint
chiasm_environment
chiasm_build $preset build/$preset -DCHIASM_PYTHON="${CHIASM_PYTHON:-/usr/bin/python3}"

check_style() {
  mapfile -t sources < <(find src include tests -name '*.[ch]' | sort)
  chiasm_say "clang-format on ${#sources[@]} files"
  clang-format --dry-run -Werror "${sources[@]}"
  chiasm_build dev build/clang -DCMAKE_C_COMPILER=clang -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
  chiasm_say "clang-tidy"
  if ! run-clang-tidy -quiet -p build/clang -j "$(nproc)" "$PWD/(src|tests)/" >build/clang-tidy.log 2>&1; then
    grep -E '(warning|error):' build/clang-tidy.log | sort -u >&2
    chiasm_die "clang-tidy found something; all it said is in build/clang-tidy.log"
  fi
}

# Style first: it ends sooner, and ctest's own lines come last. More tests at a time than there are cores, since
# a job's ranks wait most of their time for each other and for its start and end.
[ $lint = no ] || check_style
[ $preset = dev ] || [ $# -gt 0 ] || set -- -L memory
ctest --preset $preset -j "$((2 * $(nproc) + 1))" "$@" </dev/null
