// What an assistant may add to an answer: a query where silt's own reading found none, and sentences about what was
// found. Any failure is logged and leaves silt's own answer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/answer/assistant.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/answer/search/execute.h"
#include "proto/silt/v1/ask.pb.h"

namespace silt::answer {

// The assistant's query, run: nothing where it has none, names a source that is not in `scope`, or finds nothing.
std::optional<reply::Judged> judged_by(Assistant& assistant, const store::RecordLog& log, const search::Profiles& scope,
                                       const std::string& question, std::int64_t now_us, const search::Limits& limits);

// Sentences that the reply and its citations, which were read again and checked, support; empty: none.
std::string sentences_by(Assistant& assistant, const std::string& question, const reply::Reply& reply,
                         const std::vector<silt::v1::Citation>& citations);

}  // namespace silt::answer
