#include "model/reader.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "model/backends/backends.h"
#include "model/forward.h"
#include "model/lane_reader.h"
#include "model/lanes.h"
#include "model/sampler.h"
#include "model/text_pass.h"

namespace silt::model {
namespace {

class NetReader final : public Reader {
 public:
  using Reader::score;

  NetReader(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend)
      : net_(std::move(net)),
        backend_(std::move(backend)),
        forward_(net_, *backend_),
        pass_(make_text_pass(forward_)) {
    const ModelConfig& c = net_->config;
    h_ = backend_->allocate(c.minibatch_tokens, c.width, Role::kResidual);
    scored_h_ = backend_->allocate(c.minibatch_tokens, c.width, Role::kResidual);
  }

  Status score(std::span<const TextLane> texts) override {
    order_.clear();
    for (const TextLane& text : texts) {
      SILT_TRY(check(text.context));
      SILT_TRY(check(text.text));
      text.nll->assign(text.text.size(), 0);
      if (!text.text.empty()) order_.push_back(&text);
    }
    // Texts under the same weights come together, otherwise in the order given.
    std::stable_sort(order_.begin(), order_.end(), [](const TextLane* a, const TextLane* b) {
      return std::less<>()(a->weights.get(), b->weights.get());
    });
    shared_.clear();
    std::size_t rows = 0;
    for (const TextLane* text : order_) {
      const std::size_t needed = rows_of(*text);
      if (needed > room()) {
        score_one(*text);
        continue;
      }
      const bool apart = !shared_.empty() && shared_.front()->weights != text->weights;
      if (apart || rows + needed > room()) {
        score_shared();
        rows = 0;
      }
      shared_.push_back(text);
      rows += needed;
    }
    score_shared();
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
    pass_->use(weights);
    pass_->begin();
    std::span<const Token> unread = tokens_;
    while (static_cast<int>(text.size()) < options.tokens_max) {
      std::size_t rows = 0;
      while (!unread.empty()) {
        rows = pass_->read(unread, *h_);
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

  std::size_t room() const { return static_cast<std::size_t>(net_->config.minibatch_tokens); }

  // Inputs of the net for a text: its context, or else the start token, and all of its own tokens but the
  // last, which is only predicted.
  static std::size_t rows_of(const TextLane& lane) {
    return std::max<std::size_t>(lane.context.size(), 1) + lane.text.size() - 1;
  }
  void add_inputs(const TextLane& lane) {
    if (lane.context.empty()) tokens_.push_back(net_->start_token);
    tokens_.insert(tokens_.end(), lane.context.begin(), lane.context.end());
    tokens_.insert(tokens_.end(), lane.text.begin(), lane.text.end() - 1);
  }

  void score_one(const TextLane& lane) {
    tokens_.clear();
    add_inputs(lane);
    const std::size_t first_scored = rows_of(lane) - lane.text.size();  // it predicts text[0]
    pass_->use(lane.weights);
    pass_->begin();
    for (std::size_t at = 0; at < tokens_.size();) {
      const std::size_t rows = pass_->read(std::span(tokens_).subspan(at), *h_);
      if (at + rows > first_scored) score_rows(at, rows, first_scored, lane.text, *lane.nll);
      at += rows;
    }
  }

  // Scores the texts listed in shared_, whose weights are the same and whose rows fit into one mini-batch,
  // and empties the list.
  void score_shared() {
    if (shared_.empty()) return;
    tokens_.clear();
    ends_.clear();
    targets_.clear();
    for (const TextLane* lane : shared_) {
      add_inputs(*lane);
      ends_.push_back(static_cast<int>(tokens_.size()));
      targets_.insert(targets_.end(), lane->text.begin(), lane->text.end());
    }
    pass_->use(shared_.front()->weights);
    pass_->read_apart(tokens_, ends_, *h_);
    scored_h_->set_rows(static_cast<int>(targets_.size()));
    int scored = 0;
    for (std::size_t s = 0; s < shared_.size(); ++s) {
      const int rows = static_cast<int>(shared_[s]->text.size());  // the last of its rows
      backend_->copy_rows(*h_, ends_[s] - rows, rows, *scored_h_, scored);
      scored += rows;
    }
    nll_.resize(targets_.size());
    forward_.head(*scored_h_, targets_, nll_, nullptr);
    auto from = nll_.begin();
    for (const TextLane* lane : shared_) {
      std::copy_n(from, lane->nll->size(), lane->nll->begin());
      from += static_cast<std::ptrdiff_t>(lane->nll->size());
    }
    shared_.clear();
  }

  // h_ has the rows of inputs [at, at + rows); those from `first_scored` on predict a token of `text`.
  void score_rows(std::size_t at, std::size_t rows, std::size_t first_scored, std::span<const Token> text,
                  std::span<float> nll) {
    const std::size_t skipped = first_scored > at ? first_scored - at : 0;
    const std::size_t scored = rows - skipped;
    const std::size_t text_at = at + skipped - first_scored;
    scored_h_->set_rows(static_cast<int>(scored));
    backend_->copy_rows(*h_, static_cast<int>(skipped), static_cast<int>(scored), *scored_h_, 0);
    forward_.head(*scored_h_, text.subspan(text_at, scored), nll.subspan(text_at, scored), nullptr);
  }

  std::shared_ptr<const Net> net_;
  std::unique_ptr<Backend> backend_;
  Forward forward_;
  std::unique_ptr<TextPass> pass_;
  BufferPtr h_, scored_h_;
  std::vector<Token> tokens_, targets_;
  std::vector<const TextLane*> order_;
  std::vector<const TextLane*> shared_;  // texts of one shared pass, and the rows at which they end
  std::vector<int> ends_;
  std::vector<float> nll_;
};

}  // namespace

Result<std::unique_ptr<Reader>> Reader::create(std::shared_ptr<const Model> model,
                                               const BackendOptions& backend) {
  if (is_lane_backend(backend.name)) {
    std::vector<DeviceReader> devices;
    SILT_ASSIGN(const std::vector<BackendOptions> each, each_device(reading(backend)));
    for (const BackendOptions& one : each) {
      SILT_ASSIGN(Lanes lanes, open_lanes(*model, one, /*frozen=*/false));
      const int device = lanes.engine->device();
      devices.push_back({device, make_lane_reader(std::move(lanes.net), std::move(lanes.host), std::move(lanes.engine))});
    }
    SILT_ASSIGN(std::unique_ptr<Reader> host, create(model, {.name = "cpu", .threads = backend.threads}));
    return make_devices_reader(std::move(devices), std::move(host));
  }
  SILT_ASSIGN(std::unique_ptr<Backend> opened, open_backend(backend, model->config()));
  SILT_ASSIGN(std::shared_ptr<const Net> net, model->net(*opened));
  return create(std::move(net), std::move(opened));
}

std::unique_ptr<Reader> Reader::create(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend) {
  return std::make_unique<NetReader>(std::move(net), std::move(backend));
}

}  // namespace silt::model
