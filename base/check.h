// SILT_CHECK: a broken invariant of our own ends the process. Data, devices and requests never
// reach a check: they are reported as Status.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace silt::internal {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "<2>silt: check failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace silt::internal

#define SILT_CHECK(condition)                                                    \
  do {                                                                           \
    if (!(condition)) ::silt::internal::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
