// The forward pass against a direct transcription of ttt-spec 1.2/1.3 in double precision: whole
// sequence at once, absolute positions, an explicit mask, no cache and no mini-batches.
#include <gtest/gtest.h>

#include <cmath>

#include "model/learner.h"
#include "model/reader.h"
#include "model/ref/backend_ref.h"
#include "tests/model/random_net.h"

namespace silt::model {
namespace {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

class PlainNet {
 public:
  explicit PlainNet(const ModelConfig& config) : c_(config) {}

  // nll of tokens[i + 1] after tokens[0..i], under W_0.
  std::vector<double> nll(const std::vector<Token>& tokens) const {
    Rows h;
    const std::vector<float> embedding = tensor("embedding");
    for (const Token token : tokens) {
      const float* row = &embedding[static_cast<std::size_t>(token * c_.width)];
      h.emplace_back(row, row + c_.width);
    }
    for (int layer = 0; layer < c_.layers; ++layer) run_block(layer, h);
    const Rows x = norm(h, "final_norm");
    std::vector<double> result;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      double sum = 0;
      double target = 0;
      for (int v = 0; v < c_.vocabulary; ++v) {
        double logit = 0;
        for (int d = 0; d < c_.width; ++d) {
          logit += x[i][static_cast<std::size_t>(d)] * embedding[static_cast<std::size_t>(v * c_.width + d)];
        }
        sum += std::exp(logit);
        if (v == tokens[i + 1]) target = logit;
      }
      result.push_back(std::log(sum) - target);
    }
    return result;
  }

 private:
  std::vector<float> tensor(const std::string& name) const { return random_tensor(c_, name); }

  Rows norm(const Rows& h, const std::string& name) const {
    const std::vector<float> gain = tensor(name);
    Rows x = h;
    for (Row& row : x) {
      double mean = 0;
      for (const double value : row) mean += value * value / static_cast<double>(row.size());
      for (std::size_t d = 0; d < row.size(); ++d) row[d] *= gain[d] / std::sqrt(mean + c_.norm_epsilon);
    }
    return x;
  }

  Rows times(const Rows& x, const std::string& name, int out) const {
    const std::vector<float> w = tensor(name);
    Rows y(x.size(), Row(static_cast<std::size_t>(out), 0.0));
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t k = 0; k < x[i].size(); ++k) {
        for (std::size_t o = 0; o < y[i].size(); ++o) y[i][o] += x[i][k] * w[k * y[i].size() + o];
      }
    }
    return y;
  }

  static void add(Rows& h, const Rows& y) {
    for (std::size_t i = 0; i < h.size(); ++i) {
      for (std::size_t d = 0; d < h[i].size(); ++d) h[i][d] += y[i][d];
    }
  }

  Rows swiglu(const Rows& x, const std::string& prefix, int width) const {
    Rows gate = times(x, prefix + ".gate", width);
    const Rows up = times(x, prefix + ".up", width);
    for (std::size_t i = 0; i < gate.size(); ++i) {
      for (std::size_t f = 0; f < gate[i].size(); ++f) {
        gate[i][f] = gate[i][f] / (1 + std::exp(-gate[i][f])) * up[i][f];
      }
    }
    return times(gate, prefix + ".down", c_.width);
  }

  void turn(Row& row, std::size_t at, std::size_t position) const {
    const auto half = static_cast<std::size_t>(c_.head_width / 2);
    for (std::size_t j = 0; j < half; ++j) {
      const double angle = static_cast<double>(position) *
                           std::pow(c_.rope_theta, -2.0 * static_cast<double>(j) / c_.head_width);
      const double a = row[at + j];
      const double b = row[at + half + j];
      row[at + j] = a * std::cos(angle) - b * std::sin(angle);
      row[at + half + j] = b * std::cos(angle) + a * std::sin(angle);
    }
  }

  Rows attention(const Rows& x, const std::string& block) const {
    const auto width = static_cast<std::size_t>(c_.head_width);
    Rows q = times(x, block + "attention.q", c_.query_width());
    Rows k = times(x, block + "attention.k", c_.kv_width());
    const Rows v = times(x, block + "attention.v", c_.kv_width());
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t at = 0; at < q[i].size(); at += width) turn(q[i], at, i);
      for (std::size_t at = 0; at < k[i].size(); at += width) turn(k[i], at, i);
    }
    Rows out(x.size(), Row(q[0].size(), 0.0));
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t head = 0; head < static_cast<std::size_t>(c_.heads); ++head) {
        const std::size_t kv = head / static_cast<std::size_t>(c_.heads / c_.kv_heads);
        double sum = 0;
        Row mixed(width, 0.0);
        for (std::size_t j = 0; j <= i; ++j) {
          if (i - j >= static_cast<std::size_t>(c_.window_tokens)) continue;  // the last k, itself included
          double score = 0;
          for (std::size_t d = 0; d < width; ++d) score += q[i][head * width + d] * k[j][kv * width + d];
          const double p = std::exp(score / std::sqrt(static_cast<double>(width)));
          sum += p;
          for (std::size_t d = 0; d < width; ++d) mixed[d] += p * v[j][kv * width + d];
        }
        for (std::size_t d = 0; d < width; ++d) out[i][head * width + d] = mixed[d] / sum;
      }
    }
    return times(out, block + "attention.o", c_.width);
  }

  void run_block(int layer, Rows& h) const {
    const std::string block = "blocks." + std::to_string(layer) + ".";
    add(h, attention(norm(h, block + "attention_norm"), block));
    const Rows middle = h;  // both SwiGLUs read this residual
    add(h, swiglu(norm(middle, block + "mlp_norm"), block + "mlp", c_.mlp_width));
    if (layer < c_.prefix_layers()) return;
    add(h, swiglu(norm(middle, block + "fast_norm"), block + "fast", c_.fast_width));
  }

  ModelConfig c_;
};

TEST(Window, ScoresEqualThePlainTransformer) {
  const ModelConfig config = odd_config();
  std::vector<Token> tokens = log_like_tokens(config, 41);  // several windows, the last mini-batch open
  const std::vector<double> expected = PlainNet(config).nll(tokens);

  std::unique_ptr<Backend> backend = make_ref_backend<double>(config);
  const std::shared_ptr<const Net> net = random_net(config, *backend);
  const auto learner = Learner::create(net, std::move(backend), {});
  AdaptedState state = learner->fresh(tokens.front());
  std::vector<TokenScore> scores;
  ASSERT_TRUE(
      learner->append(state, std::span(tokens).subspan(1, 39), LearnMode::kScoreOnly, scores).is_ok());
  ASSERT_TRUE(learner->score_tail(state, scores).is_ok());
  ASSERT_EQ(scores.size(), 39u);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    EXPECT_NEAR(scores[i].adapted_nats, expected[i], 2e-6 * expected[i]) << "token " << i;  // float scores
  }

  const auto reader = Reader::create(net, make_ref_backend<double>(config));
  std::vector<float> nll;
  ASSERT_TRUE(
      reader->score(nullptr, std::span(tokens).first(11), std::span(tokens).subspan(11), nll).is_ok());
  ASSERT_EQ(nll.size(), 30u);
  for (std::size_t i = 0; i < nll.size(); ++i) {
    EXPECT_NEAR(nll[i], expected[i + 10], 2e-6 * expected[i + 10]) << "token " << i;
  }
}

// With one block, a score depends on the last k inputs and on nothing before them.
TEST(Window, ReachesExactlyItsLength) {
  ModelConfig config = odd_config();
  config.layers = config.fast_layers = 1;
  std::unique_ptr<Backend> backend = make_ref_backend<double>(config);
  const std::shared_ptr<const Net> net = random_net(config, *backend);
  const auto reader = Reader::create(net, std::move(backend));
  const auto last_score = [&](const std::vector<Token>& tokens) {
    std::vector<float> nll;
    const std::span<const Token> all(tokens);
    EXPECT_TRUE(reader->score(nullptr, all.first(all.size() - 1), all.last(1), nll).is_ok());
    return nll[0];
  };
  std::vector<Token> tokens = log_like_tokens(config, 25);
  const float before = last_score(tokens);
  const std::size_t last_input = tokens.size() - 2;
  const auto k = static_cast<std::size_t>(config.window_tokens);
  for (std::size_t i = 0; i <= last_input; ++i) {
    std::vector<Token> changed = tokens;
    changed[i] = (changed[i] + 1) % config.vocabulary;
    if (i + k <= last_input) {
      EXPECT_EQ(last_score(changed), before) << "token " << i;
    } else {
      EXPECT_NE(last_score(changed), before) << "token " << i;
    }
  }
}

}  // namespace
}  // namespace silt::model
