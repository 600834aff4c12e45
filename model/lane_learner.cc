#include "model/lane_learner.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <set>
#include <utility>

#include "model/cpu/thread_team.h"
#include "model/lane_states.h"
#include "model/recall.h"

namespace silt::model {
namespace {

constexpr std::uint64_t kSmallBytes = 2 << 10;  // of a state: counters and open tokens

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A mini-batch on its way: what it reads and what comes of it.
struct Minibatch {
  explicit Minibatch(int tokens) : recall(tokens), nll(static_cast<std::size_t>(tokens)), frozen_nll(nll.size()) {}

  Lane* lane = nullptr;
  std::vector<Token> inputs, targets;
  Recall recall;
  std::vector<float> nll, frozen_nll;
};

// A lane of the call, with the tokens that are still to be read.
struct Work {
  Lane* lane = nullptr;
  std::span<const Token> tokens;
  // What its first step reads, where the steps of the call write weights of their own.
  std::shared_ptr<const FastWeights> before;
  bool started = false;
};

// A step on the device.
struct Flight {
  LaneEngine::Ticket ticket = 0;
  std::vector<LaneStep> steps;
  std::vector<std::unique_ptr<Minibatch>> minibatches;
  std::vector<Work*> works;
};

class LaneLearner final : public Learner {
 public:
  using Learner::append;

  LaneLearner(std::shared_ptr<const Net> net, std::unique_ptr<Backend> host, std::unique_ptr<LaneEngine> engine,
              const LearnerOptions& options, int threads)
      : net_(std::move(net)),
        host_(std::move(host)),
        engine_(std::move(engine)),
        options_(options),
        states_(net_, *host_, *engine_, options.frozen_scores, options.recall),
        team_(threads) {}

  AdaptedState fresh() override { return fresh(net_->start_token); }
  AdaptedState fresh(Token first) override {
    AdaptedState state = states_.fresh();
    state.input = first;
    if (state.recall != nullptr) {
      state.recall->memory.read(first, net_->token_marks[static_cast<std::size_t>(first)]);
    }
    return state;
  }

  void append(std::span<Lane> lanes) override;
  int lanes_max() const override { return engine_->lanes_max(); }
  Status score_tail(const AdaptedState& state, std::vector<TokenScore>& scores) override {
    const Tail tail{&state, &scores};
    return score_tails(std::span(&tail, 1));
  }
  Status score_tails(std::span<const Tail> tails) override;

  Digest digest(const AdaptedState& state) const override {
    Digest digest;
    const AdaptedState* const one = &state;
    digests(std::span(&one, 1), std::span(&digest, 1));
    return digest;
  }
  void digests(std::span<const AdaptedState* const> states, std::span<Digest> digests) const override {
    const auto on_threads = [this](std::size_t count, const auto& each) { on_all_threads(count, each); };
    const Status read = states_.digests(states, digests, on_threads);
    if (!read.is_ok()) lost_ = read;
  }
  std::string save(const AdaptedState& state) const override { return or_lost(states_.save(state)); }
  Status health() const override { return lost_; }
  std::vector<DeviceUse> devices() const override {
    DeviceUse use = use_;
    use.name = "cuda:" + std::to_string(engine_->device());
    use.lost = lost_.message();
    use.states = engine_->states_held();
    use.states_max = engine_->states_max();
    return {use};
  }
  Result<AdaptedState> load(std::string_view blob) override { return states_.load(blob, options_.crosses); }

  std::uint64_t bytes(const AdaptedState& state) const override { return state.bytes(net_->initial.get()); }
  std::uint64_t full_state_bytes() override;
  std::uint64_t states_max() const override { return engine_->states_max(); }

  const ModelConfig& config() const override { return net_->config; }
  std::string_view backend_name() const override { return engine_->name(); }

 private:
  // The value, or nothing and the device counts as lost.
  template <class T>
  T or_lost(Result<T> result) const {
    if (result.is_ok()) return std::move(result).value();
    lost_ = result.status();
    return T();
  }
  std::size_t minibatch() const { return static_cast<std::size_t>(net_->config.minibatch_tokens); }
  bool recalls() const { return options_.recall && net_->config.recall_slots_log2 > 0; }
  Status check(const Lane& lane, std::set<const AdaptedState*>& seen) const;

  // The call as a whole.
  Status make_room(Work& work);
  Status read_all(std::vector<Work>& works);
  bool fill_open(Work& work) const;
  Status start(std::span<Work* const> works);
  Status finish();
  void take_results(Minibatch& minibatch, const LaneStep& step);
  Status score_some(std::span<const Tail> tails);

  std::unique_ptr<Minibatch> take_minibatch();
  void prepare(Minibatch& minibatch, const AdaptedState& state) const;
  LaneStep step_of(Minibatch& minibatch, const AdaptedState& state) const;
  void push_scores(const Minibatch& minibatch, std::span<const float> adapted, std::vector<TokenScore>& scores) const;
  template <class Each>
  void on_all_threads(std::size_t count, const Each& each) const;

  std::shared_ptr<const Net> net_;
  std::unique_ptr<Backend> host_;
  std::unique_ptr<LaneEngine> engine_;
  const LearnerOptions options_;
  LaneStates states_;
  mutable cpu::ThreadTeam team_;
  std::deque<Flight> flights_;
  std::vector<std::unique_ptr<Minibatch>> spare_;
  DeviceUse use_;  // its counts
  mutable Status lost_;  // why the device is of no use any more; final
};

Status LaneLearner::check(const Lane& lane, std::set<const AdaptedState*>& seen) const {
  if (lane.state == nullptr || lane.scores == nullptr) return invalid_argument("a lane lacks state or scores");
  const AdaptedState& state = *lane.state;
  const auto wanted = static_cast<std::size_t>(options_.frozen_scores ? net_->config.frozen_windows() : 0);
  if (state.weights == nullptr || static_cast<int>(state.window.size()) != net_->config.windows()) {
    return invalid_argument("the state is empty or of another net");
  }
  if (state.frozen_window.size() != wanted) {
    return failed_precondition("the state and the learner disagree about frozen scores");
  }
  if (recalls() != (state.recall != nullptr)) {
    return failed_precondition("the state and the learner disagree about recall");
  }
  const auto known = [&](Token token) { return token >= 0 && token < net_->config.vocabulary; };
  if (!std::all_of(lane.tokens.begin(), lane.tokens.end(), known)) {
    return invalid_argument("a token is outside the vocabulary of " + std::to_string(net_->config.vocabulary));
  }
  if (seen.insert(&state).second) return Status::ok();
  return invalid_argument("two lanes of one call have the same state");
}

void LaneLearner::append(std::span<Lane> lanes) {
  std::set<const AdaptedState*> seen;
  std::vector<Work> works;
  for (Lane& lane : lanes) {
    lane.report = {};
    lane.status = check(lane, seen);
    if (lane.status.is_ok()) lane.status = lost_;
    Work work{.lane = &lane, .tokens = lane.tokens, .before = nullptr};
    if (lane.status.is_ok()) lane.status = make_room(work);
    if (lane.status.code() == Code::kUnavailable) lost_ = lane.status;
    if (lane.status.is_ok()) works.push_back(std::move(work));
  }
  const auto start = std::chrono::steady_clock::now();
  const double waited_before = use_.wait_s;
  const Status read = read_all(works);
  use_.host_s += seconds_since(start) - (use_.wait_s - waited_before);
  if (read.is_ok()) return;
  lost_ = read;
  flights_.clear();
  for (const Work& work : works) work.lane->status = read;
}

// Memory on the device for what the lane's steps will write. Where there is none, only the lane fails.
Status LaneLearner::make_room(Work& work) {
  AdaptedState& state = *work.lane->state;
  if (state.open.size() + work.tokens.size() < minibatch()) return Status::ok();
  SILT_TRY(states_.hold(state));
  if (work.lane->mode != LearnMode::kScoreAndLearn) return Status::ok();
  return states_.make_writable(state, work.before);
}

// Lanes that are ready go in turns, so that each is served as often as the others.
Status LaneLearner::read_all(std::vector<Work>& works) {
  std::deque<Work*> ready;
  for (Work& work : works) {
    if (fill_open(work)) ready.push_back(&work);
  }
  const std::size_t share = recalls() ? (ready.size() + 1) / 2 : ready.size();
  const std::size_t group_max = std::min(share, static_cast<std::size_t>(engine_->lanes_max()));
  std::vector<Work*> group;
  while (!ready.empty() || !flights_.empty()) {
    const bool room = flights_.size() < static_cast<std::size_t>(engine_->steps_in_flight());
    if (!ready.empty() && room) {
      group.assign(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(std::min(group_max, ready.size())));
      ready.erase(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(group.size()));
      SILT_TRY(start(group));
      if (recalls()) continue;
      for (Work* work : group) {
        if (fill_open(*work)) ready.push_back(work);
      }
      continue;
    }
    group = flights_.front().works;
    SILT_TRY(finish());
    if (!recalls()) continue;
    for (Work* work : group) {
      if (fill_open(*work)) ready.push_back(work);
    }
  }
  return Status::ok();
}

// Moves tokens into the open mini-batch; true: it is full.
bool LaneLearner::fill_open(Work& work) const {
  std::vector<Token>& open = work.lane->state->open;
  const std::size_t taken = std::min(work.tokens.size(), minibatch() - open.size());
  open.insert(open.end(), work.tokens.begin(), work.tokens.begin() + static_cast<std::ptrdiff_t>(taken));
  work.tokens = work.tokens.subspan(taken);
  return open.size() == minibatch();
}

std::unique_ptr<Minibatch> LaneLearner::take_minibatch() {
  if (spare_.empty()) return std::make_unique<Minibatch>(net_->config.minibatch_tokens);
  std::unique_ptr<Minibatch> minibatch = std::move(spare_.back());
  spare_.pop_back();
  return minibatch;
}

void LaneLearner::prepare(Minibatch& minibatch, const AdaptedState& state) const {
  minibatch.targets.assign(state.open.begin(), state.open.end());
  minibatch.inputs.assign(1, state.input);
  minibatch.inputs.insert(minibatch.inputs.end(), state.open.begin(), state.open.end() - 1);
}

LaneStep LaneLearner::step_of(Minibatch& minibatch, const AdaptedState& state) const {
  const std::size_t rows = minibatch.inputs.size();
  LaneStep step;
  step.weights = state.weights->held.get();
  step.window = state.held.get();
  step.inputs = minibatch.inputs;
  step.targets = minibatch.targets;
  step.candidates = recalls() ? &minibatch.recall.candidates() : nullptr;
  step.nll = std::span(minibatch.nll).first(rows);
  step.frozen_nll = std::span(minibatch.frozen_nll).first(options_.frozen_scores ? rows : 0);
  return step;
}

template <class Each>
void LaneLearner::on_all_threads(std::size_t count, const Each& each) const {
  team_.run([&](int member) {
    const auto [first, last] = cpu::share_of(static_cast<int>(count), member, team_.size());
    for (int i = first; i < last; ++i) each(static_cast<std::size_t>(i));
  });
}

// Puts the open mini-batches of these lanes, which are full, on the device.
Status LaneLearner::start(std::span<Work* const> works) {
  Flight& flight = flights_.emplace_back();
  flight.works.assign(works.begin(), works.end());
  flight.minibatches.resize(works.size());
  for (auto& minibatch : flight.minibatches) minibatch = take_minibatch();
  on_all_threads(works.size(), [&](std::size_t i) {
    AdaptedState& state = *works[i]->lane->state;
    Minibatch& minibatch = *flight.minibatches[i];
    minibatch.lane = works[i]->lane;
    prepare(minibatch, state);
    if (state.recall != nullptr) minibatch.recall.read(*state.recall, state.open, net_->token_marks);
  });
  for (std::size_t i = 0; i < works.size(); ++i) {
    AdaptedState& state = *works[i]->lane->state;
    LaneStep& step = flight.steps.emplace_back(step_of(*flight.minibatches[i], state));
    step.advances = true;
    step.learns = works[i]->lane->mode == LearnMode::kScoreAndLearn;
    if (works[i]->before != nullptr) {
      step.next = state.weights->held.get();
      if (!std::exchange(works[i]->started, true)) step.weights = works[i]->before->held.get();
    }
    state.input = state.open.back();
    state.open.clear();
    state.tokens += minibatch();
    state.window_valid = std::min(state.window_valid + net_->config.minibatch_tokens, net_->config.window_tokens);
    ++state.steps;
  }
  SILT_ASSIGN(flight.ticket, engine_->submit(flight.steps));
  return Status::ok();
}

// Waits for the oldest step on the device and hands out what came of it.
Status LaneLearner::finish() {
  Flight& flight = flights_.front();
  const auto start = std::chrono::steady_clock::now();
  SILT_TRY(engine_->wait(flight.ticket));
  use_.wait_s += seconds_since(start);
  use_.minibatches += flight.steps.size();
  on_all_threads(flight.steps.size(), [&](std::size_t i) { take_results(*flight.minibatches[i], flight.steps[i]); });
  for (auto& minibatch : flight.minibatches) spare_.push_back(std::move(minibatch));
  flights_.pop_front();
  return Status::ok();
}

void LaneLearner::take_results(Minibatch& minibatch, const LaneStep& step) {
  Lane& lane = *minibatch.lane;
  if (lane.state->recall != nullptr) minibatch.recall.mix(*lane.state->recall, minibatch.targets, minibatch.nll);
  push_scores(minibatch, minibatch.nll, *lane.scores);
  ++lane.report.steps;
  if (step.next == nullptr) return;
  lane.report.gradient_norm = step.gradient_norm;
  if (step.skipped) ++lane.report.skipped_steps;
}

void LaneLearner::push_scores(const Minibatch& minibatch, std::span<const float> adapted,
                              std::vector<TokenScore>& scores) const {
  for (std::size_t i = 0; i < minibatch.targets.size(); ++i) {
    scores.push_back({.adapted_nats = adapted[i],
                      .frozen_nats = options_.frozen_scores ? minibatch.frozen_nll[i] : adapted[i]});
  }
}

Status LaneLearner::score_tails(std::span<const Tail> tails) {
  SILT_TRY(lost_);
  std::vector<Tail> open;
  for (const Tail& tail : tails) {
    std::set<const AdaptedState*> seen;
    // Nothing of it is changed; a lane is how states are checked.
    const Lane lane{.state = const_cast<AdaptedState*>(tail.state), .tokens = {}, .scores = tail.scores, .report = {}, .status = {}};
    SILT_TRY(check(lane, seen));
    if (!tail.state->open.empty()) open.push_back(tail);
  }
  const auto at_once = static_cast<std::size_t>(engine_->lanes_max());
  for (std::span<const Tail> left(open); !left.empty();) {
    const std::span<const Tail> some = left.first(std::min(at_once, left.size()));
    const Status scored = score_some(some);
    if (!scored.is_ok()) return lost_ = scored;
    left = left.subspan(some.size());
  }
  return Status::ok();
}

// At most as many as there are lanes, each of which has open tokens.
Status LaneLearner::score_some(std::span<const Tail> tails) {
  std::vector<std::unique_ptr<Minibatch>> minibatches(tails.size());
  std::vector<std::unique_ptr<RecallState>> recalls(tails.size());  // copies: reading the open tokens would change them
  for (auto& minibatch : minibatches) minibatch = take_minibatch();
  on_all_threads(tails.size(), [&](std::size_t i) {
    const AdaptedState& state = *tails[i].state;
    prepare(*minibatches[i], state);
    if (state.recall == nullptr) return;
    recalls[i] = std::make_unique<RecallState>(*state.recall);
    minibatches[i]->recall.read(*recalls[i], state.open, net_->token_marks);
  });
  std::vector<LaneStep> steps;
  for (std::size_t i = 0; i < tails.size(); ++i) steps.push_back(step_of(*minibatches[i], *tails[i].state));
  SILT_ASSIGN(const LaneEngine::Ticket ticket, engine_->submit(steps));
  SILT_TRY(engine_->wait(ticket));
  on_all_threads(tails.size(), [&](std::size_t i) {
    Minibatch& minibatch = *minibatches[i];
    if (recalls[i] != nullptr) minibatch.recall.mix(*recalls[i], minibatch.targets, minibatch.nll);
    push_scores(minibatch, minibatch.nll, *tails[i].scores);
  });
  for (auto& minibatch : minibatches) spare_.push_back(std::move(minibatch));
  return Status::ok();
}

std::uint64_t LaneLearner::full_state_bytes() {
  const ModelConfig& c = net_->config;
  const int windows = 3 * c.windows() + (options_.frozen_scores ? 3 * c.frozen_windows() : 0);  // x, keys, values
  std::uint64_t bytes = kSmallBytes + net_->initial->bytes() * 3 / 2;
  bytes += static_cast<std::uint64_t>(windows) * static_cast<std::uint64_t>(c.window_tokens + c.minibatch_tokens) *
           static_cast<std::uint64_t>(c.width) * sizeof(std::uint16_t);
  if (recalls()) bytes += RecallMemory::bytes_max(c.recall_slots_log2) + sizeof(float) * RecallGate::kSize;
  return bytes;
}

}  // namespace

std::unique_ptr<Learner> make_lane_learner(std::shared_ptr<const Net> net, std::unique_ptr<Backend> host,
                                           std::unique_ptr<LaneEngine> engine, const LearnerOptions& options,
                                           int threads) {
  return std::make_unique<LaneLearner>(std::move(net), std::move(host), std::move(engine), options, threads);
}

}  // namespace silt::model
