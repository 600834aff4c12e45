#include "daemon/watch/source_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace silt::watch {
namespace {

constexpr std::int64_t kMinute = 60'000'000;
const store::SourceRef kSource{store::TenantId{1}, store::SourceId{2}};

// A log of its own making: patterns 1 and 2 come ten and once a minute.
class SourceWatchTest : public ::testing::Test {
 protected:
  void add(std::int64_t minute, store::PatternId pattern, int count = 1, bool is_new = false) {
    for (int i = 0; i < count; ++i) watch_.take({++seq_, minute * kMinute + i * 1000, pattern, is_new}, emit_);
  }
  void usual(std::int64_t from, std::int64_t to, bool second = true) {
    for (std::int64_t minute = from; minute < to; ++minute) {
      add(minute, 1, 10);
      if (second) add(minute, 2);
    }
  }
  std::vector<Kind> kinds() const {
    std::vector<Kind> out;
    for (const Change& change : changes_) out.push_back(change.kind);
    return out;
  }

  SourceWatch watch_{kSource};
  store::Seq seq_ = 0;
  std::vector<Change> changes_;
  SourceWatch::Emit emit_ = [this](const Change& change) { changes_.push_back(change); };
};

TEST_F(SourceWatchTest, WhatIsUsualIsNoNews) {
  usual(0, 500);
  watch_.look_at_silence(502 * kMinute, 500 * kMinute, 500 * kMinute, emit_);
  EXPECT_TRUE(changes_.empty());
}

TEST_F(SourceWatchTest, ANewPatternIsNewsWhereFewAreNew) {
  add(0, 1, 1, true);
  add(0, 2, 1, true);
  EXPECT_TRUE(changes_.empty());  // everything is new at first
  usual(1, 300);
  add(300, 3, 1, true);
  ASSERT_EQ(kinds(), std::vector<Kind>{Kind::kNewPattern});
  EXPECT_EQ(changes_[0].pattern, 3U);
  EXPECT_EQ(changes_[0].seq, seq_);
}

TEST_F(SourceWatchTest, FiveHundredRecordsAreEnough) {
  add(0, 1, 1, true);
  usual(1, 50, false);
  add(50, 1, 8);
  add(50, 2, 1, true);
  EXPECT_TRUE(changes_.empty());  // it is the 500th itself
  add(51, 3, 1, true);
  EXPECT_EQ(kinds(), std::vector<Kind>{Kind::kNewPattern});
}

TEST_F(SourceWatchTest, WhereManyAreNewNoneIsNews) {
  for (int i = 0; i < 3000; ++i) add(i / 10, static_cast<store::PatternId>(i + 1), 1, i % 20 == 0);
  EXPECT_TRUE(changes_.empty());
}

TEST_F(SourceWatchTest, FarMoreThanEverIsNewsOnce) {
  usual(0, 100);
  add(100, 1, 31);
  add(100, 2);
  usual(101, 110);
  ASSERT_EQ(kinds(), (std::vector<Kind>{Kind::kLouder})) << "of the pattern; the source as a whole is within its bounds";
  EXPECT_EQ(changes_[0].pattern, 1U);
  EXPECT_EQ(changes_[0].value, 31);
  EXPECT_NEAR(changes_[0].most_before, 10, 1e-9);
  EXPECT_EQ(changes_[0].time_us, 100 * kMinute);
  add(110, 1, 31);  // by now that has been seen
  usual(111, 112);
  EXPECT_EQ(changes_.size(), 1U);
}

TEST_F(SourceWatchTest, FewAreNeverLoud) {
  usual(0, 100);
  add(100, 2, 9);
  usual(101, 103);
  EXPECT_TRUE(changes_.empty());
}

TEST_F(SourceWatchTest, WhatCameRegularlyAndDoesNotIsGoneOnceUntilItComesAgain) {
  usual(0, 100);
  usual(100, 120, false);
  ASSERT_EQ(kinds(), std::vector<Kind>{Kind::kGone});
  EXPECT_EQ(changes_[0].pattern, 2U);
  EXPECT_EQ(changes_[0].value, SourceWatch::kQuietMinutesMin);
  usual(120, 200);
  usual(200, 300, false);
  EXPECT_EQ(changes_.size(), 2U);
  EXPECT_GE(changes_[1].value, 3 * 20);  // twenty minutes are usual by now
}

TEST_F(SourceWatchTest, ASourceThatPausesAsAWholeLosesNoPattern) {
  usual(0, 100);
  usual(200, 210);
  EXPECT_TRUE(changes_.empty());
}

TEST_F(SourceWatchTest, SilenceIsOfASourceThatWroteOfLate) {
  usual(0, 100);
  const std::int64_t last = 99 * kMinute;
  watch_.look_at_silence(last + 4 * kMinute, last, last, emit_);
  EXPECT_TRUE(changes_.empty());
  watch_.look_at_silence(last + 5 * kMinute, last, last, emit_);
  watch_.look_at_silence(last + 6 * kMinute, last, last, emit_);
  EXPECT_EQ(kinds(), std::vector<Kind>{Kind::kSilence});
  add(110, 1);
  watch_.look_at_silence(150 * kMinute, 110 * kMinute, 110 * kMinute, emit_);
  EXPECT_EQ(changes_.size(), 2U);
}

TEST_F(SourceWatchTest, AnOldFileThatWasReadOnceIsNotSilent) {
  usual(0, 100);
  watch_.look_at_silence(100'500 * kMinute, 100'000 * kMinute, 100'000 * kMinute, emit_);
  EXPECT_TRUE(changes_.empty());
}

TEST_F(SourceWatchTest, ASurprisingMinuteNamesItsMostSurprisingRecord) {
  store::Seq seq = 0;
  for (std::int64_t minute = 0; minute < 100; ++minute) {
    for (int i = 0; i < 6; ++i) watch_.take_surprise(++seq, minute * kMinute, 0.5, emit_);
  }
  for (int i = 0; i < 6; ++i) watch_.take_surprise(++seq, 100 * kMinute, i == 2 ? 4 : 2, emit_);
  watch_.take_surprise(++seq, 101 * kMinute, 0.5, emit_);
  ASSERT_EQ(kinds(), std::vector<Kind>{Kind::kSurprise});
  EXPECT_EQ(changes_[0].seq, 603U);
}

TEST_F(SourceWatchTest, ClocksMayJumpBack) {
  usual(0, 100);
  usual(0, 50);
  EXPECT_LE(changes_.size(), 3U);
  usual(101, 200);
}

TEST_F(SourceWatchTest, TroubleOfAnUnusualKindIsNewsOnceAnHour) {
  usual(0, 40);
  const auto trouble = [&](std::int64_t minute) { watch_.take({++seq_, minute * kMinute, 9, false, 3, 0}, emit_); };
  trouble(40);
  ASSERT_EQ(kinds(), std::vector<Kind>{Kind::kSeverity});
  EXPECT_EQ(changes_[0].seq, seq_);
  EXPECT_GE(changes_[0].score, kAlertScore);
  trouble(41);
  trouble(99);
  EXPECT_EQ(changes_.size(), 1U);
  trouble(170);
  EXPECT_EQ(changes_.size(), 2U);
}

TEST_F(SourceWatchTest, TroubleThatIsUsualIsNoNews) {
  for (std::int64_t minute = 0; minute < 200; ++minute) {
    add(minute, 1, 10);
    watch_.take({++seq_, minute * kMinute, 2, false, 3, 0}, emit_);
  }
  std::erase_if(changes_, [](const Change& change) { return change.time_us < 40 * kMinute; });
  watch_.take({++seq_, 400 * kMinute, 2, false, 3, 0}, emit_);
  EXPECT_EQ(std::count(kinds().begin(), kinds().end(), Kind::kSeverity), 0);
}

TEST_F(SourceWatchTest, AWarningAloneIsNoNews) {
  usual(0, 40);
  watch_.take({++seq_, 40 * kMinute, 9, false, 1, 0}, emit_);
  EXPECT_TRUE(changes_.empty());
}

TEST_F(SourceWatchTest, AStoryOfARareShapeIsNews) {
  for (std::uint64_t story = 1; story <= 300; ++story) {
    const auto at = static_cast<std::int64_t>(story) * 1'000'000;
    watch_.take({++seq_, at, 1, false, 0, story}, emit_);
    if (story != 200) watch_.take({++seq_, at, 2, false, 0, story}, emit_);
  }
  ASSERT_EQ(kinds(), std::vector<Kind>{Kind::kOddStory});
  EXPECT_EQ(changes_[0].seq, 399U);
  EXPECT_EQ(changes_[0].value, 0);
}

}  // namespace
}  // namespace silt::watch
