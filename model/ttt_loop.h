// TttLoop: the MixerLoop of nets whose blocks carry TTT layers (ttt_mixer.h).
//
// Their forward pass is the learning: scoring a mini-batch of b tokens takes b / kTttTokens inner steps
// from the bound weights, and update() publishes where they arrived. Whoever scores without learning
// sees every token alone, under weights that stay as they are: all inner steps are 0.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/forward.h"
#include "model/mixer_loop.h"

namespace silt::model {

class TttLoop final : public MixerLoop {
 public:
  TttLoop(std::shared_ptr<const Net> net, Backend& backend, bool frozen);

  void bind(const AdaptedState& state) override;
  void score(std::span<const Token> inputs, std::span<const Token> targets, int window_valid, bool learns,
             std::span<float> nll, std::span<float> frozen_nll, const Candidates* candidates) override;
  // The norm of the change of all inner models over the mini-batch.
  double gradient() override;
  void update(const FastWeights& from, const FastWeights& to, double gradient_norm) override;
  void advance(AdaptedState& /*state*/) override {}

 private:
  void read(const FastWeights& weights, bool learns, std::span<const Token> inputs,
            std::span<const Token> targets, std::span<float> nll, const Candidates* candidates);

  std::shared_ptr<const Net> net_;
  Backend& backend_;
  Forward forward_;
  bool frozen_;
  std::unique_ptr<FastWeights> weights_;  // a copy of the bound state's
  std::vector<TttCachePtr> caches_;       // per layer
  BufferPtr h_;
};

}  // namespace silt::model
