#include "daemon/learn/learn_loop.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "base/log.h"

namespace silt::learn {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kCreditStepsMax = 1000;

}  // namespace

LearnLoop::LearnLoop(store::RecordLog& log, const store::FoldStore& folds, store::NetStore& nets,
                     FoldControl& fold, Snapshots& snapshots, model::Learner& learner,
                     const model::Tokenizer& tokenizer, const Clock& clock, LearnOptions options)
    : log_(log),
      folds_(folds),
      nets_(nets),
      fold_(fold),
      snapshots_(snapshots),
      learner_(learner),
      clock_(clock),
      options_(std::move(options)),
      commands_([this] { wake(); }),
      pacer_(clock, options_.cpu_share, options_.threads,
             [this](std::int64_t us) {
               update_status(doing_ == "replaying" ? doing_ : "throttled");
               std::unique_lock lock(mutex_);
               wake_up_.wait_for(lock, std::chrono::microseconds(us),
                                 [this] { return stopping_.load() || commands_.waiting(); });
             }),
      reader_(learner, tokenizer, [this](std::uint64_t tokens) { return pace(tokens); }),
      walk_(log, reader_, counters_),
      loader_(log, folds, nets, learner, reader_, walk_, options_, counters_, [this] { return alive(); }),
      group_(nets, snapshots, learner, reader_, clock, options_, counters_),
      residents_(options_.resident_bytes_max, learner) {
  status_.state = "idle";
  status_.backend = learner.backend_name();
  last_progress_us_ = credit_since_us_ = clock.monotonic_us();
}

LearnLoop::~LearnLoop() {
  stop();
}

void LearnLoop::start() {
  thread_ = std::thread([this] { run(); });
}

void LearnLoop::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
  commands_.close();
}

void LearnLoop::ready(std::span<const store::SourceRef> sources) {
  ready_.report(sources);
  wake();
}

void LearnLoop::configure_again() {
  configured_again_ = true;
  wake();
}

void LearnLoop::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_up_.notify_all();
}

void LearnLoop::run() {
  const Status ended = loop();
  commands_.close();
  if (!ended.is_ok()) options_.on_fatal(ended.with_context("learner"));
}

Status LearnLoop::loop() {
  while (!stopping_) {
    SILT_ASSIGN(const bool busy, round());
    if (!busy) wait_for_work();
  }
  return commit_for_stop();
}

Result<bool> LearnLoop::round() {
  Result<bool> busy = work();
  if (busy.is_ok() || learner_.health().is_ok() || options_.on_device_loss == OnDeviceLoss::kEnd) return busy;
  SILT_TRY(go_on_without_device());
  return true;
}

// What was not committed is learned again, from the journal, by whatever the learner goes on with.
Status LearnLoop::go_on_without_device() {
  const Status lost = learner_.health();
  const std::string from(learner_.backend_name());
  SILT_TRY(learner_.recover());
  std::string left;  // devices
  for (const model::DeviceUse& device : learner_.devices()) {
    if (device.lost.empty()) left += (left.empty() ? "" : ", ") + device.name;
  }
  log::error("device_lost", {{"error", lost.message()},
                             {"backend", from},
                             {"goes_on_with", learner_.backend_name()},
                             {"devices_left", left.empty() ? "none" : left}});
  group_.abandon();
  std::vector<store::SourceRef> held;
  residents_.for_each([&](store::SourceRef ref, const Resident&) { held.push_back(ref); });
  for (const store::SourceRef ref : held) {
    let_go(ref);
    snapshots_.release_weights(ref);
  }
  changed_since_us_ = 0;
  uncommitted_records_ = 0;
  blobs_wanted_ = false;
  failed_ = Status::ok();
  ready_.report(held);
  return Status::ok();
}

Result<bool> LearnLoop::work() {
  if (!std::exchange(started_, true)) SILT_TRY(start_up());
  commands_.run_all();
  SILT_TRY(failed_);
  SILT_TRY(take_reported());
  if (!options_.has_room()) {
    update_status("paused");
    return false;
  }
  if (configured_again_.exchange(false)) {
    SILT_TRY(take_configuration());
    SILT_TRY(take_reported());
  }
  const std::int64_t now_us = clock_.monotonic_us();
  const Batch batch = form_batch(ready_, {.lanes = static_cast<std::size_t>(learner_.lanes_max()), .lane_bytes = minibatch_bytes()},
                                 admit_until_us(now_us), now_us);
  if (!batch.sources.empty()) {
    update_status("learning");
    SILT_TRY(turn(batch.sources));
  }
  SILT_TRY(commit_due());
  if (!batch.sources.empty()) return true;
  batch_wait_us_ = batch.wait_us;
  if (batch.wait_us > 0) return false;
  SILT_ASSIGN(const bool warmed, warm_up());
  if (!warmed) update_status("idle");
  return warmed;
}

// Which of the sources that were put off may have their turn. Where there is room, replay evicts nobody, and
// is needed once. Else it must have been earned.
std::int64_t LearnLoop::admit_until_us(std::int64_t now_us) {
  const std::int64_t seconds = (now_us - credit_since_us_) / kSecondUs;
  credit_since_us_ += seconds * kSecondUs;
  replay_credit_steps_ = std::min(replay_credit_steps_ + seconds, kCreditStepsMax);
  if (!residents_.is_full(1)) return now_us;
  const bool earned = replay_credit_steps_ >= 0;
  return earned ? now_us - options_.put_off_max_s * kSecondUs : std::numeric_limits<std::int64_t>::min();
}

// Marks the older part of a backlog that became too large, so that half of the limit is left.
Status LearnLoop::shed_if_needed(const Source& source, Resident& resident) {
  const std::uint64_t bytes = source.folded_bytes - std::min(source.folded_bytes, source.processed_bytes);
  if (bytes <= options_.backlog_bytes_max) return Status::ok();
  std::vector<store::ShedMark>& sheds = resident.sheds;
  if (!sheds.empty() && sheds.back().last_seq > source.learned_seq) return Status::ok();  // still at it
  const std::uint64_t records = source.folded_seq - source.learned_seq;
  const double share =
      1.0 - 0.5 * static_cast<double>(options_.backlog_bytes_max) / static_cast<double>(bytes);
  store::ShedMark mark;
  mark.first_seq = source.learned_seq + 1;
  mark.last_seq =
      source.learned_seq +
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(share * static_cast<double>(records)));
  mark.reason = "backlog";
  SILT_TRY(log_.append_shed_mark(source.info.ref, mark));
  sheds.push_back(mark);
  log::warning("shed", {{"source", source.info.name},
                        {"first_seq", mark.first_seq},
                        {"last_seq", mark.last_seq},
                        {"backlog_bytes", bytes},
                        {"limit_bytes", options_.backlog_bytes_max}});
  return Status::ok();
}

// Brings back one of the states that were in memory before the start: for answers, and as a test of them.
Result<bool> LearnLoop::warm_up() {
  if (cold_.empty() || residents_.is_full(1)) return false;
  const store::SourceRef ref = cold_.front();
  cold_.pop_front();
  if (residents_.find(ref) != nullptr) return true;
  SILT_ASSIGN(Source* const source, open(ref));
  if (source == nullptr) return true;
  Status loaded;
  if (!source->counting) loaded = make_resident(*source).status();
  if (loaded.is_ok()) loaded = refresh(*source);  // it may have to be learned again
  if (!loaded.is_ok()) SILT_TRY(drop_failed(ref, loaded));
  close_if_idle(ref);
  return true;
}

// --- waiting ----------------------------------------------------------------------------------------

bool LearnLoop::alive() {
  last_progress_us_ = clock_.monotonic_us();
  return !stopping_;
}

// Keeps the CPU share. False when the daemon stops.
bool LearnLoop::pace(std::uint64_t tokens) {
  counters_.tokens += tokens;
  pacer_.pace(tokens);
  return alive();
}

void LearnLoop::wait_for_work() {
  std::unique_lock lock(mutex_);
  // No work: the next due time is at most one commit interval away.
  const std::int64_t commit_us = std::clamp<std::int64_t>(options_.commit_ms, 1, 1000) * 1000;
  const std::int64_t wait_us = batch_wait_us_ > 0 ? std::min(batch_wait_us_, commit_us) : commit_us;
  wake_up_.wait_for(lock, std::chrono::microseconds(wait_us), [this] { return woken_ || stopping_.load() || commands_.waiting(); });
  woken_ = false;
  last_progress_us_ = clock_.monotonic_us();
}

void LearnLoop::update_status(std::string_view state) {
  if (state != "throttled") doing_ = state;
  LearnerStatus now;
  now.state = state;
  now.backend = learner_.backend_name();
  now.backlog_records = ready_.total().records;
  now.backlog_bytes = ready_.total().bytes;
  now.resident_states = residents_.size();
  now.resident_bytes = residents_.bytes();
  now.tokens_per_s = pacer_.tokens_per_s();
  const std::int64_t now_us = clock_.monotonic_us();
  now.latency_p50_ms = latency_.ms(0.5, now_us);
  now.latency_p99_ms = latency_.ms(0.99, now_us);
  now.commits = counters_.commits;
  now.commit_us = counters_.commit_us;
  now.devices = learner_.devices();
  const std::lock_guard lock(mutex_);
  status_ = std::move(now);
}

LearnerStatus LearnLoop::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

// --- requests from other threads ----------------------------------------------------------------------

Result<ResetResult> LearnLoop::reset(const ResetRequest& request) {
  ResetResult result;
  SILT_TRY(commands_.run([&] {
    auto done = reset_state(request);
    if (done.is_ok()) result = *done;
    return done.status();
  }));
  return result;
}

void LearnLoop::keep_state(store::SourceRef source) {
  commands_.post([this, source] {
    const Status kept = keep(source, "retention");
    if (!kept.is_ok() && kept.code() != Code::kCancelled)
      log::warning("state_not_stored",
                   {{"error", kept.message()}, {"effect", "retention keeps its records"}});
    return kept;
  });
}

Status LearnLoop::drop(store::SourceRef source) {
  return commands_.run([this, source] {
    failed_ = commit();
    let_go(source);
    snapshots_.release_weights(source);
    cold_.push_front(source);  // in case that it stays
    return failed_;
  });
}

}  // namespace silt::learn
