// StateAdmin: what administrators ask of states, in their terms (names, times, versions, patterns), brought
// down to what the learner does to one source (control.h). Safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/learn/control.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/record_log.h"

namespace silt::learn {

struct SourceVersions {
  store::SourceInfo info;
  std::uint64_t left_out_records = 0;
  store::Seq floor_seq = 0;
  store::NetHead head;  // of now
  std::vector<store::StateVersionInfo> versions;  // newest first
};

// Of several sources.
struct ResetManyRequest {
  std::string request_id;
  std::uint64_t expected_version = 0;  // only with one source
  bool dry_run = false;
  ResetScope scope = ResetScope::kNet;
};
struct SourceReset {
  std::string source;
  ResetResult result;
};

// What is to be un-learned: all behind a version or a time, or these records.
struct RollbackTarget {
  std::uint64_t version = 0;         // 0: not by version
  std::optional<std::int64_t> time_us;
  std::vector<store::SeqRange> ranges;
  std::vector<store::PatternId> patterns;  // all their records that there are
};

// Adds all records of these patterns that there are, and of those that turned out to be part of them.
Status add_records_of(const store::RecordLog& log, const store::FoldStore& folds, store::SourceRef source,
                      const std::vector<store::PatternId>& patterns, std::vector<store::SeqRange>& out);

class StateAdmin {
 public:
  // All must outlive it.
  StateAdmin(const store::RecordLog& log, const store::FoldStore& folds, store::NetStore& nets, LearnControl& control,
             const Clock& clock)
      : log_(log), folds_(folds), nets_(nets), control_(control), clock_(clock) {}

  Result<SourceVersions> list(const store::SourceInfo& source) const;
  // All or, after a failure or a crash, some of them: the same id then does the rest, of the sources that were
  // chosen the first time.
  Result<std::vector<SourceReset>> reset(const std::vector<store::SourceInfo>& sources, const ResetManyRequest& request);
  // `request` without what is left out.
  Result<RollbackResult> rollback(const store::SourceInfo& source, const RollbackTarget& target, RollbackRequest request);
  // `version` 0: the state of now, which is stored. Gives the version that it was.
  Result<std::uint64_t> pin(const store::SourceInfo& source, std::uint64_t version, bool pinned, const std::string& request_id);
  // A kept version; 0: the newest.
  Result<store::StateVersionInfo> version(const store::SourceInfo& source, std::uint64_t version) const;
  // What its net had learned. Null: nothing.
  Result<std::shared_ptr<const model::FastWeights>> weights(const store::SourceInfo& source,
                                                            const store::StateVersionInfo& version) const {
    return control_.weights_of(source.ref, version.learned_seq);
  }

 private:
  Result<std::vector<store::SourceInfo>> chosen(const std::vector<store::SourceInfo>& sources, const ResetManyRequest& request);
  Result<std::vector<store::SeqRange>> resolve(const store::SourceInfo& source, const RollbackTarget& target) const;
  Result<store::Seq> last_before(const store::SourceInfo& source, std::int64_t time_us) const;

  const store::RecordLog& log_;
  const store::FoldStore& folds_;
  store::NetStore& nets_;
  LearnControl& control_;
  const Clock& clock_;
};

}  // namespace silt::learn
