#include "daemon/learn/net_reader.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/log.h"

namespace silt::learn {
namespace {

constexpr std::size_t kFinishBatches = 4;  // a stop waits for the rest of a reading if it is so short
constexpr std::size_t kDeviceBatches = 8;  // of a lane, handed to a device at once

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

void NetReader::take(NetState& state, const store::RecordView& record, const store::FoldMark& mark, bool shed,
                     Reading& reading) const {
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
  if (decision != store::Decision::kCounted) {
    const bool learns = decision == store::Decision::kLearned;
    const auto mode = learns ? model::LearnMode::kScoreAndLearn : model::LearnMode::kScoreOnly;
    if (reading.runs_.empty() || reading.runs_.back().mode != mode) reading.runs_.push_back({mode, {}});
    std::vector<model::Token>& tokens = reading.runs_.back().tokens;
    const std::size_t before = tokens.size();
    tokenizer_.encode(record.text, tokens);
    tokenizer_.encode("\n", tokens);
    const std::size_t taken = tokens.size() - before;
    reading.tokens_ += taken;
    pending.score.tokens = pending.waiting = static_cast<std::uint32_t>(taken);
  }
  state.pending.push_back(pending);
  state.head.learned_seq = record.seq;
  state.head.processed_bytes += record.text.size();
}

// A processor reads mini-batch by mini-batch, so that a long line neither blocks a stop nor breaks the CPU share. A
// device would idle between them.
std::size_t NetReader::slice() const {
  return learner_.lanes_max() > 1 ? kDeviceBatches * minibatch() : minibatch();
}

// Records that may have to settle are read one by one, so that each is settled where it is whatever was taken with it.
bool NetReader::is_full(const NetState& state, const Reading& reading) const {
  return state.net.open.size() + reading.tokens_ >= slice() || state.pending.size() > kPendingMax;
}

std::uint64_t NetReader::steps_after(const NetState& state, const Reading& reading) const {
  return state.net.steps + (state.net.open.size() + reading.tokens_) / minibatch();
}

void NetReader::read(std::span<Lane> lanes) {
  for (;;) {
    std::size_t count = 0;
    for (Lane& lane : lanes) {
      if (parts_.size() == count) parts_.emplace_back();
      if (next_part(lane, parts_[count])) ++count;
    }
    if (count == 0) break;
    reads_.assign(count, {});
    for (std::size_t i = 0; i < count; ++i) {
      Part& part = parts_[i];
      reads_[i].state = &part.lane->state->net;
      reads_[i].tokens = std::span<const model::Token>(part.scored).subspan(part.open);
      reads_[i].mode = part.mode;
      reads_[i].scores = &part.scores;
    }
    learner_.append(reads_);
    std::uint64_t tokens = 0;
    for (std::size_t i = 0; i < count; ++i) {
      finish_part(parts_[i], reads_[i]);
      tokens += parts_[i].scores.size();
    }
    if (tokens == 0 || pace_(tokens)) continue;
    for (Lane& lane : lanes) {
      if (lane.status.is_ok() && lane.reading->tokens_ > kFinishBatches * minibatch())
        lane.status = Status(Code::kCancelled, "stopping");
    }
  }
  for (Lane& lane : lanes) {
    if (lane.status.is_ok()) lane.status = finish(lane);
  }
}

// Takes what the lane's net reads next; false: it has nothing to read.
bool NetReader::next_part(Lane& lane, Part& part) const {
  Reading& reading = *lane.reading;
  if (!lane.status.is_ok() || reading.tokens_ == 0) return false;
  const Reading::Run& run = reading.runs_[reading.run_];
  const std::size_t taken = std::min(slice(), run.tokens.size() - reading.at_);
  const auto first = run.tokens.begin() + static_cast<std::ptrdiff_t>(reading.at_);
  part.lane = &lane;
  part.mode = run.mode;
  part.scored = lane.state->net.open;
  part.open = part.scored.size();
  part.scored.insert(part.scored.end(), first, first + static_cast<std::ptrdiff_t>(taken));
  part.scores.clear();
  reading.tokens_ -= taken;
  reading.at_ += taken;
  if (reading.at_ == run.tokens.size()) {
    ++reading.run_;
    reading.at_ = 0;
  }
  return true;
}

void NetReader::finish_part(Part& part, const model::Lane& read) {
  part.lane->status = read.status;
  if (!read.status.is_ok()) return;
  NetState& state = *part.lane->state;
  if (read.report.skipped_steps > 0) {
    log::warning("step_skipped", {{"up_to_seq", state.head.learned_seq}, {"reason", "loss or gradient not finite"}});
  }
  const std::span<const model::Token> scored(part.scored);
  const std::span<const model::TokenScore> scores(part.scores);
  for (std::size_t at = 0; at < scores.size(); at += minibatch()) {
    account(state, scored.subspan(at, minibatch()), scores.subspan(at, minibatch()), part.lane->finals);
  }
}

// The oldest open tokens, a mini-batch, were scored: their records' sums, and the source's.
void NetReader::account(NetState& state, std::span<const model::Token> scored,
                        std::span<const model::TokenScore> scores, Scores* finals) const {
  double nats = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    nats += finite(scores[i].adapted_nats);
    bytes += tokenizer_.piece(scored[i]).size();
    if (state.settled_tokens > 0) {
      --state.settled_tokens;
      continue;
    }
    hand_out_finished(state, finals);  // those before that wait for nothing
    PendingRecord& record = state.pending.front();
    record.adapted_nats += finite(scores[i].adapted_nats);
    record.frozen_nats += finite(scores[i].frozen_nats);
    --record.waiting;
  }
  store::NetHead& head = state.head;
  head.scored_tokens += scored.size();
  head.scored_bytes += bytes;
  head.scored_nats += nats;
  head.window_bits.push_back(
      bytes == 0 ? 0.0f : static_cast<float>(nats / std::numbers::ln2 / static_cast<double>(bytes)));
  if (head.window_bits.size() > kWindowBatches) head.window_bits.erase(head.window_bits.begin());
}

// Everything was read: the state is whole again.
Status NetReader::finish(Lane& lane) {
  NetState& state = *lane.state;
  *lane.reading = {};
  hand_out_finished(state, lane.finals);
  if (state.pending.size() > kPendingMax) SILT_TRY(settle(state, lane.finals));
  state.head.steps = state.net.steps;
  state.head.state_version = state.head.base_version + state.net.steps;
  return Status::ok();
}

Status NetReader::set_policy(NetState& state, const fold::PolicyConfig& config, Scores* finals) {
  state.policy.set_config(config);
  return config.mode == fold::SourceMode::kCount ? settle(state, finals) : Status::ok();
}

Status NetReader::settle(NetState& state, Scores* finals) {
  if (finals != nullptr) SILT_TRY(tail(state, *finals));
  state.pending.clear();
  state.settled_tokens = static_cast<std::uint32_t>(state.net.open.size());
  return Status::ok();
}

Status NetReader::tail(const NetState& state, Scores& out) {
  const Tail one{&state, &out};
  return tails(std::span(&one, 1));
}

Status NetReader::tails(std::span<const Tail> tails) {
  std::vector<std::vector<model::TokenScore>> scores(tails.size());
  std::vector<model::Tail> open;
  for (std::size_t i = 0; i < tails.size(); ++i) {
    if (!tails[i].state->pending.empty()) open.push_back({&tails[i].state->net, &scores[i]});
  }
  SILT_TRY(learner_.score_tails(open));
  for (std::size_t i = 0; i < tails.size(); ++i) {
    std::size_t next = tails[i].state->settled_tokens;
    for (const PendingRecord& record : tails[i].state->pending) {
      double adapted = record.adapted_nats, frozen = record.frozen_nats;
      for (std::uint32_t token = 0; token < record.waiting; ++token, ++next) {
        adapted += finite(scores[i][next].adapted_nats);
        frozen += finite(scores[i][next].frozen_nats);
      }
      tails[i].out->push_back(record.scored(adapted, frozen));
    }
  }
  return Status::ok();
}

}  // namespace silt::learn
