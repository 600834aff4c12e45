// Diff: what two states of a source predict differently, pattern by pattern.
#pragma once

#include <atomic>

#include "base/status.h"
#include "daemon/answer/answer.h"
#include "daemon/answer/names.h"
#include "daemon/answer/surprise.h"
#include "proto/silt/v1/state.pb.h"

namespace silt::answer {

// All of it stays the caller's. `cancelled` becoming true ends the work with kCancelled.
struct DiffContext {
  const RecordLog& log;
  const EvidenceStore& evidence;
  const SourceInfo& source;
  const std::atomic<bool>& cancelled;
};

// Scores the newest record of each of the most frequent patterns, on its own, under both; those whose
// surprise differs most come first. `limit` 0: 20.
Result<silt::v1::DiffVersionsResponse> diff_versions(const DiffContext& context, const WeightsPair& weights,
                                                     std::uint32_t limit, SurpriseScorer& scorer);

}  // namespace silt::answer
