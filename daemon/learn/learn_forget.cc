// The part of LearnLoop that forgets records. The learner waits while the fold takes them out of the journal: a
// state that read on meanwhile would know patterns by numbers that no replay gives again. First the state goes
// back, then the journal changes: a crash in between finds a state that has not read what is still there.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "daemon/learn/learn_loop.h"

namespace silt::learn {

Result<ForgetResult> LearnLoop::forget(const ForgetRequest& request) {
  ForgetResult result;
  SILT_TRY(commands_.run([&] {
    auto done = forget_records(request);
    if (done.is_ok()) result = *done;
    return done.status();
  }));
  return result;
}

Result<ForgetResult> LearnLoop::forget_records(const ForgetRequest& request) {
  SILT_ASSIGN(Source* const source, open(request.source));
  if (source == nullptr) return not_found("no such source");
  ForgetResult result;
  SILT_ASSIGN(const store::NetHead head, present_head(request.source, 0));
  result.old_version = result.from_version = head.state_version;
  result.from_seq = head.learned_seq;
  SILT_ASSIGN(const auto committed, nets_.net_head(request.source));
  if (committed) result.old_digest = result.from_digest = committed->state_digest;
  const bool has_read = has_net(head) || (!source->counting && head.learned_seq > head.base_seq);
  if (has_read) SILT_TRY(un_learn(*source, request, result));
  if (request.dry_run) return result;
  let_go(request.source);
  options_.point("learn.before_forget");
  SILT_TRY(fold_.forget(request.source, request.ranges, [this] { alive(); }));
  options_.point("learn.after_forget");
  ready_.report({&request.source, 1});
  return result;
}

// The fold numbers its patterns from the oldest record there is. Where retention has removed some, the numbers
// will be other ones, and no version fits them.
Status LearnLoop::un_learn(Source& source, const ForgetRequest& request, ForgetResult& result) {
  const store::SourceRef ref = request.source;
  SILT_ASSIGN(const store::FoldHead fold, folds_.fold_head(ref));
  SILT_ASSIGN(const auto committed, nets_.net_head(ref));
  const store::NetHead head = committed.value_or(store::NetHead());
  SILT_ASSIGN(const auto versions, nets_.versions(ref));
  const auto drop_behind = [&](store::Seq seq) {
    for (const store::StateVersionInfo& version : versions) {
      result.dropped_versions += version.learned_seq > seq ? 1 : 0;
      result.dropped_pinned += version.learned_seq > seq && version.pinned ? 1 : 0;
    }
  };
  if (fold.floor_seq > 0 || source.counting) {
    drop_behind(0);
    result.from_version = head.state_version + 1;
    result.from_seq = std::max(fold.floor_seq, head.base_seq);
    if (request.dry_run) return Status::ok();
    SILT_ASSIGN(const Resident fresh, loader_.relearn(source.info, source.config, head, "records are forgotten", /*drop_pinned=*/true));
    result.from_digest = fresh.state.head.state_digest;
    snapshots_.publish(snapshot_of(ref, fresh.state.head));
    return Status::ok();
  }
  const store::Seq last = std::max(request.ranges.front().first - 1, head.base_seq);
  SILT_ASSIGN(Resident start, loader_.not_after(source.info, source.config, last, {}));
  SILT_ASSIGN(store::NetRewind rewind, rewind_of(ref, start));
  result.from_version = rewind.head.state_version;
  result.from_seq = rewind.head.learned_seq;
  result.from_digest = rewind.head.state_digest;
  drop_behind(result.from_seq);
  if (request.dry_run) return Status::ok();
  SILT_TRY(nets_.rewind(rewind));
  snapshots_.publish(snapshot_of(ref, rewind.head));
  return Status::ok();
}

}  // namespace silt::learn
