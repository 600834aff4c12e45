// A damaged row, chunk or segment costs itself: it is reported, and the rest is served.
#include <gtest/gtest.h>

#include "daemon/store/rocks_store.h"
#include "tests/daemon/raw_rows.h"
#include "tests/daemon/store_world.h"

namespace silt::store {
namespace {

class StoreDamageTest : public ::testing::Test {
 protected:
  // Of source "a": two segments of 30, folded chunks of 10 (61..80), others (81..100). "b": three chunks.
  void SetUp() override {
    ASSERT_TRUE(world_.reopen().is_ok());
    a_ = &world_.source("a");
    b_ = &world_.source("b");
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(world_.append(*a_, 10).is_ok());
      if (i != 2 && i != 5 && i != 7) continue;
      ASSERT_TRUE(world_.fold(*a_).is_ok());
      if (i == 7) continue;
      ASSERT_TRUE(world_.seal(*a_).is_ok());
    }
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(world_.append(*b_, 10).is_ok());
    ASSERT_TRUE(world_.fold(*b_).is_ok());
    ASSERT_TRUE(world_.score(*a_, 70, 3, "blob 1").is_ok());
    ASSERT_TRUE(world_.score(*a_, 1, 3, "blob 2").is_ok());
  }
  template <class Damage>
  void with_damage(Damage damage) {
    world_.close();
    {
      RawRows raw(world_.path());
      damage(raw);
    }
    const Status opened = world_.reopen();
    ASSERT_TRUE(opened.is_ok()) << opened.to_string();
  }
  std::string key(char table, Seq seq) const { return keys::of_number(table, a_->info.ref, seq); }
  void expect_lost(Seq first, Seq last) {
    a_->lost = {{first, last}};
    world_.check_journal(*a_);
    for (int i = 0; i < 20; ++i) world_.check_evidence(*a_);
    world_.check_terms(*a_);
    world_.check(*b_);
  }
  RocksStore& store() { return world_.store(); }

  StoreWorld world_{3};
  SourceModel* a_ = nullptr;
  SourceModel* b_ = nullptr;
};

TEST_F(StoreDamageTest, ADamagedSourceRowCostsOneSource) {
  with_damage([&](RawRows& raw) { raw.flip(Family::kMain, keys::of_source(keys::kSource, a_->info.ref)); });
  ASSERT_EQ(store().sources().size(), 1u);
  world_.check(*b_);
  const SourceInfo again = store().open_source("default", "a", "host").value();
  EXPECT_NE(again.ref, a_->info.ref);
  EXPECT_NE(again.ref, b_->info.ref);
  EXPECT_EQ(store().digests()->size(), 2u);
}

TEST_F(StoreDamageTest, ADamagedHeadCostsOneSource) {
  for (const char table : {keys::kIntakeHead, keys::kFoldHead, keys::kNetHead}) {
    const std::string row = keys::of_source(table, a_->info.ref);
    std::string good;
    with_damage([&](RawRows& raw) {
      good = raw.value(Family::kMain, row);
      raw.flip(Family::kMain, row);
    });
    EXPECT_EQ(store().sources().size(), 1u) << table;
    world_.check(*b_);
    EXPECT_NE(store().open_source("default", "a", "host")->ref, a_->info.ref);
    with_damage([&](RawRows& raw) { raw.put(Family::kMain, row, good); });
    EXPECT_EQ(store().sources().size(), 2u);
    world_.check(*a_);
  }
}

TEST_F(StoreDamageTest, ADamagedChunkIsABlockWithoutRecords) {
  with_damage([&](RawRows& raw) { raw.flip(Family::kChunk, key(keys::kChunk, 71)); });
  expect_lost(71, 80);
}

TEST_F(StoreDamageTest, ADamagedLastChunkReachesToTheEnd) {
  with_damage([&](RawRows& raw) { raw.flip(Family::kChunk, key(keys::kChunk, 91)); });
  expect_lost(91, 100);
  a_->lost.clear();
  const Seq end = a_->end();
  ASSERT_TRUE(world_.append(*a_, 10).is_ok());  // and the journal goes on behind it
  expect_lost(91, end);
}

TEST_F(StoreDamageTest, AMissingChunkIsAHole) {
  with_damage([&](RawRows& raw) { raw.erase(Family::kChunk, key(keys::kChunk, 81)); });
  expect_lost(81, 90);
}

TEST_F(StoreDamageTest, ADamagedSegmentIsABlockWithoutRecords) {
  with_damage([&](RawRows& raw) { raw.flip(Family::kSegment, key(keys::kSegment, 31)); });
  expect_lost(31, 60);
}

TEST_F(StoreDamageTest, AMissingSegmentIsAHole) {
  with_damage([&](RawRows& raw) { raw.erase(Family::kSegment, key(keys::kSegment, 1)); });
  expect_lost(1, 30);
}

TEST_F(StoreDamageTest, ASegmentInAnothersPlaceIsDamage) {
  with_damage([&](RawRows& raw) {
    raw.put(Family::kSegment, key(keys::kSegment, 1), raw.value(Family::kSegment, key(keys::kSegment, 31)));
  });
  expect_lost(1, 30);
}

// The header row is a copy of what the segment says itself.
TEST_F(StoreDamageTest, ADamagedSegmentRowHidesNoRecord) {
  with_damage([&](RawRows& raw) { raw.flip(Family::kMain, key(keys::kSegmentInfo, 31)); });
  world_.check_journal(*a_);
  world_.check(*b_);
}

TEST_F(StoreDamageTest, DamagedMarksCostNoRecord) {
  with_damage([&](RawRows& raw) { raw.flip(Family::kChunk, key(keys::kMarks, 61)); });
  for (Seq seq = 1; seq <= a_->end(); ++seq) {
    const auto record = store().read(a_->info.ref, seq);
    ASSERT_TRUE(record.is_ok()) << seq << ": " << record.status().to_string();
    expect_equal(*record, a_->records[seq - 1].record);
  }
  EXPECT_TRUE(store().block_after(a_->info.ref, 65).value()->marks.empty());
  EXPECT_TRUE(store().evidence(a_->info.ref, 20).is_ok());
  EXPECT_EQ(store().evidence(a_->info.ref, 65).status().code(), Code::kNotFound);
  std::size_t seen = 0;
  EXPECT_TRUE(store().scan(a_->info.ref, {}, true, [&](const Evidence&) { return ++seen > 0; }).is_ok());
  EXPECT_EQ(seen, 60u);
  world_.check(*b_);
}

TEST_F(StoreDamageTest, DamagedScoresCostThemselves) {
  with_damage([&](RawRows& raw) { raw.flip(Family::kMain, key(keys::kScores, 1)); });
  for (KeptRecord& kept : a_->records) kept.score.reset();
  for (int i = 0; i < 10; ++i) world_.check_evidence(*a_);
  ASSERT_TRUE(world_.score(*a_, 5, 1).is_ok());  // and scoring goes on
  for (int i = 0; i < 10; ++i) world_.check_evidence(*a_);
}

TEST_F(StoreDamageTest, ADamagedBlobIsReplacedByAnOlderOne) {
  with_damage([&](RawRows& raw) { raw.flip(Family::kState, key(keys::kBlob, 71)); });
  EXPECT_EQ(store().load(a_->info.ref).value()->blob, "blob 1");
  EXPECT_EQ(store().load(a_->info.ref).value()->head.learned_seq, 71u);
  with_damage([&](RawRows& raw) { raw.flip(Family::kMain, key(keys::kVersion, 70)); });
  EXPECT_EQ(store().load(a_->info.ref).value()->blob, "");
}

TEST_F(StoreDamageTest, ADamagedCursorRowIsLeftOut) {
  GroupAppend group;
  group.cursors = {{"host", {"one", "1", false}}, {"host", {"two", "2", false}}};
  ASSERT_TRUE(store().append(group).is_ok());
  with_damage([&](RawRows& raw) { raw.flip(Family::kMain, keys::of_cursor("host", "one")); });
  const auto rows = store().cursors("host").value();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].key, "two");
}

TEST_F(StoreDamageTest, ADamagedPatternIsAnError) {
  with_damage([&](RawRows& raw) { raw.flip(Family::kMain, keys::of_pattern(keys::kPattern, a_->info.ref, 2)); });
  std::vector<PatternRow> patterns;
  EXPECT_EQ(store().patterns(a_->info.ref, patterns).code(), Code::kDataLoss);  // the fold makes them again
  EXPECT_EQ(store().pattern(a_->info.ref, 2).status().code(), Code::kDataLoss);
  EXPECT_TRUE(store().pattern(a_->info.ref, 3).is_ok());
}

// Any bytes anywhere: no crash, and the neighbour has everything.
TEST_F(StoreDamageTest, RandomDamageNeverSpreads) {
  const std::pair<Family, char> tables[] = {
      {Family::kMain, keys::kShed},      {Family::kMain, keys::kSegmentInfo}, {Family::kMain, keys::kScores},
      {Family::kMain, keys::kTail},      {Family::kMain, keys::kVersion},     {Family::kChunk, keys::kChunk},
      {Family::kChunk, keys::kMarks},    {Family::kSegment, keys::kSegment},  {Family::kState, keys::kBlob},
      {Family::kMain, keys::kIntakeHead}};
  for (int round = 0; round < 20; ++round) {
    const auto [family, table] = tables[world_.random() % std::size(tables)];
    with_damage([&](RawRows& raw) {
      for (const std::string& row : raw.keys(family, table)) {
        if (keys::source_of(row) != a_->info.ref || world_.random() % 2 == 0) continue;
        std::string bytes = raw.value(family, row);
        if (!bytes.empty()) bytes.resize(world_.random() % bytes.size());
        raw.put(family, row, bytes);
      }
    });
    Seq after = 0;
    for (int blocks = 0; blocks < 200; ++blocks) {
      const auto block = store().block_after(a_->info.ref, after);
      if (!block.is_ok() || !*block) break;
      ASSERT_GT((*block)->last_seq, after);
      after = (*block)->last_seq;
      ASSERT_LT(blocks, 100);
    }
    (void)store().scan(a_->info.ref, {}, true, [](const Evidence&) { return true; });
    (void)store().load(a_->info.ref);
    (void)store().digests();
    world_.check(*b_);
  }
}

}  // namespace
}  // namespace silt::store
