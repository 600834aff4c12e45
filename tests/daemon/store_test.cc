#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "daemon/store/rocks_store.h"
#include "tests/daemon/raw_rows.h"
#include "tests/daemon/store_world.h"
#include "tests/support/power_loss_env.h"
#include "tests/support/temp_dir.h"

namespace silt::store {
namespace {

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    const Status opened = world_.reopen();
    ASSERT_TRUE(opened.is_ok()) << opened.to_string();
  }
  // Rows of a table, looked at beneath the store, which is closed meanwhile.
  std::size_t rows(Family family, char table) {
    world_.close();
    const std::size_t count = RawRows(world_.path()).keys(family, table).size();
    reopen();
    return count;
  }
  RocksStore& store() { return world_.store(); }

  StoreWorld world_{1};
};

// --- the journal ------------------------------------------------------------------------------------

TEST_F(StoreTest, AppendsOfManySourcesWithTheirCursorsAreOneBatch) {
  testing::PowerLossEnv env;  // counts syncs
  StoreWorld world(2);
  world.options.database.env = env.env();
  ASSERT_TRUE(world.reopen().is_ok());
  std::vector<std::pair<SourceModel*, std::size_t>> counts;
  std::vector<CursorChange> cursors;
  for (int i = 0; i < 50; ++i) {
    counts.emplace_back(&world.source("source " + std::to_string(i)), 1 + i % 3);
    cursors.push_back({"host", {"file " + std::to_string(i), "at " + std::to_string(i), false}});
  }
  const std::uint64_t before = env.syncs();
  ASSERT_TRUE(world.append(counts, cursors).is_ok());
  EXPECT_EQ(env.syncs(), before + 1);
  ASSERT_TRUE(world.reopen().is_ok());
  EXPECT_EQ(world.store().sources().size(), 50u);
  for (const auto& [source, count] : counts) world.check_journal(*source);
  EXPECT_EQ(world.store().cursors("host")->size(), 50u);
  world.close();
}

TEST_F(StoreTest, BuffersAreWrittenOnceItIsQuietAndALossOfPowerThenHarmsNothing) {
  StoreWorld world(3);
  testing::PowerLossEnv power;
  world.options.database.env = power.env();
  ASSERT_TRUE(world.reopen().is_ok());
  const auto tables = [&] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(world.path())) count += entry.path().extension() == ".sst" ? 1 : 0;
    return count;
  };
  const std::size_t before = tables();
  world.store().flush_when_quiet(0);
  SourceModel& source = world.source("a");
  ASSERT_TRUE(world.append(source, 20).is_ok());
  world.store().flush_when_quiet(0);
  EXPECT_EQ(tables(), before) << "something was written just now";
  world.store().flush_when_quiet(1 << 30);
  EXPECT_EQ(tables(), before) << "so little may stay";
  world.store().flush_when_quiet(0);
  EXPECT_GT(tables(), before);
  power.cut();
  world.close();
  power.settle(world.random);
  testing::PowerLossEnv quick;
  world.options.database.env = quick.env();
  const Status opened = world.reopen();
  ASSERT_TRUE(opened.is_ok()) << opened.to_string();
  world.check_journal(source);
  world.close();
}

TEST_F(StoreTest, CursorsOfConnectorsWithCommonPrefixStayApart) {
  const auto append = [&](CursorChange change) {
    GroupAppend group;
    group.cursors.push_back(std::move(change));
    ASSERT_TRUE(store().append(group).is_ok());
  };
  append({"host", {"a", "1", false}});
  append({"host2", {"b", "2", false}});
  ASSERT_EQ(store().cursors("host")->size(), 1u);
  EXPECT_EQ(store().cursors("host").value()[0].key, "a");
  append({"host2", {"b", "", true}});
  EXPECT_TRUE(store().cursors("host2")->empty());
  EXPECT_EQ(store().cursors("host")->size(), 1u);
}

TEST_F(StoreTest, BlocksAreServedWhateverTheirForm) {
  SourceModel& source = world_.source("a");
  ASSERT_TRUE(store().block_after(source.info.ref, 0).is_ok());
  EXPECT_EQ(store().block_after(source.info.ref, 0).value(), nullptr);
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(world_.append(source, 7).is_ok());
  world_.check(source);  // nothing folded
  ASSERT_TRUE(world_.fold(source, 2).is_ok());
  ASSERT_TRUE(world_.fold(source, 1).is_ok());
  world_.check(source);
  ASSERT_TRUE(world_.seal(source).is_ok());
  ASSERT_TRUE(world_.fold(source, 3).is_ok());
  world_.check(source);  // a segment, folded chunks, others
  reopen();
  world_.check(source);
  // A block is found by any of its records.
  const BlockPtr block = store().block_after(source.info.ref, 24).value();
  EXPECT_EQ(block->first_seq, 22u);
  EXPECT_EQ(block->last_seq, 28u);
  EXPECT_EQ(store().block_after(source.info.ref, 5).value()->last_seq, 21u);
}

TEST_F(StoreTest, TenantsOfTheSameSourceNameAreTwoSources) {
  SourceModel& a = world_.source("s", "a");
  SourceModel& b = world_.source("s", "b");
  EXPECT_NE(a.info.ref.tenant, b.info.ref.tenant);
  EXPECT_NE(a.info.ref.source, b.info.ref.source);
  ASSERT_TRUE(world_.append({{&a, 3}, {&b, 4}}).is_ok());
  reopen();
  world_.check(a);
  world_.check(b);
  EXPECT_EQ(store().open_source("b", "s", "host")->ref, b.info.ref);
}

TEST_F(StoreTest, NamesOfAnyBytesSurviveARestart) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  for (const std::string& name :
       {all, std::string("\xff"), std::string("\xc3"), std::string("a\nb"), std::string(" ")}) {
    ASSERT_TRUE(world_
                    .append({{&world_.source(name), 1}, {&world_.source("s", name), 1}},
                            {{name, {name, name, false}}})
                    .is_ok());
    reopen();
    EXPECT_EQ(store().open_source("default", name, "host")->ref, world_.source(name).info.ref);
    EXPECT_EQ(store().open_source(name, "s", "host")->ref, world_.source("s", name).info.ref);
    EXPECT_EQ(store().source(world_.source(name).info.ref)->name, name);
    EXPECT_EQ(store().source(world_.source("s", name).info.ref)->tenant, name);
    ASSERT_EQ(store().cursors(name)->size(), 1u);
    EXPECT_EQ(store().cursors(name).value()[0].key, name);
    EXPECT_EQ(store().cursors(name).value()[0].value, name);
    world_.check(world_.source(name));
  }
}

TEST_F(StoreTest, ShedMarks) {
  const SourceRef ref = world_.source("a").info.ref;
  ASSERT_TRUE(world_.append(world_.source("a"), 1).is_ok());
  ASSERT_TRUE(store().append_shed_mark(ref, {10, 20, "backlog"}).is_ok());
  ASSERT_TRUE(store().append_shed_mark(ref, {30, 40, "backlog"}).is_ok());
  reopen();
  ASSERT_EQ(store().shed_marks(ref, 0)->size(), 2u);
  const auto marks = store().shed_marks(ref, 20).value();
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_EQ(marks[0].first_seq, 30u);
  EXPECT_EQ(marks[0].last_seq, 40u);
}

// --- the fold ---------------------------------------------------------------------------------------

TEST_F(StoreTest, SealingReplacesChunksAndMarks) {
  SourceModel& source = world_.source("a");
  SourceModel& neighbour = world_.source("b");
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(world_.append({{&source, 20}, {&neighbour, 20}}).is_ok());
  ASSERT_TRUE(world_.fold(source, 6).is_ok());
  ASSERT_TRUE(world_.fold(neighbour, 6).is_ok());
  EXPECT_EQ(rows(Family::kChunk, keys::kChunk), 16u);
  EXPECT_EQ(rows(Family::kChunk, keys::kMarks), 2u);
  ASSERT_TRUE(world_.seal(source).is_ok());
  EXPECT_EQ(rows(Family::kChunk, keys::kChunk), 10u);
  EXPECT_EQ(rows(Family::kChunk, keys::kMarks), 1u);
  EXPECT_EQ(rows(Family::kSegment, keys::kSegment), 1u);
  world_.check(source);
  world_.check(neighbour);
  const auto segments = store().segments(source.info.ref).value();
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(segments[0].first_seq, 1u);
  EXPECT_EQ(segments[0].last_seq, 120u);
  EXPECT_EQ(store().fold_head(source.info.ref)->segment_bytes, segments[0].stored_bytes);
}

TEST_F(StoreTest, ASmallLastSegmentIsMergedWithWhatFollows) {
  SourceModel& source = world_.source("a");
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 4; ++j) ASSERT_TRUE(world_.append(source, 10).is_ok());
    ASSERT_TRUE(world_.fold(source).is_ok());
    world_.check(source);
    ASSERT_TRUE(world_.seal(source, i == 2 ? 41 : 0).is_ok());
    world_.check(source);
  }
  const auto segments = store().segments(source.info.ref).value();
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_EQ(segments[1].first_seq, 41u);
  EXPECT_EQ(segments[1].last_seq, 120u);
  EXPECT_EQ(store().fold_head(source.info.ref)->segment_bytes,
            segments[0].stored_bytes + segments[1].stored_bytes);
  EXPECT_EQ(rows(Family::kSegment, keys::kSegment), 2u);
  EXPECT_EQ(rows(Family::kChunk, keys::kChunk), 0u);
  world_.check(source);
}

// Readers in the middle of a walk see each record once, also when the fold seals under them.
TEST_F(StoreTest, NothingIsHiddenBySealingDuringAScan) {
  SourceModel& source = world_.source("a");
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(world_.append(source, 10).is_ok());
  ASSERT_TRUE(world_.fold(source, 2).is_ok());
  ASSERT_TRUE(world_.seal(source).is_ok());
  ASSERT_TRUE(world_.fold(source).is_ok());
  std::vector<Seq> seen;
  ASSERT_TRUE(store()
                  .scan(source.info.ref, {}, false,
                        [&](const Evidence& row) {
                          if (seen.empty()) {
                            EXPECT_TRUE(world_.seal(source).is_ok());
                          }
                          seen.push_back(row.seq);
                          return true;
                        })
                  .is_ok());
  std::vector<Seq> all(60);
  for (Seq seq = 1; seq <= 60; ++seq) all[seq - 1] = seq;
  EXPECT_EQ(seen, all);
}

TEST_F(StoreTest, AResetFoldForgetsPatternsAndMarksAndKeepsRecords) {
  SourceModel& source = world_.source("a");
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(world_.append(source, 10).is_ok());
  ASSERT_TRUE(world_.fold(source, 4).is_ok());
  ASSERT_TRUE(world_.seal(source).is_ok());
  ASSERT_TRUE(world_.fold(source).is_ok());
  world_.check(source);  // marks of the segment are in a cache now
  ASSERT_TRUE(store().reset_fold(source.info.ref).is_ok());
  const FoldHead head = store().fold_head(source.info.ref).value();
  EXPECT_EQ(head.folded_seq, 0u);
  EXPECT_EQ(head.folded_bytes, 0u);
  EXPECT_EQ(head.patterns, 0u);
  EXPECT_EQ(head.sealed_seq, 40u);
  source.fold = head;
  world_.check(source);
  reopen();
  world_.check(source);
  std::vector<PatternRow> patterns;
  ASSERT_TRUE(store().patterns(source.info.ref, patterns).is_ok());
  EXPECT_TRUE(patterns.empty());

  // Folded again to other marks: the segment is made anew, and nobody sees the old one.
  for (KeptRecord& kept : source.records) kept.mark.pattern += 7;
  FoldCommit commit;
  commit.source = source.info.ref;
  commit.sealed.push_back(world_.segment(source, 1, 40));
  source.fold.folded_seq = 40;
  commit.head = source.fold;
  ASSERT_TRUE(store().commit(std::span(&commit, 1)).is_ok());
  world_.check_journal(source);
  world_.check_evidence(source);
  ASSERT_TRUE(world_.fold(source).is_ok());
  world_.check(source);
}

TEST_F(StoreTest, OneCommitForManySources) {
  SourceModel& a = world_.source("a");
  SourceModel& b = world_.source("b");
  ASSERT_TRUE(world_.append({{&a, 5}, {&b, 6}}).is_ok());
  std::vector<FoldCommit> commits;
  for (SourceModel* source : {&a, &b}) {
    FoldCommit commit;
    commit.source = source->info.ref;
    commit.marks_first_seq = 1;
    for (const KeptRecord& kept : source->records) commit.marks.push_back(kept.mark);
    source->fold.folded_seq = source->end();
    commit.head = source->fold;
    commits.push_back(std::move(commit));
  }
  ASSERT_TRUE(store().delete_source(b.info.ref, {}).is_ok());
  ASSERT_TRUE(store().commit(commits).is_ok());  // what was deleted is left out
  reopen();
  world_.check(a);
  EXPECT_EQ(store().sources().size(), 1u);
  EXPECT_EQ(store().fold_head(b.info.ref).status().code(), Code::kNotFound);
}

// --- the net ----------------------------------------------------------------------------------------

TEST_F(StoreTest, ScoresLieInRowsOf256) {
  SourceModel& source = world_.source("a");
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(world_.append(source, 100).is_ok());
  ASSERT_TRUE(world_.fold(source).is_ok());
  ASSERT_TRUE(world_.score(source, 1, 5).is_ok());
  world_.check_evidence(source);
  ASSERT_TRUE(world_.score(source, 300, 20).is_ok());
  world_.check_evidence(source);
  reopen();  // the open row is found again
  ASSERT_TRUE(world_.score(source, 100, 3).is_ok());
  ASSERT_TRUE(world_.score(source, 200).is_ok());
  EXPECT_EQ(rows(Family::kMain, keys::kScores), 3u);  // 601 records
  EXPECT_EQ(rows(Family::kMain, keys::kTail), 0u);
  for (int i = 0; i < 10; ++i) world_.check_evidence(source);
  std::vector<Score> scores;
  ASSERT_TRUE(store().scores(source.info.ref, 256, 258, scores).is_ok());
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_EQ(scores[0].seq, 256u);
  ASSERT_TRUE(store().scores(source.info.ref, 602, 700, scores).is_ok());
  EXPECT_TRUE(scores.empty());
}

TEST_F(StoreTest, NewestReadableBlobIsLoadedAndTwoAreKept) {
  world_.options.versions_kept = 2;
  reopen();
  SourceModel& source = world_.source("a");
  const SourceRef ref = source.info.ref;
  ASSERT_TRUE(world_.append(source, 10).is_ok());
  EXPECT_FALSE(store().load(ref)->has_value());
  for (int i = 1; i <= 4; ++i)
    ASSERT_TRUE(world_.score(source, 1, 0, "blob at " + std::to_string(i)).is_ok());
  ASSERT_TRUE(world_.score(source, 1).is_ok());
  reopen();
  const auto checkpoint = store().load(ref).value();
  ASSERT_TRUE(checkpoint.has_value());
  EXPECT_EQ(checkpoint->head.learned_seq, 5u);
  EXPECT_EQ(checkpoint->blob_info.learned_seq, 4u);
  EXPECT_EQ(checkpoint->blob_info.reason, "budget");
  EXPECT_EQ(checkpoint->blob, "blob at 4");
  const auto versions = store().versions(ref).value();
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].learned_seq, 4u);
  EXPECT_EQ(versions[1].learned_seq, 3u);
  EXPECT_EQ(rows(Family::kState, keys::kBlob), 2u);
}

TEST_F(StoreTest, AResetNetKeepsPatternsMarksAndSegments) {
  SourceModel& source = world_.source("a");
  SourceModel& other = world_.source("other");
  const SourceRef ref = source.info.ref;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(world_.append({{&source, 100}, {&other, 100}}).is_ok());
  ASSERT_TRUE(world_.fold(source, 3).is_ok());
  ASSERT_TRUE(world_.seal(source).is_ok());
  ASSERT_TRUE(world_.fold(source).is_ok());
  ASSERT_TRUE(world_.score(source, 280, 5, "blob").is_ok());
  ASSERT_TRUE(world_.score(other, 280, 5, "blob").is_ok());
  NetHead head;
  head.learned_seq = head.base_seq = 400;
  head.state_version = head.base_version = 9;
  ASSERT_TRUE(store().reset_net(ref, head, {"request-1", "the answer", 5}).is_ok());
  source.net = head;
  source.tail.clear();
  for (KeptRecord& kept : source.records) kept.score.reset();
  reopen();
  world_.check(source);
  world_.check(other);
  const auto checkpoint = store().load(ref).value();
  ASSERT_TRUE(checkpoint.has_value());
  EXPECT_TRUE(checkpoint->blob.empty());
  EXPECT_EQ(checkpoint->blob_info.learned_seq, 400u);
  EXPECT_TRUE(store().versions(ref)->empty());
  std::vector<PatternRow> patterns;
  ASSERT_TRUE(store().patterns(ref, patterns).is_ok());
  EXPECT_EQ(patterns.size(), 6u);
  EXPECT_EQ(store().pattern(ref, 3)->id, 3u);
  EXPECT_EQ(store().request_result(ref.tenant, "request-1").value(), "the answer");
  EXPECT_FALSE(store().request_result(ref.tenant, "request-2")->has_value());
  EXPECT_EQ(store().load(other.info.ref).value()->blob, "blob");
  // Scoring goes on behind it.
  ASSERT_TRUE(world_.append(source, 100).is_ok());
  ASSERT_TRUE(world_.fold(source).is_ok());
  ASSERT_TRUE(world_.score(source, 50, 3).is_ok());
  world_.check(source);
}

// --- retention --------------------------------------------------------------------------------------

class TrimTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    source_ = &world_.source("a");
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(world_.append(*source_, 100).is_ok());
      ASSERT_TRUE(world_.fold(*source_).is_ok());
      if (i == 4) break;
      ASSERT_TRUE(world_.seal(*source_).is_ok());
    }
  }
  Seq trim(Seq floor) {
    const auto reached = store().trim(source_->info.ref, floor);
    EXPECT_TRUE(reached.is_ok());
    source_->fold.floor_seq = *reached;
    return *reached;
  }
  SourceModel* source_ = nullptr;
};

TEST_F(TrimTest, NothingGoesBeforeTheNetHasSeenIt) {
  EXPECT_EQ(trim(400), 0u);
  world_.check(*source_);
}

TEST_F(TrimTest, WholeSegmentsGoThatNoReplayNeeds) {
  ASSERT_TRUE(world_.score(*source_, 260, 0, "blob").is_ok());
  ASSERT_TRUE(world_.score(*source_, 200).is_ok());
  EXPECT_EQ(trim(50), 0u);     // less than a segment
  EXPECT_EQ(trim(130), 100u);  // one
  world_.check(*source_);
  EXPECT_EQ(trim(400), 200u);  // a replay begins at 260
  EXPECT_EQ(trim(400), 200u);
  world_.check(*source_);
  reopen();
  world_.check(*source_);
  EXPECT_EQ(store().segments(source_->info.ref)->size(), 2u);
  EXPECT_EQ(rows(Family::kSegment, keys::kSegment), 2u);
  const auto segments = store().segments(source_->info.ref).value();
  EXPECT_EQ(store().fold_head(source_->info.ref)->segment_bytes,
            segments[0].stored_bytes + segments[1].stored_bytes);
  EXPECT_EQ(store().block_after(source_->info.ref, 0).value()->first_seq, 201u);
}

TEST_F(TrimTest, TheNewestStateMovesTheReplayBase) {
  ASSERT_TRUE(world_.score(*source_, 260, 0, "blob").is_ok());
  EXPECT_EQ(trim(400), 200u);
  ASSERT_TRUE(world_.score(*source_, 150, 0, "blob").is_ok());
  EXPECT_EQ(trim(~Seq{0}), 400u);
  world_.check(*source_);
  EXPECT_EQ(rows(Family::kSegment, keys::kSegment), 0u);
  ASSERT_TRUE(world_.append(*source_, 10).is_ok());
  world_.check(*source_);
}

TEST_F(TrimTest, ANetThatNeverSteppedHoldsNothingBack) {
  source_->net.learned_seq = 300;
  NetCommit commit;
  commit.source = source_->info.ref;
  commit.head = source_->net;
  std::vector<NetCommit> commits;
  commits.push_back(std::move(commit));
  ASSERT_TRUE(store().commit(std::move(commits)).is_ok());
  EXPECT_EQ(trim(400), 300u);
  world_.check(*source_);
}

// A fold that begins again begins behind what was removed.
TEST_F(TrimTest, TheFoldIsNeverBelowTheFloor) {
  ASSERT_TRUE(world_.score(*source_, 450, 0, "blob").is_ok());
  EXPECT_EQ(trim(100), 100u);
  ASSERT_TRUE(store().reset_fold(source_->info.ref).is_ok());
  EXPECT_EQ(store().fold_head(source_->info.ref)->folded_seq, 100u);
  EXPECT_EQ(trim(200), 200u);
  EXPECT_GE(store().fold_head(source_->info.ref)->folded_seq, 200u);
}

// --- names ------------------------------------------------------------------------------------------

TEST_F(StoreTest, ARenameChangesWhatPeopleSee) {
  SourceModel& source = world_.source("a");
  ASSERT_TRUE(world_.append({{&source, 3}, {&world_.source("b"), 3}}).is_ok());
  EXPECT_EQ(store().rename_source(source.info.ref, "b", {}).code(), Code::kAlreadyExists);
  ASSERT_TRUE(store().rename_source(source.info.ref, "mail", {"r", "done", 1}).is_ok());
  reopen();
  EXPECT_EQ(store().source(source.info.ref)->name, "mail");
  EXPECT_EQ(store().source(source.info.ref)->stream, "a");
  EXPECT_EQ(store().open_source("default", "a", "host")->ref, source.info.ref);  // its input finds it
  EXPECT_EQ(store().request_result(source.info.ref.tenant, "r").value(), "done");
  world_.check(source);
}

TEST_F(StoreTest, ADeletedSourceIsGoneAndItsInputBeginsANewOne) {
  SourceModel& source = world_.source("a");
  SourceModel& other = world_.source("b");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(world_.append({{&source, 10}, {&other, 10}}).is_ok());
  for (SourceModel* each : {&source, &other}) {
    ASSERT_TRUE(world_.fold(*each, 2).is_ok());
    ASSERT_TRUE(world_.seal(*each).is_ok());
    ASSERT_TRUE(world_.fold(*each).is_ok());
    ASSERT_TRUE(world_.score(*each, 30, 2, "blob").is_ok());
    ASSERT_TRUE(store().append_shed_mark(each->info.ref, {1, 2, "backlog"}).is_ok());
  }
  const SourceRef deleted = source.info.ref;
  ASSERT_TRUE(store().delete_source(deleted, {"r", "done", 1}).is_ok());
  // Together with records of others, nothing is stored.
  const Seq before = other.end();
  EXPECT_EQ(world_.append({{&other, 1}, {&source, 1}}, {{"host", {"k", "v", false}}}).code(), Code::kAborted);
  EXPECT_EQ(store().intake_head(other.info.ref)->journal_seq, before);
  EXPECT_TRUE(store().cursors("host")->empty());
  const SourceInfo again = store().open_source("default", "a", "host").value();
  EXPECT_NE(again.ref, deleted);
  EXPECT_EQ(store().read(again.ref, 1).status().code(), Code::kNotFound);
  EXPECT_EQ(store().request_result(deleted.tenant, "r").value(), "done");
  world_.check(other);
  world_.close();
  {
    RawRows raw(world_.path());
    for (const char table :
         {keys::kSource, keys::kIntakeHead, keys::kShed, keys::kFoldHead, keys::kSegmentInfo, keys::kPattern,
          keys::kNetHead, keys::kScores, keys::kTail, keys::kVersion, keys::kVector, keys::kNormal, keys::kWatchCursor}) {
      for (const std::string& key : raw.keys(Family::kMain, table))
        EXPECT_NE(keys::source_of(key), deleted) << table;
    }
    EXPECT_EQ(raw.keys(Family::kChunk, keys::kMarks).size(), 1u);
    EXPECT_EQ(raw.keys(Family::kChunk, keys::kChunk).size(), 2u);
    EXPECT_EQ(raw.keys(Family::kSegment, keys::kSegment).size(), 1u);
    EXPECT_EQ(raw.keys(Family::kState, keys::kBlob).size(), 1u);
  }
  reopen();
  world_.check(other);
}

// What is kept of a tenant without sources (answers to its requests) is not the next tenant's.
TEST_F(StoreTest, ATenantsNumberIsNotGivenToAnother) {
  SourceModel& first = world_.source("s", "first");
  ASSERT_TRUE(world_.append(first, 1).is_ok());
  ASSERT_TRUE(store().delete_source(first.info.ref, {"request", "secret of first", 1}).is_ok());
  for (int restart = 0; restart < 2; ++restart) {
    const SourceRef second = store().open_source("second", "s", "host")->ref;
    EXPECT_FALSE(store().request_result(second.tenant, "request")->has_value()) << "restart " << restart;
    reopen();
  }
}

// --- vectors ----------------------------------------------------------------------------------------

TEST_F(StoreTest, VectorsAreOfOneEncoderAndGoWithTheirFoldAndSource) {
  SourceModel& a = world_.source("a");
  SourceModel& b = world_.source("b");
  ASSERT_TRUE(world_.append({{&a, 3}, {&b, 3}}, {}).is_ok());
  const std::vector<VectorRow> rows_of_a = {{1, 10, "one"}, {2, 20, std::string("t\0o", 3)}};
  ASSERT_TRUE(store().put_vectors(a.info.ref, 7, rows_of_a).is_ok());
  ASSERT_TRUE(store().put_vectors(b.info.ref, 7, std::vector<VectorRow>{{1, 10, "b"}}).is_ok());
  ASSERT_TRUE(store().put_vectors(a.info.ref, 7, std::vector<VectorRow>{{1, 11, "other"}}).is_ok());  // replaces
  reopen();
  std::vector<VectorRow> found;
  ASSERT_TRUE(store().vectors(a.info.ref, 7, found).is_ok());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text_hash, 11u);
  EXPECT_EQ(found[0].bytes, "other");
  EXPECT_EQ(found[1].pattern, 2u);
  EXPECT_EQ(found[1].bytes, rows_of_a[1].bytes);
  ASSERT_TRUE(store().vectors(a.info.ref, 8, found).is_ok());
  EXPECT_TRUE(found.empty());  // of another encoder
  ASSERT_TRUE(store().reset_fold(a.info.ref).is_ok());
  ASSERT_TRUE(store().vectors(a.info.ref, 7, found).is_ok());
  EXPECT_TRUE(found.empty());
  ASSERT_TRUE(store().delete_source(b.info.ref, {}).is_ok());
  ASSERT_TRUE(store().put_vectors(b.info.ref, 7, rows_of_a).is_ok());  // nothing is kept
  EXPECT_EQ(rows(Family::kMain, keys::kVector), 0u);
}

// --- digests ----------------------------------------------------------------------------------------

TEST_F(StoreTest, DigestsTellContentsNotForms) {
  const auto digests_of = [](StoreWorld& world, std::size_t chunk, std::size_t fold_each, bool seal) {
    EXPECT_TRUE(world.reopen().is_ok());
    SourceModel& other = world.source(std::to_string(chunk));  // moves the ids
    EXPECT_TRUE(world.append(other, chunk).is_ok());
    EXPECT_TRUE(world.store().delete_source(other.info.ref, {}).is_ok());
    SourceModel& source = world.source("a");
    while (source.end() < 600) {
      EXPECT_TRUE(world.append(source, std::min<std::size_t>(chunk, 600 - source.end())).is_ok());
      Status done;
      if (source.end() % fold_each == 0) done = world.fold(source);
      EXPECT_TRUE(done.is_ok());
      const bool open = source.fold.folded_seq > source.fold.sealed_seq;
      if (seal && source.end() % 50 == 0 && open) done = world.seal(source);
      EXPECT_TRUE(done.is_ok());
      if (source.net.learned_seq + chunk <= 500) done = world.score(source, chunk, 5);
      EXPECT_TRUE(done.is_ok());
    }
    EXPECT_TRUE(world.fold(source).is_ok());
    EXPECT_TRUE(world.score(source, 500 - source.net.learned_seq, 10).is_ok());
    return world.store().digests().value();
  };
  StoreWorld one(9), two(9), three(9), four(10);
  const auto first = digests_of(one, 1, 5, false);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].to_string(), digests_of(two, 25, 50, true)[0].to_string());
  EXPECT_EQ(first[0].to_string(), digests_of(three, 600, 600, true)[0].to_string());
  const SourceDigest foreign = digests_of(four, 25, 50, true)[0];
  EXPECT_FALSE(first[0].journal == foreign.journal);
  EXPECT_FALSE(first[0].marks == foreign.marks);
  EXPECT_FALSE(first[0].scores == foreign.scores);
  SourceModel& source = two.source("a");
  ASSERT_TRUE(two.append(source, 1).is_ok());
  const SourceDigest longer = two.store().digests().value()[0];
  EXPECT_FALSE(longer.journal == first[0].journal);
  EXPECT_TRUE(longer.marks == first[0].marks);
}

}  // namespace
}  // namespace silt::store
