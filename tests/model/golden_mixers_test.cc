// Small nets with TTT layers against recorded answers: tests/model/golden/README.md, mixers.json and
// mixers_jax.json.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "model/json.h"
#include "tests/model/backends.h"
#include "tests/model/memory_matrix.h"

namespace silt::model {
namespace {

double number(const Json& object, std::string_view name) {
  return *object.find(name)->number();
}

std::vector<double> numbers(const Json& object, std::string_view name) {
  std::vector<double> values;
  for (const Json& value : *object.find(name)->array()) values.push_back(*value.number());
  return values;
}

// The tensors that record_golden_mixers.py invents: its uniform() and invented().
class InventedTensors final : public TensorSource {
 public:
  explicit InventedTensors(const Json& net) {
    for (const Json& tensor : *net.find("tensors")->array())
      described_[*tensor.find("name")->string()] = &tensor;
  }

  Result<std::unique_ptr<MatrixSource>> matrix(std::string_view name) const override {
    const std::vector<double> shape = numbers(*described_.at(std::string(name)), "shape");
    SILT_ASSIGN(std::vector<float> values, vector(name));
    for (float& value : values) {  // to bfloat16, to nearest even
      const auto bits = std::bit_cast<std::uint32_t>(value);
      value = std::bit_cast<float>((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000U);
    }
    return std::unique_ptr<MatrixSource>(
        std::make_unique<MemoryMatrix>(static_cast<int>(shape[0]), static_cast<int>(shape[1]), values));
  }

  Result<std::vector<float>> vector(std::string_view name) const override {
    const Json& tensor = *described_.at(std::string(name));
    std::size_t size = 1;
    for (const double length : numbers(tensor, "shape")) size *= static_cast<std::size_t>(length);
    std::uint32_t state = 0x811C9DC5;
    for (const char c : name) state = (state ^ static_cast<unsigned char>(c)) * 0x01000193;
    std::vector<float> values;
    for (std::size_t i = 0; i < size; ++i) {
      state = state * 1664525 + 1013904223;
      const double uniform = (state >> 8) / 8388608.0 - 1;
      values.push_back(static_cast<float>(number(tensor, "mean") +
                                          number(tensor, "deviation") * std::sqrt(3.0) * uniform));
    }
    return values;
  }

 private:
  std::map<std::string, const Json*> described_;
};

ModelConfig config_of(const Json& net) {
  const auto integer = [&](const char* name) { return static_cast<int>(number(net, name)); };
  ModelConfig config;
  config.mixer = *net.find("mixer")->string() == "ttt_linear" ? MixerKind::kTttLinear : MixerKind::kTttMlp;
  config.layers = integer("layers");
  config.width = integer("width");
  config.heads = integer("heads");
  config.head_width = integer("head_width");
  config.mlp_width = integer("mlp_width");
  config.vocabulary = integer("vocabulary");
  config.minibatch_tokens = 32;
  config.rope_theta = static_cast<float>(number(net, "rope_theta"));
  config.norm_epsilon = static_cast<float>(number(net, "norm_epsilon"));
  config.complete_ttt();
  return config;
}

// What a backend may differ from the recorded run, as in golden_test.cc.
struct Tolerance {
  double token_nats, total, state_element, state_change;
};
Tolerance tolerance(std::string_view backend) {
  if (backend.starts_with("ref")) return {5e-4, 2e-6, 1e-3, 2e-5};
  return {0.15, 5e-4, 0.15, 4e-3};
}

class GoldenMixers : public testing::TestWithParam<std::string> {
 protected:
  void check_scores(const std::vector<double>& got, const std::vector<double>& expected) {
    ASSERT_EQ(got.size(), expected.size());
    double worst = 0, total = 0, expected_total = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      worst = std::max(worst, std::abs(got[i] - expected[i]));
      total += got[i];
      expected_total += expected[i];
    }
    EXPECT_LE(worst, tolerance_.token_nats);
    EXPECT_NEAR(total / expected_total, 1, tolerance_.total);
    RecordProperty("worst_token_nats", std::to_string(worst));
    RecordProperty("relative_total", std::to_string(total / expected_total - 1));
  }

  void check_tensor(const Json& expected, const std::vector<float>& values,
                    const std::vector<float>& initial) {
    double squares = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      squares += std::pow(static_cast<double>(values[i]) - static_cast<double>(initial[i]), 2);
    }
    EXPECT_NEAR(squares / number(expected, "change_sum_of_squares"), 1, tolerance_.state_change);
    const double rms_change = std::sqrt(squares / static_cast<double>(values.size()));
    const std::vector<double> samples = numbers(expected, "samples");
    ASSERT_EQ(samples.size(), 16u);
    const auto stride = static_cast<std::size_t>(number(expected, "stride"));
    for (std::size_t i = 0; i < samples.size(); ++i) {
      EXPECT_NEAR(values[i * stride], samples[i], tolerance_.state_element * rms_change) << i;
    }
  }

  void check_net(const Json& net);

  const Tolerance tolerance_ = tolerance(GetParam());
};

void GoldenMixers::check_net(const Json& net) {
  const ModelConfig config = config_of(net);
  std::unique_ptr<Backend> backend = std::move(open_backend({.name = GetParam()}, config)).value();
  Backend& memory = *backend;
  Result<std::shared_ptr<Net>> loaded = Net::create(InventedTensors(net), config, memory);
  ASSERT_TRUE(loaded.is_ok()) << loaded.status().to_string();
  const auto learner = Learner::create(*loaded, std::move(backend), {.frozen_scores = true});

  std::vector<Token> tokens;
  for (const double token : numbers(net, "tokens")) tokens.push_back(static_cast<Token>(token));
  AdaptedState state = learner->fresh(tokens.front());
  const std::shared_ptr<const FastWeights> initial = state.weights;
  std::vector<TokenScore> scores;
  ASSERT_TRUE(
      learner->append(state, std::span(tokens).subspan(1), LearnMode::kScoreAndLearn, scores).is_ok());
  std::vector<double> adapted, frozen;
  for (const TokenScore& score : scores) {
    adapted.push_back(score.adapted_nats);
    frozen.push_back(score.frozen_nats);
  }
  check_scores(adapted, numbers(net, "learning_nats"));
  check_scores(frozen, numbers(net, "frozen_nats"));

  std::map<std::string, std::pair<const Buffer*, const Buffer*>> tensors;
  for (std::size_t layer = 0; layer < state.weights->inner.size(); ++layer) {
    for (std::size_t map = 0; map < state.weights->inner[layer].size(); ++map) {
      const std::string ttt = "blocks." + std::to_string(layer) + ".ttt.", index = std::to_string(map + 1);
      const InnerLinear now = state.weights->inner[layer][map], then = initial->inner[layer][map];
      tensors[ttt + "w" + index] = {now.weight, then.weight};
      tensors[ttt + "c" + index] = {now.bias, then.bias};
    }
  }
  ASSERT_EQ(net.find("state")->array()->size(), tensors.size());
  for (const Json& expected : *net.find("state")->array()) {
    SCOPED_TRACE(*expected.find("name")->string());
    const auto& [now, then] = tensors.at(*expected.find("name")->string());
    std::vector<float> values(static_cast<std::size_t>(now->rows() * now->cols())), start(values.size());
    memory.download(*now, values);
    memory.download(*then, start);
    check_tensor(expected, values, start);
  }
}

TEST_P(GoldenMixers, LearnTheStreamAsRecorded) {
  for (const std::string name : {"mixers.json", "mixers_jax.json"}) {
    std::ifstream file(std::string(SILT_SOURCE_DIR) + "/tests/model/golden/" + name);
    std::stringstream text;
    text << file.rdbuf();
    Result<Json> document = Json::parse(text.str());
    ASSERT_TRUE(document.is_ok()) << document.status().to_string();
    ASSERT_EQ(document->find("nets")->array()->size(), 2u);
    for (const Json& net : *document->find("nets")->array()) {
      SCOPED_TRACE(name + " " + *net.find("mixer")->string());
      check_net(net);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, GoldenMixers, testing::ValuesIn(available_backends()),
                         backend_test_name<std::string>);

}  // namespace
}  // namespace silt::model
