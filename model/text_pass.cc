#include "model/text_pass.h"

#include <algorithm>
#include <vector>

namespace silt::model {
namespace {

// Versions never share an ownership: see FastWeightsPool. Holding them weakly keeps no snapshot alive.
bool same(const std::weak_ptr<const FastWeights>& held, const std::shared_ptr<const FastWeights>& weights) {
  return !held.owner_before(weights) && !weights.owner_before(held);
}

class WindowPass final : public TextPass {
 public:
  explicit WindowPass(Forward& forward)
      : forward_(forward), backend_(forward.backend()), c_(forward.net().config) {
    for (int layer = 0; layer < c_.layers; ++layer) caches_.push_back(backend_.allocate_kv_cache());
    for (int i = 0; i < c_.fast_layers; ++i) packs_.push_back(backend_.allocate_fast_pack());
    x_ = backend_.allocate(c_.minibatch_tokens, c_.width, Role::kOperand);
  }

  // Packs these weights, unless they are packed already.
  void use(const std::shared_ptr<const FastWeights>& weights) override {
    adapted_ = weights != nullptr;
    if (!adapted_ || same(packed_, weights)) return;
    for (std::size_t i = 0; i < packs_.size(); ++i) backend_.pack_fast(weights->layers[i], *packs_[i]);
    packed_ = weights;
  }

  void begin() override { place_ = Place{}; }

  // Up to the end of the open mini-batch.
  std::size_t read(std::span<const Token> inputs, Buffer& h) override {
    if (place_.first_row == c_.minibatch_tokens) {
      for (const KvCachePtr& cache : caches_) backend_.kv_advance(*cache);
      place_.cached_valid = std::min(place_.cached_valid + c_.minibatch_tokens, c_.window_tokens);
      place_.first_row = 0;
    }
    const auto room = static_cast<std::size_t>(c_.minibatch_tokens - place_.first_row);
    const std::size_t rows = std::min(inputs.size(), room);
    forward_.embed(inputs.first(rows), h);
    run_blocks(h, [&](int layer, KvCache& cache) { forward_.attend(layer, place_, cache, *x_, h, nullptr); });
    place_.first_row += static_cast<int>(rows);
    return rows;
  }

  void read_apart(std::span<const Token> inputs, std::span<const int> ends, Buffer& h) override {
    forward_.embed(inputs, h);
    run_blocks(h, [&](int layer, KvCache& cache) { forward_.attend_apart(layer, ends, cache, *x_, h); });
  }

 private:
  // h through all blocks; `attend(layer, cache)` is their first half.
  template <class Attend>
  void run_blocks(Buffer& h, Attend attend) {
    for (int layer = 0; layer < c_.layers; ++layer) {
      attend(layer, *caches_[static_cast<std::size_t>(layer)]);
      const int fast_layer = layer - c_.prefix_layers();
      if (fast_layer < 0) {
        forward_.mlp(layer, h, nullptr);
      } else {
        const auto i = static_cast<std::size_t>(fast_layer);
        forward_.adapted_mlps(fast_layer, adapted_ ? *packs_[i] : *forward_.net().fast[i].initial_pack, h);
      }
    }
  }

  Forward& forward_;
  Backend& backend_;
  const ModelConfig& c_;
  std::vector<KvCachePtr> caches_;
  std::vector<FastPackPtr> packs_;  // of the weights in packed_
  std::weak_ptr<const FastWeights> packed_;
  bool adapted_ = false;
  Place place_;
  BufferPtr x_;
};

class TttPass final : public TextPass {
 public:
  explicit TttPass(Forward& forward)
      : forward_(forward),
        mixer_(forward.backend().ttt()),
        copy_(allocate_fast_weights(forward.net().config, forward.backend())) {
    for (int layer = 0; layer < forward.net().config.layers; ++layer) {
      caches_.push_back(mixer_.allocate_cache());
    }
    scratch_ = mixer_.allocate_cache();
  }

  // Copies these weights, unless they are copied already.
  void use(const std::shared_ptr<const FastWeights>& weights) override {
    start_ = weights == nullptr ? forward_.net().initial.get() : copy_.get();
    if (weights == nullptr || same(copied_, weights)) return;
    copy_fast_weights(*weights, *copy_, forward_.backend());
    copied_ = weights;
  }

  void begin() override {
    for (std::size_t i = 0; i < caches_.size(); ++i) mixer_.start(start_->inner[i], *caches_[i]);
  }

  std::size_t read(std::span<const Token> inputs, Buffer& h) override {
    const auto room = static_cast<std::size_t>(forward_.net().config.minibatch_tokens);
    const std::size_t rows = std::min(inputs.size(), room);
    forward_.embed(inputs.first(rows), h);
    for (std::size_t i = 0; i < caches_.size(); ++i) {
      forward_.ttt(static_cast<int>(i), /*learns=*/true, *caches_[i], h);
      forward_.mlp(static_cast<int>(i), h, nullptr);
    }
    return rows;
  }

  void read_apart(std::span<const Token> inputs, std::span<const int> ends, Buffer& h) override {
    forward_.embed(inputs, h);
    for (std::size_t i = 0; i < caches_.size(); ++i) {
      forward_.ttt_apart(static_cast<int>(i), start_->inner[i], ends, *scratch_, h);
      forward_.mlp(static_cast<int>(i), h, nullptr);
    }
  }

 private:
  Forward& forward_;
  TttMixer& mixer_;
  std::unique_ptr<FastWeights> copy_;  // of the weights in copied_
  std::weak_ptr<const FastWeights> copied_;
  const FastWeights* start_ = nullptr;  // where texts start: the copy or W_0
  std::vector<TttCachePtr> caches_;     // of the open text, per layer
  TttCachePtr scratch_;
};

}  // namespace

std::unique_ptr<TextPass> make_text_pass(Forward& forward) {
  if (forward.net().config.has_ttt_layers()) return std::make_unique<TttPass>(forward);
  return std::make_unique<WindowPass>(forward);
}

}  // namespace silt::model
