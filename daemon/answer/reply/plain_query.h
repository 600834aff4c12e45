// A query that somebody typed, or a program sent: nothing of it is judged, it is run as it stands.
#pragma once

#include "base/status.h"
#include "daemon/answer/reply/judge.h"

namespace silt::answer::reply {

// Over all sources of `scope`. Stated, whatever was found: has_answer() says whether anything was.
Result<Judged> run_query(const store::RecordLog& log, const search::Profiles& scope, Query query, const search::Limits& limits);

}  // namespace silt::answer::reply
