# Joins the files of the page to one text and writes it as C: cmake -DFOLDER=src/explain/page -DOUT=page_text.c -P embed.cmake
# The scripts are one module, in the order of this list: a file uses at once what stands before it, and inside its functions all of them.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/files.cmake)

function(read_part name into)
  file(READ ${FOLDER}/${name} text)
  string(REPLACE "http://www.w3.org/2000/svg" "" rest "${text}")   # a name, not an address
  if(rest MATCHES "(@@|</script|</style|<!--|https?:)")
    message(FATAL_ERROR "${name} holds \"${CMAKE_MATCH_1}\", which a page that stands alone must not")
  endif()
  set(${into} "${text}" PARENT_SCOPE)
endfunction()

set(script "")
foreach(name ${PAGE_SCRIPTS})
  read_part(${name}.js text)
  string(APPEND script "${text}")
endforeach()
read_part(page.css style)
file(READ ${FOLDER}/page.html page)
string(REPLACE "@@style@@" "${style}" page "${page}")
string(REPLACE "@@script@@" "${script}" page "${page}")

file(WRITE ${OUT}.page "${page}")
file(READ ${OUT}.page bytes HEX)
file(REMOVE ${OUT}.page)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x0a,)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "#include \"explain/page_text.h\"\n\nconst unsigned char heed_page_text[] = {\n${bytes}0};\nconst size_t heed_page_size = ${size};\n")
