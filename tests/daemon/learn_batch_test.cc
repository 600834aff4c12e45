// Many sources side by side: who is in a turn, and that it changes nothing but time.
#include <stdexcept>

#include "daemon/learn/batch_former.h"
#include "daemon/learn/latency.h"
#include "model/backends/backends.h"
#include "model/lane_learner.h"
#include "model/recall_gate.h"
#include "tests/daemon/learn_bench.h"
#include "tests/model/fake_lane_engine.h"

namespace silt::learn {
namespace {

constexpr int kSlow = 255;

store::SourceRef ref(std::uint32_t id) { return {store::TenantId{1}, store::SourceId{id}}; }

std::vector<std::uint32_t> ids(const Batch& batch) {
  std::vector<std::uint32_t> ids;
  for (const store::SourceRef source : batch.sources) ids.push_back(static_cast<std::uint32_t>(source.source));
  return ids;
}

TEST(FormBatchTest, AProcessorTakesOneAtATimeAndAtOnce) {
  ReadyQueue queue;
  EXPECT_TRUE(form_batch(queue, {}, -1, 0).sources.empty());
  for (const std::uint32_t id : {3, 1, 2}) queue.set(ref(id), {1, 1}, 0, 100);
  const Batch batch = form_batch(queue, {.lanes = 1, .lane_bytes = 48}, -1, 100);
  EXPECT_EQ(ids(batch), (std::vector<std::uint32_t>{3}));
}

TEST(FormBatchTest, WaitsForMoreButNotForLong) {
  ReadyQueue queue;
  const BatchLimits limits{.lanes = 2, .lane_bytes = 48, .wait_us = 2000};
  EXPECT_EQ(form_batch(queue, limits, -1, 0).wait_us, 0);
  queue.set(ref(1), {9, 100}, 0, 10'000);
  EXPECT_EQ(form_batch(queue, limits, -1, 10'500).wait_us, 1500);
  EXPECT_TRUE(form_batch(queue, limits, -1, 10'500).sources.empty());
  EXPECT_EQ(ids(form_batch(queue, limits, -1, 12'000)), (std::vector<std::uint32_t>{1}));
  // Full, it begins at once.
  queue.set(ref(2), {9, 100}, 0, 10'600);
  EXPECT_EQ(ids(form_batch(queue, limits, -1, 10'600)), (std::vector<std::uint32_t>{1, 2}));
  // What is left of a turn has waited since that began: a hot source alone never waits for others.
  queue.set(ref(2), {}, 0, 13'000);
  queue.served(ref(1), 10'600);
  EXPECT_EQ(ids(form_batch(queue, limits, -1, 13'000)), (std::vector<std::uint32_t>{1}));
}

// Those with less than a mini-batch come along, in their order, but not without bound.
TEST(FormBatchTest, ASourceTakesALaneWhenAMiniBatchWaits) {
  ReadyQueue queue;
  for (std::uint32_t id = 1; id <= 5; ++id) queue.set(ref(id), {1, id == 2 || id >= 4 ? 48u : 10u}, 0, 0);
  const BatchLimits limits{.lanes = 2, .lane_bytes = 48, .wait_us = 2000};
  EXPECT_EQ(ids(form_batch(queue, limits, -1, 1)), (std::vector<std::uint32_t>{1, 2, 3, 4}));
  for (std::uint32_t id = 10; id < 40; ++id) queue.set(ref(id), {1, 1}, 0, 0);
  queue.set(ref(2), {}, 0, 0);
  EXPECT_EQ(form_batch(queue, limits, -1, 5000).sources.size(), 4u);  // with the second lane
  queue.set(ref(5), {}, 0, 0);
  EXPECT_EQ(form_batch(queue, limits, -1, 1).sources.size(), 8u);
}

TEST(LatencyWindowTest, SaysWhatTheLastMinuteTook) {
  LatencyWindow window;
  EXPECT_EQ(window.ms(0.5, 0), 0u);
  for (int i = 0; i < 98; ++i) window.add(10'000, i);
  for (int i = 0; i < 2; ++i) window.add(3'000'000, 1'500'000);
  EXPECT_GE(window.ms(0.5, 2'000'000), 10u);
  EXPECT_LE(window.ms(0.5, 2'000'000), 12u);
  EXPECT_GE(window.ms(0.99, 2'000'000), 3000u);
  EXPECT_LE(window.ms(0.99, 2'000'000), 3570u);
  EXPECT_GE(window.ms(0.01, 61'300'000), 3000u);  // only those are left
  EXPECT_EQ(window.ms(0.5, 63'000'000), 0u);
}

// The loop itself, turn by turn, over a device with 256 lanes and under a clock that moves when told.
class BatchTest : public LearnTest {
 protected:
  std::unique_ptr<model::Learner> make_learner() override {
    const auto backend = [] { return std::move(model::open_backend({.name = "cpu"}, (*model_)->config())).value(); };
    std::vector<std::unique_ptr<model::Learner>> learners;
    for (const auto& device : devices_) {
      auto host = backend();
      const auto net = (*model_)->net(*host).value();
      auto engine = model::make_fake_lane_engine(
          net, backend(), {.frozen_scores = false, .candidates_per_row = model::kRecallCandidates, .lanes_max = lanes_}, device);
      learners.push_back(model::make_lane_learner(net, std::move(host), std::move(engine), {}, 1));
    }
    if (learners.size() == 1) return std::move(learners.front());
    return model::Learner::over_devices(std::move(learners)).value();
  }
  const Clock& clock() const override { return clock_; }
  void make_loop() {
    options_.threads = 2;
    options_.commit_ms = 1000;
    learner_ = make_learner();
    snapshots_ = std::make_unique<Snapshots>();
    loop_ = std::make_unique<LearnLoop>(*store_, *store_, *store_, *store_, *snapshots_, *learner_, (*model_)->tokenizer(),
                                        clock_, options_);
  }
  // A turn, or a wait of a millisecond.
  void turn() {
    const auto busy = loop_->round();
    if (!busy.is_ok()) throw std::runtime_error(busy.status().to_string());
    clock_.advance_us(1000);
  }
  std::uint64_t learned_seq(const std::string& name) {
    const auto snapshot = snapshots_->get(source(name));
    return snapshot ? snapshot->learned_seq : 0;
  }
  static std::string slow(int i) { return "slow" + std::to_string(i); }

  void hot_beside_slow();

  std::shared_ptr<model::FakeDevice> device_ = std::make_shared<model::FakeDevice>();
  std::vector<std::shared_ptr<model::FakeDevice>> devices_{device_};
  int lanes_ = 256;
  ManualClock clock_{1'700'000'001'000'000};
};

// While a hot source has much to read, 255 slow ones get a few mini-batches each: all of them are read in the next
// turns, side by side, and each learns what it learns alone.
void BatchTest::hot_beside_slow() {
  constexpr int kHotLines = 500, kSlowLines = 4;
  make_loop();
  write("hot", 1, kHotLines);
  for (int i = 0; i < 5; ++i) turn();
  const std::uint64_t hot_before = loop_->counters().records;
  EXPECT_GT(hot_before, 0u);
  for (int i = 0; i < kSlow; ++i) write(slow(i), 1, kSlowLines);
  const std::uint64_t all_slow = std::uint64_t{kSlow} * kSlowLines;
  int turns = 0;
  while (loop_->counters().records < hot_before + all_slow && turns < 10) {
    turn();
    ++turns;
  }
  const std::uint64_t hot_now = loop_->counters().records - all_slow;
  EXPECT_LE(turns, 2);
  EXPECT_LT(hot_now, hot_before + std::uint64_t{2} * options_.quantum_records);
  // Half of them at a time, with recall, and they are spread evenly.
  for (const auto& device : devices_) EXPECT_GE(device->most_lanes, (kSlow + 1) / 2 / static_cast<int>(devices_.size()) - 4);
  EXPECT_GT(loop_->status().backlog_records, 0u);   // the hot one is not done

  while (loop_->counters().records < kHotLines + all_slow) turn();
  clock_.advance_us(1'000'000);
  turn();  // commits
  const LearnerStatus status = loop_->status();
  EXPECT_GT(status.latency_p50_ms, 0u);
  EXPECT_GE(status.latency_p99_ms, status.latency_p50_ms);
  EXPECT_EQ(learned_seq("hot"), std::uint64_t{kHotLines});
  const std::string first = learned(slow(0)), hot = learned("hot");
  for (int i = 1; i < kSlow; ++i) EXPECT_EQ(learned(slow(i)), first) << i;
  loop_.reset();

  // Alone, on a device with one lane: bit for bit the same.
  store_ = std::make_unique<testing::MemoryStore>();
  devices_.resize(1);
  lanes_ = 1;
  make_loop();
  for (const auto& [name, lines] : {std::pair("hot", kHotLines), std::pair("slow0", kSlowLines)}) write(name, 1, lines);
  while (loop_->counters().records < kHotLines + kSlowLines) turn();
  clock_.advance_us(1'000'000);
  turn();
  EXPECT_EQ(learned("hot"), hot);
  EXPECT_EQ(learned("slow0"), first);
}

TEST_F(BatchTest, AHotSourceDelaysNobody) { hot_beside_slow(); }

TEST_F(BatchTest, AHotSourceDelaysNobodyOnTwoDevices) {
  devices_.push_back(std::make_shared<model::FakeDevice>());
  devices_.back()->number = 1;
  hot_beside_slow();
}

// More sources than states fit: those of a turn are never pushed out by it, and nothing is lost.
TEST_F(BatchTest, ATurnIsNoLargerThanTheDevicesMemory) {
  lanes_ = 8;
  device_->states_max = 6;
  make_loop();
  for (int i = 0; i < 12; ++i) write(slow(i), 1, 40);
  for (int turns = 0; loop_->counters().records < 12 * 40 && turns < 200; ++turns) turn();
  clock_.advance_us(1'000'000);
  turn();
  EXPECT_GT(loop_->counters().evictions, 0u);
  const std::string first = learned(slow(0));
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(learned_seq(slow(i)), 40u) << i;
    EXPECT_EQ(learned(slow(i)), first) << i;
  }
}

}  // namespace
}  // namespace silt::learn
