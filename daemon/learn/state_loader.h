// StateLoader: brings the net of a source into memory: the newest readable blob (or the base), and replay
// of the journal to the committed head, whose digest must match.
//
// What cannot be brought back is learned again from the oldest records there are, and that is said. The
// daemon is stopped only by a digest that differs without a known loss, and only if it is told so.
#pragma once

#include <functional>
#include <string_view>

#include "base/status.h"
#include "daemon/learn/journal_walk.h"
#include "daemon/learn/learn_options.h"
#include "daemon/learn/residents.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/record_log.h"

namespace silt::learn {

class StateLoader {
 public:
  // `alive` is called after each replayed record; false: the daemon stops. Everything must outlive the
  // loader.
  StateLoader(const store::RecordLog& log, const store::FoldStore& folds, store::NetStore& nets,
              model::Learner& learner, NetReader& reader, JournalWalk& walk, const LearnOptions& options,
              LearnCounters& counters, std::function<bool()> alive);

  // The state at the source's committed head, its digest filled in. kCancelled: the daemon stops.
  Result<Resident> load(const store::SourceInfo& source, const fold::PolicyConfig& configured);
  // The state at the base of `head`.
  Result<Resident> start(store::SourceRef source, const store::NetHead& head, PolicyHistory history) const;
  // Starts again from the base, or from the oldest record there is, durably: scores and states go, and the journal
  // is read once more by the usual path. kFailedPrecondition: a version that is pinned would go, and `drop_pinned` is
  // not set.
  Result<Resident> relearn(const store::SourceInfo& source, const fold::PolicyConfig& configured,
                           const store::NetHead& head, std::string_view why, bool drop_pinned = false);
  // The newest version that has read nothing behind `last`, or the base, and that can go on: what it has not
  // read and is not left out is still there. `left_out`: in addition to what is so already.
  Result<Resident> not_after(const store::SourceInfo& source, const fold::PolicyConfig& configured, store::Seq last,
                             const std::vector<store::SeqRange>& left_out) const;

 private:
  Result<Resident> from_checkpoint(const store::SourceInfo& source, const store::Checkpoint& checkpoint,
                                   PolicyHistory history) const;
  Status apply_changes(Resident& resident) const;
  Result<JournalWalk::Walked> replay(const store::SourceInfo& source, Resident& resident,
                                     const store::NetHead& to);
  Result<Resident> of_other_backend(const store::SourceInfo& source, const fold::PolicyConfig& configured,
                                    const store::Checkpoint& checkpoint);
  void identify(Resident& resident) const;

  const store::RecordLog& log_;
  const store::FoldStore& folds_;
  store::NetStore& nets_;
  model::Learner& learner_;
  NetReader& reader_;
  JournalWalk& walk_;
  const LearnOptions& options_;
  LearnCounters& counters_;
  std::function<bool()> alive_;
};

}  // namespace silt::learn
