#include "daemon/learn/learn_loop.h"

#include <algorithm>
#include <chrono>
#include <tuple>

#include "base/log.h"

namespace silt::daemon {
namespace {

constexpr std::uint64_t kReadBytes = 128 * 1024;  // of the journal at a time
constexpr std::uint64_t kFoldBytes = 512 * 1024;
constexpr std::uint32_t kFoldRecords = 4096;  // one commit
constexpr int kFoldBatches = 8;               // of one source before others are folded
constexpr std::int64_t kSecondUs = 1'000'000;

std::pair<std::uint32_t, std::uint32_t> id_of(SourceRef source) {
  return {static_cast<std::uint32_t>(source.tenant), static_cast<std::uint32_t>(source.source)};
}

}  // namespace

LearnLoop::LearnLoop(RecordLog& log, StateStore& states, const EvidenceStore& evidence, Snapshots& snapshots,
                     model::Learner& learner, const model::Tokenizer& tokenizer, const Clock& clock,
                     LearnOptions options)
    : log_(log),
      states_(states),
      evidence_(evidence),
      snapshots_(snapshots),
      learner_(learner),
      clock_(clock),
      options_(std::move(options)),
      reader_(learner, tokenizer, options_.zone, [this](std::uint64_t tokens) { return pace(tokens); }),
      cpu_share_(options_.cpu_share, options_.threads) {
  status_.state = "idle";
  status_.backend = learner.backend_name();
  last_progress_us_ = clock.monotonic_us();
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
}

void LearnLoop::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_up_.notify_all();
}

void LearnLoop::point(std::string_view name) const {
  if (options_.at_point) options_.at_point(name);
}

void LearnLoop::run() {
  const Status ended = loop();
  std::deque<Command> left;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    left.swap(commands_);
  }
  for (Command& command : left) command.done.set_value(unavailable("the learner is stopping"));
  if (!ended.is_ok()) options_.on_fatal(ended.with_context("learner"));
}

Status LearnLoop::loop() {
  SILT_TRY(recover_sources());
  while (!stopping_) {
    run_commands();
    SILT_TRY(discover_sources());
    SILT_TRY(fold_all());
    const std::vector<Source*> waiting = sources_with_backlog();
    if (Source* source = next_source(waiting)) {
      update_status("learning");
      const Status done = turn(*source);
      // Stopped inside a record or a replay: that state is of no use, the journal has everything.
      if (done.code() == Code::kCancelled) source->resident.reset();
      if (!done.is_ok() && done.code() != Code::kCancelled) return done;
    }
    SILT_TRY(commit_due(waiting.empty()));
    if (waiting.empty()) wait_for_work();
  }
  return commit_all_for_stop();
}

Status LearnLoop::discover_sources() {
  for (const SourceInfo& info : log_.sources()) {
    const auto [found, is_new] = sources_.try_emplace(id_of(info.ref));
    if (!is_new) continue;
    Source& source = found->second;
    source.info = info;
    SILT_ASSIGN(const auto head, states_.head(info.ref));
    if (!head) continue;
    source.learned_seq = head->learned_seq;
    source.folded_seq = head->folded_seq;
    source.processed_bytes = head->processed_bytes;
  }
  return Status::ok();
}

std::vector<LearnLoop::Source*> LearnLoop::sources_with_backlog() {
  std::vector<Source*> out;
  for (auto& [id, source] : sources_) {
    if (!source.failed.is_ok()) continue;
    const auto intake = log_.intake_head(source.info.ref);
    if (intake.is_ok() && intake->journal_seq > source.learned_seq) out.push_back(&source);
  }
  return out;
}

LearnLoop::Source* LearnLoop::next_source(const std::vector<Source*>& candidates) {
  const auto longest_ago =
      std::min_element(candidates.begin(), candidates.end(),
                       [](const Source* a, const Source* b) { return a->last_turn < b->last_turn; });
  return longest_ago == candidates.end() ? nullptr : *longest_ago;
}

// Brings patterns, index and evidence of every source up to the journal's end.
Status LearnLoop::fold_all() {
  for (auto& [id, source] : sources_) {
    if (!source.failed.is_ok() || stopping_) continue;
    const auto intake = log_.intake_head(source.info.ref);
    if (!intake.is_ok() || intake->journal_seq <= source.folded_seq) continue;
    const Status done = fold_ahead(source);
    if (done.code() == Code::kCancelled) source.resident.reset();
    if (!done.is_ok() && done.code() != Code::kCancelled) return done;
  }
  return Status::ok();
}

Status LearnLoop::fold_ahead(Source& source) {
  SILT_TRY(make_resident(source));
  Resident& resident = *source.resident;
  std::vector<JournalRecord> records;
  for (int batch = 0; batch < kFoldBatches && !stopping_; ++batch) {
    const Status read =
        log_.read_after(source.info.ref, source.folded_seq, kFoldBytes, kFoldRecords, records);
    if (read.code() == Code::kDataLoss) {
      source_failed(source, read);
      return Status::ok();
    }
    SILT_TRY(read);
    if (records.empty()) return Status::ok();
    for (const JournalRecord& record : records) reader_.fold(resident.state, record, &resident.changes);
    source.folded_seq = resident.state.head.folded_seq;
    resident.records_since_blob += records.size();
    note_change(resident);
    point("learn.folded");
    // The net takes its decisions from the store, so they are there before it reads on.
    SILT_TRY(commit(source, false, ""));
    pace(0);
  }
  return Status::ok();
}

void LearnLoop::note_change(Resident& resident) {
  const std::int64_t now = clock_.monotonic_us();
  if (resident.changed_us == 0) resident.changed_us = std::max<std::int64_t>(1, now);
  if (resident.blob_due_us == 0) resident.blob_due_us = now + options_.blob_age_s * kSecondUs + 1;
}

void LearnLoop::source_failed(Source& source, const Status& status) {
  source.failed = status;
  ++counters_.failed_sources;
  log::error("source_failed", {{"source", source.info.name},
                               {"error", status.message()},
                               {"remedy", "restore a backup, or reset the source and read its logs again"}});
}

Status LearnLoop::turn(Source& source) {
  source.last_turn = ++turns_;
  SILT_TRY(make_resident(source));
  SILT_TRY(shed_if_needed(source));
  std::vector<JournalRecord> records;
  std::vector<Evidence> decided;
  Status read =
      log_.read_after(source.info.ref, source.learned_seq, kReadBytes, options_.quantum_records, records);
  while (!records.empty() && records.back().seq > source.folded_seq) records.pop_back();
  if (read.is_ok()) read = decisions(source, records, decided);
  if (read.code() == Code::kDataLoss) {
    source_failed(source, read);
    return Status::ok();
  }
  SILT_TRY(read);
  return learn_records(source, records, decided);
}

Status LearnLoop::decisions(const Source& source, const std::vector<JournalRecord>& records,
                            std::vector<Evidence>& out) const {
  out.clear();
  if (records.empty()) return Status::ok();
  SILT_TRY(
      evidence_.scan(source.info.ref, {records.front().seq, records.back().seq}, [&](const Evidence& row) {
        out.push_back(row);
        return true;
      }));
  if (out.size() == records.size()) return Status::ok();
  return data_loss("evidence of records " + std::to_string(records.front().seq) + " to " +
                   std::to_string(records.back().seq) + " is incomplete");
}

Status LearnLoop::learn_records(Source& source, const std::vector<JournalRecord>& records,
                                const std::vector<Evidence>& decided) {
  Resident& resident = *source.resident;
  const std::uint64_t steps_before = resident.state.net.steps;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const JournalRecord& record = records[i];
    // Full batches are committed inside a turn: the unit of work that a stop or a crash can lose.
    if (resident.records_since_commit >= options_.commit_records_max) SILT_TRY(commit(source, false, ""));
    note_change(resident);
    const bool shed = is_shed(resident, record.seq);
    SILT_TRY(reader_.learn(resident.state, record, decided[i], shed, &resident.changes));
    source.learned_seq = record.seq;
    source.processed_bytes = resident.state.head.processed_bytes;
    resident.tail_scored = false;
    ++resident.records_since_commit;
    ++resident.records_since_blob;
    ++counters_.records;
    if (shed) ++counters_.shed_records;
    last_progress_us_ = clock_.monotonic_us();
    point("learn.record");
    if (stopping_ || resident.state.net.steps - steps_before >= options_.quantum_steps) break;
  }
  counters_.steps += resident.state.net.steps - steps_before;
  pace(0);
  return Status::ok();
}

bool LearnLoop::is_shed(const Resident& resident, Seq seq) const {
  return std::any_of(resident.sheds.begin(), resident.sheds.end(),
                     [&](const ShedMark& mark) { return mark.first_seq <= seq && seq <= mark.last_seq; });
}

// Marks the older part of a backlog that became too large, so that half of the limit is left.
Status LearnLoop::shed_if_needed(Source& source) {
  SILT_ASSIGN(const IntakeHead intake, log_.intake_head(source.info.ref));
  const std::uint64_t bytes = intake.bytes - std::min(intake.bytes, source.processed_bytes);
  if (bytes <= options_.backlog_bytes_max) return Status::ok();
  std::vector<ShedMark>& sheds = source.resident->sheds;
  if (!sheds.empty() && sheds.back().last_seq > source.learned_seq) return Status::ok();  // still at it
  const std::uint64_t records = intake.journal_seq - source.learned_seq;
  const double share =
      1.0 - 0.5 * static_cast<double>(options_.backlog_bytes_max) / static_cast<double>(bytes);
  ShedMark mark;
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

// --- commits ----------------------------------------------------------------------------------------

Status LearnLoop::commit_due(bool idle) {
  const std::int64_t now = clock_.monotonic_us();
  const Source* const largest = over_replay_budget();
  for (auto& [id, source] : sources_) {
    if (!source.resident) continue;
    const Resident& resident = *source.resident;
    std::string_view blob;
    if (&source == largest) blob = "budget";
    if (resident.blob_due_us != 0 && now >= resident.blob_due_us) blob = "age";
    const bool changed = resident.changed_us != 0;
    const bool due = changed && now - resident.changed_us >= options_.commit_ms * 1000;
    // The open mini-batch of a source that has no more to read is scored for its evidence's sake.
    const bool tail = idle && !resident.tail_scored;
    if (due || !blob.empty() || (tail && !changed)) SILT_TRY(commit(source, tail, blob));
  }
  return Status::ok();
}

// What a restart would have to replay is bounded over all sources together: beyond that, the source
// with most of it stores its state. Null: within the budget.
const LearnLoop::Source* LearnLoop::over_replay_budget() const {
  const Source* largest = nullptr;
  std::uint64_t steps = 0, records = 0, largest_steps = 0, largest_records = 0;
  for (const auto& [id, source] : sources_) {
    if (!source.resident) continue;
    const Resident& resident = *source.resident;
    const std::uint64_t its_steps = resident.state.net.steps - resident.steps_at_blob;
    steps += its_steps;
    records += resident.records_since_blob;
    const auto larger = std::pair(its_steps, resident.records_since_blob);
    if (largest != nullptr && larger <= std::pair(largest_steps, largest_records)) continue;
    largest = &source;
    std::tie(largest_steps, largest_records) = larger;
  }
  return steps >= options_.replay_steps_max || records >= options_.replay_records_max ? largest : nullptr;
}

Status LearnLoop::commit(Source& source, bool tail, std::string_view blob_reason) {
  Resident& resident = *source.resident;
  SourceState& state = resident.state;
  StepBatch batch;
  batch.source = source.info.ref;
  batch.evidence = std::move(resident.changes.evidence);
  batch.postings = std::move(resident.changes.postings);
  resident.changes = {};
  if (tail) SILT_TRY(reader_.score_pending(state, batch.evidence));
  for (const MinerRow& row : state.miner.take_dirty()) {
    if (const Pattern* p = state.miner.find(row.id)) {
      batch.patterns.push_back(
          {p->id, p->text, p->count, p->first_seq, p->last_seq, p->first_time_us, p->last_time_us});
    }
  }
  state.head.state_digest = digest_of(state, learner_);
  state.head.patterns = state.miner.size();
  batch.head = state.head;
  if (!blob_reason.empty()) {
    batch.blob = encode_state(state, learner_);
    batch.blob_reason = blob_reason;
    batch.written_us = clock_.wall_us();
  }
  point("learn.before_commit");
  SILT_TRY(states_.commit(std::move(batch)));
  point("learn.after_commit");
  resident.records_since_commit = 0;
  resident.changed_us = 0;
  if (tail) resident.tail_scored = true;
  ++counters_.commits;
  if (!blob_reason.empty()) {
    resident.records_since_blob = 0;
    resident.steps_at_blob = state.net.steps;
    resident.blob_due_us = 0;
    ++counters_.blobs;
  }
  last_progress_us_ = clock_.monotonic_us();
  publish(source);
  point("learn.after_publish");
  return Status::ok();
}

Status LearnLoop::commit_all_for_stop() {
  for (auto& [id, source] : sources_) {
    if (!source.resident) continue;
    const Resident& resident = *source.resident;
    if (resident.blob_due_us != 0 || !resident.tail_scored) SILT_TRY(commit(source, true, "stop"));
  }
  return Status::ok();
}

// Only what was committed is ever published.
void LearnLoop::publish(const Source& source) {
  const Head& head = source.resident->state.head;
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->source = source.info.ref;
  snapshot->state_version = head.state_version;
  snapshot->learned_seq = head.learned_seq;
  snapshot->state_digest = head.state_digest;
  for (const float bits : head.window_bits) snapshot->bits_per_byte_window += bits;
  if (!head.window_bits.empty())
    snapshot->bits_per_byte_window /= static_cast<double>(head.window_bits.size());
  snapshot->weights = source.resident->state.net.weights;
  snapshots_.publish(std::move(snapshot));
}

// --- waiting ----------------------------------------------------------------------------------------

// Keeps the CPU share. False when the daemon stops.
bool LearnLoop::pace(std::uint64_t tokens) {
  const std::int64_t now = clock_.monotonic_us();
  counters_.tokens += tokens;
  if (tokens > 0) {
    if (recent_tokens_.empty() || now - recent_tokens_.back().first >= kSecondUs)
      recent_tokens_.emplace_back(now, 0);
    recent_tokens_.back().second += tokens;
  }
  last_progress_us_ = now;
  const std::int64_t pause_us = cpu_share_.pause_us(now);
  if (pause_us <= 0) return !stopping_;
  std::unique_lock lock(mutex_);
  status_.state = replaying_ ? "replaying" : "throttled";
  wake_up_.wait_for(lock, std::chrono::microseconds(std::min(pause_us, kSecondUs)),
                    [this] { return stopping_.load() || !commands_.empty(); });
  return !stopping_;
}

void LearnLoop::wait_for_work() {
  update_status("idle");
  std::unique_lock lock(mutex_);
  // No work: the next due time is at most one commit interval away.
  const auto interval = std::chrono::milliseconds(std::clamp<std::int64_t>(options_.commit_ms, 1, 1000));
  wake_up_.wait_for(lock, interval, [this] { return woken_ || stopping_.load() || !commands_.empty(); });
  woken_ = false;
  last_progress_us_ = clock_.monotonic_us();
}

void LearnLoop::update_status(std::string_view state) {
  LearnerStatus now;
  now.state = state;
  now.backend = learner_.backend_name();
  for (const auto& [id, source] : sources_) {
    const auto intake = log_.intake_head(source.info.ref);
    if (intake.is_ok()) {
      now.backlog_records += intake->journal_seq - std::min(intake->journal_seq, source.learned_seq);
      now.backlog_bytes += intake->bytes - std::min(intake->bytes, source.processed_bytes);
    }
    if (source.resident) ++now.resident_states;
  }
  now.resident_bytes = now.resident_states * learner_.config().state_bytes();
  const std::int64_t now_us = clock_.monotonic_us();
  while (!recent_tokens_.empty() && now_us - recent_tokens_.front().first > 60 * kSecondUs)
    recent_tokens_.pop_front();
  if (!recent_tokens_.empty()) {
    std::uint64_t tokens = 0;
    for (const auto& [at, count] : recent_tokens_) tokens += count;
    const std::int64_t span_us = std::max(now_us - recent_tokens_.front().first, kSecondUs);
    now.tokens_per_s = tokens * kSecondUs / static_cast<std::uint64_t>(span_us);
  }
  const std::lock_guard lock(mutex_);
  status_ = std::move(now);
}

LearnerStatus LearnLoop::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

// --- requests from other threads ----------------------------------------------------------------------

Result<ResetResult> LearnLoop::reset(const ResetRequest& request) {
  Command command{request, {}};
  std::future<Result<ResetResult>> done = command.done.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (ended_ || stopping_) return unavailable("the learner is stopping");
    commands_.push_back(std::move(command));
    woken_ = true;
    wake_up_.notify_all();
  }
  return done.get();
}

void LearnLoop::run_commands() {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (commands_.empty()) return;
    Command command = std::move(commands_.front());
    commands_.pop_front();
    lock.unlock();
    command.done.set_value(carry_out(command.request));
  }
}

}  // namespace silt::daemon
