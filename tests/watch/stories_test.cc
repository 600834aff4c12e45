#include "daemon/watch/stories.h"

#include <gtest/gtest.h>

#include <vector>

namespace silt::watch {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

class StoriesTest : public ::testing::Test {
 protected:
  // One story of these patterns, a second long.
  void tell(const std::vector<store::PatternId>& patterns) {
    ++identifier_;
    for (const store::PatternId pattern : patterns) stories_.take(identifier_, ++seq_, now_us_, pattern, 0, emit_);
    now_us_ += kSecond;
  }
  void tell_usual(int count) {
    for (int i = 0; i < count; ++i) tell({1, 2, 3});
  }
  void end_all() {
    now_us_ += 2 * Stories::kIdleUs;
    tell({1, 2, 3});
  }

  Stories stories_;
  std::vector<OddStory> odd_;
  Stories::Emit emit_ = [this](const OddStory& story) { odd_.push_back(story); };
  std::uint64_t identifier_ = 0;
  store::Seq seq_ = 0;
  std::int64_t now_us_ = 1'000'000'000;
};

TEST_F(StoriesTest, OneThatEndsEarlyIsOdd) {
  tell_usual(200);
  tell({1, 2});
  const store::Seq seq = seq_;
  tell_usual(10);
  EXPECT_TRUE(odd_.empty()) << "it may go on yet";
  end_all();
  ASSERT_EQ(odd_.size(), 1U);
  EXPECT_EQ(odd_[0].seq, seq);
  EXPECT_EQ(odd_[0].pattern, 2U);
  EXPECT_EQ(odd_[0].alike, 0U);
  EXPECT_EQ(odd_[0].stories, 200U);
}

TEST_F(StoriesTest, OrderAndRepetitionMakeNoDifference) {
  tell_usual(200);
  tell({3, 3, 1, 1, 2});
  end_all();
  EXPECT_TRUE(odd_.empty());
}

TEST_F(StoriesTest, WhatHappensOftenIsUsual) {
  for (int i = 0; i < 100; ++i) {
    tell_usual(9);
    tell({1, 2});
  }
  end_all();
  EXPECT_TRUE(odd_.empty());
}

TEST_F(StoriesTest, NothingIsOddAmongFew) {
  tell_usual(static_cast<int>(Stories::kStoriesMin) - 1);
  tell({1, 2});
  end_all();
  EXPECT_TRUE(odd_.empty());
}

TEST_F(StoriesTest, WhereAllDifferNoneIsOdd) {
  for (int i = 0; i < 2000; ++i) tell({static_cast<store::PatternId>(i), static_cast<store::PatternId>(i * 7), 3});
  end_all();
  EXPECT_TRUE(odd_.empty());
}

TEST_F(StoriesTest, MoreThanAreKeptEndUnjudged) {
  now_us_ = 0;
  for (std::size_t i = 0; i < 3 * Stories::kLiveMax; ++i) stories_.take(i + 1, ++seq_, 0, 1, 0, emit_);
  EXPECT_TRUE(odd_.empty());
}

}  // namespace
}  // namespace silt::watch
