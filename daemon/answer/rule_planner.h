// The rule planner: English questions (and the basics of German ones) to query plans.
//
// A fixed table of cues decides the kind, the focus of the question decides what to take from a
// record, identifiers and quoted text become required terms, other content words rank records (and
// are required where records are counted). A pure function of question and context: the baseline
// that a learned planner has to beat, and its fallback.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/answer/plan.h"
#include "daemon/answer/time_words.h"

namespace silt::answer {

struct PlannerContext {
  // "Now" of relative times. Callers pass the clock while the newest event is at most a day old, and
  // the newest event time otherwise, so that "last hour" of an old log is its last hour.
  TimeContext time;
  std::vector<std::string> sources;  // names that the question may mention
};

QueryPlan plan_question(std::string_view question, const PlannerContext& context);

}  // namespace silt::answer
