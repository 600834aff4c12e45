// Versions that stay, states that go back, and sets of records that are left out.
#include <gtest/gtest.h>

#include <random>

#include "daemon/store/seq_ranges.h"
#include "daemon/store/versions.h"
#include "tests/daemon/store_world.h"

namespace silt::store {
namespace {

using Ranges = std::vector<SeqRange>;

TEST(SeqRanges, AreNormalWhateverOverlapsAndTouches) {
  EXPECT_EQ(normalized({{9, 12}, {1, 3}, {4, 5}, {11, 20}, {8, 7}}), (Ranges{{1, 5}, {9, 20}}));
  EXPECT_EQ(normalized({{5, ~Seq{0}}, {7, 8}}), (Ranges{{5, ~Seq{0}}}));
  const Ranges some{{3, 5}, {9, 9}};
  for (Seq seq = 0; seq < 12; ++seq) EXPECT_EQ(contains(some, seq), (seq >= 3 && seq <= 5) || seq == 9) << seq;
  EXPECT_TRUE(covers(some, 4, 5));
  EXPECT_FALSE(covers(some, 4, 6));
  EXPECT_FALSE(covers(some, 5, 9));
  EXPECT_FALSE(covers({}, 1, 1));
  EXPECT_EQ(records_in(some), 4u);
}

// A version every ten minutes for a year: few are kept, none of the newest is lost, and whatever age is wanted, one
// of about that age is there.
TEST(Versions, LieEverFurtherApart) {
  constexpr std::int64_t kMinuteUs = 60'000'000;
  constexpr std::size_t kKept = 12;
  std::vector<VersionAge> newest_first;
  for (std::int64_t now = 0; now < 365 * 24 * 60; now += 10) {
    newest_first.insert(newest_first.begin(), {now * kMinuteUs, now == 600});
    for (const std::size_t dropped : versions_to_drop(newest_first, kKept, now * kMinuteUs)) {
      ASSERT_GE(dropped, 2u);
      ASSERT_FALSE(newest_first[dropped].pinned);
      newest_first.erase(newest_first.begin() + static_cast<std::ptrdiff_t>(dropped));
    }
    ASSERT_LE(newest_first.size(), kKept + 1);
    for (std::size_t i = 3; i < newest_first.size(); ++i) {
      const auto age = [&](std::size_t at) { return static_cast<double>(now * kMinuteUs - newest_first[at].written_us); };
      ASSERT_LE(age(i) / age(i - 1), 8) << "a hole before " << age(i) / kMinuteUs << " minutes, at minute " << now;
    }
  }
  EXPECT_EQ(newest_first.size(), kKept + 1);
  EXPECT_TRUE(newest_first[newest_first.size() - 2].pinned || newest_first.back().pinned);
}

class RewindTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.reopen().is_ok());
    source_ = &world_.source("a");
    ASSERT_TRUE(world_.append(*source_, 700).is_ok());
    ASSERT_TRUE(world_.fold(*source_).is_ok());
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(world_.score(*source_, 100, 3, "blob at " + std::to_string(100 * i)).is_ok());
  }
  std::vector<Seq> kept() {
    std::vector<Seq> out;
    const auto versions = world_.store().versions(source_->info.ref).value();
    for (const StateVersionInfo& version : versions) out.push_back(version.learned_seq);
    return out;
  }
  // Back to record 200, whose last ten wait for their mini-batch.
  NetRewind back() {
    NetRewind rewind;
    rewind.source = source_->info.ref;
    rewind.head = source_->net;
    rewind.head.learned_seq = 200;
    rewind.final_scores_through = 190;
    for (Seq seq = 191; seq <= 200; ++seq) rewind.tail.push_back(*source_->records[seq - 1].score);
    rewind.left_out = {{201, 250}, {300, 300}};
    rewind.request = {"id", "done", 5};
    return rewind;
  }
  StoreWorld world_{3};
  SourceModel* source_ = nullptr;
};

TEST_F(RewindTest, MovesHeadScoresAndVersionsTogether) {
  ASSERT_EQ(kept(), (std::vector<Seq>{500, 400, 300, 200, 100}));
  ASSERT_TRUE(world_.store().rewind(back()).is_ok());
  for (const bool again : {false, true}) {
    if (again) ASSERT_TRUE(world_.reopen().is_ok());
    const RocksStore& store = world_.store();
    const SourceRef ref = source_->info.ref;
    EXPECT_EQ(kept(), (std::vector<Seq>{200, 100}));
    EXPECT_EQ(store.net_head(ref).value()->learned_seq, 200u);
    EXPECT_EQ(store.load(ref).value()->blob, "blob at 200");
    EXPECT_EQ(store.blob(ref, 100).value(), "blob at 100");
    EXPECT_EQ(store.blob(ref, 300).status().code(), Code::kNotFound);
    std::vector<Score> scores;
    ASSERT_TRUE(store.scores(ref, 1, ~Seq{0}, scores).is_ok());
    ASSERT_EQ(scores.size(), 200u);
    for (std::size_t i = 0; i < scores.size(); ++i) EXPECT_EQ(scores[i].seq, i + 1);
    EXPECT_EQ(store.left_out(ref, 0).value(), (Ranges{{201, 250}, {300, 300}}));
    EXPECT_EQ(store.left_out(ref, 250).value(), (Ranges{{300, 300}}));
    EXPECT_EQ(store.request_result(ref.tenant, "id").value(), "done");
  }
  // What is scored again goes on where the scores were cut.
  source_->net = *world_.store().net_head(source_->info.ref).value();
  source_->net.learned_seq = 190;
  for (Seq seq = 191; seq <= 700; ++seq) source_->records[seq - 1].score.reset();
  ASSERT_TRUE(world_.score(*source_, 400).is_ok());
  world_.check(*source_);
}

TEST_F(RewindTest, SecondOnesAddToTheFirstAndGoWithTheSource) {
  ASSERT_TRUE(world_.store().rewind(back()).is_ok());
  NetRewind second = back();
  second.left_out = {{240, 260}};
  ASSERT_TRUE(world_.store().rewind(second).is_ok());
  const SourceRef ref = source_->info.ref;
  EXPECT_EQ(world_.store().left_out(ref, 0).value(), (Ranges{{201, 260}, {300, 300}}));
  ASSERT_TRUE(world_.store().delete_source(ref, {}).is_ok());
  EXPECT_TRUE(world_.store().left_out(ref, 0).value().empty());
}

TEST_F(RewindTest, APinnedVersionStaysBeyondTheSchedule) {
  world_.options.versions_kept = 2;
  ASSERT_TRUE(world_.reopen().is_ok());
  ASSERT_TRUE(world_.store().pin(source_->info.ref, 300, true, {}).is_ok());
  ASSERT_TRUE(world_.score(*source_, 1, 0, "blob").is_ok());
  EXPECT_EQ(kept(), (std::vector<Seq>{501, 500, 300}));
  EXPECT_TRUE(world_.store().versions(source_->info.ref).value()[2].pinned);
  EXPECT_EQ(world_.store().pin(source_->info.ref, 400, true, {}).code(), Code::kNotFound);
  ASSERT_TRUE(world_.store().pin(source_->info.ref, 300, false, {}).is_ok());
  ASSERT_TRUE(world_.score(*source_, 1, 0, "blob").is_ok());
  EXPECT_EQ(kept(), (std::vector<Seq>{502, 501}));
}

TEST_F(RewindTest, TheAuditAnchorIsDurable) {
  EXPECT_EQ(world_.store().audit_anchor()->number, 0u);
  ASSERT_TRUE(world_.store().put_audit_anchor({7, "abc"}).is_ok());
  ASSERT_TRUE(world_.reopen().is_ok());
  EXPECT_EQ(world_.store().audit_anchor()->number, 7u);
  EXPECT_EQ(world_.store().audit_anchor()->sha256, "abc");
}

}  // namespace
}  // namespace silt::store
