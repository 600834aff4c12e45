#include "base/clock.h"

#include <gtest/gtest.h>

#include <ctime>

namespace silt {
namespace {

TEST(Clock, TheSystemsWallClockCountsMicrosecondsSince1970) {
  const std::int64_t before_s = std::time(nullptr);
  const std::int64_t now_us = SystemClock().wall_us();
  EXPECT_GE(now_us / 1'000'000, before_s);
  EXPECT_LE(now_us / 1'000'000, std::time(nullptr));
}

TEST(Clock, TheMonotonicClockNeverGoesBack) {
  const SystemClock clock;
  std::int64_t last_us = clock.monotonic_us();
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t now_us = clock.monotonic_us();
    ASSERT_GE(now_us, last_us);
    last_us = now_us;
  }
}

TEST(Clock, AManualClockStandsStillUntilItIsMoved) {
  ManualClock clock(5);
  EXPECT_EQ(clock.wall_us(), 5);
  clock.advance_us(10);
  EXPECT_EQ(clock.wall_us(), 15);
  EXPECT_EQ(clock.monotonic_us(), 15);
}

TEST(Clock, TimesAreWrittenAsRfc3339) {
  EXPECT_EQ(rfc3339_utc(1'795'294'475'000'007), "2026-11-21T20:54:35.000007Z");
  EXPECT_EQ(rfc3339_utc(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(rfc3339_utc(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(rfc3339_utc(951'782'400'000'000), "2000-02-29T00:00:00.000000Z");
}

}  // namespace
}  // namespace silt
