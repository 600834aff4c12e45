// Event times: finds the time that a log line says about itself.
//
// Both functions are pure, read no clock and no locale, and accept any bytes. A time is looked for
// at the start of the line, at word starts within its first kTimestampReach bytes, and, in a JSON
// line, behind the keys time, ts, timestamp and @timestamp. Styles: RFC 3339 and its relatives,
// syslog, ctime, Apache, compact digits (YYMMDD HHMMSS), klog, month-day, epoch s/ms/us/ns, and
// the kernel's seconds since boot, which say no wall time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace silt::fold {

inline constexpr std::size_t kTimestampReach = 64;  // bytes

// A time as written: where, and which parts it names. Offsets are bytes into the line.
struct TimeText {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;  // one past the last byte; includes the zone, not the brackets
  bool relative = false;  // seconds since boot: nothing below is set
  bool epoch = false;     // only epoch_us is set
  bool has_year = false;
  bool has_zone = false;
  std::int16_t year = 0;
  std::uint8_t month = 0;  // 1..12
  std::uint8_t day = 0;    // 1..31, valid for the month (29 February counts as valid without a year)
  std::uint8_t hour = 0;
  std::uint8_t minute = 0;
  std::uint8_t second = 0;  // 60 (a leap second) is read as 59
  std::int32_t micros = 0;
  std::int32_t zone_s = 0;  // seconds east of UTC
  std::int64_t epoch_us = 0;
};

std::optional<TimeText> find_timestamp(std::string_view line);

// The bytes at the line's begin that have a say in what find_timestamp found: it finds the same in any line that
// begins so, if the two have digits at the same places.
std::size_t time_reach(std::string_view line, const std::optional<TimeText>& found);

// A line without a year is from the past: its year is the latest one that does not put it after its
// arrival by more than this, which a clock that runs ahead or a missing zone may do.
inline constexpr std::int64_t kClockAheadMaxUs = std::int64_t{2} * 86'400'000'000;

// But a line goes on in the year of the one before it, if it would fall back by a year and is not so far
// ahead as that: clocks may run ahead by days.
inline constexpr std::int64_t kClockAheadInOrderMaxUs = std::int64_t{7} * 86'400'000'000;

// Microseconds since 1970-01-01 UTC, or nothing for a relative time. `arrival_us` decides a missing
// year, or an earlier time that the line cannot be later than; `default_zone_s` a missing zone; `before_us`
// is the time of the line before, 0 if it is not known.
std::optional<std::int64_t> resolve_time(const TimeText& text, std::int64_t arrival_us,
                                         std::int32_t default_zone_s, std::int64_t before_us = 0);

struct EventTime {
  std::int64_t time_us = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// find_timestamp and resolve_time in one step.
std::optional<EventTime> parse_timestamp(std::string_view line, std::int64_t arrival_us,
                                         std::int32_t default_zone_s);

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day);

}  // namespace silt::fold
