// The fold over a real store, mostly without its thread.
#include "daemon/learn/fold_loop.h"

#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "tests/daemon/fold_fixture.h"

namespace silt::learn {
namespace {

TEST_F(FoldLoopTest, FoldsToTheEndOfAllSourcesInOneCommit) {
  for (const char* name : {"a", "b", "c"}) {
    append(source(name), 10);
    append(source(name), 5);
  }
  drain();
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0], (std::vector<SourceRef>{source("a").ref, source("b").ref, source("c").ref}));
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(head(source(name)).folded_seq, 15u);
    EXPECT_EQ(head(source(name)).open_chunks, 2u);
    EXPECT_EQ(head(source(name)).folded_bytes, store_->intake_head(source(name).ref)->bytes);
    for (const std::string& line : contents(source(name)))
      EXPECT_NE(line.find(" | "), std::string::npos) << line;
  }
  drain();
  EXPECT_EQ(told_.size(), 1u);  // nothing new, nothing said
  std::vector<store::PatternRow> patterns;
  ASSERT_TRUE(store_->patterns(source().ref, patterns).is_ok());
  EXPECT_EQ(patterns.size(), head(source()).patterns);
  std::uint64_t lines = 0;
  for (const auto& pattern : patterns) lines += pattern.count;
  EXPECT_GT(lines, 10u);
}

TEST_F(FoldLoopTest, ARoundIsBoundedAndGoesOn) {
  options_.turn_bytes = 500;
  options_.commit_bytes = 800;
  restart();
  for (int i = 0; i < 20; ++i) append(source(i % 2 == 0 ? "a" : "b"), 10);
  const auto more = loop_->round();
  ASSERT_TRUE(more.is_ok());
  EXPECT_TRUE(*more);
  EXPECT_LT(head(source("a")).folded_seq, 50u);
  drain();
  EXPECT_EQ(head(source("a")).folded_seq, 100u);
  EXPECT_EQ(head(source("b")).folded_seq, 100u);
}

// --- sealing ----------------------------------------------------------------------------------------

TEST_F(FoldLoopTest, SegmentsAreWhatTheyReplace) {
  options_.segment_bytes = ~std::uint64_t{0};
  options_.turn_bytes = 100;
  restart();
  for (int i = 0; i < 30; ++i) append(source(), 10);
  drain();
  ASSERT_TRUE(segments(source()).empty());
  const std::vector<std::string> before = contents(source());
  const std::string before_digest = digest(source());
  options_.segment_bytes = 4000;
  restart();
  append(source(), 1);
  drain();
  ASSERT_EQ(segments(source()).size(), 1u);  // 301 records, read again from the chunks
  append(source(), 1);
  drain();
  std::vector<std::string> after = contents(source());
  ASSERT_EQ(after.size(), 302u);
  after.resize(300);
  EXPECT_EQ(after, before);
  EXPECT_EQ(head(source()).sealed_seq, 301u);
}

TEST_F(FoldLoopTest, SealsWhenEnoughTextIsThere) {
  std::vector<std::string> folded;
  for (int i = 0; i < 60; ++i) {
    append(source(), 10);
    drain();
    const std::vector<std::string> now = contents(source());
    ASSERT_TRUE(std::equal(folded.begin(), folded.end(), now.begin())) << "after chunk " << i;
    folded = now;
  }
  const auto all = segments(source());
  ASSERT_GE(all.size(), 4u);
  Seq next = 1;
  for (const auto& segment : all) {
    EXPECT_EQ(segment.first_seq, next);
    EXPECT_GE(segment.raw_bytes, 4000u);
    EXPECT_LT(segment.raw_bytes, 5500u);
    next = segment.last_seq + 1;
  }
  EXPECT_EQ(head(source()).sealed_seq, next - 1);
  EXPECT_LT(head(source()).folded_bytes - head(source()).sealed_bytes, 4000u);
}

TEST_F(FoldLoopTest, ManySmallChunksAreSealedIntoTheLastSegment) {
  options_.chunks_max = 5;
  options_.segment_bytes = 1 << 20;
  restart();
  for (int i = 0; i < 23; ++i) {
    append(source(), 1);
    drain();
  }
  ASSERT_EQ(segments(source()).size(), 1u);  // while it is small it grows
  EXPECT_EQ(segments(source())[0].last_seq, 20u);
  EXPECT_EQ(head(source()).open_chunks, 3u);
  for (int i = 0; i < 100; ++i) {
    append(source(), 1);
    drain();
  }
  const auto all = segments(source());
  EXPECT_GT(all.size(), 1u);
  for (std::size_t i = 0; i + 1 < all.size(); ++i) EXPECT_GE(all[i].raw_bytes, 1000u);
  EXPECT_EQ(contents(source()).size(), 123u);
}

TEST_F(FoldLoopTest, ALineWithoutATimeGoesWithTheOneBeforeItInItsPlace) {
  const SourceInfo a = source();
  const std::int64_t arrival = clock_.wall_us();
  append_lines(a, {"no time yet", "2020-01-01T00:00:10Z first", "and more of it"}, "/a");
  drain();
  restart();
  append_lines(a, {"still of the first"}, "/a");
  append_lines(a, {"from elsewhere"}, "/b");
  clock_.advance_us(60'000'000);
  append_lines(a, {"a minute later"}, "/a");
  drain();
  constexpr std::int64_t kFirst = 1'577'836'810'000'000;
  const std::vector<std::int64_t> want = {arrival, kFirst, kFirst, kFirst, arrival, kFirst + 60'000'000};
  EXPECT_EQ(events(a), want);
  ASSERT_TRUE(loop_->reset(a.ref).is_ok());
  drain();
  EXPECT_EQ(events(a), want) << "made again from the journal";
}

TEST_F(FoldLoopTest, ASourceMayHaveItsOwnZone) {
  options_.zone_of = [](const SourceInfo& info) -> Zone {
    return [east = info.name == "a" ? 3600 : 0](std::int64_t) { return east; };
  };
  restart();
  append_lines(source("a"), {"2020-01-01 01:00:10 x", "2020-01-01T01:00:10+02:00 x"}, "/a");
  append_lines(source("b"), {"2020-01-01 00:00:10 x"}, "/b");
  drain();
  constexpr std::int64_t kFirst = 1'577'836'810'000'000;
  EXPECT_EQ(events(source("a")), (std::vector<std::int64_t>{kFirst, kFirst - 3'600'000'000}));
  EXPECT_EQ(events(source("b")), (std::vector<std::int64_t>{kFirst}));
}

TEST_F(FoldLoopTest, AnotherZoneIsInForceFromTheNextRecord) {
  std::int32_t east = 0;
  options_.zone_of = [&](const SourceInfo&) -> Zone { return [zone = east](std::int64_t) { return zone; }; };
  restart();
  append_lines(source(), {"2020-01-01 00:00:10 x"}, "/a");
  drain();
  east = 3600;
  loop_->configure_again();
  append_lines(source(), {"2020-01-01 00:00:10 x"}, "/a");
  drain();
  constexpr std::int64_t kFirst = 1'577'836'810'000'000;
  EXPECT_EQ(events(source()), (std::vector<std::int64_t>{kFirst, kFirst - 3'600'000'000}));
}

TEST_F(FoldLoopTest, ALinesYearIsThatOfItsFile) {
  const std::string modified = store::encode_attributes(
      std::vector<store::Attribute>{{connectors::kModified, "2019-02-01T00:00:00Z"}});
  append_lines(source(), {"Dec 31 23:59:59 q x", "Jan  1 00:00:01 q x"}, "/a", modified);
  append_lines(source("b"), {"Jan  1 00:00:01 q x"}, "/b", "damaged");
  drain();
  constexpr std::int64_t kNewYear = 1'546'300'800'000'000;  // of 2019
  EXPECT_EQ(events(source()), (std::vector<std::int64_t>{kNewYear - 1'000'000, kNewYear + 1'000'000}));
  EXPECT_GT(events(source("b"))[0], kNewYear + 86'400'000'000 * 300);
}

TEST_F(FoldLoopTest, SealsWhatIsQuiet) {
  options_.quiet_s = 60;
  options_.quiet_chunks_min = 4;
  restart();
  for (int i = 0; i < 5; ++i) append(source("a"), 2);
  for (int i = 0; i < 3; ++i) append(source("b"), 2);
  drain();
  const std::vector<std::string> before = contents(source("a"));
  clock_.advance_us(59'000'000);
  drain();
  EXPECT_TRUE(segments(source("a")).empty());
  clock_.advance_us(1'000'000);
  drain();
  ASSERT_EQ(segments(source("a")).size(), 1u);
  EXPECT_TRUE(segments(source("b")).empty());  // does not pay
  EXPECT_EQ(contents(source("a")), before);
  clock_.advance_us(600'000'000);
  drain();
  EXPECT_EQ(segments(source("a")).size(), 1u);
}

TEST_F(FoldLoopTest, WhatWasQuietBeforeARestartIsSealedAfterIt) {
  options_.quiet_chunks_min = 4;
  restart();
  for (int i = 0; i < 5; ++i) append(source(), 2);
  drain();
  reopen();
  loop_->start();
  clock_.advance_us(options_.quiet_s * 1'000'000);
  append(source("b"), 1);  // something happens
  while (head(source("b")).folded_seq < 1) std::this_thread::yield();
  loop_->stop();
  EXPECT_EQ(segments(source()).size(), 1u);
}

// Whatever of a source is dropped from memory comes back as it was.
TEST_F(FoldLoopTest, AFullDiskPausesTheFoldUntilThereIsRoom) {
  bool has_room = false;
  options_.has_room = [&] { return has_room; };
  restart();
  const SourceInfo a = source();
  append(a, 300);
  drain();
  EXPECT_EQ(head(a).folded_seq, 0u);
  EXPECT_TRUE(segments(a).empty());
  has_room = true;
  drain();
  EXPECT_EQ(head(a).folded_seq, 300u);
  EXPECT_FALSE(segments(a).empty());
}

TEST_F(FoldLoopTest, EvictionLeavesNoTrace) {
  options_.resident_max = 2;
  options_.builders_max = 1;
  options_.turn_bytes = 300;
  options_.segment_bytes = 2500;
  restart();
  const std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  for (int i = 0; i < 120; ++i) {
    append(source(names[random_() % names.size()]), 1 + static_cast<int>(random_() % 12));
    if (i % 7 == 0) drain();
    if (i % 30 == 29) reopen();
    for (const std::string& name : names) loop_->ready(std::vector{source(name).ref});
  }
  drain();
  std::vector<std::string> evicted, whole;
  for (const std::string& name : names) {
    EXPECT_FALSE(segments(source(name)).empty());
    evicted.push_back(digest(source(name)));
    ASSERT_TRUE(store_->reset_fold(source(name).ref).is_ok());
  }
  options_ = FoldOptions();
  restart();
  for (const std::string& name : names) loop_->ready(std::vector{source(name).ref});
  drain();
  for (const std::string& name : names) whole.push_back(digest(source(name)));
  EXPECT_EQ(evicted, whole);
}

// --- reset ------------------------------------------------------------------------------------------

TEST_F(FoldLoopTest, AResetFoldsToTheSame) {
  for (int i = 0; i < 40; ++i) append(source(), 10);
  drain();
  append(source(), 1);
  append(source(), 1);
  drain();
  ASSERT_GT(segments(source()).size(), 1u);
  ASSERT_GT(head(source()).open_chunks, 0u);
  const std::vector<std::string> before = contents(source());
  const std::string before_digest = digest(source());
  const FoldHead before_head = head(source());
  const auto before_segments = segments(source());
  ASSERT_TRUE(loop_->reset(source().ref).is_ok());
  drain();
  EXPECT_EQ(contents(source()), before);
  EXPECT_EQ(digest(source()), before_digest);
  EXPECT_EQ(head(source()).folded_bytes, before_head.folded_bytes);
  EXPECT_EQ(head(source()).sealed_bytes, before_head.sealed_bytes);
  EXPECT_EQ(head(source()).open_chunks, before_head.open_chunks);
  ASSERT_EQ(segments(source()).size(), before_segments.size());
  for (std::size_t i = 0; i < before_segments.size(); ++i)
    EXPECT_EQ(segments(source())[i].last_seq, before_segments[i].last_seq);
}

// --- retention --------------------------------------------------------------------------------------

TEST_F(FoldLoopTest, RetentionByAge) {
  options_.retention = [](const SourceInfo&) { return Retention{3600, 0}; };
  restart();
  for (int i = 0; i < 30; ++i) append(source(), 10);
  drain();
  clock_.advance_us(1800LL * 1'000'000);
  for (int i = 0; i < 30; ++i) append(source(), 10);
  drain();
  learn(source(), 600, true);
  const std::size_t all = segments(source()).size();
  ASSERT_GT(all, 3u);
  EXPECT_EQ(head(source()).floor_seq, 0u);
  clock_.advance_us(1900LL * 1'000'000);
  drain();
  EXPECT_GT(head(source()).floor_seq, 200u);
  EXPECT_LE(head(source()).floor_seq, 300u);
  EXPECT_LT(segments(source()).size(), all);
  EXPECT_TRUE(pinned_.empty());
  EXPECT_EQ(contents(source()).size(), 600 - head(source()).floor_seq);
}

TEST_F(FoldLoopTest, RetentionBySize) {
  options_.retention = [](const SourceInfo&) { return Retention{0, 5000}; };
  restart();
  for (int i = 0; i < 100; ++i) append(source(), 10);
  drain();
  learn(source(), 1000, true);
  clock_.advance_us(60'000'000);
  drain();
  std::uint64_t stored = 0;
  for (const auto& segment : segments(source())) stored += segment.stored_bytes;
  EXPECT_LE(stored, 5000u);
  EXPECT_GT(stored, 2000u);
  EXPECT_EQ(stored, head(source()).segment_bytes);
  // The fold goes on from a floor as from everywhere else.
  for (int i = 0; i < 20; ++i) append(source(), 10);
  drain();
  EXPECT_EQ(head(source()).folded_seq, 1200u);
}

TEST_F(FoldLoopTest, ANetThatPinsTheFloorIsAskedForItsState) {
  options_.retention = [](const SourceInfo&) { return Retention{60, 0}; };
  restart();
  for (int i = 0; i < 50; ++i) append(source(), 10);
  drain();
  learn(source(), 400, false);  // no state: a replay begins at the first record
  clock_.advance_us(120'000'000);
  drain();
  EXPECT_EQ(head(source()).floor_seq, 0u);
  EXPECT_EQ(pinned_, std::vector<SourceRef>{source().ref});
  learn(source(), 400, true);
  clock_.advance_us(60'000'000);
  drain();
  EXPECT_GT(head(source()).floor_seq, 200u);
  EXPECT_LE(head(source()).floor_seq, 400u);
}

TEST_F(FoldLoopTest, AResetAfterRetentionBeginsAtTheFloor) {
  options_.retention = [](const SourceInfo&) { return Retention{60, 0}; };
  restart();
  for (int i = 0; i < 50; ++i) append(source(), 10);
  drain();
  learn(source(), 500, true);
  clock_.advance_us(120'000'000);
  drain();
  const Seq floor = head(source()).floor_seq;
  ASSERT_GT(floor, 0u);
  ASSERT_TRUE(loop_->reset(source().ref).is_ok());
  drain();
  EXPECT_EQ(head(source()).folded_seq, 500u);
  for (const std::string& line : contents(source())) EXPECT_NE(line.find(" | "), std::string::npos) << line;
  for (int i = 0; i < 50; ++i) append(source(), 10);
  drain();
  for (std::size_t i = 0; i + 1 < segments(source()).size(); ++i)
    EXPECT_GE(segments(source())[i].raw_bytes, 4000u) << "a reset is no reason for small segments";
}

// --- sources that go --------------------------------------------------------------------------------

TEST_F(FoldLoopTest, ADeletedSourceEndsNothing) {
  for (const char* name : {"a", "b"}) append(source(name), 10);
  bool deleted = false;
  options_.at_point = [&](std::string_view point) {
    if (point != "fold.before_commit" || std::exchange(deleted, true)) return;
    EXPECT_TRUE(store_->delete_source(source("a").ref, {}).is_ok());
  };
  restart();
  loop_->ready(std::vector{source("a").ref, source("b").ref});
  drain();
  ASSERT_EQ(store_->sources().size(), 1u);
  EXPECT_EQ(head(source("b")).folded_seq, 10u);
  clock_.advance_us(3600LL * 1'000'000);  // quiet, retention
  drain();
  append(source("b"), 10);
  drain();
  EXPECT_EQ(head(source("b")).folded_seq, 20u);
  append(source("a"), 3);  // a new one
  drain();
  EXPECT_EQ(head(source("a")).folded_seq, 3u);
}

// --- the thread -------------------------------------------------------------------------------------

TEST_F(FoldLoopTest, TheThreadFoldsWhatWasLeftAndStops) {
  for (int i = 0; i < 10; ++i) append(source(), 10);
  reopen();
  std::atomic<bool> fatal{false};
  options_.on_fatal = [&](const Status&) { fatal = true; };
  restart();
  loop_->start();  // nobody says that it is ready
  while (head(source()).folded_seq < 100) std::this_thread::yield();
  ASSERT_TRUE(loop_->reset(source().ref).is_ok());
  ASSERT_TRUE(loop_->drop(source().ref).is_ok());
  loop_->ready(std::vector{source().ref});
  while (head(source()).folded_seq < 100) std::this_thread::yield();
  loop_->stop();
  EXPECT_FALSE(fatal);
  EXPECT_EQ(loop_->drop(source().ref).code(), Code::kUnavailable);
}

// The first failure of the store ends the thread, once.
class FullStore final : public store::FoldStore {
 public:
  explicit FullStore(store::FoldStore& real) : real_(real) {}
  Result<FoldHead> fold_head(SourceRef source) const override { return real_.fold_head(source); }
  Status patterns(SourceRef source, std::vector<store::PatternRow>& out) const override {
    return real_.patterns(source, out);
  }
  Status commit(std::span<const store::FoldCommit>) override {
    return resource_exhausted("store /x: disk full");
  }
  Result<std::vector<store::SegmentInfo>> segments(SourceRef source) const override {
    return real_.segments(source);
  }
  Result<Seq> trim(SourceRef source, Seq floor) override { return real_.trim(source, floor); }
  Status reset_fold(SourceRef source) override { return real_.reset_fold(source); }
  Status forget(SourceRef source, const std::vector<store::SeqRange>& ranges) override { return real_.forget(source, ranges); }
  std::uint64_t fold_generation(SourceRef source) const override { return real_.fold_generation(source); }

 private:
  store::FoldStore& real_;
};

TEST_F(FoldLoopTest, AStoreThatCannotWriteIsFinal) {
  append(source(), 10);
  FullStore full(*store_);
  std::atomic<int> fatal{0};
  options_.on_fatal = [&](const Status& status) {
    EXPECT_NE(status.message().find("disk full"), std::string::npos);
    ++fatal;
  };
  FoldLoop loop(*store_, full, clock_, options_);
  loop.start();
  while (fatal == 0) std::this_thread::yield();
  loop.stop();
  EXPECT_EQ(fatal, 1);
  EXPECT_EQ(loop.reset(source().ref).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace silt::learn
