// The learner over a lane engine, on a device of tests: the plain learner's bits, and what it does when the device has
// no room or is lost.
#include "model/lane_learner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>

#include "model/lane_reader.h"
#include "model/recall_gate.h"
#include "tests/model/backends.h"
#include "tests/model/fake_lane_engine.h"

namespace silt::model {
namespace {

class LaneLearnerTest : public testing::Test {
 protected:
  LaneLearnerTest() {
    config_.fast_learns = FastLearns::kDown;
    config_.recall_slots_log2 = 8;
  }

  std::unique_ptr<Backend> open() const { return std::move(open_backend({.name = "cpu"}, config_)).value(); }
  std::shared_ptr<const Net> net(Backend& backend) const { return random_net(config_, backend); }
  std::unique_ptr<Learner> plain(const LearnerOptions& options) const {
    auto backend = open();
    auto packed = net(*backend);
    return Learner::create(std::move(packed), std::move(backend), options);
  }
  std::unique_ptr<LaneEngine> engine(const LearnerOptions& options, const std::shared_ptr<const Net>& net, int lanes_max) {
    return make_fake_lane_engine(net, open(),
                                 {.frozen_scores = options.frozen_scores, .candidates_per_row = kRecallCandidates, .lanes_max = lanes_max},
                                 device_);
  }
  std::unique_ptr<Learner> lanes(const LearnerOptions& options, int lanes_max = 4, int threads = 2) {
    auto backend = open();
    const auto packed = net(*backend);
    return make_lane_learner(packed, std::move(backend), engine(options, packed, lanes_max), options, threads);
  }
  // Over three devices, each with a few lanes.
  std::unique_ptr<Learner> over_three(const LearnerOptions& options, const char* name_of_last = "cuda-fake") {
    std::vector<std::unique_ptr<Learner>> learners;
    for (int i = 0; i < 3; ++i) {
      three_[static_cast<std::size_t>(i)] = std::make_shared<FakeDevice>();
      three_[static_cast<std::size_t>(i)]->number = i;
      auto backend = open();
      const auto packed = net(*backend);
      const LaneEngineOptions lanes{.frozen_scores = options.frozen_scores, .candidates_per_row = kRecallCandidates, .lanes_max = 2};
      auto engine = make_fake_lane_engine(packed, open(), lanes, three_[static_cast<std::size_t>(i)], i == 2 ? name_of_last : "cuda-fake");
      learners.push_back(make_lane_learner(packed, std::move(backend), std::move(engine), options, 2));
    }
    auto all = Learner::over_devices(std::move(learners));
    if (!all.is_ok()) refused_ = all.status();
    return all.is_ok() ? std::move(all).value() : nullptr;
  }
  std::size_t b() const { return static_cast<std::size_t>(config_.minibatch_tokens); }
  std::span<const Token> stream(std::size_t i) const { return std::span(tokens_).subspan(7 * i, 5 * b() + 3 * i); }

  ModelConfig config_ = even_config();
  std::vector<Token> tokens_ = log_like_tokens(even_config(), 400);
  std::shared_ptr<FakeDevice> device_ = std::make_shared<FakeDevice>();
  std::array<std::shared_ptr<FakeDevice>, 3> three_;
  Status refused_;
};

// All streams, in random cuts; a digest, a tail and the scores of each.
struct Outcome {
  std::vector<Digest> digests;
  std::vector<std::vector<TokenScore>> scores, tails;
};

template <class Stream>
Outcome read_all(Learner& learner, std::size_t count, Stream stream, unsigned seed) {
  Outcome outcome;
  outcome.scores.resize(count);
  outcome.tails.resize(count);
  std::vector<AdaptedState> states;
  for (std::size_t i = 0; i < count; ++i) states.push_back(learner.fresh_for(i));
  std::vector<std::size_t> at(count, 0);
  std::mt19937 random(seed);
  for (bool more = true; more;) {
    more = false;
    std::vector<Lane> lanes;
    for (std::size_t i = 0; i < count; ++i) {
      const std::span<const Token> rest = stream(i).subspan(at[i]);
      const std::size_t taken = std::min<std::size_t>(rest.size(), random() % 60);
      const LearnMode mode = i == 3 ? LearnMode::kScoreOnly : LearnMode::kScoreAndLearn;
      lanes.push_back({.state = &states[i], .tokens = rest.first(taken), .mode = mode, .scores = &outcome.scores[i], .report = {}, .status = {}});
      at[i] += taken;
      more |= taken < rest.size();
    }
    std::shuffle(lanes.begin(), lanes.end(), random);
    learner.append(lanes);
    for (const Lane& lane : lanes) EXPECT_TRUE(lane.status.is_ok()) << lane.status.to_string();
  }
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_TRUE(learner.score_tail(states[i], outcome.tails[i]).is_ok());
    outcome.digests.push_back(learner.digest(states[i]));
  }
  std::vector<const AdaptedState*> all;
  for (const AdaptedState& state : states) all.push_back(&state);
  std::vector<Digest> together(count);
  std::vector<std::vector<TokenScore>> tails(count);
  std::vector<Tail> open;
  for (std::size_t i = 0; i < count; ++i) open.push_back({&states[i], &tails[i]});
  EXPECT_TRUE(learner.score_tails(open).is_ok());
  EXPECT_EQ(tails, outcome.tails);
  learner.digests(all, together);
  EXPECT_EQ(together, outcome.digests);
  return outcome;
}

TEST_F(LaneLearnerTest, GivesThePlainLearnersBits) {
  for (const bool recall : {true, false}) {
    const LearnerOptions options{.frozen_scores = true, .recall = recall};
    const auto stream = [&](std::size_t i) { return this->stream(i); };
    const Outcome expected = read_all(*plain(options), 7, stream, 1);
    for (const int lanes_max : {1, 3, 16}) {
      const auto learner = lanes(options, lanes_max);
      const Outcome got = read_all(*learner, 7, stream, 2);
      EXPECT_EQ(got.scores, expected.scores) << lanes_max;
      EXPECT_EQ(got.tails, expected.tails) << lanes_max;
      EXPECT_EQ(got.digests, expected.digests) << lanes_max;
      EXPECT_GT(device_->most_in_flight, 1);
    }
  }
}

// Of nets whose layers learn while they read: also what is only scored, the open mini-batch, stored states and texts.
TEST_F(LaneLearnerTest, NetsWithTttLayersAreReadAsWell) {
  for (const MixerKind mixer : {MixerKind::kTttLinear, MixerKind::kTttMlp}) {
    config_ = even_ttt_config(mixer);
    config_.recall_slots_log2 = 8;
    const LearnerOptions options{.frozen_scores = true};
    const auto stream = [&](std::size_t i) { return this->stream(i); };
    const Outcome expected = read_all(*plain(options), 7, stream, 1);
    const auto learner = lanes(options, 3);
    const Outcome got = read_all(*learner, 7, stream, 2);
    EXPECT_EQ(got.scores, expected.scores);
    EXPECT_EQ(got.tails, expected.tails);
    EXPECT_EQ(got.digests, expected.digests);
    AdaptedState state = learner->fresh();
    std::vector<TokenScore> scores;
    ASSERT_TRUE(learner->append(state, stream(6), LearnMode::kScoreAndLearn, scores).is_ok());
    const Result<AdaptedState> loaded = learner->load(learner->save(state));
    ASSERT_TRUE(loaded.is_ok()) << loaded.status().to_string();
    EXPECT_EQ(learner->digest(*loaded), learner->digest(state));
    auto backend = open();
    const auto packed = net(*backend);
    const auto reader = make_lane_reader(packed, std::move(backend), engine({}, packed, 2));
    std::vector<float> nats, frozen;
    ASSERT_TRUE(reader->score(state.weights, {}, stream(6), nats).is_ok());
    ASSERT_TRUE(reader->score(nullptr, {}, stream(6), frozen).is_ok());
    EXPECT_NE(nats, frozen);
  }
}

TEST_F(LaneLearnerTest, SeveralDevicesGiveTheBitsOfOne) {
  const LearnerOptions options{.frozen_scores = true};
  const auto stream = [&](std::size_t i) { return this->stream(i); };
  const Outcome expected = read_all(*plain(options), 20, stream, 1);
  const auto learner = over_three(options);
  EXPECT_EQ(learner->lanes_max(), 6);
  const Outcome got = read_all(*learner, 20, stream, 2);
  EXPECT_EQ(got.scores, expected.scores);
  EXPECT_EQ(got.tails, expected.tails);
  EXPECT_EQ(got.digests, expected.digests);
  const std::vector<DeviceUse> devices = learner->devices();
  ASSERT_EQ(devices.size(), 3U);
  std::uint64_t most = 0, least = ~std::uint64_t{0};
  for (const DeviceUse& device : devices) {
    EXPECT_EQ(device.lost, "") << device.name;
    most = std::max(most, device.minibatches);
    least = std::min(least, device.minibatches);
  }
  EXPECT_GT(2 * least, most);  // sources that follow each other are spread evenly
}

// Where a state goes depends on its key alone, and it can be loaded wherever its key says.
TEST_F(LaneLearnerTest, AKeySaysTheDevice) {
  const LearnerOptions options{.frozen_scores = true};
  const auto one = over_three(options), other = lanes(options);
  AdaptedState state = other->fresh();
  std::vector<TokenScore> scores;
  ASSERT_TRUE(other->append(state, stream(3), LearnMode::kScoreAndLearn, scores).is_ok());
  const std::string blob = other->save(state);
  std::set<int> places;
  for (std::uint64_t key = 0; key < 9; ++key) {
    const Result<AdaptedState> loaded = one->load_for(key, blob);
    ASSERT_TRUE(loaded.is_ok());
    EXPECT_EQ(loaded->place, one->fresh_for(key).place);
    EXPECT_EQ(one->digest(*loaded), other->digest(state));
    EXPECT_EQ(one->save(*loaded), blob);
    places.insert(loaded->place);
  }
  EXPECT_EQ(places.size(), 3U);
  EXPECT_EQ(over_three(options, "cuda-other"), nullptr);
  EXPECT_NE(refused_.message().find("cuda-other"), std::string::npos) << refused_.message();
}

// Those of a lost device fail; after recover() they learn on the others, and only when none is left is that an end.
TEST_F(LaneLearnerTest, TheOthersGoOnWhenOneIsLost) {
  const LearnerOptions options{.frozen_scores = true};
  const auto learner = over_three(options);
  const auto read = [&](std::size_t failures) {
    std::vector<AdaptedState> states;
    std::vector<std::vector<TokenScore>> scores(9);
    std::vector<Lane> work;
    for (std::size_t i = 0; i < 9; ++i) states.push_back(learner->fresh_for(i));
    for (std::size_t i = 0; i < 9; ++i) work.push_back({.state = &states[i], .tokens = stream(i), .scores = &scores[i], .report = {}, .status = {}});
    learner->append(work);
    const auto failed = std::ranges::count_if(work, [](const Lane& lane) { return lane.status.code() == Code::kUnavailable; });
    EXPECT_EQ(failed > 0, failures > 0);
    EXPECT_EQ(failed == 9, failures > 1);
    return states.empty() || failures > 0 ? Digest() : learner->digest(states[4]);
  };
  const Digest expected = read(0);
  three_[1]->lost_at = three_[1]->calls + 5;
  read(1);
  EXPECT_EQ(learner->health().code(), Code::kUnavailable);
  ASSERT_TRUE(learner->recover().is_ok());
  EXPECT_TRUE(learner->health().is_ok());
  EXPECT_EQ(read(0), expected);
  EXPECT_NE(learner->devices()[1].lost, "");
  three_[0]->lost_at = three_[2]->lost_at = 1;
  read(2);
  EXPECT_EQ(learner->recover().code(), Code::kUnavailable);
}

// Texts are read where their weights are; those that need none on any device, at last by the host.
TEST_F(LaneLearnerTest, AReaderFindsTheDeviceOfTheWeights) {
  const LearnerOptions options{.frozen_scores = true};
  const auto learner = over_three(options);
  std::vector<DeviceReader> readers;
  for (int i = 0; i < 3; ++i) {
    auto backend = open();
    const auto packed = net(*backend);
    auto engine = make_fake_lane_engine(packed, open(), {.frozen_scores = false, .candidates_per_row = 0, .lanes_max = 2}, three_[static_cast<std::size_t>(i)]);
    readers.push_back({i, make_lane_reader(packed, std::move(backend), std::move(engine))});
  }
  auto backend = open();
  const auto packed = net(*backend);
  const auto reader = make_devices_reader(std::move(readers), Reader::create(packed, std::move(backend)));
  std::vector<std::shared_ptr<const FastWeights>> weights{nullptr};
  std::vector<AdaptedState> states;
  std::vector<TokenScore> scores;
  for (std::uint64_t key = 0; key < 6; ++key) {
    states.push_back(learner->fresh_for(key));
    ASSERT_TRUE(learner->append(states.back(), stream(1), LearnMode::kScoreAndLearn, scores).is_ok());
    weights.push_back(states.back().weights);
  }
  std::vector<std::vector<float>> nll(weights.size());
  std::vector<TextLane> texts;
  for (std::size_t i = 0; i < weights.size(); ++i) texts.push_back({.weights = weights[i], .context = {}, .text = stream(2), .nll = &nll[i]});
  ASSERT_TRUE(reader->score(texts).is_ok());
  for (std::size_t i = 2; i < nll.size(); ++i) EXPECT_EQ(nll[i], nll[1]);
  EXPECT_NE(nll[0], nll[1]);
  const std::vector<float> frozen = nll[0];
  for (const auto& device : three_) device->lost_at = 1;
  EXPECT_EQ(reader->score(std::span(texts).subspan(1, 1)).code(), Code::kUnavailable);
  ASSERT_TRUE(reader->score(std::span(texts).first(1)).is_ok());
  EXPECT_EQ(nll[0], frozen);
  EXPECT_TRUE(reader->generate(nullptr, stream(0).first(9), {.tokens_max = 3}).is_ok());
}

TEST_F(LaneLearnerTest, ManySourcesShareSteps) {
  const auto learner = lanes({.recall = false}, 16);
  std::vector<AdaptedState> states;
  std::vector<std::vector<TokenScore>> scores(16);
  std::vector<Lane> work;
  for (std::size_t i = 0; i < scores.size(); ++i) states.push_back(learner->fresh());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    work.push_back({.state = &states[i], .tokens = stream(i).first(4 * b()), .scores = &scores[i], .report = {}, .status = {}});
  }
  learner->append(work);
  EXPECT_EQ(device_->steps, 4);
  EXPECT_EQ(device_->most_lanes, 16);
}

TEST_F(LaneLearnerTest, ASavedStateGoesOnAsItWould) {
  const LearnerOptions options{.frozen_scores = true};
  const auto learner = lanes(options), other = lanes(options);
  for (const std::size_t cut : {std::size_t{0}, b() / 2, b(), 4 * b() + 3}) {
    AdaptedState state = learner->fresh();
    std::vector<TokenScore> scores, again_scores;
    ASSERT_TRUE(learner->append(state, std::span(tokens_).first(cut), LearnMode::kScoreAndLearn, scores).is_ok());
    Result<AdaptedState> again = other->load(learner->save(state));
    ASSERT_TRUE(again.is_ok()) << again.status().to_string();
    EXPECT_EQ(other->digest(*again), learner->digest(state)) << cut;
    scores.clear();
    const auto rest = std::span(tokens_).subspan(cut, 6 * b());
    ASSERT_TRUE(learner->append(state, rest, LearnMode::kScoreAndLearn, scores).is_ok());
    ASSERT_TRUE(other->append(*again, rest, LearnMode::kScoreAndLearn, again_scores).is_ok());
    EXPECT_EQ(again_scores, scores) << cut;
    EXPECT_EQ(other->digest(*again), learner->digest(state)) << cut;
  }
}

// A processor's state on the device and back, where that is allowed; refused with both names where it is not.
TEST_F(LaneLearnerTest, StatesCrossBetweenPathsWhenAllowed) {
  const LearnerOptions strict{.frozen_scores = true}, crossing{.frozen_scores = true, .crosses = true};
  const auto processor = plain(crossing), device = lanes(crossing);
  AdaptedState state = processor->fresh();
  std::vector<TokenScore> scores, there_scores;
  ASSERT_TRUE(processor->append(state, std::span(tokens_).first(5 * b() + 3), LearnMode::kScoreAndLearn, scores).is_ok());
  const std::string blob = processor->save(state);
  Result<AdaptedState> there = device->load(blob);
  ASSERT_TRUE(there.is_ok()) << there.status().to_string();
  EXPECT_EQ(device->digest(*there), processor->digest(state));
  Result<AdaptedState> back = processor->load(device->save(*there));
  ASSERT_TRUE(back.is_ok()) << back.status().to_string();
  EXPECT_EQ(processor->digest(*back), processor->digest(state));
  const Status refused = lanes(strict)->load(blob).status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.message().find("cpu-"), std::string::npos) << refused.message();
  EXPECT_NE(refused.message().find("cuda-fake"), std::string::npos) << refused.message();
  EXPECT_FALSE(plain(strict)->load(device->save(*there)).is_ok());
}

TEST_F(LaneLearnerTest, ASnapshotStaysAsItWas) {
  const auto learner = lanes({.recall = false});
  auto backend = open();
  const auto packed = net(*backend);
  const auto reader = make_lane_reader(packed, std::move(backend), engine({}, packed, 2));
  AdaptedState state = learner->fresh();
  std::vector<TokenScore> scores;
  const auto learn = [&](std::size_t from) {
    return learner->append(state, std::span(tokens_).subspan(from, 2 * b()), LearnMode::kScoreAndLearn, scores).is_ok();
  };
  ASSERT_TRUE(learn(0));
  const std::shared_ptr<const FastWeights> snapshot = state.weights;
  std::vector<float> before, after, now;
  const auto text = std::span<const Token>(tokens_).subspan(40, 3 * b());
  ASSERT_TRUE(reader->score(snapshot, {}, text, before).is_ok());
  ASSERT_TRUE(learn(2 * b()));
  EXPECT_EQ(device_->weights, 2);
  ASSERT_TRUE(reader->score(snapshot, {}, text, after).is_ok());
  ASSERT_TRUE(reader->score(state.weights, {}, text, now).is_ok());
  EXPECT_EQ(before, after);
  EXPECT_NE(before, now);
}

// Alone, a source learns in the memory that it has.
TEST_F(LaneLearnerTest, NobodysVersionTakesNoMoreMemory) {
  const auto learner = lanes({});
  AdaptedState state = learner->fresh();
  std::vector<TokenScore> scores;
  std::weak_ptr<const FastWeights> last;
  for (std::size_t at = 0; at < 8 * b(); at += 2 * b()) {
    ASSERT_TRUE(learner->append(state, std::span(tokens_).subspan(at, 2 * b()), LearnMode::kScoreAndLearn, scores).is_ok());
    EXPECT_EQ(device_->weights, 1);
    EXPECT_TRUE(last.expired());  // an older version's name never comes to mean a newer one
    last = state.weights;
  }
}

TEST_F(LaneLearnerTest, WithoutRoomOnlyTheLaneFails) {
  device_->states_max = 2;
  const auto learner = lanes({});
  std::vector<AdaptedState> states;
  std::vector<std::vector<TokenScore>> scores(3);
  std::vector<Lane> work;
  for (std::size_t i = 0; i < 3; ++i) states.push_back(learner->fresh());
  const Digest before = learner->digest(states[2]);
  for (std::size_t i = 0; i < 3; ++i) {
    work.push_back({.state = &states[i], .tokens = stream(i), .scores = &scores[i], .report = {}, .status = {}});
  }
  learner->append(work);
  EXPECT_TRUE(work[0].status.is_ok());
  EXPECT_TRUE(work[1].status.is_ok());
  EXPECT_EQ(work[2].status.code(), Code::kResourceExhausted);
  EXPECT_TRUE(learner->health().is_ok());
  EXPECT_EQ(learner->digest(states[2]), before);
  states.erase(states.begin());
  learner->append(std::span(work).last(1).subspan(0, 0));
  AdaptedState again = learner->fresh();
  EXPECT_TRUE(learner->append(again, stream(2), LearnMode::kScoreAndLearn, scores[2]).is_ok());
}

// At whichever call the device is lost: the call says so, and so does every later one; nothing crashes.
TEST_F(LaneLearnerTest, ALostDeviceIsToldAtEveryCall) {
  int lost_at = 1;
  for (bool lost = true; lost; ++lost_at) {
    ASSERT_LT(lost_at, 200);
    device_ = std::make_shared<FakeDevice>();
    device_->lost_at = lost_at;
    const auto learner = lanes({});
    std::vector<AdaptedState> states;
    std::vector<std::vector<TokenScore>> scores(5);
    std::vector<Lane> work;
    for (std::size_t i = 0; i < 5; ++i) states.push_back(learner->fresh());
    for (std::size_t i = 0; i < 5; ++i) {
      work.push_back({.state = &states[i], .tokens = stream(i), .scores = &scores[i], .report = {}, .status = {}});
    }
    learner->append(work);
    std::vector<TokenScore> tail;
    Status told = work[0].status.is_ok() ? learner->score_tail(states[0], tail) : work[0].status;
    if (told.is_ok() && learner->save(states[1]).empty()) told = learner->health();
    lost = device_->calls >= lost_at;
    EXPECT_EQ(told.code(), lost ? Code::kUnavailable : Code::kOk) << lost_at;
    EXPECT_EQ(learner->health().code(), told.code()) << lost_at;
    if (!lost) continue;
    AdaptedState later = learner->fresh();
    EXPECT_EQ(learner->append(later, stream(1), LearnMode::kScoreAndLearn, tail).status().code(), Code::kUnavailable);
  }
  EXPECT_GT(lost_at, 10);
}

TEST_F(LaneLearnerTest, TheReaderGivesThePlainReadersBits) {
  auto backend = open(), other = open();
  const auto packed = net(*backend);
  const auto plain_reader = Reader::create(packed, std::move(other));
  const auto reader = make_lane_reader(packed, std::move(backend), engine({}, packed, 3));
  std::vector<std::vector<float>> expected(8), got(8);
  std::vector<TextLane> texts;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto context = std::span<const Token>(tokens_).first(9 * i), text = std::span<const Token>(tokens_).subspan(50, 11 * i);
    texts.push_back({.weights = nullptr, .context = context, .text = text, .nll = &got[i]});
    ASSERT_TRUE(plain_reader->score(nullptr, context, text, expected[i]).is_ok());
  }
  ASSERT_TRUE(reader->score(texts).is_ok());
  EXPECT_EQ(got, expected);
  const auto one = reader->generate(nullptr, texts[3].context, {.tokens_max = 9});
  const auto two = plain_reader->generate(nullptr, texts[3].context, {.tokens_max = 9});
  EXPECT_EQ(*one, *two);
}

}  // namespace
}  // namespace silt::model
