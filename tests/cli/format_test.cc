#include "cli/format.h"

#include <gtest/gtest.h>

#include "cli/client.h"

namespace silt::cli {
namespace {

TEST(Format, Counts) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(18'446'744'073'709'551'615U), "18,446,744,073,709,551,615");
}

TEST(Format, Bytes) {
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1000), "1.0 kB");
  EXPECT_EQ(format_bytes(999'949), "999.9 kB");
  EXPECT_EQ(format_bytes(999'999), "1.0 MB");
  EXPECT_EQ(format_bytes(18'446'744'073'709'551'615U), "18.4 EB");
}

TEST(Format, Durations) {
  EXPECT_EQ(format_duration(59), "59 s");
  EXPECT_EQ(format_duration(3599), "59 min");
  EXPECT_EQ(format_duration(3661), "1 h 1 min");
  EXPECT_EQ(format_duration(90'000), "1 d 1 h");
}

TEST(ExitCode, SaysWhatAScriptNeeds) {
  EXPECT_EQ(exit_code(Status::ok()), 0);
  EXPECT_EQ(exit_code(not_found("")), 1);
  EXPECT_EQ(exit_code(invalid_argument("")), 2);
  EXPECT_EQ(exit_code(failed_precondition("")), 2);
  EXPECT_EQ(exit_code(Status(Code::kAlreadyExists, "")), 2);
  EXPECT_EQ(exit_code(unavailable("")), 69);
  EXPECT_EQ(exit_code(internal_error("")), 70);
  EXPECT_EQ(exit_code(resource_exhausted("")), 75);
  EXPECT_EQ(exit_code(permission_denied("")), 77);
}

}  // namespace
}  // namespace silt::cli
