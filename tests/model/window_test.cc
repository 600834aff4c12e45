// The forward pass against a direct transcription of ttt-spec 1.2/1.3: absolute positions, an explicit
// mask.
#include <gtest/gtest.h>

#include <cmath>

#include "model/learner.h"
#include "model/reader.h"
#include "model/ref/backend_ref.h"
#include "tests/model/plain_net.h"

namespace silt::model {
namespace {

class PlainTransformer final : public PlainNet {
 public:
  using PlainNet::PlainNet;

 private:
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

  void run_block(const std::string& block, int layer, Rows& h) override {
    add(h, attention(norm(h, block + "attention_norm"), block));
    const Rows middle = h;  // both SwiGLUs read this residual
    add(h, swiglu(norm(middle, block + "mlp_norm"), block + "mlp", c_.mlp_width));
    if (layer < c_.prefix_layers()) return;
    add(h, swiglu(norm(middle, block + "fast_norm"), block + "fast", c_.fast_width));
  }
};

// The learner's scores and the reader's, without learning.
void expect_plain_scores(const ModelConfig& config) {
  std::vector<Token> tokens = log_like_tokens(config, 41);  // several windows, the last mini-batch open
  const std::vector<double> expected = PlainTransformer(config).nll(tokens);

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

TEST(Window, ScoresEqualThePlainTransformer) {
  for (const FastLearns learns : {FastLearns::kGateUpDown, FastLearns::kDown}) {
    SCOPED_TRACE(learns == FastLearns::kDown ? "down learns" : "all learns");
    ModelConfig config = odd_config();
    config.fast_learns = learns;
    expect_plain_scores(config);
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
