#include "model/reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "model/forward.h"
#include "model/sampler.h"

namespace silt::model {
namespace {

class WindowReader final : public Reader {
 public:
  WindowReader(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend)
      : net_(std::move(net)), backend_(std::move(backend)), forward_(net_, *backend_) {
    const ModelConfig& c = net_->config;
    for (int layer = 0; layer < c.layers; ++layer) caches_.push_back(backend_->allocate_kv_cache());
    for (int i = 0; i < c.fast_layers; ++i) packs_.push_back(backend_->allocate_fast_pack());
    x_ = backend_->allocate(c.minibatch_tokens, c.width, Role::kOperand);
    h_ = backend_->allocate(c.minibatch_tokens, c.width, Role::kResidual);
    scored_h_ = backend_->allocate(c.minibatch_tokens, c.width, Role::kResidual);
  }

  Status score(const std::shared_ptr<const FastWeights>& weights, std::span<const Token> context,
               std::span<const Token> text, std::vector<float>& nll) override {
    SILT_TRY(check(context));
    SILT_TRY(check(text));
    nll.assign(text.size(), 0);
    if (text.empty()) return Status::ok();
    tokens_.clear();
    if (context.empty()) tokens_.push_back(net_->start_token);
    tokens_.insert(tokens_.end(), context.begin(), context.end());
    const std::size_t first_scored = tokens_.size() - 1;  // the input that predicts text[0]
    tokens_.insert(tokens_.end(), text.begin(), text.end() - 1);
    start(weights);
    for (std::size_t at = 0; at < tokens_.size();) {
      const std::size_t rows = read_some(std::span(tokens_).subspan(at));
      if (at + rows > first_scored) score_rows(at, rows, first_scored, text, nll);
      at += rows;
    }
    return Status::ok();
  }

  Result<std::vector<Token>> generate(const std::shared_ptr<const FastWeights>& weights,
                                      std::span<const Token> prompt,
                                      const GenerateOptions& options) override {
    SILT_TRY(check(prompt));
    Sampler sampler(options.temperature, options.top_p, options.seed);
    const auto vocabulary = static_cast<std::size_t>(net_->config.vocabulary);
    std::vector<float> logits(vocabulary);
    std::vector<bool> allowed(vocabulary, true);
    std::vector<Token> text;
    tokens_.assign(prompt.begin(), prompt.end());
    if (tokens_.empty()) tokens_.push_back(net_->start_token);
    start(weights);
    std::span<const Token> unread = tokens_;
    while (static_cast<int>(text.size()) < options.tokens_max) {
      std::size_t rows = 0;
      while (!unread.empty()) {
        rows = read_some(unread);
        unread = unread.subspan(rows);
      }
      forward_.logits(*h_, static_cast<int>(rows) - 1, logits);
      if (options.grammar) {
        allowed.assign(vocabulary, true);
        options.grammar(text, allowed);
      }
      const std::optional<Token> next = sampler.choose(logits, allowed);
      if (!next) break;
      text.push_back(*next);
      unread = std::span(text).last(1);
      if (options.on_token && !options.on_token(*next)) break;
    }
    return text;
  }

 private:
  Status check(std::span<const Token> tokens) const {
    const auto known = [&](Token token) { return token >= 0 && token < net_->config.vocabulary; };
    if (std::all_of(tokens.begin(), tokens.end(), known)) return Status::ok();
    return invalid_argument("a token is outside the vocabulary of " +
                            std::to_string(net_->config.vocabulary));
  }

  // An empty window under these weights.
  void start(const std::shared_ptr<const FastWeights>& weights) {
    place_ = Place{};
    adapted_ = weights != nullptr;
    if (!adapted_) return;
    const bool packed = !packed_.owner_before(weights) && !weights.owner_before(packed_);
    if (packed) return;
    for (std::size_t i = 0; i < packs_.size(); ++i) backend_->pack_fast(weights->layers[i], *packs_[i]);
    packed_ = weights;
  }

  // Reads the first tokens of `inputs`, up to the end of the open mini-batch, and returns how many.
  // h_ has a row for each of them.
  std::size_t read_some(std::span<const Token> inputs) {
    const ModelConfig& c = net_->config;
    if (place_.first_row == c.minibatch_tokens) {
      for (const KvCachePtr& cache : caches_) backend_->kv_advance(*cache);
      place_.cached_valid = std::min(place_.cached_valid + c.minibatch_tokens, c.window_tokens);
      place_.first_row = 0;
    }
    const auto room = static_cast<std::size_t>(c.minibatch_tokens - place_.first_row);
    const std::size_t rows = std::min(inputs.size(), room);
    forward_.embed(inputs.first(rows), *h_);
    for (int layer = 0; layer < c.layers; ++layer) {
      forward_.attend(layer, place_, *caches_[static_cast<std::size_t>(layer)], *x_, *h_, nullptr);
      const int fast_layer = layer - c.prefix_layers();
      if (fast_layer < 0) {
        forward_.mlp(layer, *h_, nullptr);
      } else {
        const auto i = static_cast<std::size_t>(fast_layer);
        forward_.adapted_mlps(fast_layer, adapted_ ? *packs_[i] : *net_->fast[i].initial_pack, *h_);
      }
    }
    place_.first_row += static_cast<int>(rows);
    return rows;
  }

  // h_ has the rows of inputs [at, at + rows); those from `first_scored` on predict a token of `text`.
  void score_rows(std::size_t at, std::size_t rows, std::size_t first_scored, std::span<const Token> text,
                  std::vector<float>& nll) {
    const std::size_t skipped = first_scored > at ? first_scored - at : 0;
    const std::size_t scored = rows - skipped;
    const std::size_t text_at = at + skipped - first_scored;
    scored_h_->set_rows(static_cast<int>(scored));
    backend_->copy_rows(*h_, static_cast<int>(skipped), static_cast<int>(scored), *scored_h_, 0);
    forward_.head(*scored_h_, text.subspan(text_at, scored), std::span(nll).subspan(text_at, scored),
                  nullptr);
  }

  std::shared_ptr<const Net> net_;
  std::unique_ptr<Backend> backend_;
  Forward forward_;
  std::vector<KvCachePtr> caches_;
  std::vector<FastPackPtr> packs_;           // of the weights in packed_
  std::weak_ptr<const FastWeights> packed_;  // versions never share an ownership: see FastWeightsPool
  bool adapted_ = false;
  Place place_;
  BufferPtr x_, h_, scored_h_;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::unique_ptr<Reader>> Reader::create(std::shared_ptr<const Model> model,
                                               const BackendOptions& backend) {
  SILT_ASSIGN(std::unique_ptr<Backend> opened, open_backend(backend, model->config()));
  SILT_ASSIGN(std::shared_ptr<const Net> net, model->net(*opened));
  return create(std::move(net), std::move(opened));
}

std::unique_ptr<Reader> Reader::create(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend) {
  return std::make_unique<WindowReader>(std::move(net), std::move(backend));
}

}  // namespace silt::model
