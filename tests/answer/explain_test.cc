// Explanations of records and lines by the store alone; tests/e2e has them with a model.
#include "daemon/answer/explain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "daemon/tools/lines_store.h"

namespace silt::answer {
namespace {

constexpr std::int64_t kArrival = 1'795'251'600'000'000;  // 2026-11-21T09:00:00Z

class Explain : public ::testing::Test {
 protected:
  void SetUp() override {
    source_.info.ref = store_.add("auth.log",
                                  "2026-11-21T08:00:01Z web1 sshd[11]: Accepted password for alice from 10.0.0.5 port 5\n"
                                  "2026-11-21T08:00:02Z web1 sshd[12]: Failed password for root from 10.0.0.7 port 6\n"
                                  "2026-11-21T08:00:03Z web1 cron[13]: job backup ended\n"
                                  "2026-11-21T08:00:04Z web1 sshd[14]: Failed password for root from 10.0.0.7 port 7\n"
                                  "2026-11-21T08:00:05Z web1 sshd[15]: Failed password for root from 10.0.0.8 port 8\n"
                                  "2026-11-21T08:00:06Z web1 kernel: eth0 link down\n",
                                  kArrival);
    source_.info.name = "auth.log";
    source_.fold = *store_.fold_head(source_.info.ref);
  }

  LinesStore store_;
  AnswerSource source_;
  std::atomic<bool> cancelled_ = false;
  ExplainContext context_{store_, store_, source_, cancelled_};
};

TEST_F(Explain, ARecordHasItsPatternAndEarlierOnesLikeIt) {
  const auto got = explain_record(context_, 4, nullptr);
  ASSERT_TRUE(got.is_ok()) << got.status().to_string();
  EXPECT_EQ(got->record().seq(), 4u);
  EXPECT_TRUE(got->record().text().ends_with("port 7"));
  EXPECT_EQ(got->record().text().substr(got->record().span_begin(), 4), "web1");
  EXPECT_EQ(got->pattern_count(), 3u);
  EXPECT_TRUE(got->text().starts_with("Its pattern has 3 records, first at 2026-11-21 08:00:02")) << got->text();
  ASSERT_GT(got->similar_size(), 1);
  EXPECT_EQ(got->similar(0).seq(), 2u);
  for (int i = 0; i < got->similar_size(); ++i) {
    EXPECT_LT(got->similar(i).seq(), 4u);
    EXPECT_EQ(got->similar(i).number(), std::uint32_t(i + 1));
    EXPECT_LE(got->similar(i).score(), got->similar(std::max(i - 1, 0)).score());
  }
}

TEST_F(Explain, TheFirstRecordHasNoEarlierOnes) {
  const auto got = explain_record(context_, 1, nullptr);
  ASSERT_TRUE(got.is_ok()) << got.status().to_string();
  EXPECT_EQ(got->similar_size(), 0);
}

TEST_F(Explain, ALineHasThePatternOfWhatIsMostLikeIt) {
  const auto got =
      explain_line(context_, "2026-11-21T11:00:00Z web1 sshd[99]: Failed password for root from 10.0.0.8 port 9", nullptr);
  ASSERT_TRUE(got.is_ok()) << got.status().to_string();
  EXPECT_EQ(got->similar(0).seq(), 5u);
  EXPECT_EQ(got->pattern_count(), 3u);
  const auto unlike = explain_line(context_, "fire in the server room", nullptr);
  ASSERT_TRUE(unlike.is_ok());
  EXPECT_EQ(unlike->similar_size(), 0);
  EXPECT_EQ(unlike->text(), "No pattern of this source is like it.");
}

TEST_F(Explain, WhatIsNotThereIsNotFoundAndCancelledEnds) {
  EXPECT_EQ(explain_record(context_, 999, nullptr).status().code(), Code::kNotFound);
  cancelled_ = true;
  EXPECT_EQ(explain_record(context_, 4, nullptr).status().code(), Code::kCancelled);
}

}  // namespace
}  // namespace silt::answer
