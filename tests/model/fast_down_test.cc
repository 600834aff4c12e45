// Nets that learn down alone, beside what the tests of every rule check.
#include <gtest/gtest.h>

#include <cmath>

#include "model/ref/backend_ref.h"
#include "model/state_codec.h"
#include "tests/model/backends.h"

namespace silt::model {
namespace {

class FastDownTest : public testing::TestWithParam<std::string> {
 protected:
  static ModelConfig config(FastLearns learns, float clip = 1) {
    ModelConfig config = even_config();
    config.fast_learns = learns;
    config.clip_norm = clip;
    return config;
  }
  static std::unique_ptr<Backend> open(const std::string& name, const ModelConfig& config) {
    return std::move(open_backend({.name = name}, config)).value();
  }

  struct Run {
    std::vector<double> nats;
    std::vector<double> norms;               // of the gradients, step by step
    std::vector<std::vector<float>> change;  // of each layer's down, since W_0
    std::string blob;
  };
  // Learns the same stream with a net that `adjust` may change.
  template <class Adjust>
  Run learn(const std::string& backend_name, const ModelConfig& config, Adjust adjust) const {
    std::unique_ptr<Backend> backend = open(backend_name, config);
    Backend& memory = *backend;
    const std::shared_ptr<Net> net = random_net(config, memory);
    adjust(*net);
    const auto learner = Learner::create(net, std::move(backend), {.frozen_scores = true});
    AdaptedState state = learner->fresh();
    std::vector<TokenScore> scores;
    Run run;
    const auto b = static_cast<std::size_t>(config.minibatch_tokens);
    for (std::size_t at = 0; at + b <= tokens_.size(); at += b) {
      Result<AppendReport> report =
          learner->append(state, std::span(tokens_).subspan(at, b), LearnMode::kScoreAndLearn, scores);
      EXPECT_TRUE(report.is_ok()) << report.status().to_string();
      run.norms.push_back(report->gradient_norm);
    }
    for (const TokenScore& score : scores) run.nats.push_back(score.adapted_nats);
    for (std::size_t layer = 0; layer < net->fast.size(); ++layer) {
      run.change.push_back(values(memory, *state.weights->layers[layer].down));
      const std::vector<float> initial = values(memory, *net->initial->layers[layer].down);
      for (std::size_t i = 0; i < initial.size(); ++i) run.change.back()[i] -= initial[i];
    }
    run.blob = learner->save(state);
    return run;
  }
  Run learn(const std::string& backend_name, const ModelConfig& config) const {
    return learn(backend_name, config, [](Net&) {});
  }

  static std::vector<float> values(const Backend& backend, const Buffer& buffer) {
    std::vector<float> all(static_cast<std::size_t>(buffer.rows()) * static_cast<std::size_t>(buffer.cols()));
    backend.download(buffer, all);
    return all;
  }

  const std::vector<Token> tokens_ = log_like_tokens(even_config(), 200);
};

INSTANTIATE_TEST_SUITE_P(Backends, FastDownTest, testing::ValuesIn(available_backends()),
                         backend_test_name<std::string>);

// A gate and an up whose step is 0 compute what frozen ones do. Only the clip would tell them apart, since
// their gradients count for the norm; here it never bites.
TEST_P(FastDownTest, LearnsLikeANetWhoseGateAndUpStandStill) {
  const ModelConfig down_config = config(FastLearns::kDown, 1e9f);
  std::vector<FastStep> steps;
  const Run down = learn(GetParam(), down_config, [&](Net& net) {
    for (const FastBlock& fast : net.fast) steps.push_back(fast.step);
  });
  const Run still = learn(GetParam(), config(FastLearns::kGateUpDown, 1e9f), [&](Net& net) {
    for (std::size_t i = 0; i < net.fast.size(); ++i) {
      net.fast[i].step = {
          .gate = {.decay = 1, .step = 0}, .up = {.decay = 1, .step = 0}, .down = steps[i].down};
    }
  });
  ASSERT_EQ(down.nats.size(), still.nats.size());
  // The reference adds the gradients of gate and up in another order when they are one matrix.
  const double bits = GetParam().starts_with("ref") ? 1e-4 : 0;
  for (std::size_t i = 0; i < down.nats.size(); ++i) ASSERT_NEAR(down.nats[i], still.nats[i], bits) << i;
  for (std::size_t layer = 0; layer < down.change.size(); ++layer) {
    for (std::size_t i = 0; i < down.change[layer].size(); ++i) {
      ASSERT_NEAR(down.change[layer][i], still.change[layer][i], bits) << "layer " << layer << ", " << i;
    }
  }
  for (std::size_t i = 0; i < down.norms.size(); ++i) EXPECT_LT(down.norms[i], 0.999 * still.norms[i]);
}

TEST_P(FastDownTest, AgreesWithTheReference) {
  const ModelConfig down_config = config(FastLearns::kDown, 0.5f);
  const Run exact = learn("ref-f64", down_config);
  const Run got = learn(GetParam(), down_config);
  const bool is_ref = GetParam().starts_with("ref");
  double total = 0, exact_total = 0;
  for (std::size_t i = 0; i < exact.nats.size(); ++i) {
    total += got.nats[i];
    exact_total += exact.nats[i];
  }
  EXPECT_NEAR(total / exact_total, 1, is_ref ? 1e-5 : 5e-3);
  const auto width = static_cast<std::size_t>(down_config.width);
  for (std::size_t layer = 0; layer < exact.change.size(); ++layer) {
    const std::vector<float>& change = exact.change[layer];
    for (std::size_t row = 0; row < change.size(); row += width) {
      double error = 0, size = 0;
      for (std::size_t i = row; i < row + width; ++i) {
        error += std::pow(got.change[layer][i] - change[i], 2);
        size += std::pow(change[i], 2);
      }
      EXPECT_LT(std::sqrt(error / size), is_ref ? 1e-3 : 0.12)
          << "layer " << layer << ", unit " << row / width;
    }
  }
}

TEST_P(FastDownTest, AStateHoldsDownAlone) {
  const ModelConfig all = config(FastLearns::kGateUpDown);
  const ModelConfig down = config(FastLearns::kDown);
  const auto gate_and_up = 2 * static_cast<std::size_t>(all.fast_layers * all.width * all.fast_width);
  const std::size_t element = open(GetParam(), all)->allocate(1, 1, Role::kMaster)->bytes();
  EXPECT_EQ(learn(GetParam(), all).blob.size() - learn(GetParam(), down).blob.size(), element * gate_and_up);
}

}  // namespace
}  // namespace silt::model
