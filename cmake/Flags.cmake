# Compiler flags for every silt target: an interface library that they all link.
add_library(silt_flags INTERFACE)
target_include_directories(silt_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(silt_flags INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
  -fstack-protector-strong -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
# Bits must not depend on how a compiler fuses a*b+c: kernels ask for FMA by intrinsics.
target_compile_options(silt_flags INTERFACE -ffp-contract=off)
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_definitions(silt_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
target_compile_definitions(silt_flags INTERFACE _GLIBCXX_ASSERTIONS)
target_link_options(silt_flags INTERFACE -Wl,-z,relro,-z,now)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(SILT_SANITIZE)
  target_compile_options(silt_flags INTERFACE -fsanitize=${SILT_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(silt_flags INTERFACE -fsanitize=${SILT_SANITIZE})
endif()

find_program(SILT_MOLD mold)
if(SILT_MOLD AND NOT SILT_SANITIZE)
  add_link_options(-fuse-ld=mold)
endif()
find_program(SILT_CCACHE ccache)
if(SILT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SILT_CCACHE})
endif()
