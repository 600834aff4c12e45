# Writes OUT, a .cc that defines texts declared in HEADER: cmake -DOUT= -DDIR= -DHEADER= -DNAMESPACE= -DENTRIES= -P
# embed_texts.cmake. ENTRIES is a list of NAME=FILE, with FILE below DIR.
set(text "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\n")
foreach(entry IN LISTS ENTRIES)
  string(REPLACE "=" ";" parts "${entry}")
  list(GET parts 0 name)
  list(GET parts 1 file)
  file(READ "${DIR}/${file}" content)
  string(APPEND text "const std::string_view ${name} = R\"text(${content})text\";\n\n")
endforeach()
string(APPEND text "}  // namespace ${NAMESPACE}\n")
file(WRITE "${OUT}" "${text}")
