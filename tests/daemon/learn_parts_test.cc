// The parts of the learner on their own.
#include "daemon/learn/cpu_share.h"
#include "daemon/learn/ready_queue.h"
#include "tests/daemon/learn_bench.h"

namespace silt::learn {
namespace {

store::SourceRef ref(std::uint32_t id) {
  return {store::TenantId{1}, store::SourceId{id}};
}

// --- the state and its reader -------------------------------------------------------------------------

class NetReaderTest : public LearnTest {
 protected:
  void SetUp() override {
    net_ = make_learner();
    reader_ = std::make_unique<NetReader>(*net_, (*model_)->tokenizer(), [](std::uint64_t) { return true; });
    history_ = PolicyHistory::from_base({}, policy_);
    state_ = fresh_state(*net_, {}, history_);
  }
  Status read(const std::string& text, store::PatternId pattern = 1) {
    store::RecordView record;
    record.seq = state_.head.learned_seq + 1;
    record.text = text;
    Reading reading;
    reader_->take(state_, record, {.pattern = pattern}, false, reading);
    NetReader::Lane lane{&state_, &reading, &finals_, {}};
    reader_->read({&lane, 1});
    return lane.status;
  }

  std::unique_ptr<model::Learner> net_;
  std::unique_ptr<NetReader> reader_;
  PolicyHistory history_;
  NetState state_;
  NetReader::Scores finals_;
};

// What only the reading knows (budget, patterns met) is part of the state as the weights are.
TEST_F(NetReaderTest, TheDigestCoversPolicyAndNet) {
  const Digest fresh = digest_of(state_, *net_);
  ASSERT_TRUE(read("a line that is long enough for some tokens").is_ok());
  const Digest learned = digest_of(state_, *net_);
  EXPECT_FALSE(learned == fresh);
  NetState other = decode_state(encode_state(state_, *net_), *net_, history_).value();
  EXPECT_EQ(digest_of(other, *net_), learned);
  other.policy.decide({.text = "x", .seq = 2, .pattern = 2});
  EXPECT_FALSE(digest_of(other, *net_) == learned);
  const std::string blob = encode_state(state_, *net_);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, blob.size() / 2, blob.size() - 1}) {
    EXPECT_FALSE(decode_state(std::string_view(blob).substr(0, size), *net_, history_).is_ok()) << size;
  }
}

// A blob whose own check holds but whose parts do not belong together must not be believed.
TEST_F(NetReaderTest, BlobsWhoseTokensBelongToNoRecordAreRefused) {
  ASSERT_TRUE(read("a few tokens").is_ok());
  ASSERT_FALSE(state_.pending.empty());
  state_.pending.front().waiting += 1;
  EXPECT_EQ(decode_state(encode_state(state_, *net_), *net_, history_).status().code(), Code::kDataLoss);
}

// Counted records wait behind one whose tokens wait, so that scores become final in order.
TEST_F(NetReaderTest, ScoresBecomeFinalInOrder) {
  ASSERT_TRUE(read("").is_ok());
  ASSERT_EQ(finals_.size(), 1u);
  ASSERT_TRUE(read("abc").is_ok());
  ASSERT_TRUE(read("").is_ok());
  ASSERT_TRUE(read(" ").is_ok());
  EXPECT_EQ(finals_.size(), 1u);
  NetReader::Scores tail;
  ASSERT_TRUE(reader_->tail(state_, tail).is_ok());
  ASSERT_EQ(tail.size(), 3u);
  EXPECT_GT(tail[0].adapted_nats, 0);
  EXPECT_EQ(tail[2].seq, 4u);
  ASSERT_TRUE(read("a line with more than sixteen tokens in it, 1 2 3 4 5 6 7 8 9").is_ok());
  ASSERT_GE(finals_.size(), 4u);
  for (std::size_t i = 0; i < finals_.size(); ++i) EXPECT_EQ(finals_[i].seq, i + 1);
  EXPECT_EQ(finals_[1].adapted_nats, tail[0].adapted_nats);
}

// However many records follow one whose mini-batch stays open, memory is bounded, nothing is lost, and
// the early final score has the bits of the late one.
TEST_F(NetReaderTest, ManyRecordsDoNotWaitForAnOpenMiniBatch) {
  ASSERT_TRUE(read("abc").is_ok());
  NetReader::Scores tail;
  ASSERT_TRUE(reader_->tail(state_, tail).is_ok());
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(read("").is_ok());
  EXPECT_LE(state_.pending.size(), NetReader::kPendingMax);
  EXPECT_EQ(finals_.size() + state_.pending.size(), 3001u);
  EXPECT_EQ(finals_[0].adapted_nats, tail[0].adapted_nats);
  EXPECT_EQ(state_.settled_tokens, state_.net.open.size());
  const NetState loaded = decode_state(encode_state(state_, *net_), *net_, history_).value();
  EXPECT_EQ(digest_of(loaded, *net_), digest_of(state_, *net_));
  ASSERT_TRUE(read("a line with more than sixteen tokens in it, 1 2 3 4 5 6 7 8 9", 2).is_ok());
  EXPECT_EQ(state_.settled_tokens, 0u);
  EXPECT_GT(state_.head.steps, 0u);
}

TEST(PolicyHistoryTest, SaysWhatWasInForceWhere) {
  store::NetHead head;
  head.base_seq = 10;
  const fold::PolicyConfig a{.burst_tokens = 1}, b{.burst_tokens = 2}, c{.burst_tokens = 3};
  PolicyHistory history = PolicyHistory::from_base(head, a);
  history.changes.push_back({20, 2000, b});
  history.changes.push_back({20, 2000, c});
  EXPECT_EQ(history.behind(10).burst_tokens, 1u);
  EXPECT_EQ(history.behind(19).burst_tokens, 1u);
  EXPECT_EQ(history.at(20).burst_tokens, 1u);
  EXPECT_EQ(history.behind(20).burst_tokens, 3u);
  EXPECT_EQ(history.next(10)->after_seq, 20u);
  EXPECT_EQ(history.next(20), nullptr);
  head.learn_config = encode_history(history);
  const PolicyHistory again = decode_history(head, {});
  EXPECT_EQ(again.changes.size(), 3u);
  EXPECT_EQ(again.changes[1].after_bytes, 2000u);
  head.learn_config.resize(head.learn_config.size() / 2);
  EXPECT_EQ(decode_history(head, b).newest().burst_tokens, 2u);
  EXPECT_EQ(decode_history(head, b).changes.size(), 1u);
}

// --- who is ready ---------------------------------------------------------------------------------------

std::optional<store::SourceRef> next(ReadyQueue& queue, std::int64_t admit_until_us) {
  const Batch batch = form_batch(queue, {}, admit_until_us, 0);
  if (batch.sources.empty()) return std::nullopt;
  return batch.sources.front();
}

TEST(ReadyQueueTest, TurnsGoRound) {
  ReadyQueue queue;
  for (const std::uint32_t id : {1, 2, 3}) queue.set(ref(id), {10, 100}, 0, 0);
  std::vector<std::uint32_t> order;
  for (int i = 0; i < 6; ++i) {
    const store::SourceRef first = *next(queue, -1);
    order.push_back(static_cast<std::uint32_t>(first.source));
    queue.set(first, {5, 50}, 0, i);  // more may have come meanwhile
    queue.served(first, i);
    // One that is ready again at once waits like the others.
    if (i == 2) {
      queue.set(ref(1), {}, 0, i);
      queue.set(ref(1), {1, 1}, 0, i);
    }
  }
  EXPECT_EQ(order, (std::vector<std::uint32_t>{1, 2, 3, 2, 3, 1}));
}

TEST(ReadyQueueTest, TotalsFollow) {
  ReadyQueue queue;
  queue.set(ref(1), {10, 100}, 0, 0);
  queue.set(ref(2), {1, 7}, 1000, 0);
  EXPECT_EQ(queue.total().records, 11u);
  EXPECT_EQ(queue.total().bytes, 107u);
  queue.set(ref(1), {4, 40}, 0, 0);
  queue.set(ref(2), {}, 0, 0);
  EXPECT_EQ(queue.total().records, 4u);
  EXPECT_EQ(queue.total().bytes, 40u);
  EXPECT_EQ(queue.size(), 1u);
}

TEST(ReadyQueueTest, WhatIsNotWorthItsReplayIsPutOffUntilItIs) {
  ReadyQueue queue;
  queue.set(ref(1), {1, 100}, 1000, 50);
  EXPECT_FALSE(next(queue, 49));
  queue.set(ref(1), {2, 200}, 1000, 60);
  EXPECT_FALSE(next(queue, 49));
  queue.set(ref(1), {20, 2000}, 1000, 70);
  EXPECT_EQ(next(queue, 49), ref(1));
  // Let in, it keeps its place whatever comes; after its turn all is as before.
  queue.set(ref(2), {1, 100}, 1000, 10);
  EXPECT_EQ(next(queue, 9), ref(1));
  queue.set(ref(1), {}, 0, 80);
  EXPECT_EQ(next(queue, 10), ref(2));
  queue.set(ref(2), {1, 120}, 1000, 90);
  EXPECT_EQ(next(queue, 0), ref(2));
  queue.served(ref(2), 95);
  queue.set(ref(2), {1, 120}, 1000, 95);
  EXPECT_FALSE(next(queue, 90));
}

TEST(ReadyQueueTest, ReportsAreKeptOnceAndMayComeFromAnyThread) {
  ReadyQueue queue;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::uint32_t i = 0; i < 1000; ++i) {
        const store::SourceRef source = ref(i % 50);
        queue.report({&source, 1});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(queue.take_reported().size(), 50u);
  EXPECT_TRUE(queue.take_reported().empty());
}

// --- what replay costs, and who waits -------------------------------------------------------------------

TEST(ReplayCostTest, IsLearnedFromWorkThatWasDone) {
  ReplayCost cost;
  for (int i = 0; i < 100; ++i) {
    cost.measured({0, 1000}, 2000);
    cost.measured({10, 100}, 500'200);
  }
  EXPECT_NEAR(static_cast<double>(cost.us({100, 0})), 5'000'000, 50'000);
  EXPECT_NEAR(static_cast<double>(cost.us({0, 1'000'000})), 2'000'000, 20'000);
  EXPECT_EQ(cost.steps({3, 0}), 3u);
  EXPECT_EQ(cost.steps({0, 24'000}), 1u);
  cost.measured({0, 0}, 1000);  // nothing was done
}

TEST(CpuShareTest, PausesSoThatTheShareIsKept) {
  CpuShare share(0.5, 1);
  EXPECT_EQ(share.pause_us(0, 0), 0);
  EXPECT_EQ(share.pause_us(100'000, 100'000), 100'000);  // 100 ms of work, 50 ms earned
  EXPECT_EQ(share.pause_us(200'000, 100'000), 0);
  // Idle time is credited, but not without bound.
  EXPECT_EQ(share.pause_us(60'000'000, 100'000), 0);
  EXPECT_EQ(share.pause_us(60'000'000, 400'000), 200'000);
  EXPECT_EQ(CpuShare(0, 1).pause_us(0, 1'000'000), 0);
}

TEST(CpuShareTest, ATeamCountsAsOften) {
  CpuShare share(1.0, 2);
  EXPECT_EQ(share.pause_us(0, 0), 0);
  EXPECT_EQ(share.pause_us(100'000, 100'000), 100'000);
}

}  // namespace
}  // namespace silt::learn
