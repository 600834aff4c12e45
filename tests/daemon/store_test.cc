#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "daemon/store/rocks_store.h"
#include "tests/support/temp_dir.h"

namespace silt::daemon {
namespace {

using silt::testing::TempDir;

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }

  void reopen() {
    store_.reset();
    auto opened = RocksStore::open(options());
    ASSERT_TRUE(opened.is_ok()) << opened.status().to_string();
    store_ = std::move(opened).value();
  }
  DatabaseOptions options() const {
    DatabaseOptions options;
    options.path = dir_.path("store");
    return options;
  }

  SourceInfo source(const std::string& name = "host:/var/log/a", const std::string& tenant = "default") {
    return store_->open_source(tenant, name, "host").value();
  }

  void append(const SourceInfo& info, const std::vector<std::string>& lines, const std::string& cursor = "") {
    JournalBatch batch;
    batch.source = info.ref;
    batch.connector = "host";
    for (const std::string& line : lines) {
      JournalRecord record;
      record.text = line;
      record.arrival_us = 1000 + static_cast<std::int64_t>(line.size());
      batch.records.push_back(record);
      batch.head_delta.lines += 1;
      batch.head_delta.bytes += line.size();
    }
    if (!cursor.empty()) batch.cursors.push_back({"file", cursor, false});
    ASSERT_TRUE(store_->append(batch).is_ok());
  }

  static Evidence evidence(Seq seq, std::int64_t event_us) {
    Evidence row;
    row.seq = seq;
    row.event_us = event_us;
    row.pattern = 1;
    return row;
  }

  // Evidence and postings of records first..last in batches of `each`.
  void commit(const SourceInfo& info, Seq first, Seq last, Seq each, bool blob = false) {
    for (Seq begin = first; begin <= last; begin += each) {
      StepBatch batch;
      batch.source = info.ref;
      const Seq end = std::min(last, begin + each - 1);
      for (Seq seq = begin; seq <= end; ++seq) {
        batch.evidence.push_back(evidence(seq, static_cast<std::int64_t>(seq) * 10));
        batch.postings.push_back({"all", seq});
        if (seq % 3 == 0) batch.postings.push_back({"third", seq});
      }
      batch.patterns.push_back({1, "<*>", end, 1, end, 10, static_cast<std::int64_t>(end) * 10});
      batch.head.learned_seq = end;
      batch.head.state_version = 1 + end;
      if (blob) batch.blob = "blob at " + std::to_string(end);
      ASSERT_TRUE(store_->commit(batch).is_ok());
    }
  }

  TempDir dir_;
  std::unique_ptr<RocksStore> store_;
};

TEST_F(StoreTest, RecordsCursorsAndCountersSurviveReopening) {
  append(source(), {"one", "two"}, "at 2");
  append(source(), {"three"}, "at 3");
  reopen();
  ASSERT_EQ(store_->sources().size(), 1u);
  const SourceInfo info = store_->sources()[0];
  EXPECT_EQ(info.name, "host:/var/log/a");
  EXPECT_EQ(store_->intake_head(info.ref)->journal_seq, 3u);
  EXPECT_EQ(store_->intake_head(info.ref)->bytes, 11u);
  const auto cursors = store_->cursors("host").value();
  ASSERT_EQ(cursors.size(), 1u);
  EXPECT_EQ(cursors[0].key, "file");
  EXPECT_EQ(cursors[0].value, "at 3");
  EXPECT_EQ(store_->read(info.ref, 2)->text, "two");
  EXPECT_EQ(store_->read(info.ref, 4).status().code(), Code::kNotFound);
}

TEST_F(StoreTest, CursorsOfConnectorsWithCommonPrefixStayApart) {
  JournalBatch batch;
  batch.connector = "host";
  batch.cursors = {{"a", "1", false}};
  ASSERT_TRUE(store_->append(batch).is_ok());
  batch.connector = "host2";
  batch.cursors = {{"b", "2", false}};
  ASSERT_TRUE(store_->append(batch).is_ok());
  ASSERT_EQ(store_->cursors("host")->size(), 1u);
  EXPECT_EQ(store_->cursors("host").value()[0].key, "a");
  batch.cursors = {{"b", "", true}};
  ASSERT_TRUE(store_->append(batch).is_ok());
  EXPECT_TRUE(store_->cursors("host2")->empty());
}

TEST_F(StoreTest, ReadAfterHonoursLimits) {
  append(source(), {"aaaa", "bbbb", "cccc", "dddd"});
  std::vector<JournalRecord> out;
  ASSERT_TRUE(store_->read_after(source().ref, 1, 5, 100, out).is_ok());
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].seq, 2u);
  EXPECT_EQ(out[1].text, "cccc");
  ASSERT_TRUE(store_->read_after(source().ref, 0, 1 << 20, 3, out).is_ok());
  EXPECT_EQ(out.size(), 3u);
  ASSERT_TRUE(store_->read_after(source().ref, 4, 1 << 20, 3, out).is_ok());
  EXPECT_TRUE(out.empty());
}

TEST_F(StoreTest, TenantsOfTheSameSourceNameAreTwoSources) {
  append(source("s", "a"), {"of a"});
  append(source("s", "b"), {"of b"});
  reopen();
  const SourceInfo a = source("s", "a"), b = source("s", "b");
  EXPECT_NE(a.ref.tenant, b.ref.tenant);
  EXPECT_NE(a.ref.source, b.ref.source);
  EXPECT_EQ(store_->read(a.ref, 1)->text, "of a");
  EXPECT_EQ(store_->read(b.ref, 1)->text, "of b");
}

TEST_F(StoreTest, PostingsAcrossBlocksAndLimits) {
  const SourceInfo info = source();
  append(info, {"x"});
  const Seq first = (1 << 16) - 5, last = (1 << 16) + 10;
  commit(info, first, last, 4);
  std::vector<Seq> out;
  ASSERT_TRUE(store_->postings(info.ref, "all", {}, 100, out).is_ok());
  ASSERT_EQ(out.size(), 16u);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], first + i);
  ASSERT_TRUE(store_->postings(info.ref, "all", {first + 2, last - 3}, 100, out).is_ok());
  EXPECT_EQ(out.front(), first + 2);
  EXPECT_EQ(out.back(), last - 3);
  ASSERT_TRUE(store_->postings(info.ref, "all", {}, 7, out).is_ok());
  EXPECT_EQ(out.size(), 7u);
  EXPECT_EQ(store_->posting_count(info.ref, "all", 1000).value(), 16u);
  EXPECT_EQ(store_->posting_count(info.ref, "al", 1000).value(), 0u);
  std::vector<std::string> terms;
  ASSERT_TRUE(store_->terms_with_prefix(info.ref, "", 10, terms).is_ok());
  EXPECT_EQ(terms, (std::vector<std::string>{"all", "third"}));
  ASSERT_TRUE(store_->terms_with_prefix(info.ref, "th", 10, terms).is_ok());
  EXPECT_EQ(terms, (std::vector<std::string>{"third"}));
}

TEST_F(StoreTest, CommitBoundariesLeaveNoTrace) {
  const SourceInfo a = source("a"), b = source("b");
  append(a, {"x"});
  append(b, {"x"});
  commit(a, 1, 600, 1);
  commit(b, 1, 600, 250);
  const auto digests = store_->digests().value();
  ASSERT_EQ(digests.size(), 2u);
  EXPECT_EQ(digests[0].evidence, digests[1].evidence);
  EXPECT_EQ(digests[0].postings, digests[1].postings);
  EXPECT_EQ(digests[0].times, digests[1].times);
  EXPECT_EQ(digests[0].patterns, digests[1].patterns);
  EXPECT_EQ(digests[0].head, digests[1].head);
  commit(b, 601, 601, 1);
  EXPECT_FALSE(store_->digests().value()[1].postings == digests[1].postings);
}

TEST_F(StoreTest, TimesToSeqs) {
  const SourceInfo info = source();
  append(info, {"x"});
  commit(info, 1, 1000, 100);  // event time = 10 seq
  const SeqRange range = store_->seqs_between(info.ref, 5000, 6000).value();
  EXPECT_LE(range.first, 500u);
  EXPECT_GE(range.last, 600u);
  EXPECT_GT(range.first, 500u - 256u);
  EXPECT_LT(range.last, 600u + 256u);
  const SeqRange none = store_->seqs_between(info.ref, 20000, 30000).value();
  EXPECT_GT(none.first, none.last);
}

TEST_F(StoreTest, NewestReadableBlobIsLoadedAndTwoAreKept) {
  const SourceInfo info = source();
  append(info, {"x"});
  EXPECT_FALSE(store_->load(info.ref)->has_value());
  commit(info, 1, 4, 1, true);
  commit(info, 5, 5, 1, false);
  reopen();
  const auto checkpoint = store_->load(info.ref).value();
  ASSERT_TRUE(checkpoint.has_value());
  EXPECT_EQ(checkpoint->head.learned_seq, 5u);
  EXPECT_EQ(checkpoint->blob_info.learned_seq, 4u);
  EXPECT_EQ(checkpoint->blob, "blob at 4");
  const auto versions = store_->versions(info.ref).value();
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[1].learned_seq, 3u);
}

TEST_F(StoreTest, ResetForgetsWhatWasLearnedAndKeepsTheJournal) {
  const SourceInfo info = source(), other = source("other");
  append(info, {"a", "b"});
  append(other, {"c"});
  commit(info, 1, 2, 1, true);
  commit(other, 1, 1, 1, true);
  Head head;
  head.learned_seq = head.base_seq = 2;
  head.state_version = head.base_version = 9;
  ASSERT_TRUE(store_->reset(info.ref, head, {"request-1", "the answer", 5}).is_ok());
  reopen();
  const auto checkpoint = store_->load(info.ref).value();
  ASSERT_TRUE(checkpoint.has_value());
  EXPECT_TRUE(checkpoint->blob.empty());
  EXPECT_EQ(checkpoint->blob_info.learned_seq, 2u);
  EXPECT_EQ(store_->evidence(info.ref, 1).status().code(), Code::kNotFound);
  EXPECT_EQ(store_->posting_count(info.ref, "all", 10).value(), 0u);
  std::vector<PatternRow> patterns;
  ASSERT_TRUE(store_->patterns(info.ref, patterns).is_ok());
  EXPECT_TRUE(patterns.empty());
  EXPECT_EQ(store_->read(info.ref, 2)->text, "b");
  EXPECT_EQ(store_->request_result(info.ref.tenant, "request-1").value(), "the answer");
  EXPECT_FALSE(store_->request_result(info.ref.tenant, "request-2")->has_value());
  // The neighbour has everything.
  EXPECT_EQ(store_->load(other.ref).value()->blob, "blob at 1");
  EXPECT_EQ(store_->posting_count(other.ref, "all", 10).value(), 1u);
}

TEST_F(StoreTest, ShedMarks) {
  const SourceInfo info = source();
  append(info, {"x"});
  ASSERT_TRUE(store_->append_shed_mark(info.ref, {10, 20, "backlog"}).is_ok());
  ASSERT_TRUE(store_->append_shed_mark(info.ref, {30, 40, "backlog"}).is_ok());
  reopen();
  ASSERT_EQ(store_->shed_marks(info.ref, 0)->size(), 2u);
  const auto marks = store_->shed_marks(info.ref, 20).value();
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_EQ(marks[0].first_seq, 30u);
  EXPECT_EQ(marks[0].last_seq, 40u);
}

// --- what people see when the store is in a bad way -----------------------------------------------

TEST_F(StoreTest, SecondProcessIsRefused) {
  const auto second = RocksStore::open(options());
  ASSERT_FALSE(second.is_ok());
  EXPECT_EQ(second.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(second.status().message().find("locked by another siltd"), std::string::npos);
}

TEST_F(StoreTest, DamageIsRefusedWithARemedy) {
  append(source(), {"x"});
  store_.reset();
  bool damaged = false;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path("store"))) {
    if (entry.path().filename().string().rfind("MANIFEST", 0) != 0) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.write("damage", 6);
    damaged = true;
  }
  ASSERT_TRUE(damaged);
  const auto opened = RocksStore::open(options());
  ASSERT_FALSE(opened.is_ok());
  EXPECT_EQ(opened.status().code(), Code::kDataLoss);
  EXPECT_NE(opened.status().message().find("damaged"), std::string::npos);
  EXPECT_NE(opened.status().message().find("restore a backup"), std::string::npos);
  EXPECT_EQ(opened.status().message().find('\n'), std::string::npos);
}

// The library's default recovery mode would open this and silently lose what follows the damage.
TEST_F(StoreTest, DamageInTheMiddleOfTheLogIsRefused) {
  for (int i = 0; i < 200; ++i) append(source(), {std::string(1000, 'x')});
  store_.reset();
  std::uintmax_t largest = 0;
  std::filesystem::path log;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path("store"))) {
    if (entry.path().extension() == ".log" && entry.file_size() > largest) {
      largest = entry.file_size();
      log = entry.path();
    }
  }
  ASSERT_GT(largest, 100'000u);
  {
    std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(largest / 2));
    file.write("damage!!", 8);
  }
  const auto opened = RocksStore::open(options());
  ASSERT_FALSE(opened.is_ok());
  EXPECT_EQ(opened.status().code(), Code::kDataLoss);
}

TEST(StoreOpen, MissingParentAndNewerSchema) {
  TempDir dir;
  DatabaseOptions options;
  options.path = dir.path("no/such/parent");
  const auto missing = RocksStore::open(options);
  ASSERT_FALSE(missing.is_ok());
  EXPECT_NE(missing.status().message().find("store.path"), std::string::npos);

  options.path = dir.path("file");
  std::ofstream(options.path) << "not a directory";
  EXPECT_FALSE(RocksStore::open(options).is_ok());
}

}  // namespace
}  // namespace silt::daemon
