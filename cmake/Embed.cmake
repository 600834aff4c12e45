# silt_embed(OUT HEADER NAMESPACE ENTRIES...): OUT, a .cc made at build time, defines the texts that HEADER declares. Each
# entry is NAME=FILE, with FILE below the current folder.
function(silt_embed out header namespace)
  set(files)
  foreach(entry IN LISTS ARGN)
    string(REGEX REPLACE "^[^=]*=" "" file ${entry})
    list(APPEND files ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DDIR=${CMAKE_CURRENT_SOURCE_DIR} -DHEADER=${header} -DNAMESPACE=${namespace}
            "-DENTRIES=${ARGN}" -P ${PROJECT_SOURCE_DIR}/cmake/embed_texts.cmake
    DEPENDS ${PROJECT_SOURCE_DIR}/cmake/embed_texts.cmake ${files}
    VERBATIM)
endfunction()
