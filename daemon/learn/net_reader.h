// NetReader: one record of the journal with its fold mark moves one source's net state one step on.
//
// No clock, no store, no threads: what happens to a state depends on the record, its mark and the state
// alone, whether it is read for the first time or replayed. Scores become final in record order, each
// once, and a replay makes the same ones final at the same records. Used by the learner thread only.
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

class NetReader {
 public:
  // Called after each mini-batch, and may wait. False: give up a long record half-way, after which
  // the state is good for nothing but being dropped.
  using Pace = std::function<bool(std::uint64_t tokens)>;
  using Scores = std::vector<store::Score>;
  // More records than so many do not wait for an open mini-batch: their provisional scores, which have
  // the bits of the later ones, become final.
  static constexpr std::size_t kPendingMax = 1024;

  NetReader(model::Learner& learner, const model::Tokenizer& tokenizer, Pace pace);

  // The record behind learned_seq. `finals` gets what became final; null: a replay, whose scores are
  // stored. kCancelled when the pace gave up.
  Status read(NetState& state, const store::RecordView& record, const store::FoldMark& mark, bool shed,
              Scores* finals);
  // From the next record on. A source that is only counted from here on has no scores pending.
  Status set_policy(NetState& state, const fold::PolicyConfig& config, Scores* finals);

  // Provisional scores of the pending records; the state stays as it is.
  Status tail(const NetState& state, Scores& out);

 private:
  Status feed(NetState& state, const store::RecordView& record, model::LearnMode mode, Scores* finals);
  void account(NetState& state, std::span<const model::Token> scored, Scores* finals);
  Status settle(NetState& state, Scores* finals);

  model::Learner& learner_;
  const model::Tokenizer& tokenizer_;
  Pace pace_;
  // Scratch, kept for its capacity.
  std::vector<model::Token> tokens_, scored_;
  std::vector<model::TokenScore> scores_;
};

}  // namespace silt::learn
