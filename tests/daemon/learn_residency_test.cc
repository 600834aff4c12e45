// Many sources and few states in memory, in simulated time: what is written and replayed stays bounded.
#include "tests/daemon/learn_bench.h"

namespace silt::learn {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

// A learner whose work takes a given time.
class TimedLearner final : public model::Learner {
 public:
  TimedLearner(std::unique_ptr<model::Learner> inner, ManualClock& clock, std::int64_t step_us)
      : inner_(std::move(inner)), clock_(clock), step_us_(step_us) {}
  model::AdaptedState fresh() override { return inner_->fresh(); }
  model::AdaptedState fresh(model::Token first) override { return inner_->fresh(first); }
  void append(std::span<model::Lane> lanes) override {
    inner_->append(lanes);
    for (const model::Lane& lane : lanes) clock_.advance_us(lane.report.steps * step_us_);
  }
  std::uint64_t full_state_bytes() override { return inner_->full_state_bytes(); }
  Status score_tail(const model::AdaptedState& state, std::vector<model::TokenScore>& scores) override {
    return inner_->score_tail(state, scores);
  }
  int lanes_max() const override { return inner_->lanes_max(); }
  std::uint64_t bytes(const model::AdaptedState& state) const override { return inner_->bytes(state); }
  Digest digest(const model::AdaptedState& state) const override { return inner_->digest(state); }
  std::string save(const model::AdaptedState& state) const override { return inner_->save(state); }
  Result<model::AdaptedState> load(std::string_view blob) override { return inner_->load(blob); }
  const model::ModelConfig& config() const override { return inner_->config(); }
  std::string_view backend_name() const override { return inner_->backend_name(); }

 private:
  std::unique_ptr<model::Learner> inner_;
  ManualClock& clock_;
  std::int64_t step_us_;
};

class ResidencyTest : public LearnTest {
 protected:
  void SetUp() override {
    LearnTest::SetUp();
    policy_ = {};
    options_.commit_ms = 1000;
    options_.commit_records_max = 4096;
    options_.quantum_steps = 64;  // the tiny model's mini-batches have 16 tokens, an eighth of real ones
    options_.replay_ms_max = 2000;
    options_.at_point = {};
    learner_ = make_learner();
    options_.resident_bytes_max = kStates * learner_->full_state_bytes();
    snapshots_ = std::make_unique<Snapshots>();
  }
  std::unique_ptr<model::Learner> make_learner() override {
    return std::make_unique<TimedLearner>(LearnTest::make_learner(), sim_clock_, step_us_);
  }
  const Clock& clock() const override { return sim_clock_; }
  void boot() {
    loop_ = std::make_unique<LearnLoop>(*store_, *store_, *store_, *store_, *snapshots_, *learner_,
                                        (*model_)->tokenizer(), sim_clock_, options_);
  }
  // Works until there is nothing to do, or until the time has come.
  void work(std::int64_t until_us) {
    for (;;) {
      const auto busy = loop_->round();
      ASSERT_TRUE(busy.is_ok()) << busy.status().to_string();
      if (sim_clock_.monotonic_us() >= until_us) return;
      if (!*busy) break;
    }
    sim_clock_.advance_us(until_us - sim_clock_.monotonic_us());
  }
  void pass(int seconds) {
    for (int i = 0; i < seconds; ++i) work(sim_clock_.monotonic_us() + kSecondUs);
  }
  // A line of each source every `period_s` seconds.
  void simulate(int sources, int seconds, int period_s) {
    std::vector<int> lines(static_cast<std::size_t>(sources), 0);
    const std::int64_t begin_us = sim_clock_.monotonic_us();
    for (int second = 0; second < seconds; ++second) {
      for (int i = second % period_s; i < sources; i += period_s) {
        int& line = lines[static_cast<std::size_t>(i)];
        ++line;
        write(std::to_string(i), line, line);
      }
      work(begin_us + (second + 1) * kSecondUs);
    }
  }

  static constexpr std::uint64_t kStates = 64;
  ManualClock sim_clock_{kSecondUs};
  std::int64_t step_us_ = 2000;
};

TEST_F(ResidencyTest, EvictedStatesComeBackAsTheyWere) {
  const std::vector<std::string> names = {"a", "b", "c"};
  options_.replay_ms_max = -1;
  options_.resident_bytes_max = 1;
  const auto learn = [&](int step) {
    for (int first = 1; first <= 120; first += step) {
      for (const std::string& name : names) {
        write(name, first, first + step - 1);
        pass(60);
        EXPECT_LE(loop_->status().resident_states, 1u);
        EXPECT_EQ(head(name).learned_seq, static_cast<std::uint64_t>(first + step - 1));
      }
    }
  };
  std::vector<std::string> expected;
  for (const bool keep_blobs : {true, false}) {
    for (const int step : {120, 40}) {
      store_ = std::make_unique<testing::MemoryStore>();
      store_->keep_blobs = keep_blobs;
      boot();
      learn(step);
      EXPECT_EQ(store_->blobs_written > 0, keep_blobs);
      for (const char* name : {"a", "b"}) EXPECT_EQ(snapshots_->get(source(name))->weights, nullptr);
      for (const std::string& name : names) expected.push_back(learned(name));
    }
  }
  ASSERT_EQ(expected.size(), 12u);
  for (std::size_t i = 3; i < expected.size(); ++i) EXPECT_EQ(expected[i], expected[i % 3]) << i;
}

// One tenant's many sources do not push out those of another.
TEST_F(ResidencyTest, WhoHasMoreThanTheirShareLeavesFirst) {
  options_.resident_bytes_max = 4 * learner_->full_state_bytes();
  options_.states_of_tenant = [](const std::string& tenant) { return tenant == "default" ? 2U : 0U; };
  int over = 0;
  options_.on_over_share = [&](const std::string& tenant) {
    EXPECT_EQ(tenant, "default");
    ++over;
  };
  boot();
  write("other-1", 1, 120);
  pass(5);
  for (int i = 0; i < 10; ++i) {
    write(std::to_string(i), 1, 120);
    pass(5);
  }
  EXPECT_GT(over, 5);
  EXPECT_EQ(over, static_cast<int>(loop_->counters().evictions));
  EXPECT_NE(snapshots_->get(source("other-1"))->weights, nullptr);
  EXPECT_EQ(snapshots_->get(source("0"))->weights, nullptr);
}

TEST_F(ResidencyTest, SixHundredShortSourcesWriteNoState) {
  boot();
  for (int i = 0; i < 600; ++i) write(std::to_string(i), 1, 5);
  pass(100);
  for (int i = 0; i < 600; ++i) EXPECT_EQ(head(std::to_string(i)).learned_seq, 5u);
  EXPECT_EQ(store_->blobs_written, 0u);
  EXPECT_EQ(loop_->counters().replayed_steps, 0u);
  EXPECT_LE(store_->net_commits, 20u);
  EXPECT_LE(loop_->status().resident_bytes, options_.resident_bytes_max);
}

TEST_F(ResidencyTest, NoStateIsStoredBeforeItsFirstStep) {
  options_.replay_ms_max = -1;
  options_.resident_bytes_max = 1;
  policy_.mode = fold::SourceMode::kLearn;
  boot();
  for (int i = 0; i < 20; ++i) {
    store::StreamAppend stream;
    stream.source = source(std::to_string(i));
    store::RecordView record;
    record.text = "ab";
    stream.records.assign(2, record);
    store::GroupAppend group;
    group.streams.push_back(stream);
    ASSERT_TRUE(store_->append(group).is_ok());
    store_->fold(stream.source);
    loop_->ready({&stream.source, 1});
  }
  pass(5);
  EXPECT_GT(loop_->counters().evictions, 15u);
  EXPECT_EQ(head("7").learned_lines, 2u);
  EXPECT_EQ(store_->blobs_written, 0u);
}

TEST_F(ResidencyTest, SixtyBusySourcesInMemoryWriteNothingButTheirHeads) {
  boot();
  simulate(60, 60, 2);
  pass(3);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(head(std::to_string(i)).learned_seq, 30u);  // no backlog
  EXPECT_GT(loop_->counters().steps, 1000u);
  EXPECT_EQ(store_->blobs_written, 0u);
  EXPECT_EQ(loop_->counters().replayed_steps, 0u);
  EXPECT_LE(store_->net_commits, 65u);
}

class CrowdTest : public ResidencyTest {
 protected:
  // Ten times as many sources as fit.
  void crowd(int seconds, int period_s) {
    options_.replay_ms_max = 600;  // a hundred steps
    step_us_ = 6000;
    learner_ = make_learner();
    options_.resident_bytes_max = kSources / 10 * learner_->full_state_bytes();
    boot();
    simulate(kSources, seconds, period_s);
    pass(2);
    const LearnCounters& did = loop_->counters();
    std::printf("steps %lu, replayed %lu, blobs %lu, evictions %lu, commits %lu\n", did.steps.load(),
                did.replayed_steps.load(), did.blobs.load(), did.evictions.load(), did.commits.load());
    EXPECT_GT(did.steps, 1500u);
    // Time earns a step a second, and the last replay may overdraw by its hundred.
    EXPECT_LE(did.replayed_steps, did.steps + static_cast<unsigned>(seconds) + 100);
    EXPECT_LE(did.blobs, (did.steps + did.replayed_steps) / 90);
    EXPECT_LE(loop_->status().resident_bytes, options_.resident_bytes_max);
    EXPECT_LE(did.commits, 2u * static_cast<unsigned>(seconds));
  }
  static constexpr int kSources = 100;
};

// Half again as much work as there is time for.
TEST_F(CrowdTest, OverloadThrashesNeitherDiskNorCpu) {
  crowd(60, 1);
  for (int i = 0; i < kSources; ++i) EXPECT_GT(head(std::to_string(i)).learned_seq, 5u) << i;
}

// Little to do, but always for someone whose state is not in memory.
TEST_F(CrowdTest, LinesNowAndThenThrashNeitherDiskNorCpu) {
  crowd(300, 20);
  for (int i = 0; i < kSources; ++i) EXPECT_GT(head(std::to_string(i)).learned_seq, 5u) << i;
}

// A quiet source whose state has left memory is learned after a while, although its line is worth no replay.
TEST_F(ResidencyTest, ALineOfAQuietSourceIsNotForgotten) {
  step_us_ = 20'000;
  learner_ = make_learner();
  options_.resident_bytes_max /= 2;  // a state of ten records is smaller than one that has read for long
  boot();
  write("quiet", 1, 40);
  pass(20);
  for (int i = 0; i < 64; ++i) write(std::to_string(i), 1, 10);
  pass(100);
  ASSERT_EQ(snapshots_->get(source("quiet"))->weights, nullptr);
  write("quiet", 41, 41);
  pass(10);
  EXPECT_EQ(head("quiet").learned_seq, 40u);
  EXPECT_EQ(loop_->status().backlog_records, 1u);
  pass(30);
  EXPECT_EQ(head("quiet").learned_seq, 41u);
}

// What a restart must replay is bounded by age and by the sum, and restarts do no more than that.
TEST_F(ResidencyTest, ReplayAfterARestartIsBounded) {
  options_.replay_ms_max = 20;  // ten steps
  options_.replay_steps_max = 100;
  boot();
  simulate(30, 60, 2);
  EXPECT_GT(store_->blobs_written, 10u);
  pass(2);
  boot();
  pass(100);
  EXPECT_EQ(loop_->status().resident_states, 30u);
  // The sum, and what came between two looks at it.
  EXPECT_LE(loop_->counters().replayed_steps, 300u);
  EXPECT_EQ(loop_->counters().relearned_sources, 0u);

  options_.replay_steps_max = 1'000'000;
  options_.blob_age_s = 5;
  boot();
  const std::uint64_t before = store_->blobs_written;
  simulate(30, 20, 2);
  EXPECT_GT(store_->blobs_written, before + 10);
}

}  // namespace
}  // namespace silt::learn
