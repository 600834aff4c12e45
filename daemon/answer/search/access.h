// Access: which parts of a source a query must read, and how closely. Headers of segments say which patterns
// are in them, how often and when, so of a large source most parts are left out or counted as they stand.
//
// The outcome is that of reading every record: a part is counted by its header only where no record of it can
// be among those that an outcome shows (the first and last by time, the first of a pattern, the sample).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/status.h"
#include "daemon/answer/search/filter.h"
#include "daemon/answer/search/outcome.h"
#include "daemon/store/record_log.h"

namespace silt::answer::search {

enum class Detail : std::uint8_t { kNothing, kCounts, kRecords };

struct Part {
  store::Seq first_seq = 0;
  store::Seq last_seq = 0;
  Detail detail = Detail::kRecords;
  std::vector<PatternCount> counts;          // of kCounts: what the query means of it, all of it
  std::vector<store::PatternId> patterns;    // of kRecords: those it may mean, ascending; none: any
};

struct AccessNeeds {
  bool counts_suffice = false;  // for all collectors
  std::size_t sample = 0;       // records that are shown from the start
};

struct AccessPlan {
  std::vector<Part> parts;  // in order; the last one goes on to the source's end
  bool complete = true;     // false: the time was up before all headers were read
};

Result<AccessPlan> plan_access(const store::RecordLog& log, const Profile& profile, std::size_t source,
                                      const Filter& filter, const AccessNeeds& needs,
                                      const std::function<bool()>& late);

}  // namespace silt::answer::search
