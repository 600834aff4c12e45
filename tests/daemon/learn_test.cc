// The learn loop over a real store and the tiny model.
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>

#include "daemon/learn/learn_loop.h"
#include "daemon/store/keys.h"
#include "daemon/store/rocks_store.h"
#include "model/model.h"
#include "tests/model/tiny_model.h"
#include "tests/support/temp_dir.h"

namespace silt::daemon {
namespace {

using silt::testing::TempDir;

// A state store that forgets blobs, so that every start replays from the base.
class WithoutBlobs final : public StateStore {
 public:
  explicit WithoutBlobs(StateStore& inner) : inner_(inner) {}
  Result<std::optional<Head>> head(SourceRef source) const override { return inner_.head(source); }
  Result<std::optional<Checkpoint>> load(SourceRef source) const override { return inner_.load(source); }
  Status commit(StepBatch batch) override {
    batch.blob.reset();
    return inner_.commit(std::move(batch));
  }
  Result<std::vector<StateVersionInfo>> versions(SourceRef source) const override {
    return inner_.versions(source);
  }
  Status reset(SourceRef source, const Head& head, const RequestResult& request) override {
    return inner_.reset(source, head, request);
  }
  Result<std::optional<std::string>> request_result(TenantId tenant, const std::string& id) const override {
    return inner_.request_result(tenant, id);
  }

 private:
  StateStore& inner_;
};

class LearnTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    model_dir_ = new TempDir();
    ASSERT_TRUE(model::write_tiny_model(model_dir_->path("m")).is_ok());
    model_ = new std::shared_ptr<const model::Model>(model::Model::open(model_dir_->path("m")).value());
  }
  static void TearDownTestSuite() {
    delete model_;
    delete model_dir_;
  }

  void SetUp() override {
    open_store("store");
    options_.cpu_share = 0;
    options_.commit_ms = 1;
    options_.commit_records_max = 16;
    options_.on_digest_mismatch = OnMismatch::kStop;
    options_.model_fingerprint = (*model_)->fingerprint().hex();
    options_.policy = [this](const SourceInfo&) { return policy_; };
    options_.on_fatal = [this](const Status& status) {
      const std::lock_guard lock(mutex_);
      fatal_ = status;
      changed_.notify_all();
    };
    options_.at_point = [this](std::string_view point) {
      if (on_point_) on_point_(point);
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    };
  }
  void TearDown() override { stop(); }

  void open_store(const std::string& name) {
    store_.reset();
    DatabaseOptions options;
    options.path = dir_.path(name);
    auto opened = RocksStore::open(options);
    ASSERT_TRUE(opened.is_ok()) << opened.status().to_string();
    store_ = std::move(opened).value();
    states_ = store_.get();
  }

  SourceRef source(const std::string& name = "s") {
    return store_->open_source("default", name, "host")->ref;
  }

  // Appends lines number first..last of a deterministic log.
  void write(const std::string& name, int first, int last) {
    JournalBatch batch;
    batch.source = source(name);
    for (int i = first; i <= last; ++i) {
      JournalRecord record;
      const int value = i * 7919 % 1000;
      record.text = "job " + std::to_string(value) +
                    (value % 5 == 0 ? " failed on host h" : " done on host h") + std::to_string(value % 4) +
                    " after " + std::to_string(value % 60) + " s";
      if (value % 13 == 0) record.text += std::string(value % 200, 'y');
      if (i % 17 == 0) record.text.clear();
      record.arrival_us = 1'700'000'000'000'000 + i * 100'000LL;
      batch.head_delta.lines += 1;
      batch.head_delta.bytes += record.text.size();
      batch.head_delta.last_arrival_us = record.arrival_us;
      batch.records.push_back(std::move(record));
    }
    ASSERT_TRUE(store_->append(batch).is_ok());
    if (loop_) loop_->wake();
  }

  void start() {
    learner_ = model::Learner::create(*model_, {"ref", 1}, {.frozen_scores = true}).value();
    snapshots_ = std::make_unique<Snapshots>();
    loop_ = std::make_unique<LearnLoop>(*store_, *states_, *store_, *snapshots_, *learner_,
                                        (*model_)->tokenizer(), clock_, options_);
    loop_->start();
  }
  void stop() {
    if (loop_) loop_->stop();
    loop_.reset();
  }

  // Waits for something that a commit or a failure makes true.
  bool wait_for(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), condition);
  }
  void learn_all(const std::string& name) {
    const SourceRef ref = source(name);
    ASSERT_TRUE(wait_for([&] {
      const auto snapshot = snapshots_->get(ref);
      return !fatal_.is_ok() || (snapshot && snapshot->learned_seq == store_->intake_head(ref)->journal_seq);
    }));
    ASSERT_TRUE(fatal_.is_ok()) << fatal_.to_string();
  }
  void run_to_end(const std::vector<std::string>& names) {
    start();
    for (const std::string& name : names) learn_all(name);
    stop();
  }
  // Digests of a store that read the same without disturbance.
  std::vector<SourceDigest> twin(const std::vector<std::string>& names, int lines) {
    stop();
    open_store("twin");
    for (const std::string& name : names) write(name, 1, lines);
    run_to_end(names);
    auto digests = store_->digests().value();
    open_store("store");
    return digests;
  }

  static TempDir* model_dir_;
  static std::shared_ptr<const model::Model>* model_;
  TempDir dir_;
  SystemClock clock_;
  std::unique_ptr<RocksStore> store_;
  StateStore* states_ = nullptr;
  PolicyConfig policy_{.learn_tokens_per_s = 300, .burst_tokens = 2000};
  LearnOptions options_;
  std::function<void(std::string_view)> on_point_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Status fatal_;
  std::unique_ptr<model::Learner> learner_;
  std::unique_ptr<Snapshots> snapshots_;
  std::unique_ptr<LearnLoop> loop_;
};

TempDir* LearnTest::model_dir_ = nullptr;
std::shared_ptr<const model::Model>* LearnTest::model_ = nullptr;

TEST_F(LearnTest, LearnsAndLeavesEvidenceOfEveryRecord) {
  write("s", 1, 200);
  run_to_end({"s"});
  const Head head = **store_->head(source());
  EXPECT_EQ(head.learned_seq, 200u);
  EXPECT_EQ(head.learned_lines + head.counted_lines, 200u);
  EXPECT_GT(head.learned_lines, 100u);
  EXPECT_EQ(head.skipped_by_reason[static_cast<std::size_t>(Outcome::kEmpty)], 11u);
  EXPECT_GT(head.steps, 20u);
  EXPECT_EQ(head.state_version, 1 + head.steps);
  EXPECT_EQ(head.scored_tokens, head.steps * 16);  // the tiny model's mini-batch
  EXPECT_GT(head.scored_bytes, head.scored_tokens);
  EXPECT_EQ(head.window_bits.size(), kWindowBatches);
  std::uint64_t seen = 0;
  ASSERT_TRUE(store_
                  ->scan(source(), {},
                         [&](const Evidence& row) {
                           EXPECT_EQ(row.seq, ++seen);
                           const bool learned = row.decision == decltype(row.decision)::kLearned;
                           EXPECT_EQ(row.tokens > 0, learned) << row.seq;
                           EXPECT_EQ(row.adapted_nats > 0, learned) << row.seq;
                           EXPECT_EQ(row.frozen_nats > 0, learned) << row.seq;
                           return true;
                         })
                  .is_ok());
  EXPECT_EQ(seen, 200u);
  EXPECT_GT(store_->posting_count(source(), "failed", 1000).value(), 20u);
}

TEST_F(LearnTest, NothingIsPublishedBeforeItIsDurable) {
  write("s", 1, 150);
  const SourceRef ref = source();
  int violations = 0, published = 0;
  on_point_ = [&](std::string_view) {
    const auto snapshot = snapshots_->get(ref);
    if (!snapshot) return;
    ++published;
    const auto head = store_->head(ref).value();
    if (!head || snapshot->learned_seq > head->learned_seq) ++violations;
    if (head && snapshot->learned_seq == head->learned_seq && !(snapshot->state_digest == head->state_digest))
      ++violations;
  };
  run_to_end({"s"});
  EXPECT_GT(published, 5);
  EXPECT_EQ(violations, 0);
}

// Stops with a part-filled mini-batch and half-scored records in the blob.
TEST_F(LearnTest, RestartsLeaveNoTrace) {
  const auto expected = twin({"s"}, 300);
  for (int first = 1; first <= 300; first += 30) {
    write("s", first, first + 29);
    run_to_end({"s"});
  }
  EXPECT_EQ(store_->digests().value()[0].to_string(), expected[0].to_string());
}

TEST_F(LearnTest, ReplayFromTheBaseGivesTheSameState) {
  const auto expected = twin({"s"}, 200);
  for (int first = 1; first <= 200; first += 50) {
    write("s", first, first + 49);
    WithoutBlobs without(*store_);
    states_ = &without;
    run_to_end({"s"});
    states_ = store_.get();
  }
  EXPECT_TRUE(store_->versions(source())->empty());
  EXPECT_EQ(store_->digests().value()[0].to_string(), expected[0].to_string());
}

// The open mini-batch is scored early for the evidence's sake; its later full score has the same bits.
TEST_F(LearnTest, EarlyScoresOfTheTailAreFinal) {
  write("s", 1, 20);
  run_to_end({"s"});
  std::vector<Evidence> early;
  ASSERT_TRUE(store_
                  ->scan(source(), {},
                         [&](const Evidence& row) {
                           early.push_back(row);
                           return true;
                         })
                  .is_ok());
  write("s", 21, 60);
  run_to_end({"s"});
  for (const Evidence& row : early) {
    const Evidence late = store_->evidence(source(), row.seq).value();
    EXPECT_EQ(late.tokens, row.tokens);
    EXPECT_EQ(late.adapted_nats, row.adapted_nats) << row.seq;
    EXPECT_EQ(late.frozen_nats, row.frozen_nats) << row.seq;
  }
}

TEST_F(LearnTest, EvictedStatesComeBackAsTheyWere) {
  const std::vector<std::string> names = {"a", "b", "c"};
  const auto expected = twin(names, 120);
  options_.resident_states_max = 1;
  start();
  for (int first = 1; first <= 120; first += 40) {
    for (const std::string& name : names) {
      write(name, first, first + 39);
      learn_all(name);
      EXPECT_LE(loop_->status().resident_states, 1u);
    }
  }
  EXPECT_EQ(snapshots_->get(source("a"))->weights, nullptr);
  stop();
  const auto digests = store_->digests().value();
  ASSERT_EQ(digests.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(digests[i].to_string(), expected[i].to_string());
}

TEST_F(LearnTest, AWrongDigestIsFoundAndStopsOrRelearns) {
  const auto expected = twin({"s"}, 100);
  write("s", 1, 100);
  run_to_end({"s"});
  StepBatch bad;
  bad.source = source();
  bad.head = **store_->head(bad.source);
  bad.head.state_digest.low ^= 1;
  ASSERT_TRUE(store_->commit(bad).is_ok());

  start();
  ASSERT_TRUE(wait_for([&] { return !fatal_.is_ok(); }));
  EXPECT_NE(fatal_.message().find("on_digest_mismatch"), std::string::npos);
  stop();

  fatal_ = Status::ok();
  options_.on_digest_mismatch = OnMismatch::kRelearn;
  start();
  learn_all("s");
  EXPECT_EQ(loop_->counters().relearned_sources, 1u);
  stop();
  const SourceDigest relearned = store_->digests().value()[0];
  EXPECT_EQ(relearned.evidence, expected[0].evidence);
  EXPECT_EQ(relearned.postings, expected[0].postings);
  EXPECT_EQ(relearned.patterns, expected[0].patterns);
}

TEST_F(LearnTest, StatesOfAnotherModelAreRelearnedNotMixed) {
  write("s", 1, 50);
  options_.model_fingerprint = "another model";
  run_to_end({"s"});
  options_.model_fingerprint = (*model_)->fingerprint().hex();
  start();
  learn_all("s");
  EXPECT_EQ(loop_->counters().relearned_sources, 1u);
  stop();
  EXPECT_EQ((*store_->head(source()))->model_fingerprint, options_.model_fingerprint);
}

// A replay decides by the budget of then, not of now.
TEST_F(LearnTest, AChangedBudgetDoesNotBreakReplays) {
  write("s", 1, 100);
  WithoutBlobs without(*store_);
  states_ = &without;
  run_to_end({"s"});
  states_ = store_.get();
  policy_.burst_tokens = 100;
  policy_.learn_tokens_per_s = 1;
  write("s", 101, 200);
  run_to_end({"s"});
  EXPECT_TRUE(fatal_.is_ok());
  const Head head = **store_->head(source());
  EXPECT_EQ(head.learned_seq, 200u);
  EXPECT_GT(head.skipped_by_reason[static_cast<std::size_t>(Outcome::kOverBudget)], 30u);
  EXPECT_EQ(head.learn_config, encode_config(policy_));
}

TEST_F(LearnTest, ResetForgetsOneSource) {
  write("s", 1, 100);
  write("other", 1, 50);
  start();
  learn_all("s");
  learn_all("other");
  const std::uint64_t version = snapshots_->get(source())->state_version;
  const auto dry = loop_->reset({source(), "", 0, true});
  ASSERT_TRUE(dry.is_ok());
  EXPECT_EQ(dry->old_version, version);
  EXPECT_GT(dry->forgotten_steps, 10u);
  EXPECT_EQ((*store_->head(source()))->learned_seq, 100u);

  EXPECT_EQ(loop_->reset({source(), "", version + 1, false}).status().code(), Code::kAborted);
  const auto reset = loop_->reset({source(), "r1", version, false});
  ASSERT_TRUE(reset.is_ok()) << reset.status().to_string();
  EXPECT_EQ(reset->new_version, version + 1);
  EXPECT_GT(reset->forgotten_patterns, 2u);
  // The same request again is answered, not carried out.
  const auto again = loop_->reset({source(), "r1", version, false});
  ASSERT_TRUE(again.is_ok());
  EXPECT_EQ(again->new_version, reset->new_version);
  EXPECT_EQ(again->forgotten_steps, reset->forgotten_steps);

  EXPECT_EQ(store_->evidence(source(), 1).status().code(), Code::kNotFound);
  EXPECT_TRUE(store_->evidence(source("other"), 1).is_ok());
  EXPECT_EQ(store_->read(source(), 1)->text, "job 919 done on host h3 after 19 s");
  write("s", 101, 120);
  learn_all("s");
  stop();
  const Head head = **store_->head(source());
  EXPECT_EQ(head.base_seq, 100u);
  EXPECT_EQ(head.learned_lines + head.counted_lines, 20u);
  // And what was reset is replayed from its base.
  WithoutBlobs without(*store_);
  run_to_end({"s"});
  EXPECT_TRUE(fatal_.is_ok()) << fatal_.to_string();
}

TEST_F(LearnTest, ResetOfUnknownAndWhenStopped) {
  start();
  EXPECT_EQ(loop_->reset({{TenantId{9}, SourceId{9}}, "", 0, false}).status().code(), Code::kNotFound);
  loop_->stop();
  EXPECT_EQ(loop_->reset({source(), "", 0, false}).status().code(), Code::kUnavailable);
}

TEST_F(LearnTest, OverloadIsShedVisiblyAndReplayedTheSame) {
  write("s", 1, 400);
  options_.backlog_bytes_max = 4000;
  WithoutBlobs without(*store_);
  states_ = &without;
  run_to_end({"s"});
  const Head head = **store_->head(source());
  const auto marks = store_->shed_marks(source(), 0).value();
  ASSERT_FALSE(marks.empty());
  const std::uint64_t shed = head.skipped_by_reason[static_cast<std::size_t>(Outcome::kShed)];
  EXPECT_GT(shed, 250u);
  EXPECT_LT(shed, 400u);
  EXPECT_EQ(store_->evidence(source(), marks[0].first_seq)->reason,
            static_cast<std::uint8_t>(Outcome::kShed));
  EXPECT_TRUE(store_->read(source(), marks[0].first_seq).is_ok());  // never what is stored
  write("s", 401, 410);
  run_to_end({"s"});  // replays from the base; a mismatch would be fatal
  EXPECT_TRUE(fatal_.is_ok()) << fatal_.to_string();
}

TEST_F(LearnTest, ADamagedRecordStopsItsSourceOnly) {
  write("bad", 1, 50);
  write("good", 1, 50);
  const SourceRef bad = source("bad");
  store_.reset();
  {
    DatabaseOptions options;
    options.path = dir_.path("store");
    auto database = Database::open(options).value();
    WriteSet changes = database->begin();
    changes.put(Family::kMain, keys::of_number(keys::kJournal, bad, 30), "garbage");
    ASSERT_TRUE(database->write(std::move(changes)).is_ok());
  }
  open_store("store");
  run_to_end({"good"});
  EXPECT_TRUE(fatal_.is_ok());
}

TEST_F(LearnTest, ModesScoreAndCount) {
  write("s", 1, 60);
  policy_.mode = SourceMode::kCount;
  run_to_end({"s"});
  EXPECT_EQ((*store_->head(source()))->steps, 0u);
  EXPECT_EQ((*store_->head(source()))->counted_lines, 60u);
  policy_.mode = SourceMode::kScore;
  write("t", 1, 60);
  run_to_end({"t"});
  const Head head = **store_->head(source("t"));
  EXPECT_EQ(head.learned_lines, 0u);
  EXPECT_GT(head.scored_lines, 40u);
  EXPECT_GT(head.scored_nats, 0);
}

// What only the fold knows (patterns, budget) is part of the state as the weights are.
TEST_F(LearnTest, TheDigestCoversFoldAndNet) {
  const auto learner = model::Learner::create(*model_, {"ref", 1}, {.frozen_scores = true}).value();
  RecordReader reader(
      *learner, (*model_)->tokenizer(), [](std::int64_t) { return 0; }, [](std::uint64_t) { return true; });
  SourceState state = fresh_state(*learner, policy_, Head());
  const Digest fresh = digest_of(state, *learner);
  JournalRecord record;
  record.seq = 1;
  record.text = "a line that is long enough for some tokens";
  Changes changes;
  reader.fold(state, record, &changes);
  const Digest folded = digest_of(state, *learner);
  EXPECT_FALSE(folded == fresh);
  const Evidence decided = changes.evidence.back();
  ASSERT_TRUE(reader.learn(state, record, decided, false, &changes).is_ok());
  const Digest learned = digest_of(state, *learner);
  EXPECT_FALSE(learned == folded);
  const auto back = decode_state(encode_state(state, *learner), *learner, policy_);
  ASSERT_TRUE(back.is_ok()) << back.status().to_string();
  EXPECT_EQ(digest_of(*back, *learner), learned);
  const std::string blob = encode_state(state, *learner);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, blob.size() / 2, blob.size() - 1}) {
    EXPECT_FALSE(decode_state(std::string_view(blob).substr(0, size), *learner, policy_).is_ok()) << size;
  }
}

TEST(CpuShare, PausesSoThatTheShareIsKept) {
  CpuShare share(0.5, 1);
  EXPECT_EQ(share.pause_us(0, 0), 0);
  EXPECT_EQ(share.pause_us(100'000, 100'000), 100'000);  // 100 ms of work, 50 ms earned
  EXPECT_EQ(share.pause_us(200'000, 100'000), 0);
  // Idle time is credited, but not without bound.
  EXPECT_EQ(share.pause_us(60'000'000, 100'000), 0);
  EXPECT_EQ(share.pause_us(60'000'000, 400'000), 200'000);
  EXPECT_EQ(CpuShare(0, 1).pause_us(0, 1'000'000), 0);
}

TEST(CpuShare, ATeamCountsAsOften) {
  CpuShare share(1.0, 2);
  EXPECT_EQ(share.pause_us(0, 0), 0);
  EXPECT_EQ(share.pause_us(100'000, 100'000), 100'000);
}

}  // namespace
}  // namespace silt::daemon
