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

# The name of a test is ROOM.WHAT, the room its folder of tests; a program of it is test_ROOM_WHAT.
macro(chiasm_room variable)
  get_filename_component(${variable} ${CMAKE_CURRENT_SOURCE_DIR} NAME)
endmacro()

# chiasm_test(WHAT LINKS libs... [SOURCE file.c] [RANKS 1 2 3 4] [LABELS ...] [TIMEOUT s]): a cmocka
# program, test_WHAT.c unless SOURCE names it. With RANKS it runs under mpirun once for each count, as
# ROOM.WHAT.np<count>. Sanitizers run all of them (label memory).
function(chiasm_test what)
  cmake_parse_arguments(ARG "" "SOURCE;TIMEOUT" "LINKS;RANKS;LABELS" ${ARGN})
  chiasm_time_limit(ARG_TIMEOUT 120)
  chiasm_room(room)
  set(program test_${room}_${what})
  if(NOT ARG_SOURCE)
    set(ARG_SOURCE test_${what}.c)
  endif()
  add_executable(${program} ${ARG_SOURCE})
  target_link_libraries(${program} PRIVATE ${ARG_LINKS} PkgConfig::CMOCKA)
  if(NOT ARG_RANKS)
    set(names ${room}.${what})
    add_test(NAME ${names} COMMAND ${program})
  endif()
  foreach(ranks IN LISTS ARG_RANKS)
    set(name ${room}.${what}.np${ranks})
    list(APPEND names ${name})
    add_test(NAME ${name} COMMAND ${CHIASM_MPIRUN} -n ${ranks} $<TARGET_FILE:${program}>)
    set_tests_properties(${name} PROPERTIES PROCESSORS ${ranks})
  endforeach()
  set_tests_properties(${names} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "c;memory;${ARG_LABELS}"
    ENVIRONMENT "${CHIASM_TEST_ENVIRONMENT}")
endfunction()

# chiasm_python_test(WHAT [SOURCE file.py] [ARGS ...] [LABELS ...] [TIMEOUT s] [PROCESSORS n]): a script,
# test_WHAT.py unless SOURCE names it, run by Debian's own Python; it finds the program in $CHIASM and mpirun
# with its flags in $CHIASM_MPIRUN. Exit code 77 means skipped. PROCESSORS where it keeps several busy: most
# of a small job's time it waits. LABELS memory: sanitizers run it too.
function(chiasm_python_test what)
  cmake_parse_arguments(ARG "" "SOURCE;TIMEOUT;PROCESSORS" "LABELS;ARGS" ${ARGN})
  chiasm_time_limit(ARG_TIMEOUT 300)
  chiasm_room(room)
  set(name ${room}.${what})
  if(NOT ARG_PROCESSORS)
    set(ARG_PROCESSORS 1)
  endif()
  if(NOT ARG_SOURCE)
    set(ARG_SOURCE test_${what}.py)
  endif()
  add_test(NAME ${name} COMMAND ${CHIASM_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SOURCE} ${ARG_ARGS})
  list(JOIN CHIASM_MPIRUN " " mpirun_text)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ARG_PROCESSORS}
    LABELS "program;${ARG_LABELS}" SKIP_RETURN_CODE 77
    ENVIRONMENT "${CHIASM_TEST_ENVIRONMENT};CHIASM=$<TARGET_FILE:chiasm>;CHIASM_MPIRUN=${mpirun_text};PYTHONPATH=${PROJECT_SOURCE_DIR}/tests;PYTHONDONTWRITEBYTECODE=1")
endfunction()
