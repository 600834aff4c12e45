#include "daemon/learn/record_reader.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/log.h"

namespace silt::daemon {
namespace {

constexpr std::size_t kFinishBatches = 4;  // a stop waits for the rest of a record if it is so short

// A token whose score is not finite (the step was skipped) says nothing about the record.
double finite(float nats) {
  return std::isfinite(nats) ? nats : 0.0;
}

using Row = decltype(Evidence::decision);

Row row_of(Action action) {
  switch (action) {
    case Action::kLearn: return Row::kLearned;
    case Action::kScore: return Row::kScored;
    case Action::kCount: return Row::kCounted;
  }
  return Row::kCounted;
}

void count(Head& head, Row decision, std::size_t reason) {
  if (decision == Row::kLearned) ++head.learned_lines;
  if (decision == Row::kScored) ++head.scored_lines;
  if (decision == Row::kCounted) ++head.counted_lines;
  if (head.skipped_by_reason.size() <= reason) head.skipped_by_reason.resize(reason + 1);
  ++head.skipped_by_reason[reason];
}

}  // namespace

RecordReader::RecordReader(model::Learner& learner, const model::Tokenizer& tokenizer, ZoneOffset zone,
                           Pace pace)
    : learner_(learner), tokenizer_(tokenizer), zone_(std::move(zone)), pace_(std::move(pace)) {}

void RecordReader::fold(SourceState& state, const JournalRecord& record, Changes* changes) {
  const bool gap = (record.flags & connectors::kRecordGap) != 0;
  scan_line(record.text, line_);
  std::optional<std::int64_t> event_us;
  if (line_.time) event_us = resolve_time(*line_.time, record.arrival_us, zone_(record.arrival_us));

  Evidence evidence;
  evidence.seq = record.seq;
  evidence.event_us = event_us.value_or(record.arrival_us);
  PolicyInput input{.text = record.text, .seq = record.seq, .arrival_us = record.arrival_us, .gap = gap};
  if (!gap) {
    const Folded folded = state.miner.fold(line_, record.seq, evidence.event_us);
    evidence.pattern = input.pattern = folded.pattern;
    evidence.new_pattern = folded.is_new;
    input.pattern_count = folded.count;
  }
  const auto decision = state.policy.decide(input);
  evidence.decision = row_of(decision.action);
  evidence.reason = static_cast<std::uint8_t>(decision.outcome);
  // What is to be read by the net is counted when it was.
  if (decision.action == Action::kCount) count(state.head, Row::kCounted, evidence.reason);
  state.head.folded_seq = record.seq;
  if (changes == nullptr) return;
  changes->evidence.push_back(evidence);
  index_terms(line_, terms_);
  for (std::string& term : terms_) changes->postings.push_back({std::move(term), record.seq});
}

Status RecordReader::learn(SourceState& state, const JournalRecord& record, const Evidence& decided,
                           bool shed, Changes* changes) {
  constexpr auto kShed = static_cast<std::uint8_t>(Outcome::kShed);
  // A replay meets rows that were rewritten since: scored, or shed. Both lead to the same state.
  Evidence evidence = decided;
  evidence.tokens = 0;
  evidence.adapted_nats = evidence.frozen_nats = 0;
  if (shed && (evidence.decision != Row::kCounted || evidence.reason == kShed)) {
    evidence.decision = Row::kCounted;
    evidence.reason = kShed;
    count(state.head, Row::kCounted, kShed);
    if (changes != nullptr) changes->evidence.push_back(evidence);
  } else if (evidence.decision != Row::kCounted) {
    count(state.head, evidence.decision, evidence.reason);
    state.pending.push_back({.evidence = evidence});
    const bool learns = evidence.decision == Row::kLearned;
    SILT_TRY(feed(state, record, learns ? model::LearnMode::kScoreAndLearn : model::LearnMode::kScoreOnly,
                  changes));
  }
  state.head.learned_seq = record.seq;
  state.head.processed_bytes += record.text.size();
  state.head.steps = state.net.steps;
  state.head.state_version = state.head.base_version + state.net.steps;
  return Status::ok();
}

Status RecordReader::feed(SourceState& state, const JournalRecord& record, model::LearnMode mode,
                          Changes* changes) {
  tokens_.clear();
  tokenizer_.encode(record.text, tokens_);
  tokenizer_.encode("\n", tokens_);
  state.pending.back().tokens = state.pending.back().waiting = static_cast<std::uint32_t>(tokens_.size());
  // In slices of one mini-batch, so that a long line neither blocks a stop nor breaks the CPU share.
  const auto slice = static_cast<std::size_t>(learner_.config().minibatch_tokens);
  for (std::span<const model::Token> left(tokens_); !left.empty();) {
    const auto part = left.first(std::min(slice, left.size()));
    left = left.subspan(part.size());
    scored_ = state.net.open;
    scored_.insert(scored_.end(), part.begin(), part.end());
    scores_.clear();
    SILT_ASSIGN(const model::AppendReport report, learner_.append(state.net, part, mode, scores_));
    if (report.steps == 0) continue;
    if (report.skipped_steps > 0) {
      log::warning("step_skipped", {{"seq", record.seq}, {"reason", "loss or gradient not finite"}});
    }
    account(state, std::span<const model::Token>(scored_).first(scores_.size()), changes);
    if (!pace_(scores_.size()) && left.size() > kFinishBatches * slice) {
      return Status(Code::kCancelled, "stopping");
    }
  }
  return Status::ok();
}

// The oldest waiting tokens were scored: their records' sums, and the source's.
void RecordReader::account(SourceState& state, std::span<const model::Token> scored, Changes* changes) {
  double nats = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    PendingRecord& record = state.pending.front();
    record.adapted_nats += finite(scores_[i].adapted_nats);
    record.frozen_nats += finite(scores_[i].frozen_nats);
    nats += finite(scores_[i].adapted_nats);
    bytes += tokenizer_.piece(scored[i]).size();
    if (--record.waiting > 0) continue;
    if (changes != nullptr)
      changes->evidence.push_back(record.scored(record.adapted_nats, record.frozen_nats));
    state.pending.pop_front();
  }
  Head& head = state.head;
  head.scored_tokens += scored.size();
  head.scored_bytes += bytes;
  head.scored_nats += nats;
  head.window_bits.push_back(
      bytes == 0 ? 0.0f : static_cast<float>(nats / std::numbers::ln2 / static_cast<double>(bytes)));
  if (head.window_bits.size() > kWindowBatches) head.window_bits.erase(head.window_bits.begin());
}

Status RecordReader::score_pending(SourceState& state, std::vector<Evidence>& out) {
  using Stored = PendingRecord::Stored;
  const auto missing = [](const PendingRecord& record) { return record.stored != Stored::kTailScored; };
  if (std::none_of(state.pending.begin(), state.pending.end(), missing)) return Status::ok();
  scores_.clear();
  SILT_TRY(learner_.score_tail(state.net, scores_));
  std::size_t next = 0;
  for (PendingRecord& record : state.pending) {
    double adapted = record.adapted_nats, frozen = record.frozen_nats;
    for (std::uint32_t i = 0; i < record.waiting; ++i, ++next) {
      adapted += finite(scores_[next].adapted_nats);
      frozen += finite(scores_[next].frozen_nats);
    }
    if (!missing(record)) continue;
    out.push_back(record.scored(adapted, frozen));
    record.stored = Stored::kTailScored;
  }
  return Status::ok();
}

}  // namespace silt::daemon
