// The learner with recall: what it gains, and that it keeps every promise of learner.h.
#include "model/recall.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/model/backends.h"

namespace silt::model {

namespace {

class RecallTest : public EachBackend {
 protected:
  void SetUp() override { config_.recall_slots_log2 = 9; }

  std::vector<TokenScore> append(Learner& learner, AdaptedState& state, std::span<const Token> tokens) {
    std::vector<TokenScore> scores;
    const Result<AppendReport> report = learner.append(state, tokens, LearnMode::kScoreAndLearn, scores);
    EXPECT_TRUE(report.is_ok()) << report.status().to_string();
    return scores;
  }
  AdaptedState load(Learner& learner, const std::string& blob) {
    Result<AdaptedState> state = learner.load(blob);
    EXPECT_TRUE(state.is_ok()) << state.status().to_string();
    return std::move(state).value();
  }
  std::size_t b() const { return static_cast<std::size_t>(config_.minibatch_tokens); }

  std::vector<Token> tokens_ = log_like_tokens(even_config(), 200);
};
SILT_TEST_EACH_BACKEND(RecallTest);

// 64 random tokens, 256 others, and the 64 again.
TEST_P(RecallTest, RecognisesWhatComesBackAfterTheWindow) {
  std::mt19937 random(2);
  std::vector<Token> tokens;
  for (int i = 0; i < 320; ++i) tokens.push_back(static_cast<Token>(random() % 160));
  tokens.insert(tokens.end(), tokens.begin(), tokens.begin() + 64);
  double nats[2];
  for (const int slots_log2 : {0, 12}) {
    config_.recall_slots_log2 = slots_log2;
    const auto learner = this->learner();
    AdaptedState state = learner->fresh();
    const std::vector<TokenScore> scores = append(*learner, state, tokens);
    double& sum = nats[slots_log2 > 0 ? 1 : 0] = 0;
    for (std::size_t i = 330; i < scores.size(); ++i) sum += scores[i].adapted_nats;
  }
  EXPECT_LT(nats[1], 0.5 * nats[0]);
}

TEST_P(RecallTest, ProbabilitiesOfAllTokensAddUpToOne) {
  const auto learner = this->learner();
  for (const std::size_t read : {3 * b() + 5, 11 * b()}) {
    AdaptedState state = learner->fresh();
    append(*learner, state, std::span(tokens_).first(read));
    const std::string blob = learner->save(state);
    double total = 0;
    for (Token token = 0; token < config_.vocabulary; ++token) {
      AdaptedState next = load(*learner, blob);
      std::vector<TokenScore> scores = append(*learner, next, std::span(&token, 1));
      if (scores.empty()) {
        ASSERT_TRUE(learner->score_tail(next, scores).is_ok());
      }
      total += std::exp(-static_cast<double>(scores.back().adapted_nats));
    }
    EXPECT_NEAR(total, 1, 1e-5) << "after " << read;
  }
}

TEST_P(RecallTest, TailScoresHaveTheBitsOfTheFullStep) {
  const auto learner = this->learner({.frozen_scores = true});
  AdaptedState state = learner->fresh();
  for (std::size_t step = 0; step < 8; ++step) {
    std::vector<TokenScore> tail;
    for (std::size_t waiting = 1; waiting < b(); ++waiting) {
      append(*learner, state, std::span(tokens_).subspan(step * b() + waiting - 1, 1));
      const Digest before = learner->digest(state);
      tail.clear();
      ASSERT_TRUE(learner->score_tail(state, tail).is_ok());
      EXPECT_EQ(learner->digest(state), before);
    }
    const std::vector<TokenScore> full =
        append(*learner, state, std::span(tokens_).subspan(step * b() + b() - 1, 1));
    ASSERT_EQ(full.size(), b());
    for (std::size_t i = 0; i < tail.size(); ++i) ASSERT_EQ(tail[i], full[i]) << step << " row " << i;
  }
}

TEST_P(RecallTest, ContinuesFromABlobBitForBitWhereverItIsCut) {
  const auto learner = this->learner({.frozen_scores = true});
  AdaptedState whole = learner->fresh();
  const std::vector<TokenScore> expected = append(*learner, whole, tokens_);
  for (std::size_t cut = 0; cut < tokens_.size(); cut += 7) {
    AdaptedState before = learner->fresh();
    std::vector<TokenScore> scores = append(*learner, before, std::span(tokens_).first(cut));
    const auto other = this->learner({.frozen_scores = true});
    AdaptedState after = load(*other, learner->save(before));
    ASSERT_EQ(other->digest(after), learner->digest(before));
    const std::vector<TokenScore> rest = append(*other, after, std::span(tokens_).subspan(cut));
    scores.insert(scores.end(), rest.begin(), rest.end());
    ASSERT_EQ(scores, expected) << cut;
    ASSERT_EQ(other->digest(after), learner->digest(whole)) << cut;
  }
}

// Memory and gate are state: what they hold shows in the digest.
TEST_P(RecallTest, TheDigestSeesMemoryAndGate) {
  const auto learner = this->learner();
  AdaptedState state = learner->fresh();
  append(*learner, state, tokens_);
  const Digest before = learner->digest(state);
  const RecallState kept = *state.recall;
  state.recall->memory.read(1, 0);
  EXPECT_NE(learner->digest(state), before);
  *state.recall = kept;
  EXPECT_EQ(learner->digest(state), before);
  std::vector<float> values = kept.gate.values();
  values[0] += 0.25F;
  state.recall->gate = RecallGate(values);
  EXPECT_NE(learner->digest(state), before);
}

TEST_P(RecallTest, FreshIsWithoutMemory) {
  const auto learner = this->learner();
  const Digest fresh = learner->digest(learner->fresh());
  AdaptedState state = learner->fresh();
  append(*learner, state, tokens_);
  state = learner->fresh();
  EXPECT_EQ(learner->digest(state), fresh);
}

TEST_P(RecallTest, ThreadsDoNotMatter) {
  const auto one = this->learner();
  AdaptedState state = one->fresh();
  const std::vector<TokenScore> expected = append(*one, state, tokens_);
  for (const int threads : {2, 4}) {
    const auto team = this->learner({}, threads);
    AdaptedState same = team->fresh();
    EXPECT_EQ(append(*team, same, tokens_), expected) << threads;
    EXPECT_EQ(team->digest(same), one->digest(state)) << threads;
  }
}

// Recall changes what is predicted, not what the net learns nor what the frozen net says.
TEST_P(RecallTest, TheNetLearnsAsWithoutIt) {
  const auto with = this->learner({.frozen_scores = true});
  AdaptedState state = with->fresh();
  const std::vector<TokenScore> scores = append(*with, state, tokens_);
  config_.recall_slots_log2 = 0;
  const auto without = this->learner({.frozen_scores = true});
  AdaptedState plain = without->fresh();
  const std::vector<TokenScore> plain_scores = append(*without, plain, tokens_);
  EXPECT_EQ(plain.recall, nullptr);
  double difference = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    ASSERT_EQ(scores[i].frozen_nats, plain_scores[i].frozen_nats) << i;
    difference += std::fabs(scores[i].adapted_nats - plain_scores[i].adapted_nats);
  }
  EXPECT_GT(difference, 1);
  const auto backend = open();
  for (std::size_t i = 0; i < plain.weights->buffers.size(); ++i) {
    const Buffer& a = *state.weights->buffers[i];
    const Buffer& b = *plain.weights->buffers[i];
    std::vector<float> values(static_cast<std::size_t>(a.rows()) * a.cols());
    std::vector<float> plain_values(values.size());
    backend->download(a, values);
    backend->download(b, plain_values);
    for (std::size_t k = 0; k < values.size(); ++k) {
      ASSERT_NEAR(values[k], plain_values[k], GetParam().backend.starts_with("ref") ? 0 : 5e-3)
          << i << ' ' << k;
    }
  }
}

TEST_P(RecallTest, OffItIsAsIfTheFileHadNone) {
  const auto off = this->learner({.recall = false});
  const auto on = this->learner();
  AdaptedState state = off->fresh();
  AdaptedState with = on->fresh();
  EXPECT_EQ(state.recall, nullptr);
  const std::vector<TokenScore> scores = append(*off, state, tokens_);
  append(*on, with, tokens_);
  std::vector<TokenScore> refused;
  EXPECT_FALSE(off->append(with, tokens_, LearnMode::kScoreAndLearn, refused).is_ok());
  EXPECT_FALSE(on->append(state, tokens_, LearnMode::kScoreAndLearn, refused).is_ok());
  EXPECT_FALSE(off->load(on->save(with)).is_ok());
  EXPECT_FALSE(on->load(off->save(state)).is_ok());
  EXPECT_EQ(off->digest(load(*off, off->save(state))), off->digest(state));
  config_.recall_slots_log2 = 0;
  const auto none = this->learner();
  AdaptedState plain = none->fresh();
  EXPECT_EQ(append(*none, plain, tokens_), scores);
}

TEST_P(RecallTest, RefusesABlobOfAnotherMemory) {
  const auto learner = this->learner();
  AdaptedState state = learner->fresh();
  append(*learner, state, tokens_);
  const std::string blob = learner->save(state);
  config_.recall_slots_log2 = 10;
  EXPECT_FALSE(this->learner()->load(blob).is_ok());
}

}  // namespace
}  // namespace silt::model
