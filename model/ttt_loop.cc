#include "model/ttt_loop.h"

#include <cmath>

namespace silt::model {

TttLoop::TttLoop(std::shared_ptr<const Net> net, Backend& backend, bool frozen)
    : net_(std::move(net)), backend_(backend), forward_(net_, backend), frozen_(frozen) {
  for (int layer = 0; layer < net_->config.layers; ++layer) caches_.push_back(backend.ttt().allocate_cache());
  weights_ = allocate_fast_weights(net_->config, backend);
  h_ = backend.allocate(net_->config.minibatch_tokens, net_->config.width, Role::kResidual);
}

void TttLoop::bind(const AdaptedState& state) {
  copy_fast_weights(*state.weights, *weights_, backend_);
}

void TttLoop::score(std::span<const Token> inputs, std::span<const Token> targets, int /*window_valid*/,
                    bool learns, std::span<float> nll, std::span<float> frozen_nll,
                    const Candidates* candidates) {
  // The learning pass comes last: gradient() and update() find it in the caches.
  if (frozen_) read(*net_->initial, /*learns=*/false, inputs, targets, frozen_nll, nullptr);
  read(*weights_, learns, inputs, targets, nll, candidates);
}

void TttLoop::read(const FastWeights& weights, bool learns, std::span<const Token> inputs,
                   std::span<const Token> targets, std::span<float> nll, const Candidates* candidates) {
  forward_.embed(inputs, *h_);
  for (std::size_t layer = 0; layer < caches_.size(); ++layer) {
    backend_.ttt().start(weights.inner[layer], *caches_[layer]);
    forward_.ttt(static_cast<int>(layer), learns, *caches_[layer], *h_);
    forward_.mlp(static_cast<int>(layer), *h_, nullptr);
  }
  forward_.head(*h_, targets, nll, nullptr, candidates);
}

double TttLoop::gradient() {
  double sum = 0;
  for (std::size_t layer = 0; layer < caches_.size(); ++layer) {
    sum += backend_.ttt().squared_change(*caches_[layer], weights_->inner[layer]);
  }
  return std::sqrt(sum);
}

void TttLoop::update(const FastWeights& /*from*/, const FastWeights& to, double /*gradient_norm*/) {
  for (std::size_t layer = 0; layer < caches_.size(); ++layer) {
    backend_.ttt().store(*caches_[layer], to.inner[layer]);
    backend_.ttt().store(*caches_[layer], weights_->inner[layer]);
  }
}

}  // namespace silt::model
