#include "daemon/learn/net_reader.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/log.h"

namespace silt::learn {
namespace {

constexpr std::size_t kFinishBatches = 4;  // a stop waits for the rest of a record if it is so short

// A token whose score is not finite (the step was skipped) says nothing about the record.
double finite(float nats) {
  return std::isfinite(nats) ? nats : 0.0;
}

store::Decision decision_of(fold::Action action) {
  switch (action) {
    case fold::Action::kLearn: return store::Decision::kLearned;
    case fold::Action::kScore: return store::Decision::kScored;
    case fold::Action::kCount: return store::Decision::kCounted;
  }
  return store::Decision::kCounted;
}

// A record that waits for no token is final as soon as none before it waits.
void hand_out_finished(NetState& state, NetReader::Scores* finals) {
  while (!state.pending.empty() && state.pending.front().waiting == 0) {
    const PendingRecord& record = state.pending.front();
    if (finals != nullptr) finals->push_back(record.scored(record.adapted_nats, record.frozen_nats));
    state.pending.pop_front();
  }
}

}  // namespace

NetReader::NetReader(model::Learner& learner, const model::Tokenizer& tokenizer, Pace pace)
    : learner_(learner), tokenizer_(tokenizer), pace_(std::move(pace)) {}

Status NetReader::read(NetState& state, const store::RecordView& record, const store::FoldMark& mark,
                       bool shed, Scores* finals) {
  const fold::Verdict verdict = state.policy.decide({.text = record.text,
                                                     .seq = record.seq,
                                                     .arrival_us = record.arrival_us,
                                                     .pattern = mark.pattern,
                                                     .shed = shed,
                                                     .gap = (record.flags & connectors::kRecordGap) != 0});
  const store::Decision decision = decision_of(verdict.action);
  count(state.head, decision, verdict.outcome);
  PendingRecord pending;
  pending.score.seq = record.seq;
  pending.score.decision = decision;
  pending.score.reason = static_cast<std::uint8_t>(verdict.outcome);
  state.pending.push_back(pending);
  if (decision != store::Decision::kCounted) {
    const bool learns = decision == store::Decision::kLearned;
    SILT_TRY(feed(state, record, learns ? model::LearnMode::kScoreAndLearn : model::LearnMode::kScoreOnly,
                  finals));
  }
  hand_out_finished(state, finals);
  if (state.pending.size() > kPendingMax) SILT_TRY(settle(state, finals));
  store::NetHead& head = state.head;
  head.learned_seq = record.seq;
  head.processed_bytes += record.text.size();
  head.steps = state.net.steps;
  head.state_version = head.base_version + state.net.steps;
  return Status::ok();
}

Status NetReader::set_policy(NetState& state, const fold::PolicyConfig& config, Scores* finals) {
  state.policy.set_config(config);
  return config.mode == fold::SourceMode::kCount ? settle(state, finals) : Status::ok();
}

Status NetReader::feed(NetState& state, const store::RecordView& record, model::LearnMode mode,
                       Scores* finals) {
  tokens_.clear();
  tokenizer_.encode(record.text, tokens_);
  tokenizer_.encode("\n", tokens_);
  PendingRecord& pending = state.pending.back();
  pending.score.tokens = pending.waiting = static_cast<std::uint32_t>(tokens_.size());
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
    account(state, std::span<const model::Token>(scored_).first(scores_.size()), finals);
    if (!pace_(scores_.size()) && left.size() > kFinishBatches * slice) {
      return Status(Code::kCancelled, "stopping");
    }
  }
  return Status::ok();
}

// The oldest open tokens were scored: their records' sums, and the source's.
void NetReader::account(NetState& state, std::span<const model::Token> scored, Scores* finals) {
  double nats = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    nats += finite(scores_[i].adapted_nats);
    bytes += tokenizer_.piece(scored[i]).size();
    if (state.settled_tokens > 0) {
      --state.settled_tokens;
      continue;
    }
    PendingRecord& record = state.pending.front();
    record.adapted_nats += finite(scores_[i].adapted_nats);
    record.frozen_nats += finite(scores_[i].frozen_nats);
    if (--record.waiting == 0) hand_out_finished(state, finals);
  }
  store::NetHead& head = state.head;
  head.scored_tokens += scored.size();
  head.scored_bytes += bytes;
  head.scored_nats += nats;
  head.window_bits.push_back(
      bytes == 0 ? 0.0f : static_cast<float>(nats / std::numbers::ln2 / static_cast<double>(bytes)));
  if (head.window_bits.size() > kWindowBatches) head.window_bits.erase(head.window_bits.begin());
}

Status NetReader::settle(NetState& state, Scores* finals) {
  if (finals != nullptr) SILT_TRY(tail(state, *finals));
  state.pending.clear();
  state.settled_tokens = static_cast<std::uint32_t>(state.net.open.size());
  return Status::ok();
}

Status NetReader::tail(const NetState& state, Scores& out) {
  if (state.pending.empty()) return Status::ok();
  scores_.clear();
  SILT_TRY(learner_.score_tail(state.net, scores_));
  std::size_t next = state.settled_tokens;
  for (const PendingRecord& record : state.pending) {
    double adapted = record.adapted_nats, frozen = record.frozen_nats;
    for (std::uint32_t i = 0; i < record.waiting; ++i, ++next) {
      adapted += finite(scores_[next].adapted_nats);
      frozen += finite(scores_[next].frozen_nats);
    }
    out.push_back(record.scored(adapted, frozen));
  }
  return Status::ok();
}

}  // namespace silt::learn
