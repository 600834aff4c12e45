#include "cli/when.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace silt::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;

class When : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "Europe/Berlin", 1);
    ::tzset();
  }
  // 2026-11-21 20:54:35 UTC, which is 21:54:35 in Berlin
  static constexpr std::int64_t kNow = 1'795'294'475 * kSecond;

  static std::string local(const std::string& text) {
    const Result<std::int64_t> time_us = parse_when(text, kNow);
    return time_us.is_ok() ? format_local(*time_us) : time_us.status().message();
  }
};

TEST_F(When, UnderstandsRelativeTimes) {
  EXPECT_EQ(*parse_when("now", kNow), kNow);
  EXPECT_EQ(*parse_when("90s", kNow), kNow - 90 * kSecond);
  EXPECT_EQ(*parse_when("2h", kNow), kNow - 2 * kHour);
  EXPECT_EQ(*parse_when("3d", kNow), kNow - 72 * kHour);
  EXPECT_EQ(*parse_when("1w", kNow), kNow - 168 * kHour);
}

TEST_F(When, UnderstandsTheLocalClock) {
  EXPECT_EQ(local("09:00"), "2026-11-21 09:00:00");
  EXPECT_EQ(local("21:54:35"), "2026-11-21 21:54:35");
  EXPECT_EQ(local("22:00"), "2026-11-20 22:00:00");  // the last time it was that late
  EXPECT_EQ(local("today"), "2026-11-21 00:00:00");
  EXPECT_EQ(local("yesterday"), "2026-11-20 00:00:00");
}

TEST_F(When, UnderstandsDates) {
  EXPECT_EQ(local("2026-11-20"), "2026-11-20 00:00:00");
  EXPECT_EQ(local("2026-11-20 08:15"), "2026-11-20 08:15:00");
  EXPECT_EQ(local("2026-07-01T08:15:30"), "2026-07-01 08:15:30");  // summer time
  EXPECT_EQ(*parse_when("2026-11-21T20:54:35Z", 0), kNow);
  EXPECT_EQ(*parse_when("2026-11-21T21:54:35.25+01:00", 0), kNow + kSecond / 4);
  EXPECT_EQ(*parse_when("2026-11-21T15:24:35-0530", 0), kNow);
}

TEST_F(When, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "soon", "25:00", "9:00", "2026-13-01", "2026-02-30", "2026-11-21T", "10", "-5m", "5x",
        "2026-11-21T09:00:00+99:00", "09:00:00:00", "99999999999999999999d"}) {
    const Result<std::int64_t> time_us = parse_when(text, kNow);
    ASSERT_FALSE(time_us.is_ok()) << text;
    EXPECT_NE(time_us.status().message().find("use 09:00"), std::string::npos);
  }
}

TEST_F(When, PrintsUtcWithMicroseconds) {}

}  // namespace
}  // namespace silt::cli
