// RecordReader: one record of the journal moves one source's state one step on.
//
// fold: patterns, policy, index. learn: tokens, net. No clock, no store, no threads: what happens to a state
// depends on the record and the state alone, whether it is read for the first time or replayed. Used by the
// learner thread only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/fold/scanner.h"
#include "daemon/learn/source_state.h"
#include "daemon/store/state_store.h"
#include "daemon/store/types.h"
#include "model/learner.h"
#include "model/tokenizer.h"

namespace silt::daemon {

// Rows for the next commit.
struct Changes {
  std::vector<Evidence> evidence;
  std::vector<Posting> postings;
  bool empty() const { return evidence.empty() && postings.empty(); }
};

class RecordReader {
 public:
  // Seconds east of UTC for times without a zone; a pure function of the arrival time.
  using ZoneOffset = std::function<std::int32_t(std::int64_t arrival_us)>;
  // Called after each mini-batch, and may wait. False: give up a long record half-way, after which
  // the state is good for nothing but being dropped.
  using Pace = std::function<bool(std::uint64_t tokens)>;

  RecordReader(model::Learner& learner, const model::Tokenizer& tokenizer, ZoneOffset zone, Pace pace);

  // The record after folded_seq. `changes` may be null: a replay, whose rows are stored.
  void fold(SourceState& state, const JournalRecord& record, Changes* changes);

  // The record after learned_seq, which `decided` (its evidence, whatever was scored since) says how
  // to treat; `shed` overrules it. kCancelled when the pace gave up. `changes` as above.
  Status learn(SourceState& state, const JournalRecord& record, const Evidence& decided, bool shed,
               Changes* changes);

  // Evidence rows for the records that wait, with the scores of the open mini-batch, which have the
  // bits of the later full one. The state stays as it is.
  Status score_pending(SourceState& state, std::vector<Evidence>& out);

 private:
  Status feed(SourceState& state, const JournalRecord& record, model::LearnMode mode, Changes* changes);
  void account(SourceState& state, std::span<const model::Token> scored, Changes* changes);

  model::Learner& learner_;
  const model::Tokenizer& tokenizer_;
  ZoneOffset zone_;
  Pace pace_;
  // Scratch, kept for its capacity.
  ScannedLine line_;
  std::vector<std::string> terms_;
  std::vector<model::Token> tokens_, scored_;
  std::vector<model::TokenScore> scores_;
};

}  // namespace silt::daemon
