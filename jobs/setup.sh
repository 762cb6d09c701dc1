# shellcheck shell=bash disable=SC2034,SC2015
# What chiasm needs of the system. Sourced by the other scripts here and by tests/run.sh:
#   chiasm_need build|tests|lint|slurm ...   install the packages of these groups that are missing
#   chiasm_environment                 what mpirun needs here
#   chiasm_build PRESET FOLDER ...     configure and build

chiasm_build_packages=(gcc libc6-dev cmake ninja-build pkg-config libopenmpi-dev openmpi-bin libhdf5-openmpi-dev
  libopenblas-dev petsc-dev libyaml-dev libzip-dev zlib1g-dev libxxhash-dev libjansson-dev librandom123-dev libcmocka-dev
  help2man)
chiasm_tests_packages=(python3 python3-numpy python3-h5py python3-sklearn python3-scipy python3-xarray
  python3-h5netcdf python3-yaml)
chiasm_lint_packages=(clang clang-format clang-tidy libomp-dev)
chiasm_slurm_packages=(slurm-wlm munge)

chiasm_say() { printf 'chiasm: %s\n' "$*"; }
chiasm_die() {
  printf 'chiasm: error: %s\n' "$*" >&2
  exit 1
}

# The packages of a list that dpkg does not hold installed, one a line; needs no network.
chiasm_missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

chiasm_apt() {
  local root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || chiasm_die "these Debian packages are missing: $*; ask an administrator to run" \
      "apt-get install $*"
    chiasm_say "asking sudo, to install: $*"
    root=(sudo)
  fi
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@" </dev/null ||
    chiasm_die "apt-get could not install: $* (see above)"
}

# Where there is no apt: name what is not there, by what a cluster's modules and Spack call it.
chiasm_check_tools() {
  local missing=() group
  for group in "$@"; do
    case $group in
      build)
        command -v cc >/dev/null || command -v gcc >/dev/null || missing+=("a C compiler (module gcc; spack gcc)")
        command -v cmake >/dev/null || missing+=("CMake 3.25 or later (module cmake; spack cmake)")
        command -v ninja >/dev/null || missing+=("Ninja (module ninja; spack ninja)")
        command -v mpirun >/dev/null || missing+=("Open MPI (module openmpi; spack openmpi)")
        if ! command -v pkg-config >/dev/null; then
          missing+=("pkg-config (module pkgconf; spack pkgconf)")
        else
          pkg-config --exists openblas || missing+=("OpenBLAS (module openblas; spack openblas)")
          pkg-config --exists yaml-0.1 || missing+=("libyaml (module libyaml; spack libyaml)")
          pkg-config --exists libxxhash || missing+=("xxHash (module xxhash; spack xxhash)")
          pkg-config --exists jansson || missing+=("Jansson (module jansson; spack jansson)")
          pkg-config --exists libzip || missing+=("libzip (module libzip; spack libzip)")
          pkg-config --exists zlib || missing+=("zlib (module zlib; spack zlib)")
          pkg-config --exists PETSc || pkg-config --exists petsc ||
            missing+=("PETSc 3.18 or later with real scalars (module petsc; spack 'petsc~complex')")
          pkg-config --exists cmocka || missing+=("cmocka (module cmocka; spack cmocka)")
        fi
        command -v h5pcc >/dev/null || missing+=("parallel HDF5 (module hdf5-parallel; spack 'hdf5+mpi+hl')")
        command -v help2man >/dev/null || missing+=("help2man (module help2man; spack help2man)")
        ;;
      tests)
        "${CHIASM_PYTHON:-/usr/bin/python3}" -c 'import h5py, h5netcdf, scipy, sklearn, xarray, yaml' 2>/dev/null ||
          missing+=("Python with h5py, h5netcdf, scipy, scikit-learn, xarray and PyYAML, named by CHIASM_PYTHON (spack py-h5py" \
            "py-h5netcdf py-scipy py-scikit-learn py-xarray py-pyyaml)")
        ;;
      lint)
        command -v clang >/dev/null || missing+=("clang (module llvm; spack llvm)")
        ;;
      slurm)
        command -v slurmctld >/dev/null || missing+=("SLURM's daemons (spack slurm)")
        command -v munged >/dev/null || missing+=("munge (spack munge)")
        ;;
    esac
  done
  [ ${#missing[@]} = 0 ] || {
    printf 'chiasm: missing: %s\n' "${missing[@]}" >&2
    chiasm_die "there is no apt-get here; load or install these, and Random123 (spack random123)"
  }
}

chiasm_need() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    chiasm_check_tools "$@"
    return
  fi
  local group wanted=() missing
  for group in "$@"; do
    local -n packages="chiasm_${group}_packages"
    wanted+=("${packages[@]}")
  done
  mapfile -t missing < <(chiasm_missing_packages "${wanted[@]}")
  [ ${#missing[@]} = 0 ] || chiasm_apt "${missing[@]}"
}

# mpirun refuses to be root unless told twice; in a container there is nobody else. Processes that trust
# each other's memory (CMA) are refused in many containers: then Open MPI warns at every start.
chiasm_environment() {
  if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
  export OMPI_MCA_btl_vader_single_copy_mechanism=none
}

# chiasm_build PRESET FOLDER [cmake argument...]: configure and build, quiet if all goes well.
chiasm_build() {
  local preset=$1 folder=$2 log=$2.log generator=()
  shift 2
  mkdir -p build
  [ -f "$folder/CMakeCache.txt" ] || generator=(-G Ninja)
  chiasm_say "building $folder"
  if ! { cmake --preset "$preset" -B "$folder" "${generator[@]}" "$@" && cmake --build "$folder" -j "$(nproc)"; } \
    >"$log" 2>&1 </dev/null; then
    tail -n 40 "$log" >&2
    chiasm_die "the build of $folder failed; all it said is in $log"
  fi
}
