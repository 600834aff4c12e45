#include "model/learner.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "model/backends/backends.h"
#include "model/fast_weights_pool.h"
#include "model/lane_learner.h"
#include "model/lanes.h"
#include "model/mixer_loop.h"
#include "model/state_codec.h"

namespace silt::model {
namespace {

constexpr std::uint64_t kSmallBytes = 2 << 10;  // of a state: counters and open tokens

class MixerLearner final : public Learner {
 public:
  using Learner::append;

  MixerLearner(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend,
               const LearnerOptions& options)
      : net_(std::move(net)),
        backend_(std::move(backend)),
        options_(options),
        loop_(make_mixer_loop(net_, *backend_, options.frozen_scores)),
        pool_(net_->config, *backend_),
        recall_(net_->config.minibatch_tokens),
        inputs_(minibatch()),
        nll_(minibatch()),
        frozen_nll_(minibatch()) {}

  AdaptedState fresh() override { return fresh(net_->start_token); }

  AdaptedState fresh(Token first) override {
    AdaptedState state = empty_state(*net_, options_.frozen_scores, options_.recall);
    state.input = first;
    if (state.recall != nullptr) {
      state.recall->memory.read(first, net_->token_marks[static_cast<std::size_t>(first)]);
    }
    return state;
  }

  // A net written over single operations reads one lane after the other, whatever the backend.
  void append(std::span<Lane> lanes) override {
    std::set<const AdaptedState*> seen;
    for (Lane& lane : lanes) {
      lane.report = {};
      lane.status = check(lane, seen);
      if (lane.status.is_ok()) append(lane);
    }
  }
  int lanes_max() const override { return backend_->lanes_max(); }

  Status score_tail(const AdaptedState& state, std::vector<TokenScore>& scores) override {
    SILT_TRY(check(state));
    if (state.open.empty()) return Status::ok();
    bind(state);
    std::unique_ptr<RecallState> recall;  // a copy: reading the open tokens would change it
    if (state.recall != nullptr) recall = std::make_unique<RecallState>(*state.recall);
    score_open(state, recall.get(), /*learns=*/true, scores);
    return Status::ok();
  }

  Digest digest(const AdaptedState& state) const override {
    return state_digest(state, matrices_of(state, *net_), *net_, *backend_);
  }
  std::string save(const AdaptedState& state) const override {
    return encode_state(state, matrices_of(state, *net_), *net_, *backend_, backend_->name());
  }

  Result<AdaptedState> load(std::string_view blob) override {
    AdaptedState state = empty_state(*net_, options_.frozen_scores, options_.recall);
    SILT_TRY(decode_state(blob, *net_, *backend_, backend_->name(), options_.crosses, pool_, state));
    return state;
  }

  std::uint64_t bytes(const AdaptedState& state) const override { return state.bytes(net_->initial.get()); }

  std::uint64_t full_state_bytes() override {
    const ModelConfig& c = net_->config;
    const int windows = c.windows() + (options_.frozen_scores ? c.frozen_windows() : 0);
    const std::uint64_t row = backend_->allocate(1, c.width, Role::kOperand)->bytes();
    std::uint64_t bytes = kSmallBytes + net_->initial->bytes();
    bytes += row * static_cast<std::uint64_t>(windows) * static_cast<std::uint64_t>(c.window_tokens);
    if (recalls()) bytes += RecallMemory::bytes_max(c.recall_slots_log2) + sizeof(float) * RecallGate::kSize;
    return bytes;
  }

  const ModelConfig& config() const override { return net_->config; }
  std::string_view backend_name() const override { return backend_->name(); }

 private:
  bool recalls() const { return options_.recall && net_->config.recall_slots_log2 > 0; }

  std::size_t minibatch() const { return static_cast<std::size_t>(net_->config.minibatch_tokens); }

  Status check(const AdaptedState& state) const {
    if (state.weights == nullptr || static_cast<int>(state.window.size()) != net_->config.windows()) {
      return invalid_argument("the state is empty or of another net");
    }
    const int wanted = options_.frozen_scores ? net_->config.frozen_windows() : 0;
    if (state.frozen_window.size() != static_cast<std::size_t>(wanted)) {
      return failed_precondition("the state and the learner disagree about frozen scores");
    }
    if (recalls() != (state.recall != nullptr)) {
      return failed_precondition("the state and the learner disagree about recall");
    }
    return Status::ok();
  }

  Status check(std::span<const Token> tokens) const {
    const auto known = [&](Token token) { return token >= 0 && token < net_->config.vocabulary; };
    if (std::all_of(tokens.begin(), tokens.end(), known)) return Status::ok();
    return invalid_argument("a token is outside the vocabulary of " +
                            std::to_string(net_->config.vocabulary));
  }

  Status check(const Lane& lane, std::set<const AdaptedState*>& seen) const {
    if (lane.state == nullptr || lane.scores == nullptr)
      return invalid_argument("a lane lacks state or scores");
    SILT_TRY(check(*lane.state));
    SILT_TRY(check(lane.tokens));
    if (seen.insert(lane.state).second) return Status::ok();
    return invalid_argument("two lanes of one call have the same state");
  }

  void append(Lane& lane) {
    AdaptedState& state = *lane.state;
    std::span<const Token> tokens = lane.tokens;
    while (!tokens.empty()) {
      const std::size_t taken = std::min(tokens.size(), minibatch() - state.open.size());
      state.open.insert(state.open.end(), tokens.begin(),
                        tokens.begin() + static_cast<std::ptrdiff_t>(taken));
      tokens = tokens.subspan(taken);
      if (state.open.size() == minibatch()) read_minibatch(state, lane.mode, *lane.scores, lane.report);
    }
  }

  // A state is recognised by its tag and step: another learner may have moved it on meanwhile.
  void bind(const AdaptedState& state) {
    if (bound_tag_ == state.tag && bound_steps_ == state.steps) return;
    loop_->bind(state);
    bound_tag_ = state.tag;
    bound_steps_ = state.steps;
  }

  // Scores the waiting tokens: the k-th is predicted from the input token and those before it. `recall`
  // reads them and moves on; nll_ stays the net's own surprise.
  void score_open(const AdaptedState& state, RecallState* recall, bool learns,
                  std::vector<TokenScore>& scores) {
    const std::size_t rows = state.open.size();
    inputs_[0] = state.input;
    std::copy(state.open.begin(), state.open.end() - 1, inputs_.begin() + 1);
    if (recall != nullptr) recall_.read(*recall, state.open, net_->token_marks);
    loop_->score(std::span(inputs_).first(rows), state.open, state.window_valid, learns,
                 std::span(nll_).first(rows), std::span(frozen_nll_).first(rows),
                 recall == nullptr ? nullptr : &recall_.candidates());
    adapted_nats_.assign(nll_.begin(), nll_.begin() + static_cast<std::ptrdiff_t>(rows));
    if (recall != nullptr) recall_.mix(*recall, state.open, adapted_nats_);
    const std::vector<float>& frozen = options_.frozen_scores ? frozen_nll_ : adapted_nats_;
    for (std::size_t i = 0; i < rows; ++i)
      scores.push_back({.adapted_nats = adapted_nats_[i], .frozen_nats = frozen[i]});
  }

  void read_minibatch(AdaptedState& state, LearnMode mode, std::vector<TokenScore>& scores,
                      AppendReport& report) {
    const bool learns = mode == LearnMode::kScoreAndLearn;
    bind(state);
    score_open(state, state.recall.get(), learns, scores);
    ++report.steps;
    if (learns && !learn(state, report.gradient_norm)) ++report.skipped_steps;
    loop_->advance(state);
    state.input = state.open.back();
    state.open.clear();
    state.tokens += minibatch();
    bound_steps_ = ++state.steps;
  }

  // False, and the weights stay, when the loss or its gradient is not finite.
  bool learn(AdaptedState& state, double& gradient_norm) {
    const auto finite = [](float value) { return std::isfinite(value); };
    if (!std::all_of(nll_.begin(), nll_.end(), finite)) return false;
    gradient_norm = loop_->gradient();
    if (!std::isfinite(gradient_norm)) return false;
    const std::shared_ptr<FastWeights> next = pool_.take();
    loop_->update(*state.weights, *next, gradient_norm);
    state.weights = next;
    return true;
  }

  std::shared_ptr<const Net> net_;
  std::unique_ptr<Backend> backend_;
  LearnerOptions options_;
  std::unique_ptr<MixerLoop> loop_;
  FastWeightsPool pool_;
  std::shared_ptr<const char> bound_tag_;
  std::uint64_t bound_steps_ = 0;
  Recall recall_;
  std::vector<Token> inputs_;
  std::vector<float> nll_, frozen_nll_, adapted_nats_;
};

}  // namespace

Status Learner::score_tails(std::span<const Tail> tails) {
  for (const Tail& tail : tails) SILT_TRY(score_tail(*tail.state, *tail.scores));
  return Status::ok();
}

void Learner::digests(std::span<const AdaptedState* const> states, std::span<Digest> digests) const {
  for (std::size_t i = 0; i < states.size(); ++i) digests[i] = digest(*states[i]);
}

Result<AppendReport> Learner::append(AdaptedState& state, std::span<const Token> tokens, LearnMode mode,
                                     std::vector<TokenScore>& scores) {
  Lane lane{.state = &state, .tokens = tokens, .mode = mode, .scores = &scores, .report = {}, .status = {}};
  append(std::span(&lane, 1));
  SILT_TRY(lane.status);
  return lane.report;
}

Result<std::unique_ptr<Learner>> Learner::create(std::shared_ptr<const Model> model,
                                                 const BackendOptions& backend,
                                                 const LearnerOptions& options) {
  if (is_lane_backend(backend.name)) {
    std::vector<std::unique_ptr<Learner>> devices;
    SILT_ASSIGN(const std::vector<BackendOptions> each, each_device(backend));
    for (const BackendOptions& one : each) {
      SILT_ASSIGN(Lanes lanes, open_lanes(*model, one, options.frozen_scores));
      devices.push_back(make_lane_learner(std::move(lanes.net), std::move(lanes.host), std::move(lanes.engine), options,
                                          one.threads));
    }
    return devices.size() == 1 ? std::move(devices.front()) : over_devices(std::move(devices));
  }
  SILT_ASSIGN(std::unique_ptr<Backend> opened, open_backend(backend, model->config()));
  SILT_ASSIGN(std::shared_ptr<const Net> net, model->net(*opened));
  return create(std::move(net), std::move(opened), options);
}

std::unique_ptr<Learner> Learner::create(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend,
                                         const LearnerOptions& options) {
  return std::make_unique<MixerLearner>(std::move(net), std::move(backend), options);
}

}  // namespace silt::model
