// InnerLoop: scores one mini-batch under a state's weights and takes one learning step from it
// (ttt-spec 1.3 steps 4 to 8, with learned steps and decay).
//
//   l = mean nll of the mini-batch;  g = dl/dW for all tensors that learn, together
//   W <- W_0 + decay (W - W_0) - step g min(1, clip / |g|)
//
// W is gate, up and down of each fast SwiGLU, with a step and a decay for each of them, or down alone,
// with a step and a decay for each of its rows.
//
// The MixerLoop of TTT-E2E nets: holds the window caches and packed weights of one bound state.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/adapted_state.h"
#include "model/forward.h"
#include "model/mixer_loop.h"
#include "model/net.h"
#include "model/ops/backend.h"

namespace silt::model {

class InnerLoop final : public MixerLoop {
 public:
  // With `frozen`, score() also computes the surprise under W_0, for which the adapted blocks after
  // the first keep windows of their own.
  InnerLoop(std::shared_ptr<const Net> net, Backend& backend, bool frozen);

  // Loads weights and windows. The caches come out with the bits they had in the learner that made
  // the state.
  void bind(const AdaptedState& state) override;

  void score(std::span<const Token> inputs, std::span<const Token> targets, int window_valid, bool learns,
             std::span<float> nll, std::span<float> frozen_nll, const Candidates* candidates) override;

  // Gradients of the mean nll, and their norm over all tensors.
  double gradient() override;
  std::span<const FastTensors> gradients() const { return gradients_->layers; }

  void update(const FastWeights& from, const FastWeights& to, double gradient_norm) override;
  // The mini-batch's rows become the newest of the windows.
  void advance(AdaptedState& state) override;

 private:
  void add_lowest_frozen(const Buffer& units);
  void score_frozen(std::span<const Token> targets, Place place, std::span<float> nll);
  void backward_block(int fast_layer);
  BlockTape make_tape(int fast_layer) const;
  int first_adapted() const { return net_->config.prefix_layers(); }

  std::shared_ptr<const Net> net_;
  Backend& backend_;
  Forward forward_;
  bool frozen_;
  std::vector<KvCachePtr> caches_;         // per layer
  std::vector<KvCachePtr> frozen_caches_;  // per adapted layer after the first
  std::vector<FastPackPtr> packs_;         // the bound state's weights, per fast layer
  // The step's workspace.
  std::vector<BufferPtr> x_;         // per layer: normed input of attention
  std::vector<BufferPtr> frozen_x_;  // per adapted layer after the first
  std::vector<BufferPtr> fast_x_;    // per fast layer: normed input of the fast SwiGLU
  std::vector<BlockTape> tapes_;     // per fast layer
  BufferPtr h_, frozen_h_;
  BufferPtr dh_, dx_, dout_, dqkv_, dpre_, fast_dpre_;
  std::unique_ptr<FastWeights> gradients_;
};

}  // namespace silt::model
