// Restarts, limits of the host, fairness and odd files: cases T21 to T27 and T38 to T41.
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/connectors/tail_fixture.h"

namespace silt::connectors {
namespace {

class OperationTest : public TailTest {
 protected:
  std::string numbered(std::string name, int number) const {
    return name.append(std::to_string(number)).append(".log");
  }
};

TEST_F(OperationTest, T21_AnUnconfirmedBatchComesAgain) {
  limits.batch_records_max = 7;
  append("a.log", lines(100));
  start();
  for (int i = 0; i < 60; ++i) {
    Batch batch;
    poll(batch);
    if (i % 3 == 0) continue;  // could not be stored: polled again
    if (i % 3 == 1) {          // the process died before it was stored
      stop();
      start();
      continue;
    }
    journal.store(batch);
    if (i % 2 == 0) connector->confirm();
    if (i % 2 == 1) {  // stored, and died before it could be confirmed
      stop();
      start();
    }
  }
  drain();
  expect_all_once_in_order();
}

TEST_F(OperationTest, T23_ADamagedRowIsRefused) {
  append("a.log", lines(10));
  start();
  drain();
  stop();
  const auto stored = journal.rows;
  for (std::size_t cut = 0; cut < stored.begin()->second.size(); ++cut) {
    auto created = FileConnector::create(options, clock, waiter);
    ASSERT_TRUE(created.is_ok());
    const std::vector<CursorRow> rows = {
        {stored.begin()->first, stored.begin()->second.substr(0, cut), false}};
    EXPECT_FALSE((*created)->resume(rows).is_ok()) << cut;
  }
}

TEST_F(OperationTest, T26_RowsOfVanishedFilesAreForgottenAfterAWeek) {
  start();
  for (int i = 0; i < 300; ++i) {
    append(numbered("job", i), lines(1));
    drain();
    remove(numbered("job", i));
  }
  settle();
  EXPECT_EQ(journal.rows.size(), 300u) << "kept: the files may come back";
  pass_ms(6 * 86'400'000ll);
  EXPECT_EQ(journal.rows.size(), 300u);
  pass_ms(2 * 86'400'000ll);
  EXPECT_EQ(journal.rows.size(), 1u) << "only the newest generation keeps the numbers going";
  append("job0.log", lines(1));
  drain();
  expect_all_once();
  EXPECT_EQ(journal.records.back().origin.generation, 301u) << "a number is never used again";
}

TEST_F(OperationTest, T26_AndAtMostSoManyAreKept) {
  options.gone_files_max = 10;
  start();
  for (int i = 0; i < 100; ++i) {
    append(numbered("job", i), lines(1));
    drain();
    remove(numbered("job", i));
  }
  settle();
  EXPECT_LE(journal.rows.size(), 12u);
  expect_all_once();
}

TEST_F(OperationTest, T27_TheShareBlinks) {
  std::filesystem::create_directory(at("share"));
  options.include = {at("share/*.log")};
  options.open_files_max = 1;
  for (int i = 0; i < 10; ++i) append(numbered("share/f", i), lines(10));
  start();
  drain();
  rename("share", "away");
  pass_ms(10'000);
  pass_ms(10'000);
  stop();
  start();
  pass_ms(60'000);
  append("away/f3.log", lines(5));
  rename("away", "share");
  reconcile();
  append("share/f3.log", lines(5));
  append("share/f4.log", lines(5));
  drain();
  expect_all_once();
}

TEST_F(OperationTest, AVanishedUnreadFileIsReportedLostOnce) {
  options.open_files_max = 1;
  limits.batch_records_max = 3;
  const std::string text = lines(10);
  append("a.log", text);
  append("b.log", lines(10));
  start();
  Batch batch;
  poll(batch);
  journal.store(batch);
  connector->confirm();
  stop();
  remove("a.log");
  start();
  drain();
  settle();
  EXPECT_TRUE(gaps().empty()) << "it may come back";
  pass_ms(600'000);
  pass_ms(600'000);
  stop();
  start();
  pass_ms(600'000);
  ASSERT_EQ(gaps().size(), 1u);
  std::uint64_t read_bytes = 0;
  for (const StoredRecord& record : journal.records) {
    if (record.origin.generation == gaps()[0].origin.generation && record.flags == 0)
      read_bytes += record.text.size() + 1;
  }
  EXPECT_EQ(gaps()[0].bytes_cut, text.size() - read_bytes);
}

TEST_F(OperationTest, T38_WithoutInotifyTheTimerFindsEverything) {
  options.use_inotify = false;
  append("a.log", lines(10));
  start();
  drain();
  for (int i = 0; i < 10; ++i) {
    append("a.log", lines(5));
    if (i % 3 == 2) {
      rename("a.log", "a.log.1");
      append("a.log", lines(5));
    }
    pass_ms(options.poll_ms);
  }
  expect_all_once();
  connector->notify_when_ready([] {});
  EXPECT_LE(waiter.last_timeout.count(), options.poll_ms);
}

// The real limits of the kernel, lowered in a user namespace of a child.
TEST_F(OperationTest, T38_WatchAndInstanceLimitsFallBackToPolling) {
  std::filesystem::create_directories(at("x/y"));
  options.include = {at("**/*.log")};
  for (const char* limit : {"max_inotify_watches", "max_inotify_instances"}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      if (::unshare(CLONE_NEWUSER) != 0) ::_exit(77);
      std::ofstream file(std::string("/proc/sys/user/").append(limit));
      file << (std::string_view(limit) == "max_inotify_watches" ? 1 : 0) << std::flush;
      if (!file) ::_exit(77);
      append("x/y/a.log", lines(10));
      start();
      drain();
      for (int i = 0; i < 5; ++i) {
        append("x/y/a.log", lines(5));
        connector->notify_when_ready([] {});
        EXPECT_LE(waiter.last_timeout.count(), options.poll_ms);
        pass_ms(options.poll_ms);
        EXPECT_EQ(texts().size(), expected.size()) << limit;
      }
      expect_all_once();
      ::_exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << limit;
    if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "user namespaces are not allowed here";
    EXPECT_EQ(WEXITSTATUS(status), 0) << limit;
    remove("x/y/a.log");
  }
}

TEST_F(OperationTest, T39_ManyFilesUnderASmallDescriptorLimit) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit small{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  for (int i = 0; i < 500; ++i) append(numbered("f", i), lines(3));
  start();
  drain();
  for (int i = 0; i < 500; ++i) append(numbered("f", i), lines(3));
  drain();
  for (int i = 0; i < 500; i += 7) {
    append(numbered("f", i), lines(1));
    rename(numbered("f", i), numbered("f", i) + ".1");
    append(numbered("f", i), lines(1));
  }
  drain();
  EXPECT_LE(connector->stats().files_open, 32u);
  EXPECT_EQ(connector->stats().read_errors, 0u);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  expect_all_once();
}

// Nothing tells of them: the writer uses other names, in a folder that nobody watches.
TEST_F(OperationTest, T38_WhatEventsDoNotTellOfManyFilesIsFoundInTurns) {
  clock.advance_us(3'000'000'000'000'000);  // after all time stamps: they are trusted
  std::filesystem::create_directories(at("in/deep"));
  std::filesystem::create_directory(at("out"));
  options.include = {at("in/**/*.log")};
  constexpr int kFiles = 3600;  // seven turns
  for (int i = 0; i < kFiles; ++i) {
    append(numbered("out/f", i), "");
    std::filesystem::create_hard_link(at(numbered("out/f", i)),
                                      at(numbered(i % 2 == 0 ? "in/f" : "in/deep/f", i)));
  }
  start();
  drain();
  pass_ms(10'000);
  for (int i = 0; i < kFiles; i += 5) append(numbered("out/f", i), lines(1));
  drain();
  EXPECT_EQ(texts().size(), 0u) << "no event told of them";
  pass_ms(10'000);
  EXPECT_GT(texts().size(), 0u);
  EXPECT_LT(texts().size(), expected.size()) << "a comparison looks at a part of many files";
  for (int i = 0; i < 6; ++i) pass_ms(10'000);
  expect_all_once();
  for (int i = 0; i < kFiles; i += 5) append(numbered("out/f", i), lines(1));
  for (int i = 0; i < 6; ++i) pass_ms(10'000);  // events failed to tell of these: they are looked at more often
  expect_all_once();
  append("in/deep/new.log", lines(1));  // and events do their work as ever
  rename(numbered("in/f", 0), "in/f0.log.1");
  append(numbered("in/f", 0), lines(1));
  append(numbered("out/f", 0), lines(1));
  drain();
  for (int i = 0; i < 6; ++i) pass_ms(10'000);
  expect_all_once();
  std::filesystem::remove_all(at("in"));
  drain();
  for (int i = 0; i < 8; ++i) pass_ms(31'000);
  EXPECT_EQ(connector->stats().files_known, 0u);
  EXPECT_EQ(connector->stats().files_open, 0u);
  std::filesystem::create_directories(at("in/deep"));
  append("in/deep/again.log", lines(2));
  drain();
  expect_all_once();
}

TEST_F(OperationTest, T40_EventQueueOverflow) {
  start();
  drain();
  std::ifstream limit_file("/proc/sys/fs/inotify/max_queued_events");
  int limit = 16384;
  limit_file >> limit;
  const Writer a(at("a.log")), b(at("b.log"));
  for (int i = 0; i <= limit / 2; ++i) {  // neighbours that are equal would merge
    a.write("");
    a.write("x");
    b.write("y");
  }
  a.write("\n");
  b.write("\n");
  append("late.log", lines(5));
  drain();
  EXPECT_EQ(texts().size(), 7u);
  append("late.log", lines(5));
  drain();
  EXPECT_EQ(texts().size(), 12u);
}

// Its write-ahead log has a name that "**/*.log" wants.
TEST_F(OperationTest, TheStoreIsNotRead) {
  std::filesystem::create_directories(at("lib/silt"));
  append("lib/silt/000012.log", "a record of a record\n");
  append("lib/silt2.log", lines(1));
  std::filesystem::create_directory_symlink(at("lib/silt"), at("store"));
  append("a.log", lines(1));
  options.include = {at("**/*.log"), at("store/*.log")};
  options.never_enter = {at("store")};
  start();
  drain();
  append("lib/silt/000012.log", "once more\n");
  append("lib/silt/000013.log", "and another\n");
  reconcile();
  expect_all_once();
}

TEST_F(OperationTest, ALastLineOfADeletedFileIsReadSoonOrReportedSoon) {
  append("a.log", lines(3));
  start();
  drain();
  const std::string last = line();
  append("a.log", last);
  drain();
  remove("a.log");
  drain();
  pass_ms(1000);
  expect_all_once();  // without a line end, and without waiting for the next comparison
  EXPECT_EQ(journal.records.back().flags, kRecordPartial);
  append("b.log", lines(3) + "lost");
  drain();
  remove("b.log");
  drain();
  stop();  // too soon
  start();
  drain();
  ASSERT_EQ(gaps().size(), 1u) << "it will not come back";
  EXPECT_EQ(gaps()[0].bytes_cut, 4u);
}

TEST_F(OperationTest, AnUnreadableFileIsReportedAndTheOthersGoOn) {
  if (::geteuid() == 0) {  // root reads everything: a link that leads in a circle cannot be read by anybody
    std::filesystem::create_symlink(at("a.log"), at("a.log"));
  } else {
    append("a.log", lines(1));
    ASSERT_EQ(::chmod(at("a.log").c_str(), 0), 0);
  }
  append("b.log", lines(10));
  start();
  drain();
  EXPECT_EQ(texts().size(), 10u);
  EXPECT_GE(connector->stats().read_errors, 1u);
  EXPECT_NE(connector->stats().last_error, "");
  if (::geteuid() == 0) {
    remove("a.log");
    append("a.log", lines(1));
  } else {
    ASSERT_EQ(::chmod(at("a.log").c_str(), 0644), 0);
  }
  pass_ms(10'000);
  expect_all_once();
  EXPECT_EQ(connector->stats().last_error, "");
}

TEST_F(OperationTest, PipesSocketsAndFoldersAreLeftAlone) {
  ASSERT_EQ(::mkfifo(at("pipe.log").c_str(), 0644), 0);
  std::filesystem::create_directory(at("folder.log"));
  std::filesystem::create_directory_symlink(at("."), at("loop"));
  options.include = {at("*.log"), at("**/*.log")};
  append("a.log", lines(3));
  start();
  drain();
  reconcile();
  expect_all_once();
}

TEST_F(OperationTest, CompressedAndBinaryFilesAreLeftAloneByDefault) {
  options.include = {at("**/*")};
  std::filesystem::create_directories(at("journal/id"));
  for (const char* name : {"a.gz", "b.log.1.xz", "wtmp", "btmp.1", "lastlog", "journal/id/system.journal"}) {
    append(name, "binary\n");
  }
  append("syslog", lines(3));
  start();
  drain();
  expect_all_once();
}

TEST_F(OperationTest, OneStreamForAllFilesOnRequest) {
  options.stream_name = "";
  append("a.log", lines(3));
  append("b.log", lines(3));
  start();
  drain();
  expect_all_once();
  EXPECT_EQ(journal.streams, std::vector<std::string>(6, ""));
}

TEST_F(OperationTest, AFileThatTheGlobsNoLongerWantIsNotRead) {
  append("a.log", lines(3));
  append("b.log", lines(3));
  start();
  drain();
  stop();
  append("a.log", lines(3));
  options.exclude.push_back("a.log");
  const std::vector<std::string> missing(expected.end() - 3, expected.end());
  expected.resize(6);
  start();
  settle();
  expect_all_once();
  stop();
  options.exclude.pop_back();  // and wanted again: on from where we were
  expected.insert(expected.end(), missing.begin(), missing.end());
  start();
  drain();
  expect_all_once();
}

TEST_F(OperationTest, StatsTellTheBacklog) {
  limits.batch_records_max = 10;
  const std::string text = lines(100);
  append("a.log", text);
  start();
  Batch batch;
  EXPECT_TRUE(poll(batch));
  connector->confirm();
  const ConnectorStats stats = connector->stats();
  EXPECT_EQ(stats.files_known, 1u);
  EXPECT_EQ(stats.files_open, 1u);
  EXPECT_EQ(stats.bytes_read, batch.bytes + 10);
  EXPECT_EQ(stats.backlog_bytes, text.size() - stats.bytes_read);
}

TEST_F(OperationTest, BadPatternsAreRefused) {
  options.include = {"relative/*.log"};
  EXPECT_EQ(FileConnector::create(options, clock, waiter).status().code(), Code::kInvalidArgument);
  options.include = {};
  EXPECT_EQ(FileConnector::create(options, clock, waiter).status().code(), Code::kInvalidArgument);
  options.include = {"/"};
  EXPECT_EQ(FileConnector::create(options, clock, waiter).status().code(), Code::kInvalidArgument);
}

TEST_F(OperationTest, WaitsAtOnceWhenSomethingIsLeft) {
  limits.batch_records_max = 1;
  append("a.log", lines(2));
  start();
  Batch batch;
  EXPECT_TRUE(poll(batch));
  connector->confirm();
  connector->notify_when_ready([] {});
  EXPECT_EQ(waiter.last_timeout.count(), 0);
  drain();
  clock.advance_us(1'000'000);
  connector->notify_when_ready([] {});
  EXPECT_EQ(waiter.last_timeout.count(), options.reconcile_ms - 1000);
}

}  // namespace
}  // namespace silt::connectors
