// Intake with scripted connectors, and a real one, over a real store.
#include <filesystem>
#include <fstream>

#include "connectors/file/file_connector.h"
#include "daemon/store/attributes.h"
#include "tests/daemon/intake_fixture.h"

namespace silt::intake {
namespace {

TEST_F(IntakeTest, EveryRecordOnceAndInOrder) {
  int wakes = 0;
  options_.on_journalled = [&](std::span<const SourceRef> sources) {
    ASSERT_EQ(sources.size(), 1u);
    EXPECT_EQ(sources[0], store_->sources()[0].ref);
    ++wakes;
  };
  start();
  drain();
  EXPECT_EQ(journal(), log_.lines);
  EXPECT_EQ(wakes, 4);
  const SourceInfo info = store_->sources()[0];
  EXPECT_EQ(info.name, "host:/var/log/x");
  EXPECT_EQ(info.connector, "host");
  EXPECT_EQ(store_->intake_head(info.ref)->lines, 10u);
  EXPECT_EQ(store_->intake_head(info.ref)->bytes, 61u);
  const JournalRecord record = store_->read(info.ref, 10).value();
  EXPECT_EQ(record.place, "/var/log/x");
  EXPECT_EQ(record.generation, 1u);
  EXPECT_EQ(record.begin, 9u);
  EXPECT_EQ(record.told_us, 77);
  EXPECT_EQ(record.arrival_us, clock_.wall_us());
}

// --- one append for all -----------------------------------------------------------------------------

TEST_F(IntakeTest, ARoundOfManyInputsIsOneAppend) {
  start();
  std::vector<ScriptedConnector::Log> logs(5, log_);
  for (std::size_t i = 0; i < logs.size(); ++i) {
    logs[i].stream = "stream " + std::to_string(i);
    add("input " + std::to_string(i), logs[i]);
  }
  drain();
  EXPECT_EQ(counted_->appends, 4u);  // of three lines each
  EXPECT_EQ(counted_->streams[0], 6u);
  for (const ScriptedConnector::Log& log : logs) EXPECT_EQ(journal(source(log.stream)), log.lines);
  EXPECT_EQ(intake_->counters().batches, 4u);
  EXPECT_EQ(intake_->counters().records, 60u);
}

TEST_F(IntakeTest, InputsMayShareASource) {
  start();
  ScriptedConnector::Log other = log_;
  for (std::string& line : other.lines) line = "other " + line;
  add("other", other);
  drain();
  EXPECT_EQ(counted_->appends, 4u);
  EXPECT_EQ(counted_->streams[0], 1u);
  const std::vector<std::string> all = journal();
  ASSERT_EQ(all.size(), 20u);
  std::vector<std::string> first, second;
  for (const std::string& line : all) (line.starts_with("other") ? second : first).push_back(line);
  EXPECT_EQ(first, log_.lines);
  EXPECT_EQ(second, other.lines);
}

TEST_F(IntakeTest, LargeRoundsAreAppendedInParts) {
  options_.append_bytes_max = 10;  // less than a batch
  start();
  ScriptedConnector::Log other = log_;
  other.stream = "other";
  add("other", other);
  ASSERT_TRUE(intake_->round().is_ok());
  EXPECT_EQ(counted_->streams, (std::vector<std::size_t>{1, 1}));
  drain();
  EXPECT_EQ(journal(source("other")), other.lines);
}

TEST_F(IntakeTest, TwoHundredFilesWithALineEachAreOneSync) {
  std::filesystem::create_directory(dir_.path("logs"));
  const auto write_all = [&](const std::string& line) {
    for (int i = 0; i < 200; ++i)
      std::ofstream(dir_.path("logs/" + std::to_string(i) + ".log"), std::ios::app) << line << "\n";
  };
  write_all("one");
  connectors::FileConnectorOptions file;
  file.include = {dir_.path("logs/*.log")};
  file.use_inotify = false;
  file.poll_ms = file.reconcile_ms = 1;
  NoWaiter waiter;
  intake_ = std::make_unique<Intake>(*counted_, clock_, options_);
  intake_->add({"default", "host", "file"}, connectors::FileConnector::create(file, clock_, waiter).value());
  const std::uint64_t before = env_.syncs();
  drain();
  EXPECT_EQ(store_->sources().size(), 200u);
  EXPECT_EQ(env_.syncs() - before, 1u);
  EXPECT_EQ(counted_->appends, 1u);
  for (const SourceInfo& each : store_->sources()) EXPECT_EQ(journal(each), std::vector<std::string>{"one"});
  write_all("two");
  clock_.advance_us(1'000'000);
  intake_.reset();  // as after a restart
  intake_ = std::make_unique<Intake>(*counted_, clock_, options_);
  intake_->add({"default", "host", "file"}, connectors::FileConnector::create(file, clock_, waiter).value());
  drain();
  EXPECT_EQ(env_.syncs() - before, 2u);
  for (const SourceInfo& each : store_->sources())
    EXPECT_EQ(journal(each), (std::vector<std::string>{"one", "two"}));
}

// --- restarts ---------------------------------------------------------------------------------------

TEST_F(IntakeTest, ResumesAfterTheLastDurableBatch) {
  start();
  ASSERT_TRUE(intake_->round().is_ok());  // three lines
  reopen();
  start();
  drain();
  EXPECT_EQ(log_.resumed_at, 3);
  EXPECT_EQ(journal(), log_.lines);
}

// Died between the append and the confirmation: the store decides, not the connector.
TEST_F(IntakeTest, ABatchThatIsDurableButNotConfirmedIsNotRepeated) {
  struct Death {};
  int left = 2;
  options_.at_point = [&](std::string_view point) {
    if (point == "intake.after_append" && --left == 0) throw Death();
  };
  start();
  EXPECT_THROW(drain(), Death);
  options_.at_point = nullptr;
  reopen();
  start();
  drain();
  EXPECT_EQ(log_.resumed_at, 6);
  EXPECT_EQ(journal(), log_.lines);
}

TEST_F(IntakeTest, ABatchThatIsNotDurableIsReadAgain) {
  struct Death {};
  int left = 2;
  options_.at_point = [&](std::string_view point) {
    if (point == "intake.before_append" && --left == 0) throw Death();
  };
  start();
  EXPECT_THROW(drain(), Death);
  options_.at_point = nullptr;
  reopen();
  start();
  drain();
  EXPECT_EQ(log_.resumed_at, 3);
  EXPECT_EQ(journal(), log_.lines);
}

// Nothing is acknowledged before it is durable.
TEST_F(IntakeTest, ConfirmsOnlyWhatWasAppended) {
  bool confirmed = false;
  options_.at_point = [&](std::string_view point) {
    confirmed = confirmed || point == "intake.after_confirm";
  };
  start();
  counted_->is_full = true;
  EXPECT_EQ(intake_->round().status().code(), Code::kResourceExhausted);
  EXPECT_FALSE(confirmed);
  counted_->is_full = false;
  drain();  // the connector still stands at the first line
  EXPECT_EQ(journal(), log_.lines);
}

// --- secrets ----------------------------------------------------------------------------------------

TEST_F(IntakeTest, SecretsNeverReachTheJournal) {
  log_.lines = {"login password=hunter2 ok"};
  start();
  drain();
  ASSERT_EQ(journal().size(), 1u);
  EXPECT_EQ(journal()[0].find("hunter2"), std::string::npos);
  EXPECT_EQ(store_->intake_head(store_->sources()[0].ref)->redactions, 1u);
}

// The memory of redaction is as durable as the lines: a key may lie across batches and restarts.
TEST_F(IntakeTest, APrivateKeyAcrossARestartIsRedacted) {
  log_.lines = {"before",
                "-----BEGIN EC PRIVATE KEY-----",
                "c2VjcmV0IG9uZSBzZWNyZXQgb25l",
                "c2VjcmV0IHR3byBzZWNyZXQgdHdv",
                "-----END EC PRIVATE KEY-----",
                "after"};
  start();
  ASSERT_TRUE(intake_->round().is_ok());  // three lines
  reopen();
  start();
  drain();
  const std::vector<std::string> kept = journal();
  ASSERT_EQ(kept.size(), log_.lines.size());
  for (const std::string& line : kept) EXPECT_EQ(line.find("c2VjcmV0"), std::string::npos) << line;
  EXPECT_EQ(kept.front(), "before");
  EXPECT_EQ(kept.back(), "after");
}

TEST_F(IntakeTest, AttributesAreRedactedLikeText) {
  log_.lines = {"login"};
  log_.attributes = {{"level", "error"},
                     {"password", "hunter2"},
                     {"url", "https://me:hunter2@example.org/"},
                     {"empty", ""},
                     {"note", "a=b"}};
  start();
  drain();
  const JournalRecord record = store_->read(store_->sources()[0].ref, 1).value();
  EXPECT_EQ(record.attributes.find("hunter2"), std::string::npos);
  const auto kept = store::decode_attributes(record.attributes).value();
  ASSERT_EQ(kept.size(), log_.attributes.size());
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].key, log_.attributes[i].key);
  EXPECT_EQ(kept[0].value, "error");
  EXPECT_EQ(kept[2].value.substr(0, 8), "https://");
  EXPECT_EQ(kept[3].value, "");
  EXPECT_EQ(kept[4].value, "a=b");
  EXPECT_EQ(store_->intake_head(store_->sources()[0].ref)->redactions, 2u);
}

// --- sources that go --------------------------------------------------------------------------------

TEST_F(IntakeTest, WhatComesForADeletedSourceBeginsANewOne) {
  start();
  ScriptedConnector::Log other = log_;
  other.stream = "other";
  add("other", other);
  ASSERT_TRUE(intake_->round().is_ok());
  const SourceRef deleted = source("host:/var/log/x").ref;
  ASSERT_TRUE(store_->delete_source(deleted, {}).is_ok());
  ASSERT_TRUE(intake_->round().is_ok());  // in vain
  for (int i = 0; i < 3; ++i) drain();
  EXPECT_EQ(journal(source("other")), other.lines);
  const SourceInfo again = source("host:/var/log/x");
  EXPECT_NE(again.ref, deleted);
  EXPECT_EQ(journal(again), std::vector<std::string>(log_.lines.begin() + 3, log_.lines.end()));
}

// Deleted between the poll and the append, in the middle of a private key.
TEST_F(IntakeTest, ADeletionUnderAnAppendLosesNothing) {
  log_.lines = {"-----BEGIN EC PRIVATE KEY-----", "c2VjcmV0IG9uZSBzZWNyZXQgb25l",
                "-----END EC PRIVATE KEY-----", "after"};
  int appends = 0;
  options_.at_point = [&](std::string_view point) {
    if (point != "intake.before_append" || ++appends != 1) return;
    ASSERT_TRUE(store_->delete_source(source("host:/var/log/x").ref, {}).is_ok());
  };
  start();
  for (int i = 0; i < 4; ++i) drain();
  const std::vector<std::string> kept = journal();
  ASSERT_EQ(kept.size(), 4u);
  for (const std::string& line : kept) EXPECT_EQ(line.find("c2VjcmV0"), std::string::npos) << line;
  EXPECT_EQ(kept[3], "after");
}

// --- what goes wrong --------------------------------------------------------------------------------

TEST_F(IntakeTest, AFailingConnectorIsAskedAgainWithGrowingPauses) {
  for (int i = 0; i < 3; ++i)
    log_.failures.push_back(unavailable("no rights; add siltd's user to group adm"));
  start();
  ScriptedConnector::Log other;
  other.lines = log_.lines;
  other.stream = "other";
  add("other", other);
  ASSERT_TRUE(intake_->round().is_ok());
  ASSERT_EQ(intake_->status().size(), 2u);
  EXPECT_EQ(intake_->status()[0].state, "failing");
  EXPECT_NE(intake_->status()[0].stats.last_error.find("group adm"), std::string::npos);
  drain();
  EXPECT_EQ(journal(source("other")), other.lines);  // the others go on
  EXPECT_EQ(intake_->counters().connector_failures, 1u);
  std::int64_t pause_us = 100'000;
  for (int failure = 2; failure <= 3; ++failure, pause_us *= 2) {
    clock_.advance_us(pause_us - 1);
    ASSERT_TRUE(intake_->round().is_ok());
    EXPECT_EQ(intake_->counters().connector_failures, static_cast<std::uint64_t>(failure - 1));
    clock_.advance_us(1);
    ASSERT_TRUE(intake_->round().is_ok());
    EXPECT_EQ(intake_->counters().connector_failures, static_cast<std::uint64_t>(failure));
  }
  clock_.advance_us(1'000'000);
  drain();
  EXPECT_EQ(journal(source("host:/var/log/x")), log_.lines);
}

TEST_F(IntakeTest, GapsAreCounted) {
  log_.lines = {"a", "GAP lost 100 bytes", "b"};
  start();
  drain();
  const IntakeHead head = store_->intake_head(store_->sources()[0].ref).value();
  EXPECT_EQ(head.lines, 2u);
  EXPECT_EQ(head.gaps, 1u);
  EXPECT_EQ(head.bytes_lost, 100u);
  EXPECT_EQ(head.journal_seq, 3u);
}

// What is lost is written down with the records around it, and the oldest goes when there are too many.
TEST_F(IntakeTest, GapsStandInTheLedger) {
  log_.lines = {"a", "GAP one", "b", "GAP two"};
  log_.attributes = {{"cause", "the file was truncated"}};
  start();
  drain();
  const SourceRef ref = store_->sources()[0].ref;
  auto gaps = store_->gaps(ref).value();
  ASSERT_EQ(gaps.size(), 2u);
  EXPECT_EQ(gaps[0].seq, 2u);
  EXPECT_EQ(gaps[1].seq, 4u);
  EXPECT_EQ(gaps[0].place, "/var/log/x");
  EXPECT_EQ(gaps[0].begin, 1u);
  EXPECT_EQ(gaps[0].bytes, 100u);
  EXPECT_EQ(gaps[0].found_us, clock_.wall_us());
  EXPECT_EQ(gaps[0].cause, "the file was truncated");
  for (std::uint64_t i = 0; i < store::RecordLog::kGapsKept; ++i) log_.lines.emplace_back("GAP more");
  // A poll that was begun before the lines were there may still come first.
  while (store_->intake_head(ref)->journal_seq < log_.lines.size()) drain();
  reopen();
  gaps = store_->gaps(ref).value();
  ASSERT_EQ(gaps.size(), store::RecordLog::kGapsKept);
  EXPECT_EQ(gaps[0].seq, 5u);
  ASSERT_TRUE(store_->delete_source(ref, {}).is_ok());
  EXPECT_TRUE(store_->gaps(ref)->empty());
}

TEST_F(IntakeTest, AFullDiskStopsReadingAndReadingGoesOnAfterwards) {
  bool has_room = false;
  options_.has_room = [&] { return has_room; };
  start();
  drain();
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(intake_->status()[0].state, "paused");
  has_room = true;
  drain();
  EXPECT_EQ(journal(), log_.lines);
}

TEST_F(IntakeTest, TheThreadReadsAllAndStops) {
  start();
  intake_->start();
  while (intake_->counters().records < 10) std::this_thread::yield();
  intake_->stop();
  EXPECT_EQ(journal(), log_.lines);
}

// A store that can no longer write ends intake, once, with the reason.
TEST_F(IntakeTest, AStoreThatCannotWriteIsFinal) {
  counted_->is_full = true;
  std::atomic<int> fatal{0};
  options_.on_fatal = [&](const Status& status) {
    EXPECT_NE(status.message().find("disk full"), std::string::npos);
    ++fatal;
  };
  start();
  intake_->start();
  while (fatal == 0) std::this_thread::yield();
  intake_->stop();
  EXPECT_EQ(fatal, 1);
}

}  // namespace
}  // namespace silt::intake
