// Story: which patterns of a result are worth telling, for summaries, "anything unusual?" and "what
// went wrong?": severe ones, rare ones, first appearances, and what makes up most of the records.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/status.h"
#include "daemon/answer/plan/planner.h"
#include "daemon/answer/query.h"
#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/oddness.h"
#include "daemon/answer/search/quantity.h"

namespace silt::answer::reply {

struct StoryLine {
  search::Hit hit;           // the first record of the pattern in the result
  std::uint64_t count = 0;
};

// A record that the source's weights did not expect.
struct OddLine {
  search::Hit hit;
  search::OddRecord odd;
};

// In the order of time for summaries, else oddest first.
Result<std::vector<StoryLine>> tell(const store::RecordLog& log, const search::Profiles& scope,
                                    const search::Outcome& outcome, Op op, std::size_t most);

// Records right before and after a hit: what led to it.
Result<std::vector<search::Hit>> around(const store::RecordLog& log, const search::Profiles& scope, const search::Hit& hit,
                                        std::size_t before, std::size_t after);

// The parts of a text around its lines that fit best, best first; no line is in two of them.
using Passage = std::vector<search::Hit>;
Result<std::vector<Passage>> passages(const store::RecordLog& log, const search::Profiles& scope, const plan::Candidate& candidate);

// The quantity of the passage that measures this: 15 of "for over 15 minutes". Of several the first one whose
// sentence holds most of the words.
std::optional<search::Quantity> quantity_in(const Passage& passage, search::Measure measure, const std::vector<std::string>& words);

// 0 for everyday lines, up to 1 for those that say that something failed.
float alarm_of(const search::PatternProfile& pattern);

}  // namespace silt::answer::reply
