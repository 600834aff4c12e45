// The part of LearnLoop that knows its sources, brings their states into memory and puts them away.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "daemon/learn/learn_loop.h"

namespace silt::learn {
namespace {

constexpr std::int64_t kCheapReplayUs = 10'000;  // not worth putting off
constexpr std::uint64_t kBytesPerToken = 3;      // as the policy estimates

}  // namespace

// The only look at all sources. Heads are published as they are; states come back when nothing else is
// to be done, those of the most recently written sources first.
Status LearnLoop::start_up() {
  std::vector<std::pair<std::int64_t, store::SourceRef>> cold;
  for (const store::SourceInfo& info : log_.sources()) {
    if (!alive()) return Status::ok();
    SILT_ASSIGN(const auto head, nets_.net_head(info.ref));
    SILT_ASSIGN(const store::FoldHead fold, folds_.fold_head(info.ref));
    if (head) snapshots_.publish(snapshot_of(info.ref, *head));
    if (fold.folded_seq > (head ? head->learned_seq : 0)) ready_.report({&info.ref, 1});
    if (!head || head->steps == 0) continue;
    SILT_ASSIGN(const store::IntakeHead intake, log_.intake_head(info.ref));
    cold.emplace_back(-intake.last_arrival_us, info.ref);
  }
  std::sort(cold.begin(), cold.end());
  for (const auto& [arrival, ref] : cold) cold_.push_back(ref);
  return Status::ok();
}

Status LearnLoop::take_reported() {
  for (const store::SourceRef ref : ready_.take_reported()) {
    SILT_ASSIGN(Source* const source, open(ref));
    if (source == nullptr) continue;
    const Status refreshed = refresh(*source);
    if (!refreshed.is_ok() && !is_gone(ref, refreshed)) return refreshed;
    if (!refreshed.is_ok()) let_go(ref);
    close_if_idle(ref);
  }
  return Status::ok();
}

bool LearnLoop::is_gone(store::SourceRef ref, const Status& failure) const {
  return failure.code() == Code::kNotFound && log_.source(ref).status().code() == Code::kNotFound;
}

// Null: there is no such source any more.
Result<LearnLoop::Source*> LearnLoop::open(store::SourceRef ref) {
  const auto known = sources_.find(ref);
  if (known != sources_.end()) return &known->second;
  auto info = log_.source(ref);
  if (info.status().code() == Code::kNotFound) return nullptr;
  if (!info.is_ok()) return info.status();
  Source source;
  source.info = std::move(info).value();
  source.config = options_.policy(source.info);
  source.counting = source.config.mode == fold::SourceMode::kCount;
  SILT_ASSIGN(const auto head, nets_.net_head(ref));
  if (head) {
    source.learned_seq = head->learned_seq;
    source.processed_bytes = head->processed_bytes;
    // Where the net has read something, scores that wait become final before it stops.
    if (source.counting && has_net(*head)) {
      source.counting = decode_history(*head, source.config).newest().mode == fold::SourceMode::kCount;
    }
    if (!source.counting) SILT_TRY(measure_replay(source, *head));
  }
  return &sources_.emplace(ref, std::move(source)).first->second;
}

Status LearnLoop::measure_replay(Source& source, const store::NetHead& head) const {
  source.replay = {head.steps, head.learned_seq - std::min(head.learned_seq, head.base_seq)};
  SILT_ASSIGN(const auto versions, nets_.versions(source.info.ref));
  for (const store::StateVersionInfo& version : versions) {
    if (version.learned_seq < head.base_seq || version.learned_seq > head.learned_seq) continue;
    const ReplayWork behind{head.state_version - std::min(head.state_version, version.state_version),
                            head.learned_seq - version.learned_seq};
    if (behind.records <= source.replay.records) source.replay = behind;
  }
  return Status::ok();
}

Status LearnLoop::refresh(Source& source) {
  SILT_ASSIGN(const store::FoldHead fold, folds_.fold_head(source.info.ref));
  source.folded_seq = fold.folded_seq;
  source.folded_bytes = fold.folded_bytes;
  SILT_ASSIGN(const store::IntakeHead intake, log_.intake_head(source.info.ref));
  source.record_bytes = intake.bytes / std::max<store::Seq>(1, intake.journal_seq) + 1;
  if (source.counting) {
    note_change(source.info.ref, counted_);
  } else {
    queue(source);
  }
  return Status::ok();
}

void LearnLoop::queue(Source& source) {
  Backlog backlog;
  std::uint64_t worth_bytes = 0;
  if (!source.counting && source.folded_seq > source.learned_seq) {
    backlog.records = source.folded_seq - source.learned_seq;
    // A fold that was started again counts its bytes from its floor: then the average has to do.
    backlog.bytes = source.folded_bytes > source.processed_bytes
                        ? source.folded_bytes - source.processed_bytes
                        : backlog.records * source.record_bytes;
    if (residents_.find(source.info.ref) == nullptr && cost_.us(source.replay) > kCheapReplayUs) {
      worth_bytes = minibatch_bytes() * std::max<std::uint64_t>(1, cost_.steps(source.replay));
    }
  }
  ready_.set(source.info.ref, backlog, worth_bytes, clock_.monotonic_us());
}

std::uint64_t LearnLoop::minibatch_bytes() const {
  return kBytesPerToken * static_cast<std::uint64_t>(learner_.config().minibatch_tokens);
}

// What is known of a source without work and state can be read again.
void LearnLoop::close_if_idle(store::SourceRef ref) {
  const auto found = sources_.find(ref);
  if (found == sources_.end() || residents_.find(ref) != nullptr || counted_.contains(ref)) return;
  const Source& source = found->second;
  if (source.counting || source.folded_seq <= source.learned_seq) sources_.erase(found);
}

// `beside`: so many states that were used just now must stay.
Result<Resident*> LearnLoop::make_resident(Source& source, std::size_t beside) {
  const store::SourceRef ref = source.info.ref;
  if (Resident* const found = residents_.find(ref)) return found;
  SILT_TRY(make_room(beside));
  const std::string_view was_doing = doing_;
  update_status("replaying");
  const std::int64_t worked_before = pacer_.worked_us();
  auto loaded = loader_.load(source.info, source.config);
  doing_ = was_doing;
  if (!loaded.is_ok()) return loaded.status();
  cost_.measured(loaded->since_blob, pacer_.worked_us() - worked_before);
  replay_credit_steps_ -= static_cast<std::int64_t>(loaded->since_blob.steps);
  Resident& resident = residents_.insert(ref, std::move(loaded).value());
  const store::NetHead& head = resident.state.head;
  if (resident.since_blob.records > 0)
    resident.aged_since_us = std::max<std::int64_t>(1, clock_.monotonic_us());
  source.learned_seq = head.learned_seq;
  source.processed_bytes = head.processed_bytes;
  if (!(head.state_digest == Digest()))
    snapshots_.publish(snapshot_of(ref, head, resident.state.net.weights));
  SILT_TRY(use_configured_policy(source, resident));
  options_.point("learn.loaded");
  return &resident;
}

Status LearnLoop::use_configured_policy(Source& source, Resident& resident) {
  if (same_policy(resident.history.newest(), source.config)) return Status::ok();
  store::NetHead& head = resident.state.head;
  resident.history.changes.push_back({head.learned_seq, head.processed_bytes, source.config});
  head.learn_config = encode_history(resident.history);
  note_change(source.info.ref, changed_);
  return reader_.set_policy(resident.state, source.config, &resident.scores);
}

// Sources whose policy is another one now are closed, and opened again under it.
Status LearnLoop::take_configuration() {
  std::vector<store::SourceRef> changed;
  for (const auto& [ref, source] : sources_) {
    if (!same_policy(source.config, options_.policy(source.info))) changed.push_back(ref);
  }
  if (changed.empty()) return Status::ok();
  SILT_TRY(commit());
  for (const store::SourceRef ref : changed) {
    if (residents_.find(ref) != nullptr) SILT_TRY(evict(ref));
    let_go(ref);
  }
  ready_.report(changed);
  return Status::ok();
}

// Its net has stopped reading: the state is put away, and from now on the head follows the fold.
Status LearnLoop::start_counting(Source& source) {
  const store::SourceRef ref = source.info.ref;
  SILT_TRY(commit());
  source.counting = true;
  queue(source);
  SILT_TRY(evict(ref));
  SILT_ASSIGN(Source* const again, open(ref));
  return again == nullptr ? Status::ok() : refresh(*again);
}

// Those used last, so many, stay.
Status LearnLoop::make_room(std::size_t keep) {
  while (residents_.is_full(1) && residents_.size() > keep) SILT_TRY(evict(next_to_leave(keep)));
  return Status::ok();
}

// The one used longest ago of a tenant that has more than its share; else of all.
store::SourceRef LearnLoop::next_to_leave(std::size_t keep) const {
  std::map<store::TenantId, std::uint64_t> left;
  residents_.for_each_ref([&](store::SourceRef ref) { ++left[ref.tenant]; });
  std::size_t candidates = residents_.size() - keep;
  std::optional<store::SourceRef> found;
  residents_.for_each_ref([&](store::SourceRef ref) {
    if (found || candidates == 0) return;
    --candidates;
    const std::string& tenant = sources_.at(ref).info.tenant;
    const std::uint64_t share = options_.states_of_tenant(tenant);
    if (share == 0 || left[ref.tenant] <= share) return;
    options_.on_over_share(tenant);
    found = ref;
  });
  return found.value_or(residents_.oldest());
}

Status LearnLoop::evict(store::SourceRef ref) {
  Resident& resident = *residents_.find(ref);
  if (is_worth_storing(resident)) {
    resident.blob_reason = "evicted";
    note_change(ref, changed_);
  }
  // Whatever else has changed is committed with it.
  if (changed_.contains(ref)) SILT_TRY(commit());
  Source& source = sources_.at(ref);
  source.replay = resident.since_blob;
  snapshots_.release_weights(ref);
  residents_.erase(ref);
  ++counters_.evictions;
  queue(source);
  close_if_idle(ref);
  return Status::ok();
}

}  // namespace silt::learn
