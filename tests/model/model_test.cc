// A weight file opened as a whole: what learners and readers share, and what goes wrong.
#include "model/model.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "model/backends/backends.h"
#include "model/learner.h"
#include "model/reader.h"
#include "tests/model/tiny_model.h"

namespace silt::model {
namespace {

class ModelTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        testing::TempDir() + "silt_model_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
    ASSERT_TRUE(write_tiny_model(path(1), 1).is_ok());
    ASSERT_TRUE(write_tiny_model(path(2), 2).is_ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(int seed) const { return folder_ + "/" + std::to_string(seed) + ".safetensors"; }
  std::shared_ptr<const Model> open(int seed) const { return std::move(Model::open(path(seed))).value(); }

  std::string folder_;
};

TEST_F(ModelTest, PacksItsWeightsOncePerBackendAndLetsThemGo) {
  const std::shared_ptr<const Model> model = open(1);
  std::weak_ptr<const Net> packed;
  {
    const auto first = std::move(open_backend({.name = "ref"}, model->config())).value();
    const auto second = std::move(open_backend({.name = "ref"}, model->config())).value();
    const auto other = std::move(open_backend({.name = "ref-f64"}, model->config())).value();
    const std::shared_ptr<const Net> net = model->net(*first).value();
    EXPECT_EQ(model->net(*second).value(), net);
    EXPECT_NE(model->net(*other).value(), net);
    EXPECT_EQ(net->fingerprint, model->fingerprint());
    EXPECT_EQ(net->start_token, model->tokenizer().start_token());
    packed = net;
  }
  EXPECT_TRUE(packed.expired());
}

TEST_F(ModelTest, ReadsTextFromBytesToAnAdaptedAnswer) {
  const std::shared_ptr<const Model> model = open(1);
  const auto learner = std::move(Learner::create(model, {}, {})).value();
  const auto reader = std::move(Reader::create(model, {})).value();
  std::string text;
  for (int i = 0; i < 40; ++i) text += "error: connection to host" + std::to_string(i % 3) + " closed\n";
  std::vector<Token> tokens;
  model->tokenizer().encode(text, tokens);
  AdaptedState state = learner->fresh();
  EXPECT_EQ(state.input, model->tokenizer().start_token());
  std::vector<TokenScore> scores;
  ASSERT_TRUE(learner->append(state, tokens, LearnMode::kScoreAndLearn, scores).is_ok());
  std::vector<float> before, after;
  ASSERT_TRUE(reader->score(nullptr, {}, tokens, before).is_ok());
  ASSERT_TRUE(reader->score(state.weights, {}, tokens, after).is_ok());
  double gain = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) gain += before[i] - after[i];
  EXPECT_GT(gain, 0.2 * static_cast<double>(tokens.size()));
}

TEST_F(ModelTest, ADeferredLearnerIsTheSameLearner) {
  const std::shared_ptr<const Model> model = open(1);
  const auto plain = std::move(Learner::create(model, {}, {})).value();
  const auto deferred = std::move(Learner::create_deferred(model, {}, {})).value();
  EXPECT_EQ(deferred->backend_name(), plain->backend_name());
  EXPECT_EQ(deferred->lanes_max(), plain->lanes_max());
  const std::vector<Token> tokens(100, 5);
  AdaptedState a = plain->fresh(), b = deferred->fresh();
  std::vector<TokenScore> scores;
  ASSERT_TRUE(plain->append(a, tokens, LearnMode::kScoreAndLearn, scores).is_ok());
  ASSERT_TRUE(deferred->append(b, tokens, LearnMode::kScoreAndLearn, scores).is_ok());
  EXPECT_EQ(deferred->digest(b), plain->digest(a));
  EXPECT_EQ(deferred->save(b), plain->save(a));
}

// Nothing was packed at its creation, and what is packed later is the file that was opened or nothing.
TEST_F(ModelTest, ADeferredLearnerRefusesAFileThatWasWrittenOver) {
  const auto deferred = std::move(Learner::create_deferred(open(1), {}, {})).value();
  ASSERT_EQ(std::filesystem::file_size(path(1)), std::filesystem::file_size(path(2)));
  const std::string other = [&] {
    std::ifstream in(path(2), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  std::fstream(path(1), std::ios::in | std::ios::out | std::ios::binary).write(other.data(), std::ssize(other));
  AdaptedState state = deferred->fresh();
  std::vector<TokenScore> scores;
  const Status refused = deferred->append(state, std::vector<Token>{1, 2}, LearnMode::kScoreAndLearn, scores).status();
  EXPECT_EQ(refused.code(), Code::kDataLoss);
  EXPECT_NE(refused.message().find("written over"), std::string::npos) << refused.message();
  EXPECT_TRUE(scores.empty());
}

// Whoever learns, saves and answers does not see what the file's mixer is.
TEST_F(ModelTest, RunsWhicheverMixerTheFileNames) {
  for (const std::string mixer : {"ttt-e2e", "ttt-e2e down", "ttt_linear", "ttt_mlp"}) {
    SCOPED_TRACE(mixer);
    ASSERT_TRUE((mixer == "ttt-e2e down" ? write_tiny_model(path(3), 3, "ttt-e2e", FastLearns::kDown)
                                         : write_tiny_model(path(3), 3, mixer))
                    .is_ok());
    const std::shared_ptr<const Model> model = open(3);
    for (const char* backend : {"auto", "ref"}) {
      const auto learner =
          std::move(Learner::create(model, {.name = backend, .threads = 2}, {.frozen_scores = true})).value();
      const auto reader = std::move(Reader::create(model, {.name = backend})).value();
      std::vector<Token> tokens;
      model->tokenizer().encode("error: connection from host 10 closed\nuser root failed: timeout\n", tokens);
      AdaptedState state = learner->fresh();
      std::vector<TokenScore> scores;
      ASSERT_TRUE(learner->append(state, tokens, LearnMode::kScoreAndLearn, scores).is_ok());
      ASSERT_TRUE(learner->score_tail(state, scores).is_ok());
      EXPECT_EQ(scores.size(), tokens.size());
      EXPECT_NE(state.weights, learner->fresh().weights);
      Result<AdaptedState> loaded = learner->load(learner->save(state));
      ASSERT_TRUE(loaded.is_ok()) << loaded.status().to_string();
      EXPECT_EQ(learner->digest(*loaded), learner->digest(state));
      std::vector<float> before, after;
      ASSERT_TRUE(reader->score(nullptr, {}, tokens, before).is_ok());
      ASSERT_TRUE(reader->score(loaded->weights, {}, tokens, after).is_ok());
      EXPECT_NE(before, after);
      EXPECT_EQ(reader->generate(state.weights, tokens, {.tokens_max = 5})->size(), 5u);
    }
  }
}

class ShippedWeights : public testing::Test {
 protected:
  void SetUp() override {
    Result<std::shared_ptr<const Model>> model =
        Model::open(SILT_SOURCE_DIR "/model/weights/silt-23m.safetensors");
    ASSERT_TRUE(model.is_ok()) << model.status().to_string();
    model_ = *model;
    std::string text;
    for (int i = 0; i < 40; ++i) text += "gate-3 badge " + std::to_string(4000 + i % 7) + " opened door 12\n";
    model_->tokenizer().encode(text, tokens_);
  }

  std::shared_ptr<const Model> model_;
  std::vector<Token> tokens_;
  std::vector<TokenScore> scores_;
};

TEST_F(ShippedWeights, LearningHelps) {
  const auto learner =
      std::move(Learner::create(model_, {}, {.frozen_scores = true, .recall = false})).value();
  AdaptedState state = learner->fresh();
  ASSERT_TRUE(learner->append(state, tokens_, LearnMode::kScoreAndLearn, scores_).is_ok());
  ASSERT_GE(scores_.size(), 256u);
  double adapted = 0, frozen = 0;
  for (const TokenScore& score : scores_) {
    adapted += score.adapted_nats;
    frozen += score.frozen_nats;
  }
  EXPECT_LT(adapted, 0.8 * frozen);
}

TEST_F(ShippedWeights, AStateCostsKilobytesBeforeItsFirstStep) {
  const auto learner = std::move(Learner::create(model_, {}, {.frozen_scores = true})).value();
  AdaptedState state = learner->fresh();
  const std::size_t b = static_cast<std::size_t>(model_->config().minibatch_tokens);
  ASSERT_TRUE(
      learner->append(state, std::span(tokens_).first(b - 1), LearnMode::kScoreAndLearn, scores_).is_ok());
  EXPECT_LT(learner->bytes(state), 48u << 10);
  EXPECT_LT(learner->save(state).size(), 2u << 10);
  ASSERT_TRUE(
      learner->append(state, std::span(tokens_).subspan(b - 1), LearnMode::kScoreAndLearn, scores_).is_ok());
  EXPECT_GT(learner->bytes(state), 3u << 20) << "its own fast weights";
  EXPECT_LT(learner->bytes(state), learner->full_state_bytes());
}

TEST_F(ModelTest, StatesBelongToTheirWeightFile) {
  const auto learner = std::move(Learner::create(open(1), {}, {})).value();
  const auto again = std::move(Learner::create(open(1), {}, {})).value();
  const auto other = std::move(Learner::create(open(2), {}, {})).value();
  const std::string blob = learner->save(learner->fresh());
  EXPECT_TRUE(again->load(blob).is_ok());
  EXPECT_EQ(other->load(blob).status().code(), Code::kFailedPrecondition);
}

TEST_F(ModelTest, OpeningFailsWithTheNameOfWhatIsWrong) {
  const Status missing = Model::open(folder_ + "/none.safetensors").status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_NE(missing.message().find("none.safetensors"), std::string::npos);

  const ModelConfig config = open(1)->config();
  const Status unknown = open_backend({.name = "abacus"}, config).status();
  EXPECT_EQ(unknown.code(), Code::kInvalidArgument);
  EXPECT_NE(unknown.message().find("ref-f32"), std::string::npos) << unknown.message();
  EXPECT_FALSE(open_backend({.name = "cpu-none"}, config).is_ok());
  EXPECT_FALSE(open_backend({.name = "ref", .threads = 0}, config).is_ok());
}

TEST(ModelConfig, NamesTheFieldThatIsOutOfRange) {
  const ModelConfig good{.layers = 3,
                         .fast_layers = 2,
                         .width = 32,
                         .heads = 4,
                         .kv_heads = 2,
                         .head_width = 8,
                         .mlp_width = 64,
                         .fast_width = 32,
                         .vocabulary = 320,
                         .minibatch_tokens = 16,
                         .window_tokens = 32,
                         .rope_theta = 1e4f,
                         .norm_epsilon = 1e-5f,
                         .clip_norm = 1};
  ASSERT_TRUE(good.validate().is_ok()) << good.validate().to_string();
  const auto refused = [&](auto change, const char* field) {
    ModelConfig config = good;
    change(config);
    const Status status = config.validate();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << field;
    EXPECT_NE(status.message().find(field), std::string::npos) << status.message();
  };
  refused([](ModelConfig& c) { c.layers = 0; }, "layers");
  refused([](ModelConfig& c) { c.fast_layers = 4; }, "fast_layers");
  refused([](ModelConfig& c) { c.fast_layers = 0; }, "fast_layers");
  refused([](ModelConfig& c) { c.width = -1; }, "width");
  refused([](ModelConfig& c) { c.kv_heads = 3; }, "kv_heads");
  refused([](ModelConfig& c) { c.head_width = 7; }, "head_width");
  refused([](ModelConfig& c) { c.vocabulary = 1 << 30; }, "vocabulary");
  refused([](ModelConfig& c) { c.window_tokens = 24; }, "window_tokens");
  refused([](ModelConfig& c) { c.window_tokens = 0; }, "window_tokens");
  refused([](ModelConfig& c) { c.rope_theta = 0; }, "rope_theta");
  refused([](ModelConfig& c) { c.norm_epsilon = -1; }, "norm_epsilon");
  refused([](ModelConfig& c) { c.clip_norm = std::numeric_limits<float>::quiet_NaN(); }, "clip_norm");

  const auto ttt_refused = [&](auto change, const char* field) {
    refused(
        [&](ModelConfig& c) {
          c.mixer = MixerKind::kTttLinear;
          c.complete_ttt();
          EXPECT_TRUE(c.validate().is_ok()) << c.validate().to_string();
          change(c);
        },
        field);
  };
  ttt_refused([](ModelConfig& c) { c.fast_layers = 2; }, "fast_layers");
  ttt_refused([](ModelConfig& c) { c.kv_heads = 2; }, "kv_heads");
  ttt_refused([](ModelConfig& c) { c.minibatch_tokens = 24; }, "minibatch_tokens");
  ttt_refused([](ModelConfig& c) { c.window_tokens = 32; }, "window_tokens");
  ttt_refused([](ModelConfig& c) { c.fast_width = 32; }, "fast_width");
}

}  // namespace
}  // namespace silt::model
