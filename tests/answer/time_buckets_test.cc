// When the records of patterns came: the axis, and counts with and without headers.
#include "daemon/answer/search/time_buckets.h"

#include <gtest/gtest.h>

#include <numeric>

#include "daemon/tools/lines_store.h"

namespace silt::answer::search {
namespace {

constexpr std::int64_t kSecond = 1'000'000, kHour = 3600 * kSecond;
constexpr std::int64_t kMidnight = 1'795'219'200 * kSecond;  // 2026-11-21T00:00:00Z

TEST(TimeAxis, BeginsWhereAClockOfTheZoneSaysSo) {
  const TimeAxis axis = TimeAxis::over(kMidnight + 5 * kHour + 7 * kSecond, kMidnight + 29 * kHour, 0);
  EXPECT_EQ(axis.bucket_us, kHour);
  EXPECT_EQ(axis.begin_us, kMidnight + 5 * kHour);
  EXPECT_EQ(axis.buckets, 25U);
  const TimeAxis days = TimeAxis::over(kMidnight + 5 * kHour, kMidnight + 24 * 20 * kHour, 2 * 3600);
  EXPECT_EQ(days.bucket_us, 24 * kHour);
  EXPECT_EQ(days.begin_us, kMidnight - 2 * kHour);
}

TEST(TimeAxis, HoldsAnyTimes) {
  const TimeAxis moment = TimeAxis::over(kMidnight, kMidnight, 0);
  EXPECT_EQ(moment.buckets, 1U);
  EXPECT_EQ(moment.bucket_of(kMidnight - kHour), 0U);
  EXPECT_EQ(moment.bucket_of(kMidnight + kHour), 0U);
  const TimeAxis ages = TimeAxis::over(-kMidnight, 4 * kMidnight, 0);  // a clock that was not set, and one that was set wrongly
  EXPECT_LE(ages.buckets, TimeAxis::kBucketsMax);
  EXPECT_LE(ages.begin_us, -kMidnight);
  EXPECT_EQ(ages.bucket_of(4 * kMidnight), ages.buckets - 1);
  EXPECT_EQ(TimeAxis::over(kSecond, 0, 0).buckets, 0U);
}

TEST(CountTimes, EachRecordIsInTheBucketOfItsTime) {
  std::string log;
  for (int i = 0; i < 48; ++i)
    log += "2026-11-21T" + std::string(i / 2 < 10 ? "0" : "") + std::to_string(i / 2) + (i % 2 == 0 ? ":05:00Z " : ":35:00Z ") + (i < 40 ? "pump on\n" : "valve shut by hand\n");
  LinesStore lines;
  Profile profile;
  profile.ref = lines.add("pump.log", log, kMidnight + 24 * kHour);
  ASSERT_TRUE(update_profile(lines, lines, profile).is_ok());
  ASSERT_EQ(profile.patterns.size(), 2U);
  const TimeAxis axis = TimeAxis::over(kMidnight, kMidnight + 24 * kHour - 1, 0);
  const auto table = count_times(lines, profile, {profile.patterns[0].id, profile.patterns[1].id}, axis, {});
  ASSERT_TRUE(table.is_ok());
  EXPECT_TRUE(table->complete);
  for (const PatternProfile& pattern : profile.patterns) {
    const std::vector<std::uint64_t>& counts = table->patterns.at(pattern.id);
    ASSERT_EQ(counts.size(), 24U);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}), pattern.count);
    EXPECT_EQ(counts[3], pattern.text.find("pump") == std::string::npos ? 0U : 2U);
    EXPECT_EQ(counts[21], pattern.text.find("pump") == std::string::npos ? 2U : 0U);
  }
  Limits late;
  late.deadline = std::chrono::steady_clock::time_point::min();
  EXPECT_FALSE(count_times(lines, profile, {profile.patterns[0].id}, axis, late)->complete);
}

}  // namespace
}  // namespace silt::answer::search
