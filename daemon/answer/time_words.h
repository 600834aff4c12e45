// Time expressions of questions: "since 09:00", "in the last 24h", "between 9 and 10 yesterday",
// "on 2026-11-20", "3 hours ago", "gestern", "seit 8 Uhr".
//
// Relative words count from `now_us`. A time of day without a day is the latest one that is not
// after now. Days and times of day are of the zone `zone_s` seconds east of UTC.
#pragma once

#include <cstdint>
#include <span>

#include "daemon/answer/plan.h"
#include "daemon/answer/question.h"

namespace silt::answer {

struct TimeContext {
  std::int64_t now_us = 0;
  std::int32_t zone_s = 0;
};

// Finds all time expressions, marks their tokens used and returns the intersection of what they say.
TimeRange take_times(std::span<QuestionToken> tokens, const TimeContext& context);

// For "compare X with Y": the ranges in the order they are written, each expression on its own.
std::vector<TimeRange> take_time_list(std::span<QuestionToken> tokens, const TimeContext& context);

}  // namespace silt::answer
