// What the weights did not expect, among what they did.
#include "daemon/answer/search/oddness.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/answer/asking.h"

namespace silt::answer {
namespace {

store::Evidence scored(store::Seq seq, store::PatternId pattern, float adapted, float frozen) {
  store::Evidence out;
  out.seq = seq;
  out.pattern = pattern;
  out.tokens = 20;
  out.adapted_nats = adapted;
  out.frozen_nats = frozen;
  return out;
}

// A quiet pattern (1), a noisy one (2), and a beginning in which nothing is learned yet.
std::vector<store::Evidence> usual() {
  std::mt19937 random(5);
  std::vector<store::Evidence> out;
  for (store::Seq seq = 1; seq <= 400; ++seq) {
    const float learned = seq < 20 ? 0.9F : 0.0F, some = static_cast<float>(random() % 100) / 100;
    const bool noisy = seq % 3 == 0;
    const float frozen = noisy ? 120 : 60;
    out.push_back(scored(seq, noisy ? 2 : 1, frozen * std::max(learned, noisy ? 0.35F + 0.2F * some : 0.04F + 0.02F * some), frozen));
  }
  return out;
}

std::vector<store::Seq> odd_of(const std::vector<store::Evidence>& all) {
  std::vector<store::Seq> out;
  for (const search::OddRecord& each : search::hold_against_usual(all)) {
    if (each.is_odd()) out.push_back(each.seq);
  }
  return out;
}

TEST(Oddness, IsNeitherNoiseNorTheBeginningOfASource) {
  EXPECT_TRUE(odd_of(usual()).empty());
}

TEST(Oddness, IsWhatLearningDoesNotSaveThoughItUsuallyDoes) {
  std::vector<store::Evidence> all = usual();
  all[249] = scored(250, 1, 25, 62);   // a usual line with an unusual value
  all[300] = scored(301, 7, 70, 100);  // a new kind of line
  EXPECT_EQ(odd_of(all), (std::vector<store::Seq>{250, 301}));
  const search::OddRecord odd = search::hold_against_usual(all)[249];
  EXPECT_NEAR(odd.bits, 36, 1);
  EXPECT_NEAR(odd.frozen_bits, 89, 1);
  EXPECT_LT(odd.usual_bits, 10);
}

TEST(Oddness, OfABurstOnlyTheFirstLinesAre) {
  std::vector<store::Evidence> all = usual();
  for (std::size_t i = 200; i < 260; ++i) all[i] = scored(i + 1, 9, i < 203 ? 80.0F : 20.0F, 100);
  const std::vector<store::Seq> odd = odd_of(all);
  ASSERT_FALSE(odd.empty());
  EXPECT_EQ(odd.front(), 201U);
  EXPECT_LE(odd.back(), 203U);
}

class OddAnswers : public Asking {
 protected:
  void SetUp() override {
    std::string log;
    for (int i = 0; i < 300; ++i) {
      const std::string minute = std::to_string(10 + i / 6 % 50), second = std::to_string(10 + i % 6);
      const bool odd = i == 217;
      log += "2026-11-21T" + std::string(i < 150 ? "08" : "09") + ":" + minute + ":" + second + "Z " + (i % 2 == 0 ? "web1" : "web2") + " gate[7]: opened door south for badge " +
             (odd ? "ZZ-unknown-901" : std::to_string(1000 + i % 5)) + "\n";
    }
    source_ = add("gate.log", log);
    for (store::Seq seq = 1; seq <= 300; ++seq) store_.set_surprise(source_, seq, seq == 218 ? 30.0F : 2.0F + static_cast<float>(seq % 3), 60);
  }
  store::SourceRef source_;
};

TEST_F(OddAnswers, HaveThePlantedLineThoughItsPatternIsUsual) {
  const Asked got = ask("anything unusual?");
  const auto found = std::find_if(got.evidence.begin(), got.evidence.end(), [](const auto& each) { return each.seq() == 218; });
  ASSERT_NE(found, got.evidence.end()) << got.final.answer();
  EXPECT_NEAR(found->bits(), 43.3, 0.1);
  EXPECT_NEAR(found->frozen_bits(), 86.6, 0.1);
  EXPECT_LT(found->usual_bits(), 8);
  EXPECT_NE(got.final.answer().find("43 bits, usually "), std::string::npos) << got.final.answer();
  EXPECT_EQ(std::count_if(got.evidence.begin(), got.evidence.end(), [](const auto& each) { return each.usual_bits() > 0; }), 1);
}

TEST_F(OddAnswers, AreOfWhatWasAskedAbout) {
  EXPECT_NE(ask("what is strange on web2 today?").final.answer().find("ZZ-unknown-901"), std::string::npos);
  EXPECT_EQ(ask("what is strange on web1 today?").final.answer().find("ZZ-unknown-901"), std::string::npos);
  EXPECT_EQ(ask("anything unusual before 09:00?").final.answer().find("ZZ-unknown-901"), std::string::npos);
}

}  // namespace
}  // namespace silt::answer
