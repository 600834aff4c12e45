// What the learner makes of journals: exactly once, the same after any restart, and whatever is damaged.
#include "tests/daemon/learn_bench.h"

namespace silt::learn {
namespace {

using fold::Outcome;
using fold::SourceMode;

TEST_F(LearnTest, LearnsAndScoresEveryRecord) {
  write("s", 1, 200);
  run_to_end({"s"});
  const store::NetHead head = this->head();
  EXPECT_EQ(head.learned_seq, 200u);
  EXPECT_EQ(head.learned_lines + head.counted_lines, 200u);
  EXPECT_GT(head.learned_lines, 100u);
  EXPECT_EQ(skipped("s", Outcome::kEmpty), 11u);
  EXPECT_GT(head.steps, 20u);
  EXPECT_EQ(head.state_version, 1 + head.steps);
  EXPECT_EQ(head.scored_tokens, head.steps * 16);  // the tiny model's mini-batch
  EXPECT_GT(head.scored_bytes, head.scored_tokens);
  EXPECT_EQ(head.window_bits.size(), kWindowBatches);
  EXPECT_EQ(head.processed_bytes, store_->of(source()).intake.bytes);
  std::vector<store::Score> scores;
  ASSERT_TRUE(store_->scores(source(), 1, 200, scores).is_ok());
  ASSERT_EQ(scores.size(), 200u);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    EXPECT_EQ(scores[i].seq, i + 1);
    const bool learned = scores[i].decision == store::Decision::kLearned;
    EXPECT_EQ(scores[i].tokens > 0, learned) << i;
    EXPECT_EQ(scores[i].adapted_nats > 0, learned) << i;
    EXPECT_EQ(scores[i].frozen_nats > 0, learned) << i;
  }
  EXPECT_EQ(store_->scores_out_of_order, 0u);
}

TEST_F(LearnTest, NothingIsPublishedBeforeItIsDurable) {
  write("s", 1, 150);
  const store::SourceRef ref = source();
  int violations = 0, published = 0;
  on_point_ = [&](std::string_view) {
    const auto snapshot = snapshots_->get(ref);
    if (!snapshot) return;
    ++published;
    const auto head = store_->net_head(ref).value();
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
  EXPECT_GT(store_->blobs_written, 5u);
  EXPECT_EQ(learned(), expected[0]);
  EXPECT_EQ(store_->scores_out_of_order, 0u);  // each record once
}

TEST_F(LearnTest, ReplayFromTheBaseGivesTheSameState) {
  const auto expected = twin({"s"}, 200);
  store_->keep_blobs = false;
  for (int first = 1; first <= 200; first += 50) {
    write("s", first, first + 49);
    run_to_end({"s"});
  }
  EXPECT_EQ(learned(), expected[0]);
  EXPECT_EQ(store_->scores_out_of_order, 0u);
}

// The open mini-batch is scored early for the records' sake; its later full score has the same bits.
TEST_F(LearnTest, EarlyScoresOfTheTailAreFinal) {
  write("s", 1, 20);
  run_to_end({"s"});
  std::vector<store::Score> early, late;
  ASSERT_TRUE(store_->scores(source(), 1, 20, early).is_ok());
  ASSERT_EQ(early.size(), 20u);
  EXPECT_FALSE(store_->of(source()).tail.empty());
  write("s", 21, 60);
  run_to_end({"s"});
  ASSERT_TRUE(store_->scores(source(), 1, 20, late).is_ok());
  for (std::size_t i = 0; i < early.size(); ++i) {
    EXPECT_EQ(late[i].tokens, early[i].tokens);
    EXPECT_EQ(late[i].adapted_nats, early[i].adapted_nats) << i;
    EXPECT_EQ(late[i].frozen_nats, early[i].frozen_nats) << i;
  }
}

TEST_F(LearnTest, AWrongDigestIsFoundAndStopsOrRelearns) {
  const auto expected = twin({"s"}, 100);
  write("s", 1, 100);
  run_to_end({"s"});
  store_->change(source(), [](testing::StoredSource& source) { source.net->state_digest.low ^= 1; });

  start();  // it is found although there is nothing to learn
  ASSERT_TRUE(wait_for([&] { return !fatal_.is_ok(); }));
  EXPECT_NE(fatal_.message().find("on_digest_mismatch"), std::string::npos);
  stop();

  fatal_ = Status::ok();
  options_.on_digest_mismatch = OnMismatch::kRelearn;
  start();
  ASSERT_TRUE(wait_for([&] { return loop_->counters().relearned_sources == 1; }));
  learn_all("s");
  stop();
  std::vector<store::Score> scores;
  ASSERT_TRUE(store_->scores(source(), 1, 100, scores).is_ok());
  EXPECT_EQ(scores.size(), 100u);
  EXPECT_GT(head().base_version, 1u);
}

TEST_F(LearnTest, StatesOfAnotherModelAreRelearnedNotMixed) {
  write("s", 1, 50);
  options_.model_fingerprint = "another model";
  run_to_end({"s"});
  options_.model_fingerprint = (*model_)->fingerprint().hex();
  write("s", 51, 60);
  start();
  learn_all("s");
  EXPECT_EQ(loop_->counters().relearned_sources, 1u);
  stop();
  EXPECT_EQ(head().model_fingerprint, options_.model_fingerprint);
  EXPECT_EQ(head().learned_lines + head().counted_lines, 60u);
}

// What somebody has pinned is not dropped behind their back: the source waits, the others go on.
TEST_F(LearnTest, APinnedVersionStandsInTheWayOfRelearning) {
  options_.model_fingerprint = "another model";
  for (const char* name : {"s", "t"}) write(name, 1, 50);
  run_to_end({"s", "t"});
  const auto kept = store_->versions(source()).value();
  ASSERT_FALSE(kept.empty());
  ASSERT_TRUE(store_->pin(source(), kept.front().learned_seq, true, {}).is_ok());
  const std::string before = learned();
  options_.model_fingerprint = (*model_)->fingerprint().hex();
  std::atomic<bool> held = false;
  on_point_ = [&](std::string_view point) { held = held || point == "learn.held"; };
  for (const char* name : {"s", "t"}) write(name, 51, 60);
  start();
  learn_all("t");
  ASSERT_TRUE(wait_for([&] { return held.load(); }));
  stop();
  on_point_ = {};
  EXPECT_TRUE(fatal_.is_ok()) << fatal_.to_string();
  EXPECT_EQ(learned(), before);
  EXPECT_EQ(store_->versions(source())->size(), kept.size());
  ASSERT_TRUE(store_->pin(source(), kept.front().learned_seq, false, {}).is_ok());
  run_to_end({"s"});
  EXPECT_EQ(head().learned_lines + head().counted_lines, 60u);
}

// A replay decides by the budget of then, not of now, however often it changed.
TEST_F(LearnTest, AChangedBudgetDoesNotBreakReplays) {
  store_->keep_blobs = false;
  write("s", 1, 100);
  run_to_end({"s"});
  policy_ = {.learn_tokens_per_s = 1, .burst_tokens = 100};
  write("s", 101, 200);
  run_to_end({"s"});
  EXPECT_GT(skipped("s", Outcome::kOverBudget), 30u);
  policy_ = {.mode = SourceMode::kScore};
  write("s", 201, 250);
  run_to_end({"s"});
  start();
  wait_for_weights("s");
  EXPECT_EQ(loop_->counters().relearned_sources, 0u);
  EXPECT_EQ(loop_->counters().replayed_records, 250u);
  stop();
  EXPECT_EQ(head().learned_seq, 250u);
  EXPECT_EQ(decode_history(head(), {}).changes.size(), 3u);
}

TEST_F(LearnTest, OverloadIsShedVisiblyAndReplayedTheSame) {
  write("s", 1, 400);
  options_.backlog_bytes_max = 4000;
  store_->keep_blobs = false;
  run_to_end({"s"});
  const auto marks = store_->shed_marks(source(), 0).value();
  ASSERT_FALSE(marks.empty());
  const std::uint64_t shed = skipped("s", Outcome::kShed);
  EXPECT_GT(shed, 250u);
  EXPECT_LT(shed, 400u);
  std::vector<store::Score> scores;
  ASSERT_TRUE(store_->scores(source(), marks[0].first_seq, marks[0].first_seq, scores).is_ok());
  ASSERT_EQ(scores.size(), 1u);
  EXPECT_EQ(scores[0].reason, static_cast<std::uint8_t>(Outcome::kShed));
  write("s", 401, 410);
  run_to_end({"s"});  // replays from the base; a mismatch would be fatal
  EXPECT_TRUE(fatal_.is_ok()) << fatal_.to_string();
}

TEST_F(LearnTest, ADamagedBlockCostsItselfAndIsReplayedTheSame) {
  write("bad", 1, 50);
  write("good", 1, 50);
  store_->damage(source("bad"), 25);  // records 21 to 30
  store_->keep_blobs = false;
  start();
  learn_all("bad");
  learn_all("good");
  EXPECT_EQ(loop_->counters().damaged_records, 10u);
  stop();
  EXPECT_EQ(skipped("bad", Outcome::kDamaged), 10u);
  EXPECT_EQ(head("bad").learned_seq, 50u);
  write("bad", 51, 60);
  run_to_end({"bad"});
  EXPECT_TRUE(fatal_.is_ok()) << fatal_.to_string();
  EXPECT_EQ(head("bad").learned_lines + head("bad").counted_lines, 60u);
  EXPECT_EQ(head("bad").base_version, 1u);
}

// What was learned is damaged later: the state cannot be made again, and that never stops the daemon.
TEST_F(LearnTest, DamageBelowTheHeadIsRelearned) {
  write("s", 1, 60);
  store_->keep_blobs = false;
  run_to_end({"s"});
  store_->damage(source(), 25);
  start();
  ASSERT_TRUE(wait_for([&] { return loop_->counters().relearned_sources == 1; }));
  learn_all("s");
  stop();
  EXPECT_TRUE(fatal_.is_ok()) << fatal_.to_string();
  EXPECT_EQ(skipped("s", Outcome::kDamaged), 10u);
  run_to_end({"s"});  // and that state can
  EXPECT_TRUE(fatal_.is_ok());
}

TEST_F(LearnTest, AFloorAboveTheBaseIsRelearnedFromTheFloor) {
  write("s", 1, 100);
  store_->keep_blobs = false;
  run_to_end({"s"});
  ASSERT_EQ(store_->trim(source(), 45).value(), 40u);
  write("s", 101, 110);
  start();
  learn_all("s");
  EXPECT_EQ(loop_->counters().relearned_sources, 1u);
  stop();
  EXPECT_EQ(head().base_seq, 40u);
  EXPECT_GT(head().base_bytes, 0u);
  EXPECT_EQ(head().learned_lines + head().counted_lines, 70u);
}

TEST_F(LearnTest, AKeptStateLetsTheFloorMove) {
  options_.replay_ms_max = 1'000'000;
  write("s", 1, 100);
  start();
  learn_all("s");
  loop_->keep_state(source());
  ASSERT_TRUE(wait_for([&] { return store_->blobs_written == 1; }));
  stop();
  EXPECT_EQ(store_->versions(source())->back().reason, "retention");
  ASSERT_EQ(store_->trim(source(), 100).value(), 100u);
  write("s", 101, 110);
  run_to_end({"s"});
  EXPECT_EQ(head().base_version, 1u);  // not relearned
  EXPECT_EQ(head().learned_lines + head().counted_lines, 110u);
}

TEST_F(LearnTest, ResetForgetsTheNetAndNothingElse) {
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
  EXPECT_EQ(head().learned_seq, 100u);

  EXPECT_EQ(loop_->reset({source(), "", version + 1, false}).status().code(), Code::kAborted);
  const auto reset = loop_->reset({source(), "r1", version, false});
  ASSERT_TRUE(reset.is_ok()) << reset.status().to_string();
  EXPECT_EQ(reset->new_version, version + 1);
  EXPECT_EQ(reset->forgotten_patterns, 0u);
  // The same request again is answered, not carried out.
  const auto again = loop_->reset({source(), "r1", version, false});
  ASSERT_TRUE(again.is_ok());
  EXPECT_EQ(again->new_version, reset->new_version);
  EXPECT_EQ(again->forgotten_steps, reset->forgotten_steps);

  EXPECT_TRUE(store_->of(source()).scores.empty());
  EXPECT_FALSE(store_->of(source("other")).scores.empty());
  EXPECT_EQ(store_->of(source()).fold.folded_seq, 100u);  // the index is as it was
  EXPECT_GT(store_->of(source()).fold.patterns, 2u);
  write("s", 101, 120);
  learn_all("s");
  stop();
  EXPECT_EQ(head().base_seq, 100u);
  EXPECT_EQ(head().learned_lines + head().counted_lines, 20u);
  EXPECT_EQ(head().learned_lines, 18u);  // all is new again, but two are empty
  // And what was reset is replayed from its base.
  store_->keep_blobs = false;
  store_->change(source(), [](testing::StoredSource& source) { source.blobs.clear(); });
  start();
  wait_for_weights("s");
  EXPECT_EQ(loop_->counters().replayed_records, 20u);
}

TEST_F(LearnTest, ResetOfTheFoldTooBeginsThePatternsAgain) {
  write("s", 1, 100);
  start();
  learn_all("s");
  const std::uint64_t patterns = store_->of(source()).fold.patterns;
  const auto reset = loop_->reset({source(), "r1", 0, false, ResetScope::kNetAndFold});
  ASSERT_TRUE(reset.is_ok()) << reset.status().to_string();
  EXPECT_EQ(reset->forgotten_patterns, patterns);
  EXPECT_EQ(store_->fold_resets, 1u);
  EXPECT_EQ(store_->of(source()).fold.folded_seq, 100u);  // the fake folds at once
  write("s", 101, 120);
  learn_all("s");
  stop();
  EXPECT_EQ(head().base_seq, 100u);
  EXPECT_EQ(head().learned_lines + head().counted_lines, 20u);
}

TEST_F(LearnTest, ResetOfUnknownAndWhenStopped) {
  start();
  const store::SourceRef unknown{store::TenantId{9}, store::SourceId{9}};
  EXPECT_EQ(loop_->reset({unknown, "", 0, false}).status().code(), Code::kNotFound);
  loop_->stop();
  EXPECT_EQ(loop_->reset({source(), "", 0, false}).status().code(), Code::kUnavailable);
  EXPECT_EQ(loop_->drop(source()).code(), Code::kUnavailable);
}

TEST_F(LearnTest, ADroppedSourceMayBeDeletedAtAnyTime) {
  write("gone", 1, 100);
  write("stays", 1, 30);
  start();
  learn_all("gone");
  const store::SourceRef gone = source("gone");
  ASSERT_TRUE(loop_->drop(gone).is_ok());
  write("gone", 101, 200);  // still being read when it is deleted
  store_->erase(gone);
  loop_->ready({&gone, 1});
  write("stays", 31, 60);
  learn_all("stays");
  stop();
  EXPECT_TRUE(fatal_.is_ok()) << fatal_.to_string();
}

TEST_F(LearnTest, ASourceThatIsDeletedWhileItIsReadEndsNobodyElse) {
  options_.quantum_records = 8;
  write("gone", 1, 100);
  write("stays", 1, 100);
  const store::SourceRef gone = source("gone");
  int records = 0;
  on_point_ = [&](std::string_view point) {
    if (point == "learn.record" && ++records == 50) store_->erase(gone);
  };
  run_to_end({"stays"});
  EXPECT_GT(records, 100);
}

TEST_F(LearnTest, ADroppedSourceThatStaysGoesOn) {
  const auto expected = twin({"s"}, 150);
  write("s", 1, 100);
  start();
  learn_all("s");
  ASSERT_TRUE(loop_->drop(source()).is_ok());
  wait_for_weights("s");
  write("s", 101, 150);
  learn_all("s");
  stop();
  EXPECT_EQ(learned(), expected[0]);
}

TEST_F(LearnTest, ModesScoreAndCount) {
  policy_.mode = SourceMode::kCount;
  write("s", 1, 60);
  start();
  learn_all("s");
  EXPECT_EQ(loop_->status().resident_states, 0u);  // no state, and no block was read
  EXPECT_EQ(loop_->counters().records, 0u);
  stop();
  EXPECT_EQ(head().steps, 0u);
  EXPECT_EQ(head().counted_lines, 60u);
  EXPECT_EQ(skipped("s", Outcome::kModeCount), 60u);
  EXPECT_EQ(head().processed_bytes, store_->of(source()).fold.folded_bytes);
  EXPECT_EQ(head().base_seq, 60u);  // retention is free
  EXPECT_TRUE(store_->of(source()).scores.empty());
  policy_.mode = SourceMode::kScore;
  write("t", 1, 60);
  run_to_end({"t"});
  EXPECT_EQ(head("t").learned_lines, 0u);
  EXPECT_GT(head("t").scored_lines, 40u);
  EXPECT_GT(head("t").scored_nats, 0);
}

// From count to learn, to count and back: the head counts all records once, every replay reaches it.
TEST_F(LearnTest, ModesMayChangeAnyNumberOfTimes) {
  for (const bool keep_blobs : {true, false}) {
    store_ = std::make_unique<testing::MemoryStore>();
    store_->keep_blobs = keep_blobs;
    int last = 0;
    std::vector<store::Score> scores;
    std::size_t read = 0;
    for (const SourceMode mode :
         {SourceMode::kCount, SourceMode::kLearn, SourceMode::kLearn, SourceMode::kCount, SourceMode::kCount,
          SourceMode::kScore, SourceMode::kCount, SourceMode::kLearn}) {
      policy_.mode = mode;
      write("s", last + 1, last + 33);
      last += 33;
      start();
      learn_all("s");
      EXPECT_EQ(loop_->counters().relearned_sources, 0u);
      stop();
      ASSERT_TRUE(fatal_.is_ok()) << fatal_.to_string();
      const store::NetHead head = this->head();
      EXPECT_EQ(head.learned_lines + head.scored_lines + head.counted_lines,
                static_cast<std::uint64_t>(last));
      EXPECT_EQ(head.processed_bytes, store_->of(source()).fold.folded_bytes);
      // What was read has its scores, also when the net stopped reading with a mini-batch open.
      if (mode != SourceMode::kCount) read += 33;
      ASSERT_TRUE(store_->scores(source(), 1, 1000, scores).is_ok());
      EXPECT_EQ(scores.size(), read);
    }
    EXPECT_EQ(skipped("s", Outcome::kModeCount), 4u * 33);
    EXPECT_EQ(store_->scores_out_of_order, 0u);
    start();
    wait_for_weights("s");
    stop();
    EXPECT_EQ(head().base_version, 1u);
  }
}

TEST_F(LearnTest, OneCommitHoldsTheWorkOfAllSources) {
  options_.commit_ms = 300;
  options_.commit_records_max = 100'000;
  constexpr int kSources = 40;
  for (int i = 0; i < kSources; ++i) write("s" + std::to_string(i), 1, 3);
  policy_.mode = SourceMode::kLearn;
  start();
  for (int i = 0; i < kSources; ++i) learn_all("s" + std::to_string(i));
  stop();
  EXPECT_LE(store_->net_commits, 3u);
  EXPECT_GE(store_->most_in_a_commit, 20u);
}

// A source that never falls silent does not keep others waiting.
TEST_F(LearnTest, AFullDiskPausesLearningAndNothingIsWritten) {
  const auto expected = twin({"s"}, 100);
  std::atomic<bool> has_room{false};
  options_.has_room = [&] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
    return has_room.load();
  };
  write("s", 1, 100);
  start();
  ASSERT_TRUE(wait_for([&] { return loop_->status().state == "paused"; }));
  EXPECT_EQ(loop_->counters().records, 0u);
  stop();
  EXPECT_EQ(store_->net_commits, 0u);
  EXPECT_EQ(store_->blobs_written, 0u);
  start();
  has_room = true;
  learn_all("s");  // by itself
  stop();
  EXPECT_EQ(learned(), expected[0]);
}

TEST_F(LearnTest, AHotSourceStarvesNobody) {
  options_.quantum_records = 8;
  write("hot", 1, 600);
  write("cold", 1, 10);
  const store::SourceRef hot = source("hot"), cold = source("cold");
  std::uint64_t hot_when_cold_done = 0;
  on_point_ = [&](std::string_view) {
    const auto snapshot = snapshots_->get(cold);
    if (hot_when_cold_done != 0 || !snapshot || snapshot->learned_seq < 10) return;
    const auto head = store_->net_head(hot).value();
    hot_when_cold_done = head ? head->learned_seq : 1;
  };
  run_to_end({"hot", "cold"});
  EXPECT_GT(hot_when_cold_done, 0u);
  EXPECT_LT(hot_when_cold_done, 200u);
}

}  // namespace
}  // namespace silt::learn
