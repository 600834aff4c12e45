// Un-learning: what is left out leaves no trace in the state, now and in later replays.
#include "tests/daemon/learn_bench.h"

namespace silt::learn {
namespace {

using fold::Outcome;

class RollbackTest : public LearnTest {
 protected:
  void SetUp() override {
    LearnTest::SetUp();
    store_->blobs_kept = 100;
  }
  // A store of lines 1..last whose net never saw what is left out.
  std::string never_saw(int last, std::vector<store::SeqRange> left_out) {
    auto mine = std::exchange(store_, std::make_unique<testing::MemoryStore>());
    write("s", 1, last);
    store_->change(source(), [&](testing::StoredSource& source) { source.left_out = std::move(left_out); });
    run_to_end({"s"});
    std::string learned = store_->learned(source());
    store_ = std::move(mine);
    return learned;
  }
  // In stages, so that several versions are stored.
  void learn_in_stages(int last, int stage) {
    for (int first = 1; first <= last; first += stage) {
      write("s", first, first + stage - 1);
      run_to_end({"s"});
    }
  }
  RollbackRequest without(std::vector<store::SeqRange> ranges, const std::string& id = "") {
    RollbackRequest request;
    request.source = source();
    request.left_out = std::move(ranges);
    request.request_id = id;
    return request;
  }
  Result<RollbackResult> roll_back(const RollbackRequest& request) {
    start();
    auto result = loop_->rollback(request);
    learn_all("s");
    stop();
    return result;
  }
  // Of the net alone, without the numbers of its records.
  Digest net_digest(const std::string& name) {
    const auto learner = make_learner();
    const testing::StoredSource stored = store_->of(source(name));
    return learner->digest(decode_state(stored.blobs.back().second, *learner, decode_history(*stored.net, policy_))->net);
  }
};

TEST_F(RollbackTest, WithoutARangeTheStateIsThatOfATwinThatNeverSawIt) {
  const std::string expected = never_saw(200, {{71, 90}, {121, 130}});
  learn_in_stages(200, 40);
  const std::string poisoned = store_->learned(source());
  const auto result = roll_back(without({{121, 130}, {71, 90}}));
  ASSERT_TRUE(result.is_ok()) << result.status().to_string();
  EXPECT_EQ(result->from_seq, 40u);
  EXPECT_EQ(result->left_out_records, 30u);
  EXPECT_EQ(result->reread_records, 200u - 40 - 30);
  EXPECT_EQ(result->dropped_versions, 4u);
  EXPECT_EQ(store_->learned(source()), expected);
  EXPECT_NE(store_->learned(source()), poisoned);
  EXPECT_EQ(skipped("s", Outcome::kLeftOut), 30u);
  EXPECT_EQ(store_->scores_out_of_order, 0u);
}

TEST_F(RollbackTest, ToAVersionGivesItsDigest) {
  learn_in_stages(120, 40);
  const auto at_80 = store_->versions(source()).value().at(1);
  ASSERT_EQ(at_80.learned_seq, 80u);
  const auto result = roll_back(without({{81, ~store::Seq{0}}}));
  ASSERT_TRUE(result.is_ok());
  EXPECT_EQ(result->reread_records, 0u);
  EXPECT_EQ(head().learned_seq, 120u);
  EXPECT_EQ(head().state_digest, at_80.state_digest);
  EXPECT_EQ(head().state_version, at_80.state_version);
  write("s", 121, 200);  // what comes later is learned
  run_to_end({"s"});
  EXPECT_EQ(store_->learned(source()), never_saw(200, {{81, 120}}));
}

// A log in which the lines never were: other numbers, and the same net.
TEST_F(RollbackTest, TheNetIsThatOfALogWithoutTheLines) {
  policy_.burst_tokens = 1'000'000;  // nothing is sampled: samples are drawn by number
  const auto poison = [&](const std::string& name) {
    store::StreamAppend stream;
    stream.source = source(name);
    for (int i = 0; i < 20; ++i) {
      store::RecordView record;
      record.arrival_us = 1'700'000'000'000'000 + 100 * 100'000LL;
      record.text = "ALERT all is well, ignore what follows";
      stream.records.push_back(record);
    }
    ASSERT_TRUE(store_->append({.streams = {stream}, .cursors = {}}).is_ok());
    store_->fold(stream.source);
  };
  write("clean", 1, 160);
  write("s", 1, 100);
  poison("s");
  write("s", 101, 160);
  run_to_end({"clean", "s"});
  EXPECT_NE(head("clean").state_digest, head("s").state_digest);
  ASSERT_TRUE(roll_back(without({{101, 120}})).is_ok());
  EXPECT_EQ(head("s").steps, head("clean").steps);
  EXPECT_EQ(net_digest("s"), net_digest("clean"));
}

TEST_F(RollbackTest, LaterReplaysLeaveThemOut) {
  const std::string expected = never_saw(160, {{41, 60}});
  learn_in_stages(160, 40);
  ASSERT_TRUE(roll_back(without({{41, 60}})).is_ok());
  ASSERT_EQ(store_->learned(source()), expected);
  store_->change(source(), [](testing::StoredSource& source) { source.blobs.clear(); });
  start();  // from the base; a digest that differs would stop it
  wait_for_weights("s");
  stop();
  ASSERT_TRUE(fatal_.is_ok()) << fatal_.to_string();
  EXPECT_EQ(store_->learned(source()), expected);
}

TEST_F(RollbackTest, SecondOnesAddToTheFirst) {
  learn_in_stages(120, 40);
  ASSERT_TRUE(roll_back(without({{90, 99}})).is_ok());
  ASSERT_TRUE(roll_back(without({{50, 59}, {95, 110}})).is_ok());
  EXPECT_EQ(store_->learned(source()), never_saw(120, {{50, 59}, {90, 110}}));
}

TEST_F(RollbackTest, ADryRunSaysTheSameAndDoesNothing) {
  learn_in_stages(120, 40);
  const std::string before = store_->learned(source());
  RollbackRequest request = without({{50, 60}}, "id");
  request.dry_run = true;
  const auto dry = roll_back(request);
  ASSERT_TRUE(dry.is_ok());
  EXPECT_EQ(store_->learned(source()), before);
  EXPECT_TRUE(store_->of(source()).left_out.empty());
  request.dry_run = false;
  const auto done = roll_back(request);
  ASSERT_TRUE(done.is_ok());
  EXPECT_EQ(done->from_seq, dry->from_seq);
  EXPECT_EQ(done->reread_records, dry->reread_records);
  EXPECT_EQ(done->left_out_records, dry->left_out_records);
}

TEST_F(RollbackTest, ARequestIsCarriedOutOnce) {
  learn_in_stages(80, 40);
  const auto first = roll_back(without({{50, 60}}, "id"));
  ASSERT_TRUE(first.is_ok());
  const std::string after = store_->learned(source());
  const auto again = roll_back(without({{1, 10}}, "id"));
  ASSERT_TRUE(again.is_ok());
  EXPECT_EQ(again->left_out_records, first->left_out_records);
  EXPECT_EQ(store_->learned(source()), after);
  RollbackRequest other = without({{1, 10}}, "id");
  other.asked = 7;  // its caller named other records
  EXPECT_EQ(roll_back(other).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(store_->learned(source()), after);
  start();
  EXPECT_EQ(loop_->reset({.source = source(), .request_id = "id"}).status().code(), Code::kAlreadyExists);
}

TEST_F(RollbackTest, WhatCannotBeIsSaidBefore) {
  learn_in_stages(120, 40);
  const std::string before = store_->learned(source());
  RollbackRequest moved = without({{50, 60}});
  moved.expected_version = 1;
  EXPECT_EQ(roll_back(moved).status().code(), Code::kAborted);
  EXPECT_EQ(roll_back(without({{121, 130}})).status().code(), Code::kInvalidArgument);
  // Retention has removed what would have to be read again: the newest version before it is too old.
  store_->change(source(), [](testing::StoredSource& source) { source.blobs.erase(source.blobs.begin()); });
  ASSERT_EQ(store_->trim(source(), 80).value(), 80u);
  const auto removed = roll_back(without({{50, 60}}));
  EXPECT_EQ(removed.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(removed.status().message().find("retention"), std::string::npos) << removed.status().message();
  EXPECT_EQ(store_->learned(source()), before);
  // All behind a version that is kept needs nothing of it.
  EXPECT_TRUE(roll_back(without({{81, 120}})).is_ok());
}

TEST_F(RollbackTest, APinnedVersionStandsInTheWay) {
  learn_in_stages(120, 40);
  const store::Seq newest = store_->versions(source()).value().front().learned_seq;
  ASSERT_TRUE(store_->pin(source(), newest, true, {}).is_ok());
  EXPECT_EQ(roll_back(without({{50, 60}})).status().code(), Code::kFailedPrecondition);
  start();
  EXPECT_EQ(loop_->reset({.source = source()}).status().code(), Code::kFailedPrecondition);
  stop();
  ASSERT_TRUE(store_->pin(source(), newest, false, {}).is_ok());
  EXPECT_TRUE(roll_back(without({{50, 60}})).is_ok());
}

}  // namespace
}  // namespace silt::learn
