// StateStore: what the learner makes of the journal, moved together with its learned cursor.
// Safe from any thread; one learner thread commits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::daemon {

// One posting: `term` occurs in record `seq`.
struct Posting {
  std::string term;
  Seq seq = 0;
};

// Everything that one commit of the learner changes, applied atomically and durable on return.
struct StepBatch {
  SourceRef source;
  Head head;
  std::vector<Evidence> evidence;       // new rows, and rows whose scores have arrived
  std::vector<PatternRow> patterns;     // changed ones
  std::vector<Posting> postings;        // ascending seq per term
  std::optional<std::string> blob;      // the whole source state at head.learned_seq, now and then
  std::string blob_reason;              // budget, age, stop, evicted
  std::int64_t written_us = 0;
};

struct StateVersionInfo {
  std::uint64_t state_version = 0;
  Seq learned_seq = 0;
  Digest state_digest;
  std::uint64_t blob_bytes = 0;
  std::int64_t written_us = 0;
  std::string reason;                   // budget, age, stop, evicted
};

// The stored answer of a mutation, so that a repeated request is answered and not carried out again.
struct RequestResult {
  std::string request_id;               // empty: none is stored
  std::string result;
  std::int64_t written_us = 0;
};

// The newest blob that verifies, and the head that replay from it must reach.
struct Checkpoint {
  Head head;
  StateVersionInfo blob_info;
  std::string blob;
};

class StateStore {
 public:
  virtual ~StateStore() = default;

  virtual Result<std::optional<Head>> head(SourceRef source) const = 0;
  // No head: nothing. A head without a readable blob: blob is empty, replay starts at head.base_seq.
  // A damaged blob is skipped for an older one, with a log line.
  virtual Result<std::optional<Checkpoint>> load(SourceRef source) const = 0;
  virtual Status commit(StepBatch batch) = 0;
  virtual Result<std::vector<StateVersionInfo>> versions(SourceRef source) const = 0;

  // Forgets what was learned: states, evidence scores, patterns, postings. The journal stays, and
  // the learned cursor moves to new_head's, the journal's end, so that old records are not learned
  // again. The request's result is stored in the same batch; results older than a day are dropped.
  virtual Status reset(SourceRef source, const Head& new_head, const RequestResult& request) = 0;
  virtual Result<std::optional<std::string>> request_result(TenantId tenant,
                                                            const std::string& request_id) const = 0;
};

}  // namespace silt::daemon
