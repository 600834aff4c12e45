// MixerLoop: how a net reads mini-batches of one source and learns from them, whatever its mixer.
//
// Holds the working form of one bound state and the workspace of a step. Calls go
//   bind, then for each mini-batch: score, [gradient, update], advance.
// Nothing here changes a state but advance(). One thread.
#pragma once

#include <memory>
#include <span>

#include "model/adapted_state.h"
#include "model/net.h"
#include "model/ops/backend.h"

namespace silt::model {

class MixerLoop {
 public:
  virtual ~MixerLoop() = default;

  // Loads the state, with the bits it had in the learner that made it.
  virtual void bind(const AdaptedState& state) = 0;

  // Surprise of targets[i] after inputs[0..i] and what was read before. 1 to b rows; a row's score does
  // not depend on the rows behind it. `learns`: the mini-batch is, or when full will be, learned from;
  // a full one then leaves what gradient() needs. `frozen_nll`, the surprise under W_0, is written only
  // by a loop that was made for frozen scores; `candidates`, tokens whose surprise is told too, may be
  // null.
  virtual void score(std::span<const Token> inputs, std::span<const Token> targets, int window_valid,
                     bool learns, std::span<float> nll, std::span<float> frozen_nll,
                     const Candidates* candidates) = 0;

  // After score() of a full mini-batch that is learned from: how large the step is, in the mixer's
  // measure; not finite if the step must not be taken.
  virtual double gradient() = 0;

  // After gradient(): the step from `from` to `to`; the next scores use `to`. `to` may not be `from`.
  virtual void update(const FastWeights& from, const FastWeights& to, double gradient_norm) = 0;

  // After score() of a full mini-batch: its rows join what the state remembers beside its weights.
  virtual void advance(AdaptedState& state) = 0;
};

// The loop of the net's mixer. With `frozen`, score() also computes the surprise under W_0.
std::unique_ptr<MixerLoop> make_mixer_loop(std::shared_ptr<const Net> net, Backend& backend, bool frozen);

}  // namespace silt::model
