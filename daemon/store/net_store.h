// NetStore: what the learner makes of the journal, moved together with its learned cursor.
// Safe from any thread; one learner thread commits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::store {

// Everything that one commit of the learner changes for a source.
struct NetCommit {
  SourceRef source;
  NetHead head;
  std::vector<Score> scores;        // final ones: ascending, each record once
  std::vector<Score> tail;          // of records whose mini-batch is open; replaces the tail before
  std::optional<std::string> blob;  // the whole net state at head.learned_seq, now and then
  std::string blob_reason;          // budget, age, stop, evicted, config, retention
  std::int64_t written_us = 0;
};

struct StateVersionInfo {
  std::uint64_t state_version = 0;
  Seq learned_seq = 0;
  Digest state_digest;
  std::uint64_t blob_bytes = 0;
  std::int64_t written_us = 0;
  std::string reason;
  bool pinned = false;
  // Of the head at that moment.
  std::uint64_t processed_bytes = 0;
  std::uint64_t scored_bytes = 0;
  double scored_nats = 0;
  std::string backend;
  std::string model_fingerprint;
};

// The stored answer of a mutation, so that a repeated request is answered and not carried out again.
struct RequestResult {
  std::string request_id;  // empty: none is stored
  std::string result;
  std::int64_t written_us = 0;
};

// The newest blob that verifies, and the head that replay from it must reach.
struct Checkpoint {
  NetHead head;
  StateVersionInfo blob_info;
  std::string blob;
};

// A state goes back to `head`, which is that of a version or of the base, and `left_out` is never read again.
struct NetRewind {
  SourceRef source;
  NetHead head;
  std::vector<Score> tail;         // as in NetCommit
  Seq final_scores_through = 0;    // later ones go
  std::vector<SeqRange> left_out;  // ascending, apart
  RequestResult request;
};

class NetStore {
 public:
  virtual ~NetStore() = default;

  virtual Result<std::optional<NetHead>> net_head(SourceRef source) const = 0;
  // No head: nothing. A head without a readable blob: blob is empty, replay starts at head.base_seq.
  // A damaged blob is skipped for an older one, with a log line.
  virtual Result<std::optional<Checkpoint>> load(SourceRef source) const = 0;
  // All or nothing, in one synced batch; what is said of a source that was deleted is left out.
  virtual Status commit(std::vector<NetCommit> commits) = 0;
  // Newest first. Those beyond StoreOptions::versions_kept go: not the two newest, not pinned ones, and so
  // that the others lie ever further apart (versions.h).
  virtual Result<std::vector<StateVersionInfo>> versions(SourceRef source) const = 0;
  // Of a version. kNotFound: it is not kept. kDataLoss: it is damaged.
  virtual Result<std::string> blob(SourceRef source, Seq learned_seq) const = 0;
  virtual Status pin(SourceRef source, Seq learned_seq, bool pinned, const RequestResult& request) = 0;

  // Scores of the records in [first, last] that have one, by seq; final ones, else those of the tail.
  virtual Status scores(SourceRef source, Seq first, Seq last, std::vector<Score>& out) const = 0;

  // Forgets what was learned: states and scores. Journal, patterns and segments stay, and the learned
  // cursor moves to new_head's, the journal's end, so that old records are not learned again. The
  // request's result is stored in the same batch; results older than a day are dropped.
  virtual Status reset_net(SourceRef source, const NetHead& new_head, const RequestResult& request) = 0;
  // Moves a state back: the head, and with it all blobs and scores behind it. Durable on return, in one batch.
  virtual Status rewind(const NetRewind& rewind) = 0;
  // What rewinds left out behind `after`: ascending, apart.
  virtual Result<std::vector<SeqRange>> left_out(SourceRef source, Seq after) const = 0;
  // Stores what a request that is none of the above was answered.
  virtual Status put_request(TenantId tenant, const RequestResult& request) = 0;
  virtual Result<std::optional<std::string>> request_result(TenantId tenant,
                                                            const std::string& request_id) const = 0;
};

// What administrators do to sources as such. Whoever holds state of the source drops it first.
class SourceStore {
 public:
  virtual ~SourceStore() = default;
  // kAlreadyExists when another source of the tenant is called so.
  virtual Status rename_source(SourceRef source, const std::string& name, const RequestResult& request) = 0;
  // All rows of the source go. Its input goes on: what it reads next is a new source.
  virtual Status delete_source(SourceRef source, const RequestResult& request) = 0;
};

}  // namespace silt::store
