#include "model/inner_loop.h"

#include <algorithm>
#include <cmath>

namespace silt::model {
namespace {

std::size_t index(int value) {
  return static_cast<std::size_t>(value);
}

}  // namespace

InnerLoop::InnerLoop(std::shared_ptr<const Net> net, Backend& backend, bool frozen)
    : net_(std::move(net)), backend_(backend), forward_(net_, backend), frozen_(frozen) {
  const ModelConfig& c = net_->config;
  const auto residual = [&] { return backend.allocate(c.minibatch_tokens, c.width, Role::kResidual); };
  const auto operand = [&](int cols) { return backend.allocate(c.minibatch_tokens, cols, Role::kOperand); };
  for (int layer = 0; layer < c.layers; ++layer) {
    caches_.push_back(backend.allocate_kv_cache());
    x_.push_back(operand(c.width));
  }
  for (int i = 0; i < c.fast_layers; ++i) {
    packs_.push_back(backend.allocate_fast_pack());
    fast_x_.push_back(operand(c.width));
    tapes_.push_back(make_tape(i));
    if (!frozen || i == 0) continue;
    frozen_caches_.push_back(backend.allocate_kv_cache());
    frozen_x_.push_back(operand(c.width));
  }
  h_ = residual();
  if (frozen) frozen_h_ = residual();
  dh_ = residual();
  dx_ = residual();
  dout_ = operand(c.query_width());
  dqkv_ = operand(c.query_width() + 2 * c.kv_width());
  dpre_ = operand(2 * c.mlp_width);
  fast_dpre_ = operand(2 * c.fast_width);
  gradients_ = allocate_fast_weights(c, backend);
}

BlockTape InnerLoop::make_tape(int fast_layer) const {
  const ModelConfig& c = net_->config;
  const int b = c.minibatch_tokens;
  const bool lowest = fast_layer == 0;
  BlockTape tape;
  tape.fast_act = backend_.allocate(b, c.fast_width, Role::kOperand);
  // Nothing below the lowest fast SwiGLU needs a gradient, and a frozen gate and up need none themselves.
  if (!lowest || c.learns_gate_up()) tape.fast_pre = backend_.allocate(b, 2 * c.fast_width, Role::kOperand);
  if (lowest) return tape;
  tape.h_in = backend_.allocate(b, c.width, Role::kResidual);
  tape.qkv = backend_.allocate(b, c.query_width() + 2 * c.kv_width(), Role::kOperand);
  tape.attention = backend_.allocate_attention_tape();
  tape.h_mid = backend_.allocate(b, c.width, Role::kResidual);
  tape.pre = backend_.allocate(b, 2 * c.mlp_width, Role::kOperand);
  return tape;
}

void InnerLoop::bind(const AdaptedState& state) {
  for (std::size_t i = 0; i < packs_.size(); ++i) backend_.pack_fast(state.weights->layers[i], *packs_[i]);
  if (state.window_valid == 0) return;  // no cached row will be looked at
  for (std::size_t layer = 0; layer < caches_.size(); ++layer) {
    backend_.kv_rebuild(*state.window[layer], *net_->blocks[layer].qkv, *caches_[layer]);
  }
  for (std::size_t i = 0; i < frozen_caches_.size(); ++i) {
    backend_.kv_rebuild(*state.frozen_window[i], *net_->blocks[index(first_adapted()) + 1 + i].qkv,
                        *frozen_caches_[i]);
  }
}

void InnerLoop::score(std::span<const Token> inputs, std::span<const Token> targets, int window_valid,
                      bool learns, std::span<float> nll, std::span<float> frozen_nll,
                      const Candidates* candidates) {
  const bool taped = learns && static_cast<int>(inputs.size()) == net_->config.minibatch_tokens;
  const Place place{.first_row = 0, .cached_valid = window_valid};
  forward_.embed(inputs, *h_);
  for (int layer = 0; layer < first_adapted(); ++layer) {
    forward_.attend(layer, place, *caches_[index(layer)], *x_[index(layer)], *h_, nullptr);
    forward_.mlp(layer, *h_, nullptr);
  }
  for (std::size_t i = 0; i < packs_.size(); ++i) {
    const int layer = first_adapted() + static_cast<int>(i);
    BlockTape* tape = taped ? &tapes_[i] : nullptr;
    if (taped) tape->set_rows(h_->rows());
    forward_.attend(layer, place, *caches_[index(layer)], *x_[index(layer)], *h_, tape);
    if (taped && tape->h_mid != nullptr) backend_.copy_rows(*h_, 0, h_->rows(), *tape->h_mid, 0);
    forward_.fast_input(static_cast<int>(i), *h_, *fast_x_[i]);
    forward_.mlp(layer, *h_, tape);
    if (frozen_ && i == 0) {  // up to here W_0 and W have computed the same
      frozen_h_->set_rows(h_->rows());
      backend_.copy_rows(*h_, 0, h_->rows(), *frozen_h_, 0);
    }
    const Buffer& units = forward_.fast_mlp(static_cast<int>(i), *packs_[i], *fast_x_[i], *h_, tape);
    if (frozen_ && i == 0) add_lowest_frozen(units);
  }
  dx_->set_rows(h_->rows());
  forward_.head(*h_, targets, nll, taped ? dx_.get() : nullptr, candidates);
  if (frozen_) score_frozen(targets, place, frozen_nll);
}

// The lowest fast SwiGLU under W_0. `units`: its hidden units under W, which are the same where gate and up
// are frozen.
void InnerLoop::add_lowest_frozen(const Buffer& units) {
  const FastPack& initial = *net_->fast[0].initial_pack;
  if (net_->config.learns_gate_up()) {
    forward_.fast_mlp(0, initial, *fast_x_[0], *frozen_h_, nullptr);
  } else {
    backend_.fast_down_add(units, initial, *frozen_h_);
  }
}

// frozen_h_ comes in behind the lowest adapted block.
void InnerLoop::score_frozen(std::span<const Token> targets, Place place, std::span<float> nll) {
  for (std::size_t i = 0; i < frozen_caches_.size(); ++i) {
    const int fast_layer = static_cast<int>(i) + 1;
    forward_.attend(first_adapted() + fast_layer, place, *frozen_caches_[i], *frozen_x_[i], *frozen_h_,
                    nullptr);
    forward_.adapted_mlps(fast_layer, *net_->fast[i + 1].initial_pack, *frozen_h_);
  }
  forward_.head(*frozen_h_, targets, nll, nullptr);
}

double InnerLoop::gradient() {
  const int rows = h_->rows();
  for (Buffer* buffer : {dh_.get(), dout_.get(), dqkv_.get(), dpre_.get(), fast_dpre_.get()}) {
    buffer->set_rows(rows);
  }
  backend_.set_zero(*dh_);
  backend_.rms_norm_backward(*h_, net_->final_norm, *dx_, *dh_);
  for (int i = net_->config.fast_layers - 1; i >= 0; --i) backward_block(i);
  double sum = 0;
  for (const BufferPtr& tensor : gradients_->buffers) sum += backend_.sum_of_squares(*tensor);
  return std::sqrt(sum + 1e-12);
}

// dh_ comes in as the gradient after the block and leaves as the gradient before it.
void InnerLoop::backward_block(int fast_layer) {
  const std::size_t i = index(fast_layer);
  const BlockTape& tape = tapes_[i];
  const FastBlock& fast = net_->fast[i];
  if (tape.fast_pre != nullptr) {
    backend_.fast_swiglu_backward(*dh_, *packs_[i], *tape.fast_pre, *fast_dpre_);
  }
  backend_.fast_gradient(*fast_x_[i], *tape.fast_act, *fast_dpre_, *dh_, gradients_->layers[i]);
  if (fast_layer == 0) return;

  const int layer = first_adapted() + fast_layer;
  const Block& block = net_->blocks[index(layer)];
  backend_.swiglu_backward(*dh_, *block.down, *tape.pre, *dpre_);  // before dh_ changes
  backend_.linear_backward(*dpre_, *block.gate_up, *dx_);
  backend_.rms_norm_backward(*tape.h_mid, block.mlp_norm, *dx_, *dh_);
  if (fast.gate_up != nullptr) {
    backend_.linear_backward(*fast_dpre_, *fast.gate_up, *dx_);
  } else {
    backend_.fast_input_backward(*fast_dpre_, *packs_[i], *dx_);
  }
  backend_.rms_norm_backward(*tape.h_mid, fast.norm, *dx_, *dh_);

  backend_.linear_backward(*dh_, *block.output, *dout_);
  backend_.attention_backward(*dout_, *tape.qkv, *caches_[index(layer)], *tape.attention, *dqkv_);
  backend_.linear_backward(*dqkv_, *block.qkv, *dx_);
  backend_.rms_norm_backward(*tape.h_in, block.mixer_norm, *dx_, *dh_);
}

void InnerLoop::update(const FastWeights& from, const FastWeights& to, double gradient_norm) {
  const auto scale = static_cast<float>(std::min(1.0, net_->config.clip_norm / gradient_norm));
  for (std::size_t i = 0; i < packs_.size(); ++i) {
    backend_.fast_update(from.layers[i], net_->initial->layers[i], gradients_->layers[i], net_->fast[i].step,
                         scale, to.layers[i]);
    backend_.pack_fast(to.layers[i], *packs_[i]);
  }
}

void InnerLoop::advance(AdaptedState& state) {
  const int b = net_->config.minibatch_tokens;
  const int full = net_->config.window_tokens;
  const int kept = std::min(state.window_valid, full - b);
  const auto slide = [&](const Buffer& newest, BufferPtr& window, KvCache& cache) {
    if (state.window_valid < full) {  // it grows with the stream
      BufferPtr longer = backend_.allocate(kept + b, newest.cols(), Role::kOperand);
      if (window != nullptr) backend_.copy_rows(*window, 0, kept, *longer, 0);
      window = std::move(longer);
    } else {
      backend_.copy_rows(*window, b, kept, *window, 0);
    }
    backend_.copy_rows(newest, 0, b, *window, kept);
    backend_.kv_advance(cache);
  };
  for (std::size_t layer = 0; layer < caches_.size(); ++layer) {
    slide(*x_[layer], state.window[layer], *caches_[layer]);
  }
  for (std::size_t i = 0; i < frozen_caches_.size(); ++i) {
    slide(*frozen_x_[i], state.frozen_window[i], *frozen_caches_[i]);
  }
  state.window_valid = kept + b;
}

}  // namespace silt::model
