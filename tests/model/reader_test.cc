#include "model/reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "model/sampler.h"
#include "tests/model/backends.h"

namespace silt::model {
namespace {

class ReaderTest : public EachBackend {
 protected:
  void SetUp() override {
    std::unique_ptr<Backend> backend = open();
    net_ = random_net(config_, *backend);
    learner_ = Learner::create(net_, std::move(backend), {});
    reader_ = Reader::create(net_, open());
  }
  std::vector<float> score(const std::shared_ptr<const FastWeights>& weights, std::span<const Token> context,
                           std::span<const Token> text) {
    std::vector<float> nll;
    const Status status = reader_->score(weights, context, text, nll);
    EXPECT_TRUE(status.is_ok()) << status.to_string();
    return nll;
  }
  std::vector<Token> generate(const std::shared_ptr<const FastWeights>& weights,
                              std::span<const Token> prompt, const GenerateOptions& options) {
    Result<std::vector<Token>> text = reader_->generate(weights, prompt, options);
    EXPECT_TRUE(text.is_ok()) << text.status().to_string();
    return text.is_ok() ? *text : std::vector<Token>{};
  }

  std::shared_ptr<const Net> net_;
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<Reader> reader_;
  std::vector<Token> tokens_ = log_like_tokens(even_config(), 200);
};
SILT_TEST_EACH_BACKEND(ReaderTest);

TEST_P(ReaderTest, ScoresLikeALearnerThatDoesNotLearn) {
  for (const std::size_t context : {0, 1, 16, 90}) {
    AdaptedState state = context == 0 ? learner_->fresh() : learner_->fresh(tokens_[0]);
    std::vector<TokenScore> expected;
    const auto from_first = std::span(tokens_).subspan(context == 0 ? 0 : 1);
    ASSERT_TRUE(learner_->append(state, from_first, LearnMode::kScoreOnly, expected).is_ok());
    ASSERT_TRUE(learner_->score_tail(state, expected).is_ok());
    const auto text = std::span(tokens_).subspan(context);
    const std::vector<float> nll = score(nullptr, std::span(tokens_).first(context), text);
    ASSERT_EQ(nll.size(), text.size());
    const std::size_t skipped = expected.size() - nll.size();
    for (std::size_t i = 0; i < nll.size(); ++i) ASSERT_EQ(nll[i], expected[i + skipped].adapted_nats) << i;
  }
  EXPECT_TRUE(score(nullptr, tokens_, {}).empty());
}

TEST_P(ReaderTest, ReadsUnderTheWeightsItIsGiven) {
  AdaptedState state = learner_->fresh();
  std::vector<TokenScore> scores;
  const std::vector<float> initial = score(nullptr, {}, tokens_);
  EXPECT_EQ(score(state.weights, {}, tokens_), initial) << "a fresh state has the initial weights";
  ASSERT_TRUE(learner_->append(state, tokens_, LearnMode::kScoreAndLearn, scores).is_ok());
  const std::vector<float> adapted = score(state.weights, {}, tokens_);
  double gain = 0;
  for (std::size_t i = 0; i < adapted.size(); ++i) gain += initial[i] - adapted[i];
  EXPECT_GT(gain, 0.1 * static_cast<double>(adapted.size()));

  // The learner reuses the buffers of versions that nobody holds, here every second one: a reader
  // must not take a new version for one it has packed.
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(
        learner_->append(state, std::span(tokens_).first(32), LearnMode::kScoreAndLearn, scores).is_ok());
    const std::vector<float> now = score(state.weights, {}, tokens_);
    const std::vector<float> reopened = [&] {
      std::vector<float> nll;
      EXPECT_TRUE(Reader::create(net_, open())->score(state.weights, {}, tokens_, nll).is_ok());
      return nll;
    }();
    EXPECT_EQ(now, reopened);
  }
  EXPECT_EQ(score(nullptr, {}, tokens_), initial);
}

TEST_P(ReaderTest, ScoresManyTextsWithTheBitsOfEachAlone) {
  AdaptedState state = learner_->fresh();
  std::vector<TokenScore> scores;
  ASSERT_TRUE(learner_->append(state, tokens_, LearnMode::kScoreAndLearn, scores).is_ok());
  // Context and text lengths; a mini-batch has 16 rows.
  const std::vector<std::pair<std::size_t, std::size_t>> sizes = {
      {0, 3}, {5, 2}, {1, 4}, {4, 0}, {2, 9}, {30, 25}, {0, 16}, {0, 17}, {16, 1}, {1, 1}, {3, 3}, {0, 1}};
  std::vector<std::vector<float>> nll(2 * sizes.size());
  std::vector<TextLane> texts;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto from = std::span(tokens_).subspan(7 * i);
    const auto context = from.first(sizes[i].first);
    const auto text = from.subspan(sizes[i].first, sizes[i].second);
    texts.push_back({.weights = state.weights, .context = context, .text = text, .nll = &nll[2 * i]});
    texts.push_back({.weights = nullptr, .context = context, .text = text, .nll = &nll[2 * i + 1]});
  }
  for (int order = 0; order < 2; ++order) {
    ASSERT_TRUE(reader_->score(texts).is_ok());
    for (const TextLane& lane : texts) {
      EXPECT_EQ(*lane.nll, score(lane.weights, lane.context, lane.text)) << lane.nll - nll.data();
    }
    std::reverse(texts.begin(), texts.end());
    nll.assign(nll.size(), {});
  }
}

TEST_P(ReaderTest, GreedyTextIsTheMostLikelyToken) {
  const auto prompt = std::span(tokens_).first(90);
  const std::vector<Token> text = generate(nullptr, prompt, {.tokens_max = 30});
  ASSERT_EQ(text.size(), 30u);  // over the ends of mini-batches
  EXPECT_EQ(generate(nullptr, prompt, {.tokens_max = 30}), text);
  // Decoding row by row sees what one pass over the whole text sees.
  std::vector<Token> context(prompt.begin(), prompt.end());
  for (const Token token : text) {
    const float chosen = score(nullptr, context, std::vector<Token>{token})[0];
    for (Token other = 0; other < config_.vocabulary; other += 41) {
      ASSERT_LE(chosen, score(nullptr, context, std::vector<Token>{other})[0]);
    }
    context.push_back(token);
  }
}

TEST_P(ReaderTest, SampledTextIsAFunctionOfTheSeed) {
  const auto prompt = std::span(tokens_).first(20);
  const GenerateOptions options{.tokens_max = 40, .temperature = 1.5f, .top_p = 0.95f, .seed = 7};
  const std::vector<Token> text = generate(nullptr, prompt, options);
  EXPECT_EQ(generate(nullptr, prompt, options), text);
  GenerateOptions other = options;
  other.seed = 8;
  EXPECT_NE(generate(nullptr, prompt, other), text);
}

TEST_P(ReaderTest, ObeysTheGrammarAndTheCallback) {
  GenerateOptions options{.tokens_max = 30, .temperature = 1};
  options.grammar = [](std::span<const Token> so_far, std::vector<bool>& allowed) {
    for (std::size_t t = 0; t < allowed.size(); ++t) allowed[t] = t % 2 == so_far.size() % 2;
  };
  const std::vector<Token> text = generate(nullptr, {}, options);
  ASSERT_EQ(text.size(), 30u);
  for (std::size_t i = 0; i < text.size(); ++i) EXPECT_EQ(text[i] % 2, static_cast<int>(i % 2));

  options.grammar = [](std::span<const Token> so_far, std::vector<bool>& allowed) {
    if (so_far.size() == 3) allowed.assign(allowed.size(), false);
  };
  EXPECT_EQ(generate(nullptr, {}, options).size(), 3u);

  options.grammar = nullptr;
  std::vector<Token> heard;
  options.on_token = [&](Token token) {
    heard.push_back(token);
    return heard.size() < 5;
  };
  EXPECT_EQ(generate(nullptr, {}, options), heard);
  EXPECT_EQ(heard.size(), 5u);
  EXPECT_TRUE(generate(nullptr, tokens_, {.tokens_max = 0}).empty());
}

TEST_P(ReaderTest, RefusesUnknownTokens) {
  std::vector<float> nll;
  const std::vector<Token> bad = {1, config_.vocabulary};
  EXPECT_EQ(reader_->score(nullptr, bad, tokens_, nll).code(), Code::kInvalidArgument);
  EXPECT_EQ(reader_->score(nullptr, tokens_, bad, nll).code(), Code::kInvalidArgument);
  EXPECT_FALSE(reader_->generate(nullptr, bad, {}).is_ok());
}

// A reader answers from snapshots while the learner goes on, over one net.
TEST_P(ReaderTest, ReadsWhileTheLearnerLearns) {
  AdaptedState state = learner_->fresh();
  std::vector<TokenScore> scores;
  ASSERT_TRUE(learner_->append(state, tokens_, LearnMode::kScoreAndLearn, scores).is_ok());
  const std::shared_ptr<const FastWeights> snapshot = state.weights;
  const std::vector<float> expected = score(snapshot, {}, tokens_);
  std::thread learning([&] {
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(learner_->append(state, tokens_, LearnMode::kScoreAndLearn, scores).is_ok());
    }
  });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(score(snapshot, {}, tokens_), expected);
  learning.join();
}

TEST(Sampler, FollowsTheDistributionInsideTopP) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
  const std::vector<bool> all(4, true);
  Sampler sampler(1, 0.9f, 1);
  std::vector<int> counts(4);
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<std::size_t>(*sampler.choose(logits, all))];
  EXPECT_EQ(counts[3], 0) << "the first three reach 0.9";
  EXPECT_NEAR(counts[0], kDraws * 0.5 / 0.95, 300);
  EXPECT_NEAR(counts[1], kDraws * 0.3 / 0.95, 300);

  Sampler greedy(0, 1, 1);
  EXPECT_EQ(greedy.choose(std::vector<float>{1, 3, 3, 2}, all), 1) << "the first among equals";
  EXPECT_EQ(greedy.choose(std::vector<float>{1, NAN, 0, INFINITY}, all), 0) << "never what is not finite";
  EXPECT_EQ(greedy.choose(logits, std::vector<bool>(4, false)), std::nullopt);
}

}  // namespace
}  // namespace silt::model
