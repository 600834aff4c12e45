// GroupCommit: makes the learner's work durable, all sources in one synced batch, and publishes the
// snapshots after it. Used by the learner thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/learn/learn_options.h"
#include "daemon/learn/net_reader.h"
#include "daemon/learn/residents.h"
#include "daemon/learn/snapshots.h"
#include "daemon/store/net_store.h"
#include "model/learner.h"

namespace silt::learn {

class GroupCommit {
 public:
  // Everything must outlive it.
  GroupCommit(store::NetStore& nets, Snapshots& snapshots, const model::Learner& learner, NetReader& reader,
              const Clock& clock, const LearnOptions& options, LearnCounters& counters)
      : nets_(nets),
        snapshots_(snapshots),
        learner_(learner),
        reader_(reader),
        clock_(clock),
        options_(options),
        counters_(counters) {}

  struct Member {
    store::SourceRef source;
    Resident* resident = nullptr;
    bool tail = false;  // it has no more to read, so its open mini-batch is scored for the records' sake
  };
  // What these sources did since their last commit, and the state itself where resident.blob_reason says so.
  Status add(std::span<const Member> members);
  // A source whose net reads nothing follows its fold.
  Status add_counted(store::SourceRef source, const store::FoldHead& fold, const fold::PolicyConfig& config);
  // Writes and publishes what was added; nothing when the learner's device was lost meanwhile.
  Status flush();
  // Forgets what was added.
  void abandon();

 private:
  Status add(const Member& member, std::vector<store::Score> tail);

  store::NetStore& nets_;
  Snapshots& snapshots_;
  const model::Learner& learner_;
  NetReader& reader_;
  const Clock& clock_;
  const LearnOptions& options_;
  LearnCounters& counters_;

  std::vector<store::NetCommit> group_;
  std::vector<Snapshot> published_;  // with the commit
  std::uint64_t blob_bytes_ = 0;     // in the group
};

}  // namespace silt::learn
