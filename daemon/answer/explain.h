// Explain: why a record, or any line, is or is not surprising to its source.
#pragma once

#include <string_view>

#include "base/status.h"
#include "daemon/answer/execute.h"
#include "daemon/answer/surprise.h"
#include "proto/silt/v1/ask.pb.h"

namespace silt::answer {

// Explains record `seq` of context.sources[0]. `scorer` may be null: then without token surprises.
// The model reads up to kContextRecords earlier records first, with the source's present weights, which
// may have learned the record since; Citation.bits has the surprise when it arrived.
Result<silt::v1::ExplainResponse> explain_record(const ExecuteContext& context, Seq seq,
                                                 SurpriseScorer* scorer);

// Explains a line that need not be in the journal, as if it came next. Its pattern is that of the most
// similar record.
Result<silt::v1::ExplainResponse> explain_line(const ExecuteContext& context, std::string_view line,
                                               SurpriseScorer* scorer);

}  // namespace silt::answer
