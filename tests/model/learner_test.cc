#include "model/learner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>

#include "base/bytes.h"
#include "model/backends/backends.h"
#include "model/state_codec.h"
#include "tests/model/backends.h"

namespace silt::model {

namespace {

class LearnerTest : public EachBackend {
 protected:
  AppendReport append(Learner& learner, AdaptedState& state, std::span<const Token> tokens,
                      LearnMode mode = LearnMode::kScoreAndLearn) {
    Result<AppendReport> report = learner.append(state, tokens, mode, scores_);
    EXPECT_TRUE(report.is_ok()) << report.status().to_string();
    return report.is_ok() ? *report : AppendReport{};
  }
  std::vector<TokenScore> take_scores() { return std::exchange(scores_, {}); }
  std::size_t b() const { return static_cast<std::size_t>(config_.minibatch_tokens); }

  std::vector<Token> tokens_ = log_like_tokens(even_config(), 200);
  std::vector<TokenScore> scores_;
};
SILT_TEST_EACH_BACKEND(LearnerTest);

TEST_P(LearnerTest, GetsUsedToWhatRepeats) {
  const auto learner = this->learner({.frozen_scores = true});
  AdaptedState state = learner->fresh();
  const AppendReport report = append(*learner, state, tokens_);
  EXPECT_EQ(report.steps, 12);
  EXPECT_EQ(report.skipped_steps, 0);
  EXPECT_GT(report.gradient_norm, 0);
  ASSERT_EQ(scores_.size(), 12 * b());
  double adapted = 0, frozen = 0;
  for (std::size_t i = 6 * b(); i < scores_.size(); ++i) {
    adapted += scores_[i].adapted_nats;
    frozen += scores_[i].frozen_nats;
  }
  EXPECT_LT(adapted, 0.8 * frozen);
}

// Sources of different lengths and modes, alone and side by side in several orders and cuts.
TEST_P(LearnerTest, ALaneDoesNotSeeTheLanesBesideIt) {
  config_.recall_slots_log2 = 8;
  const auto learner = this->learner({.frozen_scores = true});
  constexpr std::size_t kSources = 5;
  const auto stream = [&](std::size_t i) { return std::span(tokens_).subspan(11 * i, 6 * b() + 3 * i); };
  const auto mode = [](std::size_t i) { return i == 3 ? LearnMode::kScoreOnly : LearnMode::kScoreAndLearn; };
  std::vector<Digest> digests;
  std::vector<std::vector<TokenScore>> alone;
  for (std::size_t i = 0; i < kSources; ++i) {
    AdaptedState state = learner->fresh();
    append(*learner, state, stream(i), mode(i));
    digests.push_back(learner->digest(state));
    alone.push_back(take_scores());
  }
  for (const std::size_t cut : {b() / 2, 2 * b() + 1, tokens_.size()}) {
    std::vector<AdaptedState> states;
    for (std::size_t i = 0; i < kSources; ++i) states.push_back(learner->fresh());
    std::vector<std::vector<TokenScore>> scores(kSources);
    std::mt19937 random(3);
    for (std::size_t at = 0; at < tokens_.size(); at += cut) {
      std::vector<Lane> lanes;
      for (std::size_t i = 0; i < kSources; ++i) {
        if (at >= stream(i).size()) continue;
        const auto part = stream(i).subspan(at, std::min(cut, stream(i).size() - at));
        lanes.push_back({.state = &states[i], .tokens = part, .mode = mode(i), .scores = &scores[i]});
      }
      std::shuffle(lanes.begin(), lanes.end(), random);
      learner->append(lanes);
      for (const Lane& lane : lanes) ASSERT_TRUE(lane.status.is_ok()) << lane.status.to_string();
    }
    for (std::size_t i = 0; i < kSources; ++i) {
      EXPECT_EQ(scores[i], alone[i]) << "source " << i << " in cuts of " << cut;
      EXPECT_EQ(learner->digest(states[i]), digests[i]) << "source " << i << " in cuts of " << cut;
    }
  }
  EXPECT_GE(learner->lanes_max(), 1);
}

TEST_P(LearnerTest, ALaneThatFailsCostsItself) {
  const auto learner = this->learner();
  AdaptedState good = learner->fresh(), unknown = learner->fresh(), empty;
  const Digest before = learner->digest(unknown);
  const auto tokens = std::span(tokens_).first(b());
  const std::vector<Token> outside = {config_.vocabulary};
  std::vector<Lane> lanes = {{.state = &good, .tokens = tokens, .scores = &scores_},
                             {.state = &unknown, .tokens = outside, .scores = &scores_},
                             {.state = &good, .tokens = tokens, .scores = &scores_},
                             {.state = &empty, .tokens = tokens, .scores = &scores_},
                             {.state = nullptr, .tokens = tokens, .scores = &scores_}};
  learner->append(lanes);
  EXPECT_TRUE(lanes[0].status.is_ok());
  EXPECT_EQ(lanes[0].report.steps, 1);
  for (std::size_t i = 1; i < lanes.size(); ++i)
    EXPECT_EQ(lanes[i].status.code(), Code::kInvalidArgument) << i;
  EXPECT_EQ(good.steps, 1u);
  EXPECT_EQ(scores_.size(), b());
  EXPECT_EQ(learner->digest(unknown), before);
}

// Nothing is paid, in memory or in a blob, for what was not read yet.
TEST_P(LearnerTest, AStateGrowsWithItsStream) {
  config_.recall_slots_log2 = 8;
  const auto learner = this->learner({.frozen_scores = true});
  const std::size_t window = static_cast<std::size_t>(config_.window_tokens / config_.minibatch_tokens);
  AdaptedState state = learner->fresh();
  const std::uint64_t weights = state.weights->bytes();
  std::uint64_t held = learner->bytes(state), stored = learner->save(state).size();
  EXPECT_LT(stored, 400u);
  append(*learner, state, std::span(tokens_).first(b()), LearnMode::kScoreOnly);
  EXPECT_LT(learner->bytes(state) - held, weights) << "W_0 is shared while nothing is learned";
  held = learner->bytes(state);
  append(*learner, state, std::span(tokens_).subspan(b(), b()));
  EXPECT_GT(learner->bytes(state) - held, weights);
  for (std::size_t i = 2; i < window + 3; ++i) {
    held = learner->bytes(state);
    stored = learner->save(state).size();
    ASSERT_EQ(learner->digest(*learner->load(learner->save(state))), learner->digest(state)) << i;
    append(*learner, state, std::span(tokens_).subspan(i * b(), b()));
    if (i >= window) continue;
    EXPECT_GT(learner->bytes(state), held) << i;
    EXPECT_GT(learner->save(state).size(), stored) << i;
  }
  EXPECT_EQ(state.window_valid, config_.window_tokens);
  append(*learner, state, tokens_);
  EXPECT_LE(learner->bytes(state), learner->full_state_bytes());
  EXPECT_GT(learner->bytes(state), learner->full_state_bytes() / 2);
}

TEST_P(LearnerTest, ScoresBeforeItLearns) {
  const auto learner = this->learner();
  AdaptedState learned = learner->fresh();
  AdaptedState changed = learner->fresh();
  std::vector<Token> other = tokens_;
  other[2 * b() + 5] = (other[2 * b() + 5] + 1) % config_.vocabulary;
  append(*learner, learned, tokens_);
  const std::vector<TokenScore> scores = take_scores();
  append(*learner, changed, other);
  const std::vector<TokenScore> after_change = take_scores();
  for (std::size_t i = 0; i < 2 * b() + 5; ++i) ASSERT_EQ(scores[i], after_change[i]) << i;
  EXPECT_NE(scores[2 * b() + 5].adapted_nats, after_change[2 * b() + 5].adapted_nats);
  EXPECT_NE(scores[3 * b()].adapted_nats, after_change[3 * b()].adapted_nats);
}

TEST_P(LearnerTest, FrozenScoresAreThoseOfAStreamThatNeverLearns) {
  const auto both = this->learner({.frozen_scores = true});
  const auto frozen = this->learner();
  AdaptedState learned = both->fresh();
  AdaptedState read = frozen->fresh();
  append(*both, learned, tokens_);
  ASSERT_TRUE(both->score_tail(learned, scores_).is_ok());
  const std::vector<TokenScore> scores = take_scores();
  append(*frozen, read, tokens_, LearnMode::kScoreOnly);
  ASSERT_TRUE(frozen->score_tail(read, scores_).is_ok());
  ASSERT_EQ(scores.size(), tokens_.size());
  ASSERT_EQ(scores_.size(), tokens_.size());
  for (std::size_t i = 0; i < scores.size(); ++i)
    ASSERT_EQ(scores[i].frozen_nats, scores_[i].adapted_nats) << i;
  EXPECT_NE(scores[3 * b()].adapted_nats, scores[3 * b()].frozen_nats);
  EXPECT_EQ(read.weights, frozen->fresh().weights) << "reading must not touch the weights";
}

TEST_P(LearnerTest, TheCutOfTheInputDoesNotMatter) {
  const auto learner = this->learner({.frozen_scores = true});
  AdaptedState whole = learner->fresh();
  append(*learner, whole, tokens_);
  const std::vector<TokenScore> expected = take_scores();
  AdaptedState cut = learner->fresh();
  std::mt19937 random(5);
  for (std::size_t at = 0; at < tokens_.size();) {
    const std::size_t size = std::min<std::size_t>(random() % 37, tokens_.size() - at);
    append(*learner, cut, std::span(tokens_).subspan(at, size));
    at += size;
  }
  EXPECT_EQ(take_scores(), expected);
  EXPECT_EQ(learner->digest(cut), learner->digest(whole));
  EXPECT_EQ(cut.tokens, 192u);
  EXPECT_EQ(cut.open.size(), 8u);
}

TEST_P(LearnerTest, TailScoresHaveTheBitsOfTheFullStep) {
  const auto learner = this->learner({.frozen_scores = true});
  AdaptedState state = learner->fresh();
  for (std::size_t step = 0; step < 5; ++step) {
    std::vector<TokenScore> tail;
    const std::size_t begin = step * b();
    for (std::size_t waiting = 1; waiting < b(); ++waiting) {
      append(*learner, state, std::span(tokens_).subspan(begin + waiting - 1, 1));
      const Digest before = learner->digest(state);
      tail.clear();
      ASSERT_TRUE(learner->score_tail(state, tail).is_ok());
      ASSERT_EQ(tail.size(), waiting);
      EXPECT_EQ(learner->digest(state), before);
    }
    ASSERT_TRUE(take_scores().empty());
    append(*learner, state, std::span(tokens_).subspan(begin + b() - 1, 1));
    const std::vector<TokenScore> full = take_scores();
    ASSERT_EQ(full.size(), b());
    for (std::size_t i = 0; i < tail.size(); ++i)
      ASSERT_EQ(tail[i], full[i]) << "step " << step << " row " << i;
  }
}

// States served in turn by two learners compute what they would have computed alone.
TEST_P(LearnerTest, SwitchingStatesChangesNothing) {
  constexpr std::size_t kStates = 3;
  const auto alone = this->learner({.frozen_scores = true});
  const auto first = this->learner({.frozen_scores = true});
  const auto second = this->learner({.frozen_scores = true});
  std::vector<std::vector<Token>> streams;
  std::vector<AdaptedState> states;
  std::vector<Digest> expected;
  std::vector<std::vector<TokenScore>> expected_scores, scores(kStates);
  for (std::size_t s = 0; s < kStates; ++s) {
    streams.push_back(log_like_tokens(config_, 200, static_cast<unsigned>(s)));
    AdaptedState state = alone->fresh();
    append(*alone, state, streams[s]);
    expected.push_back(alone->digest(state));
    expected_scores.push_back(take_scores());
    states.push_back(first->fresh());
  }
  std::mt19937 random(3);
  std::vector<std::size_t> at(kStates);
  while (std::accumulate(at.begin(), at.end(), std::size_t{0}) < 200 * kStates) {
    const std::size_t s = random() % kStates;
    const std::size_t size = std::min<std::size_t>(random() % 30, 200 - at[s]);
    Learner& learner = random() % 2 == 0 ? *first : *second;
    append(learner, states[s], std::span(streams[s]).subspan(at[s], size));
    for (const TokenScore& score : take_scores()) scores[s].push_back(score);
    if (random() % 3 == 0) {
      ASSERT_TRUE(learner.score_tail(states[s], scores_).is_ok());
    }
    scores_.clear();
    at[s] += size;
  }
  for (std::size_t s = 0; s < kStates; ++s) {
    EXPECT_EQ(first->digest(states[s]), expected[s]) << "state " << s;
    EXPECT_EQ(scores[s], expected_scores[s]) << "state " << s;
  }
}

TEST_P(LearnerTest, ResumesFromItsBlobBitForBit) {
  for (const bool frozen : {false, true}) {
    const auto learner = this->learner({.frozen_scores = frozen});
    AdaptedState whole = learner->fresh();
    append(*learner, whole, tokens_);
    const std::vector<TokenScore> expected = take_scores();
    for (const std::size_t cut : {std::size_t{0}, std::size_t{5}, b(), 5 * b() + 7}) {
      std::string blob;
      {
        const auto earlier = this->learner({.frozen_scores = frozen});
        AdaptedState state = earlier->fresh();
        append(*earlier, state, std::span(tokens_).first(cut));
        blob = earlier->save(state);
      }
      Result<AdaptedState> loaded = learner->load(blob);
      ASSERT_TRUE(loaded.is_ok()) << loaded.status().to_string();
      EXPECT_EQ(learner->save(*loaded), blob);
      append(*learner, *loaded, std::span(tokens_).subspan(cut));
      EXPECT_EQ(take_scores(), expected);
      EXPECT_EQ(learner->digest(*loaded), learner->digest(whole));
    }
  }
}

TEST_P(LearnerTest, RefusesDamagedAndForeignBlobs) {
  const auto learner = this->learner();
  AdaptedState state = learner->fresh();
  append(*learner, state, std::span(tokens_).first(100));
  const std::string blob = learner->save(state);
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    std::string bad = blob;
    const std::size_t at = i < 80 ? static_cast<std::size_t>(i) : random() % bad.size();
    bad[at] = static_cast<char>(bad[at] ^ (1 << (random() % 8)));
    EXPECT_EQ(learner->load(bad).status().code(), Code::kDataLoss) << "byte " << at;
    EXPECT_FALSE(learner->load(blob.substr(0, random() % blob.size())).is_ok());
  }
  EXPECT_FALSE(learner->load("").is_ok());

  const auto other_weights = this->learner({}, 1, /*seed=*/2);
  const Status foreign = other_weights->load(blob).status();
  EXPECT_EQ(foreign.code(), Code::kFailedPrecondition) << foreign.to_string();
  EXPECT_NE(foreign.message().find("weight file"), std::string::npos);
  EXPECT_EQ(this->learner({.frozen_scores = true})->load(blob).status().code(), Code::kFailedPrecondition);
  for (const std::string& name : available_backends()) {
    if (name == GetParam().backend) continue;
    std::unique_ptr<Backend> backend = std::move(open_backend({.name = name}, config_)).value();
    const std::shared_ptr<const Net> net = random_net(config_, *backend);
    const auto elsewhere = Learner::create(net, std::move(backend), {});
    EXPECT_EQ(elsewhere->load(blob).status().code(), Code::kFailedPrecondition) << name;
  }
}

// A digest is no signature: every field is checked for itself.
TEST_P(LearnerTest, SurvivesBlobsWhoseDigestWasMadeToFit) {
  const auto learner = this->learner();
  AdaptedState state = learner->fresh();
  append(*learner, state, std::span(tokens_).first(2 * b() + 3));
  const std::string blob = learner->save(state);
  const auto load = [&](std::string body) {
    const Digest digest = digest_of(body);
    ByteWriter tail;
    tail.u64(digest.high);
    tail.u64(digest.low);
    return learner->load(body + tail.bytes());
  };
  const std::string body = blob.substr(0, blob.size() - 16);
  ASSERT_TRUE(load(body).is_ok());
  const std::size_t identity_bytes = 8 + 4 + 1 + learner->backend_name().size() + 16;
  for (std::size_t bit = 0; bit < 8 * (identity_bytes + 40); ++bit) {
    std::string bad = body;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    Result<AdaptedState> loaded = load(bad);
    EXPECT_TRUE(bit >= 8 * identity_bytes || !loaded.is_ok()) << "byte " << bit / 8;
    if (!loaded.is_ok()) continue;
    EXPECT_LE(loaded->window_valid, config_.window_tokens);  // a wrong count or number, but usable
    append(*learner, *loaded, std::span(tokens_).first(b()));
  }
  for (std::size_t cut = 0; cut < 200; ++cut)
    EXPECT_FALSE(load(body.substr(0, body.size() * cut / 200)).is_ok());
  EXPECT_FALSE(load(body + "x").is_ok());
}

TEST_P(LearnerTest, AShortSourceIsScoredAndTeachesNothing) {
  const auto learner = this->learner();
  AdaptedState state = learner->fresh();
  const AppendReport report = append(*learner, state, std::span(tokens_).first(b() - 1));
  EXPECT_EQ(report.steps, 0);
  EXPECT_TRUE(scores_.empty());
  ASSERT_TRUE(learner->score_tail(state, scores_).is_ok());
  EXPECT_EQ(scores_.size(), b() - 1);
  EXPECT_EQ(state.weights, learner->fresh().weights);
}

TEST_P(LearnerTest, SkipsStepsThatAreNotFinite) {
  const auto learner = this->learner();
  AdaptedState state = learner->fresh();
  append(*learner, state, std::span(tokens_).first(4 * b()));
  // A snapshot whose down projection overflows: what a damaged memory or a bad step would leave.
  const std::unique_ptr<Backend> backend = open();
  std::shared_ptr<FastWeights> broken = allocate_fast_weights(config_, *backend);
  for (const BufferPtr& buffer : broken->buffers) {
    const std::vector<float> huge(
        static_cast<std::size_t>(buffer->rows()) * static_cast<std::size_t>(buffer->cols()),
        std::numeric_limits<float>::infinity());
    backend->upload(*buffer, huge);
  }
  state.weights = broken;
  state.tag = std::make_shared<const char>();
  take_scores();
  const AppendReport report = append(*learner, state, std::span(tokens_).subspan(4 * b(), 2 * b()));
  EXPECT_EQ(report.steps, 2);
  EXPECT_EQ(report.skipped_steps, 2);
  EXPECT_EQ(state.weights, broken) << "the weights must stay";
  EXPECT_FALSE(std::isfinite(scores_.front().adapted_nats));
  EXPECT_EQ(state.steps, 6u);

  // Other states are untouched by it.
  AdaptedState healthy = learner->fresh();
  take_scores();
  EXPECT_EQ(append(*learner, healthy, tokens_).skipped_steps, 0);
  const auto clean = this->learner();
  AdaptedState expected = clean->fresh();
  append(*clean, expected, tokens_);
  EXPECT_EQ(learner->digest(healthy), clean->digest(expected));
}

// All gates at zero: the fast SwiGLU is silent, so the loss is finite, but its gradient is as large
// as the other two matrices.
TEST_P(LearnerTest, SkipsStepsWhoseGradientAloneIsNotFinite) {
  if (GetParam().backend == "ref-f64") GTEST_SKIP() << "no single-precision weight is large enough";
  if (!config_.learns_gate_up()) GTEST_SKIP() << "the state has no gate that could be zero";
  const auto learner = this->learner();
  AdaptedState state = learner->fresh();
  const std::unique_ptr<Backend> backend = open();
  std::shared_ptr<FastWeights> steep = allocate_fast_weights(config_, *backend);
  for (const FastTensors& layer : steep->layers) {
    const std::vector<float> large(static_cast<std::size_t>(config_.width * config_.fast_width), 1e36f);
    backend->upload(*layer.up, large);
    backend->upload(*layer.down, large);
  }
  state.weights = steep;
  state.tag = std::make_shared<const char>();
  const AppendReport report = append(*learner, state, std::span(tokens_).first(b()));
  EXPECT_EQ(report.skipped_steps, 1);
  EXPECT_EQ(state.weights, steep);
  for (const TokenScore& score : scores_) EXPECT_TRUE(std::isfinite(score.adapted_nats));
}

TEST_P(LearnerTest, RefusesUnknownTokensAndUnusableStates) {
  const auto learner = this->learner();
  AdaptedState state = learner->fresh();
  const Digest before = learner->digest(state);
  for (const Token bad : {-1, config_.vocabulary}) {
    const std::vector<Token> tokens = {1, 2, bad};
    EXPECT_EQ(learner->append(state, tokens, LearnMode::kScoreAndLearn, scores_).status().code(),
              Code::kInvalidArgument);
  }
  EXPECT_EQ(learner->digest(state), before);
  AdaptedState empty;
  EXPECT_FALSE(learner->append(empty, tokens_, LearnMode::kScoreAndLearn, scores_).is_ok());
  EXPECT_FALSE(learner->score_tail(empty, scores_).is_ok());
  AdaptedState with_frozen = this->learner({.frozen_scores = true})->fresh();
  EXPECT_FALSE(learner->append(with_frozen, tokens_, LearnMode::kScoreAndLearn, scores_).is_ok());
}

// A published version never changes, and versions that nobody holds are used again.
TEST_P(LearnerTest, PublishedWeightsStayAndSparesAreRecycled) {
  const auto learner = this->learner();
  const std::unique_ptr<Backend> backend = open();
  AdaptedState state = learner->fresh();
  append(*learner, state, std::span(tokens_).first(2 * b()));
  const std::shared_ptr<const FastWeights> snapshot = state.weights;
  const auto values = [&](const FastWeights& weights) {
    std::vector<float> all(static_cast<std::size_t>(weights.buffers[0]->rows()) *
                           static_cast<std::size_t>(weights.buffers[0]->cols()));
    backend->download(*weights.buffers[0], all);
    return all;
  };
  const std::vector<float> before = values(*snapshot);
  std::set<const FastWeights*> versions;
  for (std::size_t at = 2 * b(); at + b() <= tokens_.size(); at += b()) {
    append(*learner, state, std::span(tokens_).subspan(at, b()));
    versions.insert(state.weights.get());
  }
  EXPECT_EQ(values(*snapshot), before);
  EXPECT_NE(values(*state.weights), before);
  EXPECT_EQ(versions.size(), 2u) << "current and one spare";
}

TEST_P(LearnerTest, ThreadsDoNotChangeBits) {
  Digest expected;
  std::vector<TokenScore> expected_scores;
  for (const int threads : {1, 2, 4}) {
    const auto learner = this->learner({.frozen_scores = true}, threads);
    AdaptedState state = learner->fresh();
    append(*learner, state, tokens_);
    ASSERT_TRUE(learner->score_tail(state, scores_).is_ok());
    if (threads == 1) {
      expected = learner->digest(state);
      expected_scores = take_scores();
    } else {
      EXPECT_EQ(learner->digest(state), expected) << threads << " threads";
      EXPECT_EQ(take_scores(), expected_scores) << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace silt::model
