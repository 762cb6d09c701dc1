# Sourced by quickstart.sh and tests/run.sh: what chiasm needs, installed or named.
#   chiasm_setup build|test
# On Debian and its kin missing packages are installed (sudo only where one is not root); elsewhere
# what is missing is named with the modules or Spack packages that bring it.

CHIASM_BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build pkg-config git libopenmpi-dev openmpi-bin
  libhdf5-openmpi-dev libopenblas-dev libyaml-dev libxxhash-dev librandom123-dev)
CHIASM_TEST_PACKAGES=(libcmocka-dev help2man man-db clang clang-format clang-tidy libomp-dev
  python3 python3-numpy python3-scipy python3-sklearn python3-h5py python3-xarray python3-h5netcdf)

chiasm_apt() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "Installing: ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "Ask an administrator for: apt-get install ${missing[*]}" >&2; return 2; }
    sudo=(sudo)
  fi
  "${sudo[@]}" apt-get update -qq &&
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "${missing[@]}" >/dev/null
}

chiasm_check_tools() {
  local missing=()
  command -v cmake >/dev/null || missing+=("cmake >= 3.25")
  command -v ninja >/dev/null || missing+=("ninja")
  command -v mpicc >/dev/null || missing+=("openmpi")
  command -v pkg-config >/dev/null || missing+=("pkgconf")
  command -v h5pcc >/dev/null || missing+=("hdf5+mpi")
  local package
  for package in openblas yaml-0.1:libyaml libxxhash:xxhash; do
    pkg-config --exists "${package%%:*}" 2>/dev/null || missing+=("${package##*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  {
    echo "There is no apt-get here, and these are missing: ${missing[*]}"
    echo "Load them as modules (module avail openmpi hdf5 openblas), or:"
    echo "  spack install cmake ninja openmpi hdf5+mpi+hl openblas libyaml xxhash random123 cmocka"
    echo "  spack load    cmake ninja openmpi hdf5 openblas libyaml xxhash random123 cmocka"
  } >&2
  return 2
}

chiasm_setup() {
  if command -v apt-get >/dev/null; then
    local packages=("${CHIASM_BUILD_PACKAGES[@]}")
    [ "$1" = build ] || packages+=("${CHIASM_TEST_PACKAGES[@]}")
    chiasm_apt "${packages[@]}"
  else
    chiasm_check_tools
  fi
  # Open MPI refuses root unless told; in a container there is often nobody else.
  if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
}
