// state_loss WEIGHTS HOME FOREIGN: what a source's state loses, in bits, when parts of it are lost.
//
// HOME and FOREIGN are texts of two sources. The first part of HOME is read; then the next tokens of HOME
// are scored from the state as it is, and from the state
//   without its window      fast weights and recall alone, as after a restore that dropped the window
//   with int8 deltas        W - W_0 rounded to int8 with one scale a row
//   after the foreign text  all of FOREIGN was read in between
// each over one mini-batch and over a window. Learning goes on throughout; the net alone is scored.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

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

// Nats of the next tokens, learning on.
std::vector<double> read(Learner& learner, AdaptedState state, std::span<const Token> tokens) {
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

double sum(const std::vector<double>& nats, std::size_t count) {
  double total = 0;
  for (std::size_t i = 0; i < count; ++i) total += nats[i];
  return total;
}

void report(const char* what, const std::vector<double>& lost, const std::vector<double>& kept,
            std::size_t minibatch) {
  const auto change = [&](std::size_t count) { return 100 * (sum(lost, count) / sum(kept, count) - 1); };
  std::printf("%-24s %+7.2f %% over a mini-batch, %+7.2f %% over a window, %+7.2f %% over %zu tokens\n", what,
              change(minibatch), change(4 * minibatch), change(kept.size()), kept.size());
}

int run(char** arguments) {
  const auto model = Model::open(arguments[1]).value();
  const auto learner = Learner::create(model, {}, {.recall = false}).value();
  const auto backend = open_backend({}, model->config()).value();
  const std::vector<Token> home = tokens_of(*model, arguments[2]), foreign = tokens_of(*model, arguments[3]);
  const auto b = static_cast<std::size_t>(model->config().minibatch_tokens);
  const std::size_t ahead = 16 * b, first = (home.size() - ahead - 1) / b * b;
  const auto next = std::span(home).subspan(1 + first, ahead);

  AdaptedState state = learner->fresh(home.front());
  const std::shared_ptr<const FastWeights> initial = state.weights;
  std::vector<TokenScore> scores;
  if (!learner->append(state, std::span(home).subspan(1, first), LearnMode::kScoreAndLearn, scores).is_ok())
    return 1;
  std::printf("%zu tokens of home read, %zu foreign\n", first, foreign.size());
  const std::string blob = learner->save(state);
  const auto copy = [&] { return learner->load(blob).value(); };
  const std::vector<double> kept = read(*learner, copy(), next);

  AdaptedState bare = learner->fresh(state.input);
  bare.weights = state.weights;
  report("without its window", read(*learner, std::move(bare), next), kept, b);
  AdaptedState small = copy();
  small.weights = rounded(*state.weights, *initial, model->config(), *backend);
  report("with int8 deltas", read(*learner, std::move(small), next), kept, b);
  AdaptedState away = copy();
  if (!learner->append(away, foreign, LearnMode::kScoreAndLearn, scores).is_ok()) return 1;
  std::vector<Token> back(away.open.size() % b == 0 ? 0 : b - away.open.size(), home[first]);
  if (!learner->append(away, back, LearnMode::kScoreAndLearn, scores).is_ok()) return 1;
  report("after the foreign text", read(*learner, std::move(away), next), kept, b);
  return 0;
}

}  // namespace
}  // namespace silt::bench

int main(int argc, char** argv) {
  if (argc == 4) return silt::bench::run(argv);
  std::fprintf(stderr, "usage: state_loss WEIGHTS HOME FOREIGN\n");
  return 2;
}
