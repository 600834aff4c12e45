#include "daemon/fold/policy.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace silt::fold {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

PolicyInput repeat(std::uint64_t seq, std::int64_t arrival_us, PatternId pattern = 1,
                   std::uint64_t tokens = 30) {
  return {.text = "a line that was seen before",
          .seq = seq,
          .arrival_us = arrival_us,
          .pattern = pattern,
          .tokens = tokens};
}

TEST(Policy, EverythingThatFitsTheBudgetIsLearned) {
  Policy policy(PolicyConfig{.learn_tokens_per_s = 1500, .burst_tokens = 10'000});
  for (std::uint64_t seq = 1; seq <= 100'000; ++seq) {
    // 50 lines a second of 30 tokens are exactly the rate.
    const Verdict decision = policy.decide(repeat(seq, static_cast<std::int64_t>(seq) * 20'000));
    ASSERT_EQ(decision.action, Action::kLearn) << seq;
  }
  EXPECT_EQ(policy.count(Outcome::kLearned).records, 100'000u);
  EXPECT_EQ(policy.count(Outcome::kOverBudget).records, 0u);
}

TEST(Policy, TheBudgetHoldsInTheLongRun) {
  Policy policy(PolicyConfig{.learn_tokens_per_s = 1500, .burst_tokens = 100'000});
  constexpr std::uint64_t kSeconds = 600;
  constexpr std::uint64_t kLinesPerSecond = 1000;  // twenty times the budget
  for (std::uint64_t seq = 0; seq < kSeconds * kLinesPerSecond; ++seq) {
    policy.decide(repeat(seq, static_cast<std::int64_t>(seq) * 1000, static_cast<PatternId>(1 + seq % 40)));
  }
  const std::uint64_t learned = policy.count(Outcome::kLearned).tokens;
  EXPECT_LE(learned, 100'000 + 1500 * kSeconds);
  EXPECT_GT(learned, 1500 * kSeconds / 2);  // and is used
  EXPECT_EQ(policy.count(Outcome::kLearned).records + policy.count(Outcome::kOverBudget).records,
            kSeconds * kLinesPerSecond);
}

TEST(Policy, NewPatternsAreLearnedOnCredit) {
  Policy policy(PolicyConfig{.learn_tokens_per_s = 0, .burst_tokens = 100, .new_pattern_learn_count = 8});
  for (std::uint64_t count = 1; count <= 20; ++count) {
    EXPECT_EQ(policy.decide(repeat(count, 0, 7)).action, count <= 8 ? Action::kLearn : Action::kCount)
        << count;
  }
  EXPECT_EQ(policy.bucket_tokens(), -100);  // the debt is bounded
}

TEST(Policy, AFirehoseDoesNotStarveRarePatterns) {
  Policy policy(PolicyConfig{.learn_tokens_per_s = 1500, .burst_tokens = 100'000});
  std::uint64_t rare = 0, rare_learned = 0, firehose_learned = 0;
  for (std::uint64_t seq = 0; seq < 2'000'000; ++seq) {
    const std::int64_t now = static_cast<std::int64_t>(seq) * 200;  // 5000 lines a second
    if (seq % 100'000 == 99'999) {                                  // one in 20 seconds
      ++rare;
      rare_learned += policy.decide(repeat(seq, now, 2)).action == Action::kLearn;
    } else {
      firehose_learned += policy.decide(repeat(seq, now, 1)).action == Action::kLearn;
    }
  }
  EXPECT_GE(rare_learned * 10, rare * 5);
  EXPECT_GT(firehose_learned, 1000u);  // never zero either
  EXPECT_GT(policy.bucket_tokens(), 0);
}

TEST(Policy, ModesShedGapsAndBlanks) {
  const auto decide = [](SourceMode mode, auto change) {
    Policy policy(PolicyConfig{.mode = mode});
    PolicyInput input = repeat(1, 0);
    change(input);
    return policy.decide(input);
  };
  const auto nothing = [](PolicyInput&) {};
  EXPECT_EQ(decide(SourceMode::kLearn, nothing).outcome, Outcome::kLearned);
  EXPECT_EQ(decide(SourceMode::kScore, nothing).action, Action::kScore);
  EXPECT_EQ(decide(SourceMode::kScore, nothing).outcome, Outcome::kModeScore);
  EXPECT_EQ(decide(SourceMode::kCount, nothing).outcome, Outcome::kModeCount);
  EXPECT_EQ(decide(SourceMode::kCount, nothing).action, Action::kCount);
  EXPECT_EQ(decide(SourceMode::kLearn, [](PolicyInput& i) { i.shed = true; }).outcome, Outcome::kShed);
  EXPECT_EQ(decide(SourceMode::kLearn, [](PolicyInput& i) { i.gap = true; }).outcome, Outcome::kGap);
  EXPECT_EQ(decide(SourceMode::kLearn, [](PolicyInput& i) { i.text = " \t "; }).outcome, Outcome::kEmpty);
}

// What was shed was never met: its pattern is as new as before.
TEST(Policy, ShedRecordsLeaveTheirPatternNew) {
  Policy policy(PolicyConfig{.learn_tokens_per_s = 0, .burst_tokens = 100});
  PolicyInput input = repeat(1, 0, 7);
  input.shed = true;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(policy.decide(input).outcome, Outcome::kShed);
  input.shed = false;
  for (int i = 0; i < 8; ++i) EXPECT_EQ(policy.decide(input).outcome, Outcome::kLearned) << i;
  EXPECT_EQ(policy.decide(input).outcome, Outcome::kOverBudget);
}

// After a reset of the net the miner's patterns are old, but the net knows none of them.
TEST(Policy, ToAFreshPolicyEverythingIsNew) {
  const PolicyConfig config{.learn_tokens_per_s = 0, .burst_tokens = 1};
  Policy policy(config);
  const auto learned_of_20 = [&] {
    int learned = 0;
    for (std::uint64_t seq = 1; seq <= 20; ++seq) {
      learned += policy.decide(repeat(seq, 0, 3)).action == Action::kLearn;
    }
    return learned;
  };
  EXPECT_EQ(learned_of_20(), 8);
  EXPECT_EQ(learned_of_20(), 0);
  policy = Policy(config);
  EXPECT_EQ(learned_of_20(), 8);
}

TEST(Policy, MemoryIsBoundedForAnyNumberOfPatterns) {
  Policy policy;
  std::uint64_t seq = 0;
  const auto meet = [&](PatternId first, PatternId last) {
    for (PatternId pattern = first; pattern <= last; ++pattern) policy.decide(repeat(++seq, 0, pattern));
    return policy.serialize().size();
  };
  const std::size_t full = meet(1, Policy::kPatternsMax);
  EXPECT_LT(meet(100'000, 300'000), full + 100);
  EXPECT_TRUE(Policy::deserialize(policy.serialize()).is_ok());
}

TEST(Policy, ASmallerBudgetCutsTheBucketAndALargerOneLeavesIt) {
  Policy policy(PolicyConfig{.burst_tokens = 1000});
  policy.set_config({.burst_tokens = 300});
  EXPECT_EQ(policy.bucket_tokens(), 300);
  policy.set_config({.burst_tokens = 5000});
  EXPECT_EQ(policy.bucket_tokens(), 300);
}

TEST(Policy, TokensAreEstimatedFromBytes) {
  Policy policy;
  PolicyInput input = repeat(1, 0, 1, 0);
  policy.decide(input);
  EXPECT_EQ(policy.count(Outcome::kLearned).tokens, Policy::estimate_tokens(input.text.size()));
  EXPECT_EQ(policy.count(Outcome::kLearned).bytes, input.text.size());
}

TEST(Policy, ClocksThatJumpAreHarmless) {
  Policy policy(PolicyConfig{.learn_tokens_per_s = 10, .burst_tokens = 1000});
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::uint64_t seq = 0;
  for (const std::int64_t arrival :
       {100 * kSecondUs, std::int64_t{0}, -kMax - 1, kMax, std::int64_t{5}, kMax, -kMax}) {
    policy.decide(repeat(++seq, arrival));
    EXPECT_LE(policy.bucket_tokens(), 1000);
  }
  // Going back gives nothing; afterwards time goes on from there.
  Policy steady(PolicyConfig{.learn_tokens_per_s = 10, .burst_tokens = 1000});
  steady.decide(repeat(1, 1000 * kSecondUs, 1, 900));
  EXPECT_EQ(steady.bucket_tokens(), 100);
  steady.decide({.text = "", .seq = 2, .arrival_us = 10 * kSecondUs});
  EXPECT_EQ(steady.bucket_tokens(), 100);
  steady.decide({.text = "", .seq = 3, .arrival_us = 15 * kSecondUs});
  EXPECT_EQ(steady.bucket_tokens(), 150);
}

TEST(Policy, StoredAndLoadedDecidesTheSame) {
  std::mt19937_64 random(41);
  const PolicyConfig config{.learn_tokens_per_s = 300, .burst_tokens = 20'000};
  Policy twin(config);
  Policy restarted(config);
  std::int64_t now = 0;
  bool over_budget = false;
  for (std::uint64_t seq = 1; seq <= 20'000; ++seq) {
    now += static_cast<std::int64_t>(random() % 200'000) - 20'000;
    const PolicyInput input = repeat(seq, now, static_cast<PatternId>(random() % 50), random() % 60);
    const Verdict expected = twin.decide(input);
    ASSERT_EQ(restarted.decide(input).outcome, expected.outcome) << seq;
    over_budget |= expected.outcome == Outcome::kOverBudget;
    if (seq % 313 == 0) {
      auto loaded = Policy::deserialize(restarted.serialize(), config);
      ASSERT_TRUE(loaded.is_ok()) << loaded.status().to_string();
      restarted = std::move(loaded).value();
    }
  }
  EXPECT_TRUE(over_budget);
  EXPECT_EQ(restarted.serialize(), twin.serialize());
}

TEST(Policy, DamagedStatesAreRefused) {
  Policy policy;
  for (std::uint64_t seq = 1; seq <= 50; ++seq) policy.decide(repeat(seq, 0, static_cast<PatternId>(seq)));
  const std::string good = policy.serialize();
  ASSERT_TRUE(Policy::deserialize(good).is_ok());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(Policy::deserialize(good.substr(0, size)).is_ok());
  EXPECT_FALSE(Policy::deserialize(good + "x").is_ok());
}

}  // namespace
}  // namespace silt::fold
