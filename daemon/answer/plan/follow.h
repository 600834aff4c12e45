// Follow-ups: questions that go on from the last one: "and yesterday?", "only from db3", "which hosts?",
// "how many of those were root?".
#pragma once

#include "daemon/answer/language/reading.h"
#include "daemon/answer/plan/planner.h"
#include "daemon/answer/query.h"

namespace silt::answer::plan {

// Whether the question makes no sense alone.
bool goes_on(const language::Reading& reading);

// Makes of the candidate, which was planned from the question alone, what it says after `last`: what the
// question leaves open stays as it was.
void go_on(const Query& last, const language::Reading& reading, Candidate& candidate);

}  // namespace silt::answer::plan
