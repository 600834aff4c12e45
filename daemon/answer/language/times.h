// Time expressions of questions: "since 09:00", "in the last 24h", "between 9:10 and 9:20", "on the
// morning of March 29th", "end of june", "20:xx", "9pm to midnight", "gestern", "seit 8 Uhr".
//
// What is relative (yesterday, last hour) counts from the asker's now. What leaves something out (a
// year, a day) is completed from the time that the source covers: the latest such day in it. A time of
// day alone holds for each day of the source. Days are those of the asker's zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/answer/language/token.h"
#include "daemon/answer/query.h"

namespace silt::answer::language {

struct TimeContext {
  std::int64_t now_us = 0;
  std::int32_t zone_s = 0;
  std::int64_t first_us = 0;  // of the source
  std::int64_t last_us = 0;
  Window asked;               // of the last question of a conversation: "the day after"
};

// All expressions in the order they are written; their words are marked as taken.
std::vector<Window> take_times(std::vector<QuestionWord>& words, const TimeContext& context);
// A point in time that is written in full ("2026-11-20T09:00:00Z") or from now on back: "2h", "yesterday", "09:00".
// Without a `now_us` only the former.
std::optional<std::int64_t> point_in_time(std::string_view text, const TimeContext& context);
// Dates and times of day that there are not, as written: "february 30", "25:99".
std::vector<std::string> impossible_times(const std::vector<QuestionWord>& words);
// What all of them leave.
Window intersect(const std::vector<Window>& windows);

}  // namespace silt::answer::language
