# One library per folder of src, one test per file of tests.
option(CHIASM_WARNINGS_AS_ERRORS "Treat compiler warnings as errors" OFF)
option(CHIASM_GATES "Places at which tests hold the program or make it fail (base/gate.h)" OFF)
set(CHIASM_SANITIZE "" CACHE STRING "Sanitizers for the whole build, e.g. address,undefined")

add_library(chiasm_flags INTERFACE)
target_compile_features(chiasm_flags INTERFACE c_std_11)
target_compile_definitions(chiasm_flags INTERFACE _GNU_SOURCE CHIASM_VERSION="${PROJECT_VERSION}")
if(CHIASM_GATES)
  target_compile_definitions(chiasm_flags INTERFACE CHIASM_GATES)
endif()
# Contracted or not, a product and a sum must round alike on every processor of a run.
target_compile_options(chiasm_flags INTERFACE -ffp-contract=off)
target_compile_options(chiasm_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow
  -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wno-sign-conversion)
if(CHIASM_WARNINGS_AS_ERRORS)
  target_compile_options(chiasm_flags INTERFACE -Werror)
endif()
if(CHIASM_SANITIZE)
  target_compile_options(chiasm_flags INTERFACE -fsanitize=${CHIASM_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(chiasm_flags INTERFACE -fsanitize=${CHIASM_SANITIZE})
endif()
target_include_directories(chiasm_flags INTERFACE ${PROJECT_SOURCE_DIR}/src
  ${PROJECT_SOURCE_DIR}/include)

# chiasm_layer(NAME folder LINKS ...): the library of src/<folder>, every .c file in it. A folder
# links only those below it, so that a call upwards fails to link in that folder's tests.
function(chiasm_layer folder)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.c)
  add_library(chi_${folder} STATIC ${sources})
  target_link_libraries(chi_${folder} PUBLIC chiasm_flags ${ARG_LINKS})
  set_target_properties(chi_${folder} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()

# How many times longer than on an idle machine of today everything in a test may take; tests read it from
# their environment (tests/limits.py).
set(slower 1)
if(CHIASM_SANITIZE)
  set(slower 4)
endif()
set(CHIASM_SLOWER ${slower} CACHE STRING "Factor of every time limit of the tests, a whole number")

# A test's limit in seconds, `default` where it names none.
macro(chiasm_time_limit variable default)
  if(NOT ${variable})
    set(${variable} ${default})
  endif()
  math(EXPR ${variable} "${CHIASM_SLOWER} * ${${variable}}")
endmacro()

# chiasm_test(NAME SOURCE file.c LINKS libs... [RANKS 1 2 3 4] [LABELS ...] [TIMEOUT s]): a cmocka
# program. With RANKS it runs under mpirun once for each count, as NAME.np<count>.
function(chiasm_test name)
  cmake_parse_arguments(ARG "" "SOURCE;TIMEOUT" "LINKS;RANKS;LABELS" ${ARGN})
  chiasm_time_limit(ARG_TIMEOUT 60)
  add_executable(test_${name} ${ARG_SOURCE})
  target_link_libraries(test_${name} PRIVATE ${ARG_LINKS} PkgConfig::CMOCKA)
  if(NOT ARG_RANKS)
    add_test(NAME ${name} COMMAND test_${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "unit;${ARG_LABELS}"
      ENVIRONMENT "${CHIASM_TEST_ENVIRONMENT}")
  endif()
  foreach(ranks IN LISTS ARG_RANKS)
    add_test(NAME ${name}.np${ranks} COMMAND ${CHIASM_MPIRUN} -n ${ranks} $<TARGET_FILE:test_${name}>)
    set_tests_properties(${name}.np${ranks} PROPERTIES TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ranks}
      LABELS "mpi;${ARG_LABELS}" ENVIRONMENT "${CHIASM_TEST_ENVIRONMENT}")
  endforeach()
endfunction()

# chiasm_python_test(NAME script.py [args...] [LABELS ...] [TIMEOUT s] [PROCESSORS n]): a script run by
# Debian's own Python; it finds the program in $CHIASM and mpirun with its flags in $CHIASM_MPIRUN.
# Exit code 77 means skipped.
function(chiasm_python_test name script)
  cmake_parse_arguments(ARG "" "TIMEOUT;PROCESSORS" "LABELS;ARGS" ${ARGN})
  chiasm_time_limit(ARG_TIMEOUT 120)
  if(NOT ARG_PROCESSORS)
    set(ARG_PROCESSORS 1)
  endif()
  add_test(NAME ${name}
    COMMAND ${CHIASM_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${ARG_ARGS})
  list(JOIN CHIASM_MPIRUN " " mpirun_text)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ARG_PROCESSORS}
    LABELS "cli;${ARG_LABELS}" SKIP_RETURN_CODE 77
    ENVIRONMENT "${CHIASM_TEST_ENVIRONMENT};CHIASM=$<TARGET_FILE:chiasm>;CHIASM_MPIRUN=${mpirun_text};PYTHONPATH=${PROJECT_SOURCE_DIR}/tests;PYTHONDONTWRITEBYTECODE=1")
endfunction()
