#include "daemon/learn/state_loader.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "daemon/store/seq_ranges.h"

namespace silt::learn {

StateLoader::StateLoader(const store::RecordLog& log, const store::FoldStore& folds, store::NetStore& nets,
                         model::Learner& learner, NetReader& reader, JournalWalk& walk,
                         const LearnOptions& options, LearnCounters& counters, std::function<bool()> alive)
    : log_(log),
      folds_(folds),
      nets_(nets),
      learner_(learner),
      reader_(reader),
      walk_(walk),
      options_(options),
      counters_(counters),
      alive_(std::move(alive)) {}

Result<Resident> StateLoader::load(const store::SourceInfo& source, const fold::PolicyConfig& configured) {
  SILT_ASSIGN(const auto checkpoint, nets_.load(source.ref));
  if (!checkpoint) {
    const store::NetHead none;
    return start(source.ref, none, PolicyHistory::from_base(none, configured));
  }
  const store::NetHead& head = checkpoint->head;
  PolicyHistory history = decode_history(head, configured);
  const bool at_base = head.learned_seq == head.base_seq && checkpoint->blob.empty();  // an imported one has a blob there
  if (at_base) return start(source.ref, head, std::move(history));
  if (head.model_fingerprint != options_.model_fingerprint) {
    return relearn(source, configured, head, "the state is of another model");
  }
  if (head.backend != learner_.backend_name()) return of_other_backend(source, configured, *checkpoint);
  SILT_ASSIGN(Resident resident, from_checkpoint(source, *checkpoint, std::move(history)));
  SILT_ASSIGN(const JournalWalk::Walked walked, replay(source, resident, head));
  resident.state.head.state_digest = digest_of(resident.state, learner_);
  const bool reached =
      same_counts(resident.state.head, head) && resident.state.head.state_digest == head.state_digest;
  if (reached) return resident;
  const std::string why = "replay to record " + std::to_string(head.learned_seq) + " gave state " +
                          resident.state.head.state_digest.hex() + " at record " +
                          std::to_string(resident.state.head.learned_seq) + ", the head says " +
                          head.state_digest.hex();
  if (walked.with_losses || walked.end == JournalWalk::End::kShort) {
    return relearn(source, configured, head, "records that its replay needs are gone or damaged: " + why);
  }
  log::error("state_digest_mismatch", {{"source", source.name}, {"detail", why}});
  if (options_.on_digest_mismatch == OnMismatch::kRelearn) return relearn(source, configured, head, why);
  return data_loss(
      "source " + source.name + ": " + why +
      "; the memory, the build or the journal is not what it was. To learn the source anew from its "
      "journal, set learn.on_digest_mismatch = \"relearn\"");
}

// Converted, where that is wanted and there is a blob to convert: it goes on from what the other backend has learned,
// with this one's bits. That is said, and stored at once, so that replays begin behind it.
Result<Resident> StateLoader::of_other_backend(const store::SourceInfo& source, const fold::PolicyConfig& configured,
                                               const store::Checkpoint& checkpoint) {
  const store::NetHead& head = checkpoint.head;
  if (options_.on_other_backend == OnOtherBackend::kRelearn || checkpoint.blob.empty()) {
    return relearn(source, configured, head, "the state is of another backend");
  }
  SILT_ASSIGN(Resident resident, from_checkpoint(source, checkpoint, decode_history(head, configured)));
  const store::Seq from_seq = resident.state.head.learned_seq;
  SILT_ASSIGN(const JournalWalk::Walked walked, replay(source, resident, head));
  if (from_seq == head.base_seq || walked.with_losses || !same_counts(resident.state.head, head)) {
    return relearn(source, configured, head, "the state of another backend cannot be converted");
  }
  resident.state.head.state_digest = digest_of(resident.state, learner_);
  resident.blob_reason = "converted";
  log::warning("state_converted", {{"source", source.name},
                                   {"from", head.backend},
                                   {"to", learner_.backend_name()},
                                   {"learned_seq", head.learned_seq}});
  return resident;
}

void StateLoader::identify(Resident& resident) const {
  store::NetHead& head = resident.state.head;
  head.backend = learner_.backend_name();
  head.model_fingerprint = options_.model_fingerprint;
  head.learn_config = encode_history(resident.history);
}

Result<Resident> StateLoader::start(store::SourceRef source, const store::NetHead& head,
                                    PolicyHistory history) const {
  Resident resident;
  resident.state = fresh_state(learner_, head, history, key_of(source));
  resident.history = std::move(history);
  identify(resident);
  SILT_ASSIGN(resident.sheds, log_.shed_marks(source, head.base_seq));
  SILT_ASSIGN(resident.left_out, nets_.left_out(source, head.base_seq));
  SILT_TRY(apply_changes(resident));
  return resident;
}

Result<Resident> StateLoader::not_after(const store::SourceInfo& source, const fold::PolicyConfig& configured,
                                        store::Seq last, const std::vector<store::SeqRange>& left_out) const {
  SILT_ASSIGN(const auto stored, nets_.net_head(source.ref));
  const store::NetHead head = stored.value_or(store::NetHead());
  SILT_ASSIGN(const store::FoldHead fold, folds_.fold_head(source.ref));
  const auto can_go_on = [&](store::Seq seq) {
    return seq >= fold.floor_seq || store::covers(left_out, seq + 1, fold.floor_seq);
  };
  SILT_ASSIGN(const auto versions, nets_.versions(source.ref));
  for (const store::StateVersionInfo& version : versions) {
    const store::Seq seq = version.learned_seq;
    if (seq > last || seq > head.learned_seq || seq < head.base_seq || !can_go_on(seq)) continue;
    const auto blob = nets_.blob(source.ref, seq);
    if (!blob.is_ok()) continue;  // damaged: an older one serves
    PolicyHistory history = decode_history(head, configured);
    std::erase_if(history.changes, [&](const PolicyChange& change) { return change.after_seq > seq; });
    SILT_ASSIGN(Resident resident, from_checkpoint(source, {head, version, *blob}, std::move(history)));
    if (resident.state.head.learned_seq != seq) continue;
    SILT_TRY(apply_changes(resident));
    return resident;
  }
  if (last >= head.base_seq && can_go_on(head.base_seq)) {
    PolicyHistory history = decode_history(head, configured);
    std::erase_if(history.changes, [&](const PolicyChange& change) { return change.after_seq > head.base_seq; });
    return start(source.ref, head, std::move(history));
  }
  return failed_precondition(
      last < head.base_seq
          ? "its state begins behind record " + std::to_string(head.base_seq) + ": a reset has forgotten what came before"
          : "it needs records that retention has removed (up to " + std::to_string(fold.floor_seq) +
                "), and no version is kept that could go on from there: reset the state, or roll back less far");
}

// The changes of the policy behind the last record. Doing so twice is as good as once.
Status StateLoader::apply_changes(Resident& resident) const {
  const std::vector<PolicyChange>& changes = resident.history.changes;
  for (std::size_t i = 1; i < changes.size(); ++i) {
    if (changes[i].after_seq != resident.state.head.learned_seq) continue;
    SILT_TRY(reader_.set_policy(resident.state, changes[i].config, nullptr));
  }
  return Status::ok();
}

Result<Resident> StateLoader::from_checkpoint(const store::SourceInfo& source,
                                              const store::Checkpoint& checkpoint,
                                              PolicyHistory history) const {
  const store::NetHead& head = checkpoint.head;
  if (checkpoint.blob.empty()) return start(source.ref, head, std::move(history));
  auto state = decode_state(checkpoint.blob, learner_, history, key_of(source.ref));
  if (state.is_ok() && state->head.base_version == head.base_version &&
      state->head.base_seq == head.base_seq) {
    Resident resident;
    resident.state = std::move(state).value();
    resident.history = std::move(history);
    identify(resident);
    SILT_ASSIGN(resident.sheds, log_.shed_marks(source.ref, resident.state.head.learned_seq));
    SILT_ASSIGN(resident.left_out, nets_.left_out(source.ref, resident.state.head.learned_seq));
    return resident;
  }
  log::warning("state_blob_unusable",
               {{"source", source.name},
                {"error", state.is_ok() ? std::string("it is of another base") : state.status().message()},
                {"action", "replaying the journal from its base"}});
  return start(source.ref, head, std::move(history));
}

// Stretch by stretch of one policy each.
Result<JournalWalk::Walked> StateLoader::replay(const store::SourceInfo& source, Resident& resident,
                                                const store::NetHead& to) {
  NetState& state = resident.state;
  const ReplayWork before{state.net.steps, state.head.learned_seq};
  JournalWalk::Walked walked;
  const auto on_record = [&](const store::RecordView&, bool) {
    ++counters_.replayed_records;
    return alive_();
  };
  for (;;) {
    const store::Seq at = state.head.learned_seq;
    SILT_TRY(apply_changes(resident));
    if (at >= to.learned_seq) break;
    JournalWalk::Target target{to.learned_seq, to.processed_bytes};
    const PolicyChange* const change = resident.history.next(at);
    if (change != nullptr && change->after_seq < to.learned_seq)
      target = {change->after_seq, change->after_bytes};
    SILT_ASSIGN(const auto stretch, walk_.replay(source, resident, target, on_record));
    if (stretch.end == JournalWalk::End::kPaused) return Status(Code::kCancelled, "stopping");
    walked.with_losses |= stretch.with_losses;
    walked.end = stretch.end;
    if (stretch.end == JournalWalk::End::kShort) break;
  }
  resident.since_blob = {state.net.steps - before.steps, state.head.learned_seq - before.records};
  counters_.replayed_steps += resident.since_blob.steps;
  return walked;
}

Result<Resident> StateLoader::relearn(const store::SourceInfo& source, const fold::PolicyConfig& configured,
                                      const store::NetHead& head, std::string_view why, bool drop_pinned) {
  SILT_ASSIGN(const auto versions, nets_.versions(source.ref));
  const auto pinned = std::ranges::find_if(versions, &store::StateVersionInfo::pinned);
  if (pinned != versions.end() && !drop_pinned)
    return failed_precondition("its state would be learned anew, for " + std::string(why) + "; but version " +
                               std::to_string(pinned->state_version) + " would go then, and is pinned");
  SILT_ASSIGN(const store::FoldHead fold, folds_.fold_head(source.ref));
  store::NetHead base = head;
  base.base_version = head.state_version + 1;
  if (fold.floor_seq > head.base_seq) {
    base.base_seq = fold.floor_seq;
    // Nobody knows the bytes of what is gone; backlogs are estimates.
    base.base_bytes = static_cast<std::uint64_t>(
        static_cast<double>(fold.folded_bytes) *
        std::min(1.0, static_cast<double>(fold.floor_seq) /
                          static_cast<double>(std::max<store::Seq>(1, fold.folded_seq))));
  }
  log::warning("relearning", {{"source", source.name},
                              {"why", why},
                              {"from_seq", base.base_seq + 1},
                              {"dropped_versions", versions.size()},
                              {"removed_before", fold.floor_seq}});
  ++counters_.relearned_sources;
  SILT_ASSIGN(Resident resident, start(source.ref, base, PolicyHistory::from_base(base, configured)));
  resident.state.head.state_digest = digest_of(resident.state, learner_);
  SILT_TRY(nets_.reset_net(source.ref, resident.state.head, store::RequestResult()));
  return resident;
}

}  // namespace silt::learn
