// The part of LearnLoop that brings a source's state into memory, drops it, and forgets it.
#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"
#include "daemon/learn/learn_loop.h"

namespace silt::daemon {
namespace {

constexpr std::uint64_t kReplayBytes = 256 * 1024;  // of the journal at a time
constexpr std::uint32_t kReplayRecords = 2048;

std::string encode_result(const ResetResult& result) {
  ByteWriter writer;
  for (const std::uint64_t value :
       {result.old_version, result.new_version, result.forgotten_steps, result.forgotten_patterns}) {
    writer.varint(value);
  }
  return writer.take();
}

ResetResult decode_result(std::string_view bytes) {
  ByteReader reader(bytes);
  ResetResult result;
  for (std::uint64_t* value :
       {&result.old_version, &result.new_version, &result.forgotten_steps, &result.forgotten_patterns}) {
    *value = reader.varint();
  }
  return result;
}

}  // namespace

// Recently written sources first, as many as may be resident; the others when they have work.
Status LearnLoop::recover_sources() {
  SILT_TRY(discover_sources());
  std::vector<std::pair<std::int64_t, Source*>> order;
  for (auto& [id, source] : sources_) {
    SILT_ASSIGN(const IntakeHead intake, log_.intake_head(source.info.ref));
    order.emplace_back(-intake.last_arrival_us, &source);
  }
  std::sort(order.begin(), order.end());
  std::size_t resident = 0;
  for (const auto& [arrival, source] : order) {
    SILT_ASSIGN(const auto head, states_.head(source->info.ref));
    if (!head) continue;
    if (++resident > options_.resident_states_max) break;
    run_commands();
    update_status("replaying");
    const Status done = make_resident(*source);
    if (done.code() == Code::kCancelled) source->resident.reset();
    if (stopping_) return Status::ok();
    SILT_TRY(done);
  }
  return Status::ok();
}

Status LearnLoop::make_resident(Source& source) {
  if (source.resident) return Status::ok();
  SILT_TRY(make_room());
  SILT_ASSIGN(const auto checkpoint, states_.load(source.info.ref));
  if (!checkpoint) {
    const PolicyConfig config = options_.policy(source.info);
    start_state(source, fresh_state(learner_, config, Head()), config);
    SILT_ASSIGN(source.resident->sheds, log_.shed_marks(source.info.ref, 0));
    return Status::ok();
  }
  SILT_TRY(load(source, *checkpoint));
  publish(source);
  return Status::ok();
}

void LearnLoop::start_state(Source& source, SourceState state, const PolicyConfig& config) {
  source.resident = std::make_unique<Resident>();
  source.resident->state = std::move(state);
  Head& head = source.resident->state.head;
  head.backend = learner_.backend_name();
  head.model_fingerprint = options_.model_fingerprint;
  head.learn_config = encode_config(config);
  source.learned_seq = head.learned_seq;
  source.folded_seq = head.folded_seq;
  source.processed_bytes = head.processed_bytes;
}

Status LearnLoop::load(Source& source, const Checkpoint& checkpoint) {
  const Head& head = checkpoint.head;
  if (head.backend != learner_.backend_name() || head.model_fingerprint != options_.model_fingerprint) {
    return relearn(source, head, "the state is of another backend or model");
  }
  const PolicyConfig config = decode_config(head.learn_config, options_.policy(source.info));
  Result<SourceState> state = data_loss("no state blob");
  if (!checkpoint.blob.empty()) {
    state = decode_state(checkpoint.blob, learner_, config);
    if (!state.is_ok()) {
      log::warning("state_blob_unusable", {{"source", source.info.name},
                                           {"error", state.status().message()},
                                           {"action", "replaying the journal from its base"}});
    }
  }
  start_state(source, state.is_ok() ? std::move(state).value() : fresh_state(learner_, config, head), config);
  Resident& resident = *source.resident;
  resident.steps_at_blob = resident.state.net.steps;
  SILT_ASSIGN(resident.sheds, log_.shed_marks(source.info.ref, resident.state.head.learned_seq));
  SILT_TRY(replay(source, head));

  const Digest reached = digest_of(resident.state, learner_);
  if (!(reached == head.state_digest)) {
    const std::string why = "replay to record " + std::to_string(head.learned_seq) + " gave state " +
                            reached.hex() + ", the head says " + head.state_digest.hex();
    log::error("state_digest_mismatch", {{"source", source.info.name}, {"detail", why}});
    if (options_.on_digest_mismatch == OnMismatch::kRelearn) return relearn(source, head, why);
    return data_loss(
        "source " + source.info.name + ": " + why +
        "; the memory, the build or the journal is not what it was. To learn the source anew from its "
        "journal, set learn.on_digest_mismatch = \"relearn\"");
  }
  resident.state.head.state_digest = reached;
  (void)resident.state.miner.take_dirty();  // stored with the head
  resident.tail_scored = resident.state.pending.empty();
  return use_configured_policy(source);
}

Status LearnLoop::replay(Source& source, const Head& to) {
  Resident& resident = *source.resident;
  replaying_ = true;
  Status done = replay_folding(resident, source.info.ref, to.folded_seq);
  if (done.is_ok()) done = replay_learning(source, to.learned_seq);
  replaying_ = false;
  source.folded_seq = resident.state.head.folded_seq;
  source.learned_seq = resident.state.head.learned_seq;
  source.processed_bytes = resident.state.head.processed_bytes;
  if (resident.records_since_blob > 0) {
    resident.blob_due_us = clock_.monotonic_us() + options_.blob_age_s * 1'000'000 + 1;
  }
  return done.code() == Code::kCancelled ? done : done.with_context("source " + source.info.name);
}

Status LearnLoop::replay_folding(Resident& resident, SourceRef ref, Seq to) {
  std::vector<JournalRecord> records;
  while (resident.state.head.folded_seq < to) {
    SILT_TRY(log_.read_after(ref, resident.state.head.folded_seq, kReplayBytes, kReplayRecords, records));
    if (records.empty()) return data_loss("the journal ends before record " + std::to_string(to));
    for (const JournalRecord& record : records) {
      if (record.seq > to) break;
      reader_.fold(resident.state, record, nullptr);
      ++resident.records_since_blob;
    }
    last_progress_us_ = clock_.monotonic_us();
    if (stopping_) return Status(Code::kCancelled, "stopping");
  }
  return Status::ok();
}

Status LearnLoop::replay_learning(Source& source, Seq to) {
  Resident& resident = *source.resident;
  std::vector<JournalRecord> records;
  std::vector<Evidence> decided;
  while (resident.state.head.learned_seq < to) {
    SILT_TRY(log_.read_after(source.info.ref, resident.state.head.learned_seq, kReplayBytes, kReplayRecords,
                             records));
    while (!records.empty() && records.back().seq > to) records.pop_back();
    if (records.empty()) return data_loss("the journal ends before record " + std::to_string(to));
    SILT_TRY(decisions(source, records, decided));
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (stopping_) return Status(Code::kCancelled, "stopping");
      SILT_TRY(
          reader_.learn(resident.state, records[i], decided[i], is_shed(resident, records[i].seq), nullptr));
      ++resident.records_since_blob;
      ++counters_.replayed_records;
      last_progress_us_ = clock_.monotonic_us();
    }
  }
  return Status::ok();
}

// Starts again from the base: all derived rows go, the journal is read once more by the usual path.
Status LearnLoop::relearn(Source& source, const Head& head, std::string_view why) {
  log::warning("relearning", {{"source", source.info.name}, {"why", why}, {"from_seq", head.base_seq}});
  ++counters_.relearned_sources;
  const PolicyConfig config = options_.policy(source.info);
  Head base = head;
  base.base_version = head.state_version + 1;
  start_state(source, fresh_state(learner_, config, base), config);
  Resident& resident = *source.resident;
  resident.state.head.state_digest = digest_of(resident.state, learner_);
  SILT_ASSIGN(resident.sheds, log_.shed_marks(source.info.ref, resident.state.head.learned_seq));
  return states_.reset(source.info.ref, resident.state.head, RequestResult());
}

// A replay never crosses a change of the configuration: the new one starts with a blob.
Status LearnLoop::use_configured_policy(Source& source) {
  const PolicyConfig config = options_.policy(source.info);
  SourceState& state = source.resident->state;
  const std::string encoded = encode_config(config);
  if (state.head.learn_config == encoded) return Status::ok();
  SILT_ASSIGN(state.policy, Policy::deserialize(state.policy.serialize(), config));
  state.head.learn_config = encoded;
  return commit(source, false, "config");
}

Status LearnLoop::make_room() {
  for (;;) {
    Source* oldest = nullptr;
    std::size_t residents = 0;
    for (auto& [id, source] : sources_) {
      if (!source.resident) continue;
      ++residents;
      if (oldest == nullptr || source.last_turn < oldest->last_turn) oldest = &source;
    }
    if (residents < std::max<std::size_t>(1, options_.resident_states_max)) return Status::ok();
    if (oldest->resident->blob_due_us != 0 || oldest->resident->changed_us != 0) {
      SILT_TRY(commit(*oldest, !oldest->resident->tail_scored, "evicted"));
    }
    put_away(*oldest);
  }
}

void LearnLoop::put_away(Source& source) {
  if (const auto published = snapshots_.get(source.info.ref)) {
    auto light = std::make_shared<Snapshot>(*published);
    light->weights = nullptr;
    snapshots_.publish(std::move(light));
  }
  source.resident.reset();
}

Result<ResetResult> LearnLoop::carry_out(const ResetRequest& request) {
  SILT_TRY(discover_sources());
  const auto found = sources_.find(
      {static_cast<std::uint32_t>(request.source.tenant), static_cast<std::uint32_t>(request.source.source)});
  if (found == sources_.end()) return not_found("no such source");
  if (!request.request_id.empty()) {
    SILT_ASSIGN(const auto stored, states_.request_result(request.source.tenant, request.request_id));
    if (stored) return decode_result(*stored);
  }
  return forget(found->second, request);
}

Result<ResetResult> LearnLoop::forget(Source& source, const ResetRequest& request) {
  // A state that cannot be loaded can still be forgotten.
  const Status loaded = source.failed.is_ok() ? make_resident(source) : source.failed;
  SILT_ASSIGN(const auto committed, states_.head(source.info.ref));
  Head head = committed.value_or(Head());
  if (source.resident) head = source.resident->state.head;  // may be ahead of the last commit
  if (request.expected_version != 0 && request.expected_version != head.state_version) {
    return Status(Code::kAborted, "the state is at version " + std::to_string(head.state_version) + ", not " +
                                      std::to_string(request.expected_version));
  }
  std::size_t patterns = 0;
  if (source.resident) patterns = source.resident->state.miner.size();
  ResetResult result{head.state_version, head.state_version + 1, head.steps, patterns};
  if (request.dry_run) return result;

  SILT_ASSIGN(const IntakeHead intake, log_.intake_head(source.info.ref));
  Head base;
  base.base_seq = intake.journal_seq;
  base.base_bytes = intake.bytes;
  base.base_version = result.new_version;
  const PolicyConfig config = options_.policy(source.info);
  if (!loaded.is_ok()) SILT_TRY(make_room());
  start_state(source, fresh_state(learner_, config, base), config);
  source.failed = Status::ok();
  Head& fresh = source.resident->state.head;
  fresh.state_digest = digest_of(source.resident->state, learner_);
  point("learn.before_reset");
  SILT_TRY(
      states_.reset(source.info.ref, fresh, {request.request_id, encode_result(result), clock_.wall_us()}));
  point("learn.after_reset");
  publish(source);
  log::info("state_reset", {{"source", source.info.name},
                            {"old_version", result.old_version},
                            {"new_version", result.new_version}});
  return result;
}

}  // namespace silt::daemon
