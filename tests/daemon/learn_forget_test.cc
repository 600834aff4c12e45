// What forgetting and importing do to the state of a net.
#include <algorithm>

#include "tests/daemon/learn_bench.h"

namespace silt::learn {
namespace {

class LearnForgetTest : public LearnTest {
 protected:
  void SetUp() override {
    LearnTest::SetUp();
    store_->blobs_kept = 100;
    policy_.burst_tokens = 1'000'000;
  }
  void learn_in_stages(int last, int stage) {
    for (int first = 1; first <= last; first += stage) {
      write("s", first, first + stage - 1);
      run_to_end({"s"});
    }
  }
  Result<ForgetResult> forget(std::vector<store::SeqRange> ranges, bool dry_run = false) {
    start();
    auto result = loop_->forget({source(), dry_run, std::move(ranges)});
    learn_all("s");
    stop();
    return result;
  }
};

TEST_F(LearnForgetTest, TheStateIsThatOfANetThatNeverReadThem) {
  learn_in_stages(160, 40);
  ASSERT_TRUE(store_->pin(source(), 120, true, {}).is_ok());
  const Digest before = head().state_digest;
  const auto dry = forget({{71, 90}, {121, 130}}, true);
  ASSERT_TRUE(dry.is_ok()) << dry.status().to_string();
  EXPECT_EQ(head().state_digest, before);
  EXPECT_EQ(store_->fold_resets, 0u);
  const auto kept = store_->versions(source()).value();
  const auto done = forget({{71, 90}, {121, 130}});
  ASSERT_TRUE(done.is_ok()) << done.status().to_string();
  EXPECT_EQ(done->old_digest, before);
  EXPECT_EQ(done->from_seq, 40u);
  EXPECT_EQ(static_cast<std::ptrdiff_t>(done->dropped_versions), std::count_if(kept.begin(), kept.end(), [](const auto& version) {
              return version.learned_seq > 40;  // the pinned one, too
            }));
  EXPECT_EQ(dry->from_digest, done->from_digest);
  EXPECT_EQ(skipped("s", fold::Outcome::kLeftOut), 30u);
  const std::string forgotten = learned();
  // A twin whose journal was like that from the beginning.
  store_ = std::make_unique<testing::MemoryStore>();
  write("s", 1, 160);
  ASSERT_TRUE(store_->forget(source(), {{71, 90}, {121, 130}}, [] {}).is_ok());
  run_to_end({"s"});
  EXPECT_EQ(learned(), forgotten);
}

TEST_F(LearnForgetTest, TwiceIsAsGoodAsOnce) {
  learn_in_stages(120, 40);
  ASSERT_TRUE(forget({{50, 60}}).is_ok());
  const std::string once = learned();
  ASSERT_TRUE(forget({{50, 60}}).is_ok());
  EXPECT_EQ(learned(), once);
}

// The fold begins at the oldest record that there is, with other numbers: nothing that was stored fits.
TEST_F(LearnForgetTest, WhereRetentionRemovedRecordsItBeginsAnew) {
  learn_in_stages(120, 40);
  ASSERT_EQ(store_->trim(source(), 40).value(), 40u);
  const auto done = forget({{100, 110}});
  ASSERT_TRUE(done.is_ok()) << done.status().to_string();
  EXPECT_EQ(done->from_seq, 40u);
  EXPECT_GE(done->dropped_versions, 1u);
  EXPECT_EQ(head().base_seq, 40u);
  EXPECT_EQ(head().learned_seq, 120u);
}

TEST_F(LearnForgetTest, AnImportedStateGoesOnAndSurvivesARestart) {
  learn_in_stages(80, 40);
  const auto exported = store_->versions(source())->front();
  const std::string blob = store_->blob(source(), exported.learned_seq).value();
  write("t", 1, 20);
  run_to_end({"t"});
  start();
  const auto dry = loop_->import_state({source("t"), "", true, blob, exported.state_version});
  ASSERT_TRUE(dry.is_ok()) << dry.status().to_string();
  const auto done = loop_->import_state({source("t"), "id", false, blob, exported.state_version});
  ASSERT_TRUE(done.is_ok()) << done.status().to_string();
  EXPECT_EQ(done->new_version, exported.state_version + 1);
  EXPECT_EQ(loop_->import_state({source("t"), "id", false, blob, exported.state_version})->new_version, done->new_version);
  EXPECT_EQ(loop_->import_state({source("t"), "", false, "no state", 1}).status().code(), Code::kInvalidArgument);
  stop();
  EXPECT_EQ(head("t").state_version, done->new_version);
  EXPECT_EQ(head("t").base_seq, 20u);
  EXPECT_TRUE(store_->versions(source("t"))->front().pinned);
  write("t", 21, 120);
  run_to_end({"t"});  // a digest that differs would stop it
  EXPECT_EQ(head("t").learned_seq, 120u);
  EXPECT_GT(head("t").steps, head("s").steps);
}

}  // namespace
}  // namespace silt::learn
