// LearnControl and SourceAdmin: what other threads may ask of the learner thread and of the store.
// Calls are safe from any thread; mutations wait until they have been carried out between two commits.
// A request id is carried out once: the same id again gives the stored result, also after a restart.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"
#include "model/learner.h"

namespace silt::learn {

enum class ResetScope {
  kNet,         // fast weights and scores; patterns and index stay
  kNetAndFold,  // patterns and index are made again, too; the journal stays
};

struct ResetRequest {
  store::SourceRef source;
  std::string request_id;              // empty: not idempotent
  std::uint64_t expected_version = 0;  // 0: any
  bool dry_run = false;
  ResetScope scope = ResetScope::kNet;
};

struct ResetResult {
  std::uint64_t old_version = 0;
  std::uint64_t new_version = 0;
  std::uint64_t forgotten_steps = 0;
  std::uint64_t forgotten_patterns = 0;  // 0 with ResetScope::kNet
  std::uint64_t dropped_versions = 0;
};

struct RollbackRequest {
  store::SourceRef source;
  std::string request_id;
  std::uint64_t asked = 0;  // a hash of what the caller asked for: with this id again, it must be the same
  std::uint64_t expected_version = 0;
  bool dry_run = false;
  std::vector<store::SeqRange> left_out;  // what is behind the journal's end is cut off
};

struct RollbackResult {
  std::uint64_t old_version = 0;
  std::uint64_t from_version = 0;  // the state that goes on
  store::Seq from_seq = 0;         // it has read up to here
  std::uint64_t left_out_records = 0;
  std::uint64_t reread_records = 0;  // in the usual way, from now on
  std::uint64_t dropped_versions = 0;
};

struct ForgetRequest {
  store::SourceRef source;
  bool dry_run = false;
  std::vector<store::SeqRange> ranges;  // ascending, apart, of records that there are
};

struct ForgetResult {
  std::uint64_t old_version = 0;
  Digest old_digest;  // of the state
  std::uint64_t from_version = 0;  // the state that goes on
  Digest from_digest;
  store::Seq from_seq = 0;         // it has read up to here
  std::uint64_t dropped_versions = 0;
  std::uint64_t dropped_pinned = 0;  // of them
};

struct ImportRequest {
  store::SourceRef source;
  std::string request_id;
  bool dry_run = false;
  std::string blob;           // a net's state (net_state.h), of these weights and this backend
  std::uint64_t version = 0;  // that it had
};

struct ImportResult {
  std::uint64_t old_version = 0;
  std::uint64_t new_version = 0;
  std::uint64_t forgotten_steps = 0;
  std::uint64_t dropped_versions = 0;
};

struct LearnerStatus {
  std::string state;  // learning, throttled, idle, replaying, paused (the disk is full)
  std::uint64_t backlog_records = 0;
  std::uint64_t backlog_bytes = 0;
  std::uint64_t resident_states = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t tokens_per_s = 0;  // over the last minute
  // From a record's arrival until its net had read it: of the record of each turn that waited longest, in the last
  // minute's turns.
  std::uint64_t latency_p50_ms = 0, latency_p99_ms = 0;
  std::uint64_t commits = 0, commit_us = 0;  // since the start, and how long they took together
  std::string backend;
  std::vector<model::DeviceUse> devices;
};

class LearnControl {
 public:
  virtual ~LearnControl() = default;
  // kFailedPrecondition when it would remove a pinned version; so does rollback().
  virtual Result<ResetResult> reset(const ResetRequest& request) = 0;
  // The records are left out from now on, and in all later replays; the state goes back to before the first
  // of them and reads the others again. kFailedPrecondition, with nothing done, when retention has removed
  // records that this needs.
  virtual Result<RollbackResult> rollback(const RollbackRequest& request) = 0;
  // The records go from the journal, for tombstones; the fold is started again, and the state goes back to before the
  // first of them, or, when retention has removed records or it is not learned any more, begins anew. Twice is as
  // good as once.
  virtual Result<ForgetResult> forget(const ForgetRequest& request) = 0;
  // Puts what another state learned in the place of this one's, as a pinned version; records that were there are not
  // read again. Policy and scores begin anew. kFailedPrecondition: it would remove a pinned version.
  // kInvalidArgument: it is no such state, or does not fit.
  virtual Result<ImportResult> import_state(const ImportRequest& request) = 0;
  // Stores the state of now as a version; gives the record up to which it has read.
  virtual Result<store::Seq> store_state(store::SourceRef source) = 0;
  // What a version's net has learned, for comparing. Null: nothing.
  virtual Result<std::shared_ptr<const model::FastWeights>> weights_of(store::SourceRef source, store::Seq learned_seq) = 0;
  virtual LearnerStatus status() const = 0;
};

// Names are bytes.
struct RenameResult {
  std::string old_name;
  std::string new_name;
};

// What went, or would go.
struct DeleteResult {
  std::string name;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;         // of their texts
  std::uint64_t stored_bytes = 0;  // on disk
  std::uint64_t patterns = 0;
  std::uint64_t steps = 0;
};

// Durable on return, each in one batch with its result.
class SourceAdmin {
 public:
  virtual ~SourceAdmin() = default;
  // The source keeps its id, records and state, and its stream goes on under the new name.
  // kAlreadyExists when the tenant has a source of that name, kNotFound when the source has gone.
  virtual Result<RenameResult> rename(store::SourceRef source, std::string new_name,
                                      const std::string& request_id) = 0;
  // Records, patterns, index, states and cursor go; a stream that is still read begins a new source
  // with its next line.
  virtual Result<DeleteResult> remove(store::SourceRef source, bool dry_run,
                                      const std::string& request_id) = 0;
  // The stored result of a request, asked first: after it was carried out its source is gone.
  virtual Result<std::optional<RenameResult>> renamed(const std::string& tenant,
                                                      const std::string& request_id) const = 0;
  virtual Result<std::optional<DeleteResult>> removed(const std::string& tenant,
                                                      const std::string& request_id) const = 0;
};

// Who keeps the fold, as the learner sees it.
class FoldControl {
 public:
  virtual ~FoldControl() = default;
  // Starts the fold of a source again from its floor. Does not wait for it: the caller is the learner.
  virtual Status reset(store::SourceRef source) = 0;
  // Leaves tombstones of these records in the journal and starts the fold again. Waits for it, and calls `alive`
  // every now and then.
  virtual Status forget(store::SourceRef source, const std::vector<store::SeqRange>& ranges,
                        const std::function<void()>& alive) = 0;
};

}  // namespace silt::learn
