# Every outside library, with what Debian 12 needs to be told about it. Nowhere else.
find_package(Threads REQUIRED)

if(SILT_DAEMON)
  find_package(PkgConfig REQUIRED)
  find_package(Protobuf REQUIRED)  # module mode: Debian ships no CMake configuration for it
  find_package(gRPC CONFIG REQUIRED)
  find_package(RocksDB CONFIG REQUIRED)
  find_package(Boost 1.81 CONFIG REQUIRED)
  find_package(CLI11 CONFIG REQUIRED)
  find_package(spdlog CONFIG REQUIRED)
  find_package(OpenSSL REQUIRED)
  pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)
  pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
  pkg_check_modules(GUMBO REQUIRED IMPORTED_TARGET gumbo)
  pkg_check_modules(MD4C REQUIRED IMPORTED_TARGET md4c)
  pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
  pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
  pkg_check_modules(HYPERSCAN REQUIRED IMPORTED_TARGET libhs)
  pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
  pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
  pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)

  find_library(STEMMER_LIBRARY stemmer REQUIRED)

  # toml++: the CMake target switches to a library built with exceptions; header-only does not.
  find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)
  add_library(silt_toml INTERFACE)
  target_include_directories(silt_toml SYSTEM INTERFACE ${TOMLPLUSPLUS_INCLUDE_DIR})
  target_compile_definitions(silt_toml INTERFACE TOML_HEADER_ONLY=1 TOML_EXCEPTIONS=0)
endif()
if(SILT_TESTS)
  find_package(GTest REQUIRED)
endif()
