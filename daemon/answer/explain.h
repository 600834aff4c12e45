// Explain: why a record, or any line, is or is not surprising to its source.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "base/status.h"
#include "daemon/answer/names.h"
#include "daemon/answer/surprise.h"
#include "daemon/store/fold_store.h"
#include "proto/silt/v1/ask.pb.h"

namespace silt::answer {

// A source and how far it is read, folded and learned.
struct AnswerSource {
  SourceInfo info;
  NetHead net;
  store::FoldHead fold;
  Seq journal_seq = 0;
  std::shared_ptr<const Snapshot> snapshot;  // null: never published
};

// All of it stays the caller's. `cancelled` becoming true ends the work with kCancelled.
struct ExplainContext {
  const RecordLog& log;
  const EvidenceStore& evidence;
  const AnswerSource& source;
  const std::atomic<bool>& cancelled;
};

// Explains record `seq` of the source. `scorer` may be null: then without token surprises.
// The model reads up to kContextRecords earlier records first, with the source's present weights, which
// may have learned the record since; Citation.bits has the surprise when it arrived.
Result<silt::v1::ExplainResponse> explain_record(const ExplainContext& context, Seq seq, SurpriseScorer* scorer);

// Explains a line that need not be in the journal, as if it came next. Its pattern is that of the most
// similar record.
Result<silt::v1::ExplainResponse> explain_line(const ExplainContext& context, std::string_view line,
                                               SurpriseScorer* scorer);

}  // namespace silt::answer
