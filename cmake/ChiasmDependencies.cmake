# Everything chiasm links, as targets. Each is needed; a missing one says what to install.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
find_package(OpenMP REQUIRED COMPONENTS C)

set(HDF5_PREFER_PARALLEL ON)
find_package(HDF5 REQUIRED COMPONENTS C HL)
if(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR "HDF5 at ${HDF5_INCLUDE_DIRS} is not parallel. On Debian: "
    "apt-get install libhdf5-openmpi-dev; elsewhere load a parallel HDF5 and set HDF5_ROOT.")
endif()

pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)

# An own PETSc is named by PETSC_DIR and PETSC_ARCH, as with PETSc's own makefiles.
if(DEFINED ENV{PETSC_DIR})
  list(PREPEND CMAKE_PREFIX_PATH $ENV{PETSC_DIR}/$ENV{PETSC_ARCH})
endif()
pkg_search_module(PETSC REQUIRED IMPORTED_TARGET PETSc>=3.18 petsc>=3.18)
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES ${PETSC_INCLUDE_DIRS} ${MPI_C_INCLUDE_DIRS})
check_c_source_compiles("#include <petscconf.h>
#if defined(PETSC_USE_COMPLEX) || !defined(PETSC_USE_REAL_DOUBLE)
#error
#endif
int main(void) { return 0; }" CHIASM_PETSC_IS_REAL)
unset(CMAKE_REQUIRED_INCLUDES)
if(NOT CHIASM_PETSC_IS_REAL)
  message(FATAL_ERROR "PETSc at ${PETSC_INCLUDE_DIRS} has other scalars than real float64. On Debian: "
    "apt-get install petsc-dev; elsewhere load a real PETSc and set PETSC_DIR and PETSC_ARCH.")
endif()

find_path(RANDOM123_INCLUDE_DIR Random123/philox.h)
if(NOT RANDOM123_INCLUDE_DIR)
  message(FATAL_ERROR "Random123/philox.h not found. On Debian: apt-get install librandom123-dev")
endif()
