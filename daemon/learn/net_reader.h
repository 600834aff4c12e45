// NetReader: records of the journal with their fold marks lead net states on, those of many sources side by side.
//
// No clock, no store, no threads: what happens to a state depends on its records, their marks and the state
// alone, whether they are read for the first time or replayed, whoever is read beside it, and into however many
// calls its records are cut. Scores become final in record order, each once, and a replay makes the same ones
// final at the same records. Used by the learner thread only.
//
// Two steps: take() decides about records and turns them into tokens, read() lets the nets read these. Between the
// two a state is half-way: it must not be stored.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/status.h"
#include "daemon/learn/net_state.h"
#include "daemon/store/record.h"
#include "daemon/store/types.h"
#include "model/learner.h"
#include "model/tokenizer.h"

namespace silt::learn {

// Tokens of the records that were taken and that the net has not read.
class Reading {
 public:
  std::size_t tokens() const { return tokens_; }

 private:
  friend class NetReader;
  struct Run {
    model::LearnMode mode = model::LearnMode::kScoreAndLearn;
    std::vector<model::Token> tokens;
  };
  std::vector<Run> runs_;
  std::size_t run_ = 0, at_ = 0;  // where the net goes on
  std::size_t tokens_ = 0;        // from there on
};

class NetReader {
 public:
  // Called after mini-batches, and may wait. False: give up a long reading half-way, after which the state is good
  // for nothing but being dropped.
  using Pace = std::function<bool(std::uint64_t tokens)>;
  using Scores = std::vector<store::Score>;
  // More records than so many do not wait for an open mini-batch: their provisional scores, which have
  // the bits of the later ones, become final.
  static constexpr std::size_t kPendingMax = 1024;

  // One source's part of a call.
  struct Lane {
    NetState* state = nullptr;
    Reading* reading = nullptr;  // empty afterwards
    Scores* finals = nullptr;    // gets what became final; null: a replay, whose scores are stored
    Status status;               // written by the call; kCancelled when the pace gave up
  };

  NetReader(model::Learner& learner, const model::Tokenizer& tokenizer, Pace pace);

  // The record behind learned_seq. Safe for several states at once, on as many threads.
  void take(NetState& state, const store::RecordView& record, const store::FoldMark& mark, bool shed,
            Reading& reading) const;
  // Whether what was taken must be read before more is.
  bool is_full(const NetState& state, const Reading& reading) const;
  // How many steps the state will have when it was read.
  std::uint64_t steps_after(const NetState& state, const Reading& reading) const;
  void read(std::span<Lane> lanes);

  // From the next record on, with nothing taken. A source that is only counted from here on has no scores pending.
  Status set_policy(NetState& state, const fold::PolicyConfig& config, Scores* finals);

  // Provisional scores of the pending records; the state stays as it is.
  Status tail(const NetState& state, Scores& out);
  struct Tail {
    const NetState* state = nullptr;
    Scores* out = nullptr;
  };
  Status tails(std::span<const Tail> tails);

 private:
  // A lane's tokens of one call to the learner.
  struct Part {
    Lane* lane = nullptr;
    std::vector<model::Token> scored;  // the open ones first
    std::size_t open = 0;
    model::LearnMode mode = model::LearnMode::kScoreAndLearn;
    std::vector<model::TokenScore> scores;
  };
  std::size_t minibatch() const { return static_cast<std::size_t>(learner_.config().minibatch_tokens); }
  std::size_t slice() const;
  bool next_part(Lane& lane, Part& part) const;
  void finish_part(Part& part, const model::Lane& read);
  void account(NetState& state, std::span<const model::Token> scored, std::span<const model::TokenScore> scores,
               Scores* finals) const;
  Status finish(Lane& lane);
  Status settle(NetState& state, Scores* finals);

  model::Learner& learner_;
  const model::Tokenizer& tokenizer_;
  Pace pace_;
  // Scratch, kept for its capacity.
  std::vector<Part> parts_;
  std::vector<model::Lane> reads_;
};

}  // namespace silt::learn
