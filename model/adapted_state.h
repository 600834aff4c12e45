// AdaptedState: everything that reading a source has changed, at any token of its stream.
//
// Fast weights in full precision, the attention window as the layers' normed inputs (keys and
// values are recomputed from them when a learner switches to this state: half the memory of K and
// V, the same bits), and the tokens of the open mini-batch. Movable, not copyable; owned by one
// learner thread. All of it grows with what was read: for the shipped net from some 40 kB, the weights being
// W_0's, to about 7 MB, of which 1 MB is its recall.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/ops/backend.h"
#include "model/ops/lane_engine.h"
#include "model/ops/ttt_mixer.h"
#include "model/recall.h"

namespace silt::model {

// The adapted weights at one version: immutable once published, shared by the state, snapshots and
// readers of any thread.
struct FastWeights {
  std::vector<BufferPtr> buffers;   // what learns of each fast layer, or the inner models' maps
  std::vector<FastTensors> layers;  // views into `buffers`: of fast SwiGLUs,
  std::vector<InnerModel> inner;    // or of TTT layers
  std::shared_ptr<HeldWeights> held;  // in a lane engine's memory, in place of all that

  std::uint64_t bytes() const;
};

struct AdaptedState {
  std::shared_ptr<const FastWeights> weights;  // the net's own W_0 until the first step
  std::vector<BufferPtr> window;         // per layer [window_valid, d] kOperand, oldest first; null while
                                         // nothing was read; none with TTT layers
  std::vector<BufferPtr> frozen_window;  // adapted layers after the first, under W_0; may be empty
  std::unique_ptr<HeldWindow> held;      // both in a lane engine's memory; the vectors then hold nothing
  int window_valid = 0;                  // rows of the window that exist
  Token input = 0;                       // the last token of the learned stream, input of the next
  std::vector<Token> open;               // tokens that wait for their mini-batch
  std::uint64_t steps = 0;               // mini-batches read
  std::uint64_t tokens = 0;              // tokens read, without the open ones
  std::unique_ptr<RecallState> recall;   // null without recall
  int place = 0;                         // among the devices of a learner over several
  std::shared_ptr<const char> tag;       // whose address is unique: tells a learner to rebuild K and V

  AdaptedState() = default;
  AdaptedState(AdaptedState&&) = default;
  AdaptedState& operator=(AdaptedState&&) = default;

  // Memory that this state alone holds: of its weights and windows without padding, nothing for weights that
  // are `initial`.
  std::uint64_t bytes(const FastWeights* initial) const;
};

}  // namespace silt::model
