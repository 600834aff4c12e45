#include "tests/model/random_net.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "base/check.h"
#include "model/recall_memory.h"
#include "tests/model/memory_matrix.h"

namespace silt::model {
namespace {

struct Shape {
  int rows;
  int cols;  // 0: a vector
  double deviation;
  double mean;
};

using Shapes = std::map<std::string, Shape>;

Shape scaled(int rows, int cols, double gain) {
  return {rows, cols, gain / std::sqrt(rows), 0};
}

void add_attention(const ModelConfig& c, int layer, const std::string& block, Shapes& all) {
  all[block + "attention_norm"] = {c.width, 0, 0.1, 1};
  all[block + "attention.q"] = scaled(c.width, c.query_width(), 1.5);
  all[block + "attention.k"] = scaled(c.width, c.kv_width(), 1.5);
  all[block + "attention.v"] = scaled(c.width, c.kv_width(), 1);
  all[block + "attention.o"] = scaled(c.query_width(), c.width, 0.7);
  if (layer < c.prefix_layers()) return;
  all[block + "fast_norm"] = {c.width, 0, 0.1, 1};
  all[block + "fast.gate"] = scaled(c.width, c.fast_width, 1);
  all[block + "fast.up"] = scaled(c.width, c.fast_width, 1);
  all[block + "fast.down"] = scaled(c.fast_width, c.width, 0.5);
  all[block + "fast.step"] = {c.fast_rates(), 0, 0.03, 0.3};
  all[block + "fast.decay"] = {c.fast_rates(), 0, 0.01, 0.97};
}

void add_ttt_layer(const ModelConfig& c, const std::string& block, Shapes& all) {
  const std::string ttt = block + "ttt.";
  all[block + "ttt_norm"] = {c.width, 0, 0.1, 1};
  for (const char* name : {"q", "k", "v"}) all[ttt + name] = scaled(c.width, c.query_width(), 1);
  all[ttt + "o"] = scaled(c.query_width(), c.width, 0.7);
  all[ttt + "lr_weight"] = scaled(c.width, c.heads, 1);
  all[ttt + "lr_bias"] = {c.heads, 0, 0.1, 0};
  all[ttt + "position_scale"] = {kTttTokens, 0, 0.1, 0};
  for (const char* name : {"ln", "post_norm"}) {
    all[ttt + name + "_scale"] = {c.query_width(), 0, 0.1, 1};
    all[ttt + name + "_shift"] = {c.query_width(), 0, 0.1, 0};
  }
  const std::vector<int> widths = c.inner_widths();
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    all[ttt + "w" + number] = {c.heads * widths[i], widths[i + 1], 1 / std::sqrt(widths[i]), 0};
    all[ttt + "c" + number] = {c.heads * widths[i + 1], 0, 0.1, 0};
  }
}

Shapes shapes(const ModelConfig& c) {
  Shapes all;
  all["embedding"] = {c.vocabulary, c.width, 0.5, 0};
  all["final_norm"] = {c.width, 0, 0.1, 1};
  for (int layer = 0; layer < c.layers; ++layer) {
    const std::string block = "blocks." + std::to_string(layer) + ".";
    c.has_ttt_layers() ? add_ttt_layer(c, block, all) : add_attention(c, layer, block, all);
    all[block + "mlp_norm"] = {c.width, 0, 0.1, 1};
    all[block + "mlp.gate"] = scaled(c.width, c.mlp_width, 1);
    all[block + "mlp.up"] = scaled(c.width, c.mlp_width, 1);
    all[block + "mlp.down"] = scaled(c.mlp_width, c.width, 0.7);
  }
  return all;
}

class RandomSource final : public TensorSource {
 public:
  RandomSource(const ModelConfig& config, unsigned seed) : config_(config), seed_(seed) {}
  Result<std::unique_ptr<MatrixSource>> matrix(std::string_view name) const override {
    const Shape shape = shapes(config_).at(std::string(name));
    return std::unique_ptr<MatrixSource>(std::make_unique<MemoryMatrix>(
        shape.rows, shape.cols, random_tensor(config_, std::string(name), seed_)));
  }
  Result<std::vector<float>> vector(std::string_view name) const override {
    if (!shapes(config_).contains(std::string(name))) return not_found(std::string(name));
    return random_tensor(config_, std::string(name), seed_);
  }

 private:
  ModelConfig config_;
  unsigned seed_;
};

}  // namespace

ModelConfig odd_config() {
  return {.layers = 4,
          .fast_layers = 3,
          .width = 12,
          .heads = 4,
          .kv_heads = 2,
          .head_width = 6,
          .mlp_width = 10,
          .fast_width = 7,
          .vocabulary = 23,
          .minibatch_tokens = 4,
          .window_tokens = 8,
          .rope_theta = 100,
          .norm_epsilon = 1e-5f,
          .clip_norm = 1};
}

ModelConfig even_config() {
  return {.layers = 3,
          .fast_layers = 2,
          .width = 64,
          .heads = 2,
          .kv_heads = 2,
          .head_width = 32,
          .mlp_width = 96,
          .fast_width = 64,
          .vocabulary = 160,
          .minibatch_tokens = 16,
          .window_tokens = 48,
          .rope_theta = 10000,
          .norm_epsilon = 1e-5f,
          .clip_norm = 1};
}

namespace {

ModelConfig with_ttt_layers(ModelConfig config, MixerKind mixer) {
  config.mixer = mixer;
  config.minibatch_tokens = 32;
  config.complete_ttt();
  return config;
}

}  // namespace

ModelConfig odd_ttt_config(MixerKind mixer) {
  return with_ttt_layers(odd_config(), mixer);
}

ModelConfig even_ttt_config(MixerKind mixer) {
  return with_ttt_layers(even_config(), mixer);
}

std::vector<float> random_tensor(const ModelConfig& config, const std::string& name, unsigned seed) {
  const Shape shape = shapes(config).at(name);
  std::seed_seq seeds(name.begin(), name.end());
  std::vector<std::uint32_t> start(1);
  seeds.generate(start.begin(), start.end());
  std::mt19937 random(start[0] + seed);
  std::normal_distribution<float> normal(static_cast<float>(shape.mean), static_cast<float>(shape.deviation));
  std::vector<float> values(static_cast<std::size_t>(shape.rows) * std::max(shape.cols, 1));
  for (float& value : values) value = normal(random);
  return values;
}

std::unique_ptr<TensorSource> random_source(const ModelConfig& config, unsigned seed) {
  return std::make_unique<RandomSource>(config, seed);
}

std::shared_ptr<Net> random_net(const ModelConfig& config, Backend& backend, unsigned seed) {
  Result<std::shared_ptr<Net>> net = Net::create(*random_source(config, seed), config, backend);
  SILT_CHECK(net.is_ok());
  net.value()->fingerprint = {.high = seed, .low = 7};
  for (std::size_t token = 0; token < net.value()->token_marks.size(); ++token) {
    net.value()->token_marks[token] = token % 13 == 0 ? kEndsLine : token % 3 == 0 ? kBlank : 0;
  }
  return std::move(net).value();
}

std::vector<Token> log_like_tokens(const ModelConfig& config, int count, unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
  std::vector<Token> line(7);
  for (Token& token : line) token = below(config.vocabulary);
  std::vector<Token> tokens;
  while (static_cast<int>(tokens.size()) < count) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      tokens.push_back(i == 3 ? below(config.vocabulary) : line[i]);  // one field varies
    }
  }
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

}  // namespace silt::model
