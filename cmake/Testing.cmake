# silt_test(NAME FILES... [LIBS ...] [LABELS ...]): one GoogleTest executable, one ctest entry per
# test case. Tests find their data with SILT_SOURCE_DIR and write only to temporary folders.
include(GoogleTest)

function(silt_test name)
  cmake_parse_arguments(TEST "" "" "FILES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${TEST_FILES})
  target_link_libraries(${name} PRIVATE silt_flags ${TEST_LIBS} GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE SILT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set(properties TIMEOUT 600)
  if(TEST_LABELS)  # an empty value would be dropped on the way, and TIMEOUT become the label
    list(APPEND properties LABELS "${TEST_LABELS}")
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
endfunction()
