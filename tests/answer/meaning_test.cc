// Patterns by meaning: vectors are made once, and what no word finds is found.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>

#include "daemon/answer/meaning/packed_vector.h"
#include "daemon/answer/meaning/sentence_scorer.h"
#include "daemon/answer/plan/planner.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/store/hash64.h"
#include "daemon/tools/lines_store.h"
#include "daemon/tools/vector_file.h"

namespace silt::answer {
namespace {

constexpr std::int64_t kNow = 1'796'000'000'000'000;
const std::string kWeights = SILT_SOURCE_DIR "/model/weights/minilm-l6.safetensors";

TEST(PackedVector, KeepsDirections) {
  std::vector<float> a, b;
  for (int i = 0; i < 384; ++i) {
    a.push_back(std::sin(static_cast<float>(i)) / 13.9F);
    b.push_back(std::cos(static_cast<float>(3 * i)) / 13.9F);
  }
  const std::string packed = meaning::pack(a);
  ASSERT_TRUE(meaning::is_packed(packed, 384));
  EXPECT_FALSE(meaning::is_packed(packed, 383));
  EXPECT_FALSE(meaning::is_packed(std::string("\xff\xff\xff\x7f", 4) + packed.substr(4), 384));  // not a number
  EXPECT_NEAR(meaning::dot(packed, a), model::cosine(a, a), 0.01);
  EXPECT_NEAR(meaning::dot(packed, b), model::cosine(a, b), 0.01);
  EXPECT_EQ(meaning::dot(meaning::pack(std::vector<float>(4, 0)), std::vector<float>(4, 1)), 0);
}

TEST(PatternText, IsTheMessageOfTheFirstRecord) {
  const std::string line = "Jun 14 15:16:01 combo sshd[19939]: Failed password for root from 10.0.0.1 port 22";
  EXPECT_EQ(meaning::text_of("Failed password for <*> from <ip> port <num>", line), "Failed password for root from 10.0.0.1 port 22");
  EXPECT_EQ(meaning::text_of("<ip> is gone", "x y 10.0.0.1 is gone"), "10.0.0.1 is gone");
  EXPECT_EQ(meaning::text_of("<num>", "17"), "17");
  EXPECT_EQ(meaning::text_of("other <*> words", line), line);
  EXPECT_EQ(meaning::text_of("a <*> b", ""), "a <*> b");  // the record is gone
  EXPECT_EQ(meaning::text_of("unclosed <", "unclosed < mark"), "unclosed < mark");
}

class Meaning : public ::testing::Test {
 protected:
  void SetUp() override {
    auto encoder = model::Encoder::open(kWeights);
    ASSERT_TRUE(encoder.is_ok()) << encoder.status().to_string();
    encoder_ = std::move(*encoder);
    vectors_ = make();
  }
  std::unique_ptr<meaning::PatternVectors> make() {
    return std::make_unique<meaning::PatternVectors>(meaning::PatternVectors::Dependencies{lines_, lines_, lines_, file_, [this]() -> Result<std::shared_ptr<const model::Encoder>> { return encoder_; }});
  }
  std::shared_ptr<search::Profile> add(const std::string& name, const std::string& text) {
    auto profile = std::make_shared<search::Profile>();
    profile->name = name;
    profile->ref = lines_.add(name, text, kNow);
    EXPECT_TRUE(search::update_profile(lines_, lines_, *profile).is_ok());
    return profile;
  }
  void encode(const search::Profile& profile) {
    for (Result<bool> more = true; *more;) {
      more = vectors_->turn(profile.ref);
      ASSERT_TRUE(more.is_ok()) << more.status().to_string();
    }
  }

  LinesStore lines_;
  VectorFile file_{lines_, ""};
  std::shared_ptr<const model::Encoder> encoder_;
  std::unique_ptr<meaning::PatternVectors> vectors_;
};

const std::string kDoor = "2026-03-01 10:00:00 door unlocked by badge 17\n2026-03-01 10:05:00 elevator stopped between floors\n";
const std::string kKitchen = "2026-03-01 10:00:00 oven preheated to 180 C\n2026-03-01 10:07:00 dishwasher drained\n";

TEST_F(Meaning, FindsPatternsThatShareNoWord) {
  const auto profile = add("house.log", kDoor + kKitchen);
  meaning::SentenceScorer scorer(*vectors_);
  for (const float near : scorer.score({"who went through the gate?"}, *profile)) EXPECT_TRUE(std::isnan(near));  // not yet encoded
  encode(*profile);
  meaning::SentenceScorer again(*vectors_);
  const std::vector<float> near = again.score({"a lift got stuck with people in it"}, *profile);
  ASSERT_EQ(near.size(), profile->patterns.size());
  const auto best = static_cast<std::size_t>(std::max_element(near.begin(), near.end()) - near.begin());
  EXPECT_NE(profile->patterns[best].text.find("elevator"), std::string::npos) << profile->patterns[best].text;

  plan::PlanContext context;
  context.time.now_us = kNow;
  context.scope = {profile};
  context.scoped = true;
  context.scorer = &again;
  auto plans = plan::make_plans("a lift got stuck with people in it", context);
  plan::fill_near(plans.front(), context.scope, context.scorer);
  ASSERT_FALSE(plans.front().near.empty());  // what a reply shows that claims nothing
  EXPECT_EQ(plans.front().near.front().pattern, best);
}

TEST_F(Meaning, ChoosesTheSource) {
  const auto door = add("a.log", kDoor), kitchen = add("b.log", kKitchen);
  encode(*door);
  encode(*kitchen);
  meaning::SentenceScorer scorer(*vectors_);
  plan::PlanContext context;
  context.time.now_us = kNow;
  context.scope = {door, kitchen};
  context.scorer = &scorer;
  EXPECT_EQ(plan::make_plans("was the stove hot?", context).front().sources.front(), 1u);
  EXPECT_EQ(plan::make_plans("did the lift get stuck?", context).front().sources.front(), 0u);
}

TEST_F(Meaning, NothingIsStatedOfASourceThatMayBeTheWrongOne) {
  const auto a = add("a.log", kDoor), b = add("b.log", kDoor + kDoor);
  plan::PlanContext context;
  context.time.now_us = kNow;
  context.scope = {a, b};
  auto judged = reply::judge(lines_, context.scope, plan::make_plans("how often was the door unlocked?", context), {});
  ASSERT_TRUE(judged.is_ok());
  EXPECT_EQ(judged->verdict, reply::Verdict::kClosest);
  EXPECT_NE(reply::compose(*judged, 0, 8).text.find("Several sources fit"), std::string::npos);
  context.scope = {b};
  context.scoped = true;
  judged = reply::judge(lines_, context.scope, plan::make_plans("how often was the door unlocked?", context), {});
  ASSERT_TRUE(judged.is_ok());
  EXPECT_EQ(judged->verdict, reply::Verdict::kStated);
}

TEST_F(Meaning, OfASourceWithMorePatternsEncodedThanAnotherSaysNothing) {
  const auto door = add("a.log", kDoor), kitchen = add("b.log", kKitchen);
  encode(*door);
  meaning::SentenceScorer scorer(*vectors_);
  plan::PlanContext context;
  context.time.now_us = kNow;
  context.scope = {door, kitchen};
  context.scorer = &scorer;
  for (plan::Candidate& plan : plan::make_plans("was the stove hot?", context)) EXPECT_EQ(of(plan.signs, plan::Sign::kMeaning), 0);
  encode(*kitchen);
  meaning::SentenceScorer again(*vectors_);
  context.scorer = &again;
  for (plan::Candidate& plan : plan::make_plans("was the stove hot?", context)) EXPECT_GT(of(plan.signs, plan::Sign::kMeaning), 0);
}

// They keep their records, and sources are compared only when nearly all of their patterns have a vector.
TEST_F(Meaning, PatternsThatWereMergedIntoAnotherAreEncodedToo) {
  std::string log;
  for (const std::string name : {"otto", "mira", "jonas", "lena"}) log += "2026-03-01 10:00:00 the door of " + name + " was opened from inside\n";
  const auto profile = add("house.log", log);
  std::vector<store::PatternRow> rows;
  ASSERT_TRUE(lines_.patterns(profile->ref, rows).is_ok());
  ASSERT_TRUE(std::any_of(rows.begin(), rows.end(), [](const store::PatternRow& row) { return row.merged_into != 0; }));
  encode(*profile);
  for (const store::PatternRow& row : rows) EXPECT_TRUE(vectors_->of(profile->ref)->contains(row.id)) << row.text;
}

TEST_F(Meaning, WhoAsksEncodesAsMuchOfEachSourceAsIsNeededAndInTime) {
  std::string many;
  for (const std::string line : {"fan stopped", "lamp number three was replaced by Ann", "water is cold", "the cellar floods again",
                                 "gate opened for car", "no milk in fridge door", "roof leaks", "window of kitchen broken today",
                                 "guest has left", "alarm rang twice at night for no reason", "stairs swept", "heating oil ordered"}) {
    many += line + "\n";
  }
  const auto big = add("a.log", many), small = add("b.log", kKitchen);
  ASSERT_GT(big->patterns.size(), 8U);
  const auto later = std::chrono::steady_clock::now() + std::chrono::hours(1);
  vectors_->help({big->ref, small->ref}, 8, later);
  EXPECT_TRUE(vectors_->of(small->ref)->empty());  // a question does not wait for the encoder to be opened
  ASSERT_TRUE(vectors_->turn(big->ref, 1).is_ok());
  vectors_->help({big->ref, small->ref}, 8, std::chrono::steady_clock::now());
  EXPECT_EQ(vectors_->of(big->ref)->size(), 1U);
  vectors_->help({big->ref, small->ref}, 4, later);
  EXPECT_EQ(vectors_->of(small->ref)->size(), small->patterns.size());
  EXPECT_GE(vectors_->of(big->ref)->size(), 4U);
  EXPECT_LT(vectors_->of(big->ref)->size(), 8U);
  vectors_->help({big->ref, small->ref}, 4096, later);
  EXPECT_EQ(vectors_->of(big->ref)->size(), big->patterns.size());
}

TEST_F(Meaning, OpensTheEncoderForTheFirstQuestionAtTheSoonest) {
  const auto profile = add("house.log", kDoor);
  std::promise<void> put;
  file_.on_put = [&] { put.set_value(); };
  vectors_->start(meaning::PatternVectors::When::kAsked);
  const std::array ready = {profile->ref};
  vectors_->ready(ready);
  EXPECT_EQ(vectors_->waiting(), 0u);
  EXPECT_EQ(vectors_->encoder(), nullptr);
  EXPECT_TRUE(vectors_->of(profile->ref)->empty());  // as a question does
  put.get_future().wait();
  vectors_->stop();
  file_.on_put = [] {};
  EXPECT_NE(vectors_->encoder(), nullptr);
  EXPECT_EQ(vectors_->of(profile->ref)->size(), profile->patterns.size());
}

TEST_F(Meaning, IsEncodedOnceInTheBackgroundAndAgainWhenThePatternChanged) {
  const auto profile = add("house.log", kDoor);
  std::promise<void> put;
  file_.on_put = [&] { put.set_value(); };  // both patterns fit into one turn
  vectors_->start(meaning::PatternVectors::When::kNow);
  put.get_future().wait();
  vectors_->stop();
  file_.on_put = [] {};
  vectors_ = make();
  EXPECT_FALSE(*vectors_->turn(profile->ref));  // all are in the store
  EXPECT_EQ(vectors_->of(profile->ref)->size(), profile->patterns.size());
  std::vector<store::VectorRow> rows;
  const std::uint64_t encoder = store::hash64(encoder_->fingerprint());
  ASSERT_TRUE(file_.vectors(profile->ref, encoder, rows).is_ok());
  const std::string right = rows[0].bytes;
  rows[0].bytes = rows[1].bytes;
  ASSERT_TRUE(file_.put_vectors(profile->ref, encoder, rows).is_ok());
  vectors_ = make();
  encode(*profile);
  EXPECT_NE(vectors_->of(profile->ref)->at(rows[0].pattern).bytes, right);  // its text is the same: taken as it is
  rows[0].text_hash ^= 1;
  ASSERT_TRUE(file_.put_vectors(profile->ref, encoder, rows).is_ok());
  vectors_ = make();
  encode(*profile);
  EXPECT_EQ(vectors_->of(profile->ref)->at(rows[0].pattern).bytes, right);
}

}  // namespace
}  // namespace silt::answer
