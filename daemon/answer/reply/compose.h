// Composes the reply: the value first, then how the question was read, the query, "n of N", and the
// records that it rests on.
#pragma once

#include <string>
#include <vector>

#include "daemon/answer/reply/judge.h"

namespace silt::answer::reply {

struct Reply {
  std::string text;                    // the whole answer
  std::vector<search::Hit> citations;  // in the order of their numbers; sources index Judged::scope
};

Reply compose(const Judged& judged, std::int32_t zone_s, std::size_t citations_max);

// "2026-11-20 09:00:00 +00:00"
std::string time_text(std::int64_t us, std::int32_t zone_s);

}  // namespace silt::answer::reply
