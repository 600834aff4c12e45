// state_loss WEIGHTS HOME FOREIGN [CUTS]: what a source's state loses, in bits, when parts of it are lost.
//
// HOME and FOREIGN are texts of two sources. HOME is read up to each of CUTS places (8) in its second half;
// there the next tokens of HOME are scored from the state as it is, and from the state
//   without its window      fast weights and recall alone, as after a restore that dropped the window
//   with int8 deltas        W - W_0 rounded to int8 with one scale a row
//   after the foreign text  all of FOREIGN was read in between
// Learning goes on throughout. Told is what all cuts together cost more, by the net alone and, if the weights
// have recall, with recall, which is the surprise of siltd.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <numbers>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "model/backends/backends.h"
#include "model/learner.h"
#include "model/net.h"

namespace silt::bench {
namespace {

using namespace silt::model;

std::vector<Token> tokens_of(const Model& model, const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<Token> tokens;
  model.tokenizer().encode(text, tokens);
  return tokens;
}

// Nats of these tokens, learning on.
std::vector<double> read(Learner& learner, AdaptedState& state, std::span<const Token> tokens) {
  std::vector<TokenScore> scores;
  if (!learner.append(state, tokens, LearnMode::kScoreAndLearn, scores).is_ok()) std::abort();
  std::vector<double> nats;
  for (const TokenScore& score : scores) nats.push_back(score.adapted_nats);
  return nats;
}

// `weights` with every row of W - W_0 rounded to 255 levels.
std::shared_ptr<const FastWeights> rounded(const FastWeights& weights, const FastWeights& initial,
                                           const ModelConfig& config, Backend& backend) {
  std::shared_ptr<FastWeights> out = allocate_fast_weights(config, backend);
  for (std::size_t i = 0; i < weights.buffers.size(); ++i) {
    const auto rows = static_cast<std::size_t>(weights.buffers[i]->rows());
    const auto cols = static_cast<std::size_t>(weights.buffers[i]->cols());
    std::vector<float> now(rows * cols), before(rows * cols);
    backend.download(*weights.buffers[i], now);
    backend.download(*initial.buffers[i], before);
    for (std::size_t row = 0; row < rows; ++row) {
      float largest = 0;
      for (std::size_t j = row * cols; j < (row + 1) * cols; ++j)
        largest = std::max(largest, std::abs(now[j] - before[j]));
      const float scale = largest > 0 ? largest / 127 : 1;
      for (std::size_t j = row * cols; j < (row + 1) * cols; ++j)
        now[j] = before[j] + scale * std::nearbyint((now[j] - before[j]) / scale);
    }
    backend.upload(*out->buffers[i], now);
  }
  return out;
}

// Nats of the k-th token behind a cut, summed over the cuts.
using Cost = std::vector<double>;

// The same states, scored in two ways.
class Scorers {
 public:
  explicit Scorers(const std::shared_ptr<const Model>& model)
      : siltd_(Learner::create(model, {}, {}).value()),
        net_alone_(Learner::create(model, {}, {.recall = false}).value()) {}

  Learner& siltd() { return *siltd_; }
  AdaptedState copy(const AdaptedState& state) { return siltd_->load(siltd_->save(state)).value(); }

  // But for rounding the net learns the same with and without recall: a state of siltd less its recall is
  // one of the net alone.
  void add(const AdaptedState& state, std::span<const Token> next, std::array<Cost, 2>& costs) {
    AdaptedState own = copy(state);
    own.recall = nullptr;
    add(read(*net_alone_, own, next), costs[0]);
    if (state.recall == nullptr) return;
    own = copy(state);
    add(read(*siltd_, own, next), costs[1]);
  }

 private:
  static void add(const std::vector<double>& nats, Cost& cost) {
    cost.resize(nats.size());
    for (std::size_t k = 0; k < nats.size(); ++k) cost[k] += nats[k];
  }

  std::unique_ptr<Learner> siltd_, net_alone_;
};

double sum(const Cost& cost, std::size_t count) {
  return std::accumulate(cost.begin(), cost.begin() + static_cast<std::ptrdiff_t>(count), 0.0);
}

constexpr std::array kChanges = {"as it is: bits a token", "without its window", "with int8 deltas",
                                 "after the foreign text"};
using Costs = std::array<std::array<Cost, 2>, kChanges.size()>;

void report(const char* title, const Costs& costs, std::size_t way, std::size_t minibatch, std::size_t cuts) {
  const Cost& kept = costs[0][way];
  if (kept.empty()) return;
  const std::array spans = {minibatch, 4 * minibatch, kept.size()};
  std::printf("\n%-24s", title);
  for (const std::size_t span : spans) std::printf(" %5zu tokens", span);
  std::printf("\n%-24s", kChanges[0]);
  for (const std::size_t span : spans)
    std::printf(" %12.3f", sum(kept, span) / double(span * cuts) / std::numbers::ln2);
  for (std::size_t change = 1; change < kChanges.size(); ++change) {
    std::printf("\n%-24s", kChanges[change]);
    for (const std::size_t span : spans)
      std::printf(" %+10.2f %%", 100 * (sum(costs[change][way], span) / sum(kept, span) - 1));
  }
  std::printf("\n");
}

int run(char** arguments, std::size_t cuts) {
  const auto model = Model::open(arguments[1]).value();
  const auto backend = open_backend({}, model->config()).value();
  Scorers scorers(model);
  const std::vector<Token> home = tokens_of(*model, arguments[2]);
  std::vector<Token> foreign = tokens_of(*model, arguments[3]);
  const auto b = static_cast<std::size_t>(model->config().minibatch_tokens);
  const std::size_t ahead = 16 * b;
  if (cuts == 0 || home.size() < 2 * ahead || foreign.size() < b) {
    std::fprintf(stderr, "state_loss: too little text\n");
    return 1;
  }
  foreign.resize(foreign.size() / b * b);

  AdaptedState state = scorers.siltd().fresh(home.front());
  const std::shared_ptr<const FastWeights> initial = state.weights;
  const std::size_t last = (home.size() - ahead - 1) / b;  // mini-batches
  Costs costs;
  for (std::size_t cut = 1, at = 0; cut <= cuts; ++cut) {
    const std::size_t end = last * (cuts + cut) / (2 * cuts) * b;
    read(scorers.siltd(), state, std::span(home).subspan(1 + at, end - at));
    at = end;
    const auto next = std::span(home).subspan(1 + at, ahead);
    scorers.add(state, next, costs[0]);

    AdaptedState bare = scorers.siltd().fresh(state.input);
    bare.weights = state.weights;
    if (state.recall != nullptr) *bare.recall = *state.recall;
    scorers.add(bare, next, costs[1]);

    AdaptedState small = scorers.copy(state);
    small.weights = rounded(*state.weights, *initial, model->config(), *backend);
    scorers.add(small, next, costs[2]);

    AdaptedState away = scorers.copy(state);
    foreign.back() = home[at];  // the token from which the next one is predicted
    read(scorers.siltd(), away, foreign);
    scorers.add(away, next, costs[3]);
  }
  std::printf("%zu cuts, the last behind %zu tokens of home; %zu tokens foreign\n", cuts, last * b,
              foreign.size());
  report("net alone", costs, 0, b, cuts);
  report("net with recall", costs, 1, b, cuts);
  return 0;
}

}  // namespace
}  // namespace silt::bench

int main(int argc, char** argv) {
  if (argc == 4 || argc == 5)
    return silt::bench::run(argv, argc == 5 ? std::strtoul(argv[4], nullptr, 10) : 8);
  std::fprintf(stderr, "usage: state_loss WEIGHTS HOME FOREIGN [CUTS]\n");
  return 2;
}
