# One man page, run as a script: PROGRAM [CHIASM_COMMAND] --help -> PAGE, by help2man, which takes one
# program and so gets a script of that name that stands for program and command.
get_filename_component(folder ${PAGE} DIRECTORY)
set(script ${folder}/${NAME})
file(MAKE_DIRECTORY ${folder})
file(WRITE ${script} "#!/bin/sh\nexec '${PROGRAM}' ${CHIASM_COMMAND} \"$@\"\n")
file(CHMOD ${script} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
separate_arguments(words UNIX_COMMAND "${CHIASM_COMMAND}")
execute_process(COMMAND ${PROGRAM} ${words} --help OUTPUT_VARIABLE help
  COMMAND_ERROR_IS_FATAL ANY)
# the line below "Usage:" says what it is
string(REGEX REPLACE "^[^\n]*\n([^\n.:]*).*" "\\1" summary "${help}")
execute_process(
  COMMAND ${HELP2MAN} --no-info --section=1 --manual=chiasm --source=chiasm
    --version-string=${VERSION} --name=${summary} --output=${PAGE} ${script}
  COMMAND_ERROR_IS_FATAL ANY)
