// Recall: the memory of one source's stream and its gate, as a part of the source's state, and the
// workspace by which a learner uses them.
//
// A mini-batch is read in two steps, because the net scores its rows together: read() asks the memory
// about every token and adds it, then the net tells its surprises, then mix() runs the gate token by
// token. Candidates are ranked by the gate as the mini-batch found it, so a part-filled mini-batch is
// scored with the bits of the full one. The memory takes in whatever is read, like the attention
// window, also when the net's weights do not learn.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/ops/backend.h"
#include "model/ops/config.h"
#include "model/recall_gate.h"
#include "model/recall_memory.h"

namespace silt::model {

struct RecallState {
  RecallMemory memory;
  RecallGate gate;

  void digest(Digester& digester) const;
  std::uint64_t bytes() const;
};

class Recall {
 public:
  explicit Recall(int minibatch_tokens);

  // Of the stream's next tokens. `marks` [vocabulary] are the tokens' TokenMarks.
  void read(RecallState& state, std::span<const Token> tokens, std::span<const std::uint8_t> marks);
  // What the net has to say about them; valid until the next read().
  const Candidates& candidates() const { return candidates_; }
  // Replaces the net's surprises of these tokens by those of net and memory together.
  void mix(RecallState& state, std::span<const Token> tokens, std::span<float> nats);

 private:
  std::vector<RecallHints> hints_;
  std::vector<Token> tokens_;
  std::vector<float> nats_, rest_nats_;
  Candidates candidates_;
};

}  // namespace silt::model
