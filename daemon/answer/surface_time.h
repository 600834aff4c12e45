// Points in time of surface plans: "yesterdayT09:30", "-2h", "mon", "2026-11-20". Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/answer/time_words.h"

namespace silt::answer {

// How far `text` goes with the grammar of points: it is one, it may become one, or neither. What is one
// may go on as well ("today", "todayT09:00").
enum class PointMatch { kNone, kPrefix, kWhole };
PointMatch match_point(std::string_view text);

// What a point covers as it is written: a day, a minute, a second.
struct PointRange {
  std::int64_t begin_us = 0;
  std::int64_t end_us = 0;  // not included
  bool day = false;         // a whole day: "until" takes it in
};

// Nothing for what is no point, or a day that is in no calendar.
std::optional<PointRange> read_point(std::string_view text, const TimeContext& context);

}  // namespace silt::answer
