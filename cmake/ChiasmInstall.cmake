# What `cmake --install` puts where: the program, the library for other C programs with its headers
# and pkg-config file, and a man page per command.
install(TARGETS chiasm RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# what the program loads itself, found from where it lies
install(TARGETS chiasm-petsc LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/chiasm)
file(RELATIVE_PATH CHIASM_LOADED /p/${CMAKE_INSTALL_BINDIR} /p/${CMAKE_INSTALL_LIBDIR}/chiasm)
set_target_properties(chiasm PROPERTIES INSTALL_RPATH "\$ORIGIN/${CHIASM_LOADED}")

# libchiasm: what reads studies, fits one feature space, and writes and reads runs, as one archive.
add_library(libchiasm STATIC
  $<TARGET_OBJECTS:chi_base> $<TARGET_OBJECTS:chi_linalg> $<TARGET_OBJECTS:chi_h5> $<TARGET_OBJECTS:chi_study>
  $<TARGET_OBJECTS:chi_store> $<TARGET_OBJECTS:chi_encode>)
set_target_properties(libchiasm PROPERTIES OUTPUT_NAME chiasm LINKER_LANGUAGE C)
install(TARGETS libchiasm ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/chiasm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")

# The archive names no libraries of its own, so the pkg-config file does: those that CMake found, for
# everybody, since there is no shared libchiasm. Its prefix is where it lies, also if moved.
file(RELATIVE_PATH CHIASM_PC_UP /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
set(chiasm_libs ${MPI_C_LIBRARIES} ${HDF5_C_HL_LIBRARIES} ${HDF5_C_LIBRARIES} ${OpenMP_C_FLAGS})
list(REMOVE_DUPLICATES chiasm_libs)
list(JOIN chiasm_libs " " CHIASM_PC_LIBS)
set(chiasm_includes ${MPI_C_INCLUDE_DIRS})
list(TRANSFORM chiasm_includes PREPEND "-I")
list(JOIN chiasm_includes " " CHIASM_PC_CFLAGS)
configure_file(${PROJECT_SOURCE_DIR}/cmake/chiasm.pc.in ${PROJECT_BINARY_DIR}/chiasm.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/chiasm.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Man pages are made of --help, by running the program just built.
find_program(HELP2MAN help2man)
if(NOT HELP2MAN OR CMAKE_CROSSCOMPILING)
  message(STATUS "No man pages: help2man not found (Debian: apt-get install help2man)")
  return()
endif()

set(man_pages "")
# chiasm_man_page(NAME "chiasm-fit" COMMAND "fit"): one page; the program's own has no command.
function(chiasm_man_page name command)
  set(page ${PROJECT_BINARY_DIR}/man/${name}.1)
  add_custom_command(OUTPUT ${page}
    COMMAND ${CMAKE_COMMAND} -DHELP2MAN=${HELP2MAN} -DPROGRAM=$<TARGET_FILE:chiasm>
      -DNAME=${name} -DCHIASM_COMMAND=${command} -DVERSION=${PROJECT_VERSION} -DPAGE=${page}
      -P ${PROJECT_SOURCE_DIR}/cmake/ManPage.cmake
    DEPENDS chiasm ${PROJECT_SOURCE_DIR}/cmake/ManPage.cmake
    COMMENT "Man page ${name}.1" VERBATIM)
  set(man_pages ${man_pages} ${page} PARENT_SCOPE)
endfunction()

# The commands are those of the table.
file(STRINGS ${PROJECT_SOURCE_DIR}/src/cli/commands.c commands REGEX "^ *{\\.name = \"")
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/src/cli/commands.c)
list(TRANSFORM commands REPLACE "^ *{\\.name = \"([a-z -]+)\".*" "\\1")
chiasm_man_page(chiasm "")
foreach(command IN LISTS commands)
  string(REPLACE " " "-" page ${command})
  chiasm_man_page(chiasm-${page} ${command})
endforeach()
add_custom_target(man ALL DEPENDS ${man_pages})
install(FILES ${man_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
