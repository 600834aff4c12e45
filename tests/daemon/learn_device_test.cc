// Learning on a device that can be lost, and states that cross between paths.
#include "model/backends/backends.h"
#include "model/lane_learner.h"
#include "model/recall_gate.h"
#include "tests/daemon/learn_bench.h"
#include "tests/model/fake_lane_engine.h"

namespace silt::learn {
namespace {

class DeviceTest : public LearnTest {
 protected:
  std::unique_ptr<model::Backend> processor() const {
    return std::move(model::open_backend({.name = "cpu"}, (*model_)->config())).value();
  }
  std::unique_ptr<model::Learner> make_learner() override {
    const model::LearnerOptions options{.frozen_scores = true,
                                        .crosses = options_.on_other_backend == OnOtherBackend::kConvert};
    const auto open_processor = [options] { return model::Learner::create(*model_, {.name = "cpu"}, options); };
    if (!on_device_) return open_processor().value();
    std::vector<std::unique_ptr<model::Learner>> learners;
    learners.push_back(on(device_, options));
    if (second_) learners.push_back(on(second_, options));
    return model::Learner::with_fallback(model::Learner::over_devices(std::move(learners)).value(), open_processor);
  }
  std::unique_ptr<model::Learner> on(const std::shared_ptr<model::FakeDevice>& device, const model::LearnerOptions& options) const {
    auto host = processor();
    const auto net = (*model_)->net(*host).value();
    auto engine = model::make_fake_lane_engine(
        net, processor(), {.frozen_scores = true, .candidates_per_row = model::kRecallCandidates, .lanes_max = 4}, device);
    return model::make_lane_learner(net, std::move(host), std::move(engine), options, 1);
  }
  void fresh_store(int lost_at) {
    stop();
    device_ = std::make_shared<model::FakeDevice>();
    device_->lost_at = lost_at;
    fatal_ = Status::ok();
    store_ = std::make_unique<testing::MemoryStore>();
  }
  std::size_t scores(int lines) {
    std::vector<store::Score> scores;
    EXPECT_TRUE(store_->scores(source(), 1, static_cast<store::Seq>(lines), scores).is_ok());
    return scores.size();
  }

  std::shared_ptr<model::FakeDevice> device_ = std::make_shared<model::FakeDevice>();
  std::shared_ptr<model::FakeDevice> second_;  // null: there is one
  bool on_device_ = true;
};

TEST_F(DeviceTest, LearnsWhatTheProcessorLearns) {
  on_device_ = false;
  const auto expected = twin({"s"}, 100);
  on_device_ = true;
  write("s", 1, 100);
  run_to_end({"s"});
  EXPECT_GT(device_->steps, 0);
  EXPECT_EQ(head().backend, "cuda-fake");
  EXPECT_EQ(learned(), expected[0]);
}

// At whichever call: every record is learned and scored in the end, on the processor.
TEST_F(DeviceTest, ALostDeviceEndsInLearningOnTheProcessor) {
  int lost_at = 1, losses = 0;
  for (bool lost = true; lost; lost_at += 1 + lost_at / 3) {
    ASSERT_LT(lost_at, 5000);
    fresh_store(lost_at);
    write("s", 1, 60);
    run_to_end({"s"});
    lost = device_->calls >= lost_at;
    losses += lost ? 1 : 0;
    EXPECT_EQ(head().learned_seq, 60u) << lost_at;
    EXPECT_EQ(scores(60), 60u) << lost_at;
    EXPECT_EQ(head().backend == "cuda-fake", !lost) << lost_at << " " << head().backend;
  }
  EXPECT_GT(losses, 5);
}

// In the middle of a turn of several sources: each goes on from its last commit, and none has half a step.
TEST_F(DeviceTest, ALossCostsNoSourceOfATurnARecord) {
  const std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  options_.commit_records_max = 4;
  for (const int lost_at : {12, 31, 60, 111}) {
    fresh_store(lost_at);
    for (const std::string& name : names) write(name, 1, 40);
    run_to_end(names);
    EXPECT_GE(device_->calls, lost_at);
    EXPECT_GT(device_->most_lanes, 1);
    for (const std::string& name : names) {
      std::vector<store::Score> scores;
      ASSERT_TRUE(store_->scores(source(name), 1, 40, scores).is_ok());
      EXPECT_EQ(scores.size(), 40u) << name << " " << lost_at;
      EXPECT_EQ(head(name).learned_seq, 40u) << name << " " << lost_at;
      EXPECT_EQ(head(name).learned_lines + head(name).counted_lines + head(name).scored_lines, 40u) << name;
    }
    run_to_end(names);  // replays give the digests, or the loop would have stopped
  }
}

// Told to end instead, the loop ends with the reason; the journal has everything that a sound device needs.
TEST_F(DeviceTest, ALostDeviceEndsTheLoopWhenToldSo) {
  const auto expected = twin({"s"}, 60);
  options_.on_device_loss = OnDeviceLoss::kEnd;
  for (const int lost_at : {1, 4, 9, 20}) {
    fresh_store(lost_at);
    write("s", 1, 60);
    start();
    ASSERT_TRUE(wait_for([&] { return !fatal_.is_ok(); })) << lost_at;
    EXPECT_EQ(fatal_.code(), Code::kUnavailable) << fatal_.to_string();
    stop();
    device_ = std::make_shared<model::FakeDevice>();
    fatal_ = Status::ok();
    run_to_end({"s"});
    EXPECT_EQ(learned(), expected[0]) << lost_at;
  }
}

// Sources spread over two devices learn what they learn on one, also when either is lost in the middle: then they go
// back to their last commit and on with the other.
TEST_F(DeviceTest, TwoDevicesAndTheLossOfOneChangeNothing) {
  const std::vector<std::string> names = {"a", "b", "c", "d", "e", "f"};
  options_.commit_records_max = 4;
  const auto expected = twin(names, 40);
  for (const auto& [first_lost_at, second_lost_at] : {std::pair(0, 0), {7, 0}, {60, 0}, {0, 1}, {0, 25}, {0, 90}}) {
    fresh_store(first_lost_at);
    second_ = std::make_shared<model::FakeDevice>();
    second_->number = 1;
    second_->lost_at = second_lost_at;
    for (const std::string& name : names) write(name, 1, 40);
    run_to_end(names);
    EXPECT_GT(device_->steps + second_->steps, 0);
    if (first_lost_at + second_lost_at == 0) {
      EXPECT_GT(device_->steps, 0);
      EXPECT_GT(second_->steps, 0);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(head(names[i]).backend, "cuda-fake") << names[i];
      EXPECT_EQ(learned(names[i]), expected[i]) << names[i] << " " << first_lost_at << " " << second_lost_at;
    }
  }
}

// When the second is lost, too, the processor goes on.
TEST_F(DeviceTest, TheLossOfBothEndsInLearningOnTheProcessor) {
  fresh_store(40);
  second_ = std::make_shared<model::FakeDevice>();
  second_->number = 1;
  second_->lost_at = 20;
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  for (const std::string& name : names) write(name, 1, 60);
  start();
  for (const std::string& name : names) learn_all(name);
  const LearnerStatus status = loop_->status();
  stop();
  ASSERT_EQ(status.devices.size(), 2u);
  for (const model::DeviceUse& device : status.devices) EXPECT_NE(device.lost, "") << device.name;
  for (const std::string& name : names) EXPECT_TRUE(head(name).backend.starts_with("cpu-")) << head(name).backend;
}

TEST_F(DeviceTest, AStateCrossesWhenToldAndIsElseRelearned) {
  for (const auto policy : {OnOtherBackend::kConvert, OnOtherBackend::kRelearn}) {
    options_.on_other_backend = policy;
    fresh_store(0);
    on_device_ = true;
    write("s", 1, 100);
    run_to_end({"s"});
    ASSERT_EQ(head().backend, "cuda-fake");
    const std::uint64_t steps = head().steps, base = head().base_version;
    on_device_ = false;
    write("s", 101, 120);
    start();
    learn_all("s");
    const bool relearns = policy == OnOtherBackend::kRelearn;
    EXPECT_EQ(loop_->counters().relearned_sources, relearns ? 1u : 0u);
    stop();
    EXPECT_TRUE(head().backend.starts_with("cpu-")) << head().backend;
    EXPECT_GT(head().steps, steps);
    EXPECT_EQ(head().base_version != base, relearns);
    EXPECT_EQ(scores(120), 120u);
    run_to_end({"s"});  // a replay from the converted state gives its digest, or the loop would have stopped
  }
}

}  // namespace
}  // namespace silt::learn
