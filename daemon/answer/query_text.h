// The one-line form of a query, for people to read and type:
//   count words:failed|failure words:password not:root since:2026-11-20T09:00:00Z in:auth.log
//   duration from:opened to:closed words:session by:pid    average from:start to:done
//   top of:from:ip words:failed limit:5        max of:took if:status=200 if:bytes>1000B took:num<5 since:2h
// What is printed reads back as the same query.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "daemon/answer/language/times.h"
#include "daemon/answer/query.h"

namespace silt::answer {

std::string print_query(const Query& query);
// kInvalidArgument names the part that is not understood.
// Times may be relative to `now` ("since:2h"), if it has one.
Result<Query> parse_query(std::string_view text, const language::TimeContext& now = {});

}  // namespace silt::answer
