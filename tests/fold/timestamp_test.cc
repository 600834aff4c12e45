#include "daemon/fold/timestamp.h"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>

#include "tests/fold/lines.h"

namespace silt::fold {
namespace {

// Microseconds of a UTC date, by the C library: an independent judge.
std::int64_t utc(int year, int month, int day, int hour = 0, int minute = 0, int second = 0, int micros = 0) {
  std::tm parts{};
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = day;
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = second;
  return static_cast<std::int64_t>(timegm(&parts)) * 1'000'000 + micros;
}

const std::int64_t kArrival = utc(2026, 11, 21, 21, 0, 0);

struct Style {
  const char* line;
  std::int64_t time_us;
  const char* text;  // the span that is the time
};

class TimestampStyles : public ::testing::TestWithParam<Style> {};

TEST_P(TimestampStyles, ReadsTimeAndSpan) {
  const std::string_view line = GetParam().line;
  const auto time = parse_timestamp(line, kArrival, 0);
  ASSERT_TRUE(time) << line;
  EXPECT_EQ(time->time_us, GetParam().time_us) << line;
  EXPECT_EQ(line.substr(time->begin, time->end - time->begin), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Styles, TimestampStyles,
    ::testing::Values(
        Style{"2026-11-21T20:54:35Z started", utc(2026, 11, 21, 20, 54, 35), "2026-11-21T20:54:35Z"},
        Style{"2026-11-21T20:54:35.123456789+02:00 x", utc(2026, 11, 21, 18, 54, 35, 123456),
              "2026-11-21T20:54:35.123456789+02:00"},
        Style{"2026-11-21 20:54:35,978 WARN x", utc(2026, 11, 21, 20, 54, 35, 978000),
              "2026-11-21 20:54:35,978"},
        Style{"2026-11-21 20:54:35 -0530 x", utc(2026, 11, 22, 2, 24, 35), "2026-11-21 20:54:35 -0530"},
        Style{"2026-11-21 20:54:35 UTC [77] LOG: ready", utc(2026, 11, 21, 20, 54, 35),
              "2026-11-21 20:54:35 UTC"},
        Style{"Start-Date: 2026-11-21  20:54:35", utc(2026, 11, 21, 20, 54, 35), "2026-11-21  20:54:35"},
        Style{"2026/11/21 20:54:35 [error] 7#7: x", utc(2026, 11, 21, 20, 54, 35), "2026/11/21 20:54:35"},
        Style{"n7 2026-11-21-20.54.35.675872 RAS", utc(2026, 11, 21, 20, 54, 35, 675872),
              "2026-11-21-20.54.35.675872"},
        Style{"Nov 21 20:54:35 quartz gated[7]: x", utc(2026, 11, 21, 20, 54, 35), "Nov 21 20:54:35"},
        Style{"<34>Nov  3 04:05:06 quartz x", utc(2026, 11, 3, 4, 5, 6), "Nov  3 04:05:06"},
        Style{"Nov 21 2025 20:54:35: %LINK-3", utc(2025, 11, 21, 20, 54, 35), "Nov 21 2025 20:54:35"},
        Style{"[Sat Nov 21 20:54:35.250000 2026] [core] x", utc(2026, 11, 21, 20, 54, 35, 250000),
              "Sat Nov 21 20:54:35.250000 2026"},
        Style{"Date: Sat, 21 Nov 2026 20:54:35 GMT", utc(2026, 11, 21, 20, 54, 35),
              "Sat, 21 Nov 2026 20:54:35 GMT"},
        Style{"10.0.0.7 - otto [21/Nov/2026:20:54:35 +0100] \"GET / HTTP/1.1\" 200 5",
              utc(2026, 11, 21, 19, 54, 35), "21/Nov/2026:20:54:35 +0100"},
        Style{"081109 203615 148 INFO x", utc(2008, 11, 9, 20, 36, 15), "081109 203615"},
        Style{"17/06/09 20:10:40 INFO x", utc(2017, 6, 9, 20, 10, 40), "17/06/09 20:10:40"},
        Style{"21/11/2026 20:54:35 x", utc(2026, 11, 21, 20, 54, 35), "21/11/2026 20:54:35"},
        Style{"11/21/2026 20:54:35 x", utc(2026, 11, 21, 20, 54, 35), "11/21/2026 20:54:35"},
        Style{"134681 node-246 unix.hw state 1795294475 1 Component", utc(2026, 11, 21, 20, 54, 35), "1795294475"},
        Style{"21. November 2026, 20:54:35 x", utc(2026, 11, 21, 20, 54, 35), "21. November 2026, 20:54:35"},
        Style{"M\xc3\xa4r 21 20:54:35 host x", utc(2026, 3, 21, 20, 54, 35), "M\xc3\xa4r 21 20:54:35"},
        Style{"Okt  3 20:54:35 host x", utc(2026, 10, 3, 20, 54, 35), "Okt  3 20:54:35"},
        Style{"Dez 21 20:54:35 host x", utc(2025, 12, 21, 20, 54, 35), "Dez 21 20:54:35"},
        Style{"21 f\xc3\xa9vr. 2026 20:54:35 x", utc(2026, 2, 21, 20, 54, 35), "21 f\xc3\xa9vr. 2026 20:54:35"},
        Style{"ao\xc3\xbbt 21 20:54:35 x", utc(2026, 8, 21, 20, 54, 35), "ao\xc3\xbbt 21 20:54:35"},
        Style{"21/ene/2026:20:54:35 +0000 x", utc(2026, 1, 21, 20, 54, 35), "21/ene/2026:20:54:35 +0000"},
        Style{"21 Nov 20:54:35.5 x", utc(2026, 11, 21, 20, 54, 35, 500000), "21 Nov 20:54:35.5"},
        Style{"21.11.2026 20:54:35 x", utc(2026, 11, 21, 20, 54, 35), "21.11.2026 20:54:35"},
        Style{"11/21/2026 8:54:35 PM x", utc(2026, 11, 21, 20, 54, 35), "11/21/2026 8:54:35 PM"},
        Style{"1/2/2026, 12:04:05 AM x", utc(2026, 1, 2, 0, 4, 5), "1/2/2026, 12:04:05 AM"},
        Style{"2026-11-21, 20:54:35 x", utc(2026, 11, 21, 20, 54, 35), "2026-11-21, 20:54:35"},
        Style{"20171223-22:15:29:606|Step|x", utc(2017, 12, 23, 22, 15, 29, 606000), "20171223-22:15:29:606"},
        Style{"20171224-0:3:7:29|Step|x", utc(2017, 12, 24, 0, 3, 7, 29000), "20171224-0:3:7:29"},
        Style{"20261121T205435Z x", utc(2026, 11, 21, 20, 54, 35), "20261121T205435Z"},
        Style{"03-17 16:13:38.811  17 22 D x", utc(2026, 3, 17, 16, 13, 38, 811000), "03-17 16:13:38.811"},
        Style{"[10.30 16:49:06] app.exe x", utc(2026, 10, 30, 16, 49, 6), "10.30 16:49:06"},
        Style{"I1121 20:54:35.123456       1 gate.go:7] x", utc(2026, 11, 21, 20, 54, 35, 123456),
              "1121 20:54:35.123456"},
        Style{"1795294475 one", 1795294475'000'000, "1795294475"},
        Style{"1795294475.25 one", 1795294475'250'000, "1795294475.25"},
        Style{"- 1117838570 2005.06.03 n", 1117838570'000'000, "1117838570"},
        Style{"1795294475123 one", 1795294475'123'000, "1795294475123"},
        Style{"1795294475123456 one", 1795294475'123'456, "1795294475123456"},
        Style{R"({"level":"info","ts":1795294475.5,"msg":"x"})", 1795294475'500'000, "1795294475.5"},
        Style{R"({"msg":"x","time":"2026-11-21T20:54:35Z"})", utc(2026, 11, 21, 20, 54, 35),
              "2026-11-21T20:54:35Z"},
        Style{R"({"@timestamp": "2026-11-21T20:54:35.5Z"})", utc(2026, 11, 21, 20, 54, 35, 500000),
              "2026-11-21T20:54:35.5Z"},
        Style{"ts=2026-11-21T20:54:35.5Z level=info", utc(2026, 11, 21, 20, 54, 35, 500000),
              "2026-11-21T20:54:35.5Z"}));

TEST(Timestamp, LinesWithoutTimeGiveNone) {
  for (const char* line :
       {"", "no time here", "10.25.1.7 answered", "1234567 lines", "2026-13-21 20:54:35 x",
        "2026-02-30 20:54:35 x", "Nov 21 25:54:35 x", "Novel 21 20:54:35", "99999999999 x",
        "user 1795294475 logged in", "[   12.345678] eth0: link up", "2026-11-21 release"}) {
    EXPECT_FALSE(parse_timestamp(line, kArrival, 0)) << line;
  }
}

TEST(Timestamp, KernelTimeIsFoundButNoWallTime) {
  const auto text = find_timestamp("[   12.345678] eth0: link up");
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->relative);
  EXPECT_EQ(text->begin, 4u);
  EXPECT_EQ(text->end, 13u);
}

TEST(Timestamp, LooksOnlyNearTheStart) {
  const std::string far = std::string(kTimestampReach, 'x') + " 2026-11-21 20:54:35";
  EXPECT_FALSE(find_timestamp(far));
}

TEST(Timestamp, MissingYearIsTheLatestThatIsNotTheFuture) {
  // A December line that arrives in January, and the reverse.
  const auto last_year = parse_timestamp("Dec 31 23:59:59 q x", utc(2027, 1, 1, 0, 0, 5), 0);
  ASSERT_TRUE(last_year);
  EXPECT_EQ(last_year->time_us, utc(2026, 12, 31, 23, 59, 59));
  const auto next_year = parse_timestamp("Jan  1 00:00:01 q x", utc(2026, 12, 31, 23, 59, 58), 0);
  ASSERT_TRUE(next_year);
  EXPECT_EQ(next_year->time_us, utc(2027, 1, 1, 0, 0, 1));
  // An old file read late: March is last March, however near the next one is.
  const auto spring = parse_timestamp("Mar 28 12:00:00 q x", utc(2026, 11, 21, 0, 0, 0), 0);
  ASSERT_TRUE(spring);
  EXPECT_EQ(spring->time_us, utc(2026, 3, 28, 12, 0, 0));
  const auto ahead = parse_timestamp("Nov 24 12:00:00 q x", utc(2026, 11, 21, 0, 0, 0), 0);
  ASSERT_TRUE(ahead);
  EXPECT_EQ(ahead->time_us, utc(2025, 11, 24, 12, 0, 0));
  const auto leap = parse_timestamp("Feb 29 12:00:00 q x", utc(2026, 11, 21, 0, 0, 0), 0);
  ASSERT_TRUE(leap);
  EXPECT_EQ(leap->time_us, utc(2024, 2, 29, 12, 0, 0));
}

TEST(Timestamp, ALineGoesOnInTheYearOfTheOneBefore) {
  struct Case {
    const char* line;
    std::int64_t arrival_us;
    std::int64_t before_us;
    std::int64_t time_us;
  };
  const std::int64_t arrival = utc(2026, 11, 21);
  const Case cases[] = {
      // A clock that runs ahead by days does not throw its lines back by a year.
      {"Nov 25 12:00:00 q x", arrival, utc(2026, 11, 20), utc(2026, 11, 25, 12)},
      {"Nov 25 12:00:00 q x", arrival, 0, utc(2025, 11, 25, 12)},
      {"Nov 29 12:00:00 q x", arrival, utc(2026, 11, 20), utc(2025, 11, 29, 12)},  // but not further
      // Over New Year, both ways: also where the clock was set back, and where the lines come late.
      {"Jan  1 00:00:01 q x", utc(2027, 1, 1, 0, 0, 2), utc(2026, 12, 31, 23, 59, 59), utc(2027, 1, 1, 0, 0, 1)},
      {"Dec 31 23:59:59 q x", utc(2027, 1, 1, 0, 0, 2), utc(2027, 1, 1, 0, 0, 1), utc(2026, 12, 31, 23, 59, 59)},
      {"Jan  4 00:00:01 q x", utc(2026, 12, 31, 12), utc(2026, 12, 31, 11), utc(2027, 1, 4, 0, 0, 1)},
      {"Dec 30 08:00:00 q x", utc(2027, 3, 1), utc(2026, 12, 29), utc(2026, 12, 30, 8)},
      {"Jan  2 08:00:00 q x", utc(2027, 3, 1), utc(2026, 12, 31), utc(2027, 1, 2, 8)},
      // A file that was quiet for most of a year.
      {"Nov 20 08:00:00 q x", arrival, utc(2026, 2, 1), utc(2026, 11, 20, 8)},
  };
  for (const Case& one : cases) {
    const auto text = find_timestamp(one.line);
    ASSERT_TRUE(text) << one.line;
    EXPECT_EQ(resolve_time(*text, one.arrival_us, 0, one.before_us), one.time_us) << one.line << " " << one.before_us;
  }
}

TEST(Timestamp, MonthsOfFourLanguages) {
  for (const std::string_view month : {"décembre", "Dezember", "diciembre", "December"}) {
    const std::string line = "[21/" + std::string(month) + "/2026:20:54:35 +0000] x";
    const auto text = "21 " + std::string(month) + " 2026 20:54:35 x";
    const auto found = parse_timestamp(text, utc(2026, 12, 31), 0);
    const auto other = parse_timestamp(line, utc(2026, 12, 31), 0);
    ASSERT_TRUE(found || other) << month;
    EXPECT_EQ((found ? found : other)->time_us, utc(2026, 12, 21, 20, 54, 35)) << month;
  }
}

TEST(Timestamp, DefaultZoneAppliesOnlyWithoutZone) {
  EXPECT_EQ(parse_timestamp("2026-11-21 20:54:35 x", kArrival, 3600)->time_us, utc(2026, 11, 21, 19, 54, 35));
  EXPECT_EQ(parse_timestamp("2026-11-21 20:54:35Z x", kArrival, 3600)->time_us,
            utc(2026, 11, 21, 20, 54, 35));
}

TEST(Timestamp, CivilDaysAgreeWithTheLibrary) {
  for (int year = 1970; year < 2200; ++year) {
    for (const auto& [month, day] : {std::pair{1, 1}, {2, 28}, {3, 1}, {12, 31}}) {
      EXPECT_EQ(
          days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) * 86'400'000'000,
          utc(year, month, day, 0, 0, 0));
    }
  }
}

TEST(Timestamp, AnyBytesAndAnyArrivalAreSafe) {
  std::mt19937_64 random(11);
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < 20000; ++i) {
    const std::string line = testing::noise(random, 100);
    if (const auto text = find_timestamp(line)) {
      EXPECT_LT(text->begin, text->end);
      EXPECT_LE(text->end, line.size());
    }
  }
  EXPECT_TRUE(find_timestamp("9999999999999999999 x"));  // more than a signed number holds
  for (const std::int64_t arrival : {-kMax - 1, std::int64_t{0}, kMax}) {
    EXPECT_TRUE(parse_timestamp("Nov 21 20:54:35 q x", arrival, 0));
  }
}

}  // namespace
}  // namespace silt::fold
