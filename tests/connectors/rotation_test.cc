// Rotation, truncation and identity: cases T01 to T20. Every one of them loses or repeats lines in
// some collector; here each asserts by line ids that none is lost and none comes twice.
#include <sys/resource.h>

#include "tests/connectors/tail_fixture.h"

namespace silt::connectors {
namespace {

using RotationTest = TailTest;

std::string numbered(std::string name, int number) {
  return name.append(std::to_string(number)).append(".log");
}
std::string rotated(int number) {
  return std::string("a.log.").append(std::to_string(number));
}

TEST_F(RotationTest, T01_RenamedOutOfTheGlobWhileDown) {
  append("a.log", lines(50));
  start();
  drain();
  stop();
  append("a.log", lines(100));
  rename("a.log", "a.log.1");
  append("a.log", lines(30));
  start();
  drain();
  expect_all_once_in_order();
  EXPECT_EQ(journal.streams.front(), at("a.log"));
  EXPECT_EQ(std::count(journal.streams.begin(), journal.streams.end(), at("a.log")), 180)
      << "left its stream";
}

TEST_F(RotationTest, T01_RotatedTwiceWhileDown) {
  append("a.log", lines(50));
  start();
  drain();
  stop();
  append("a.log", lines(10));
  rename("a.log", "a.log.2");
  append("a.log", lines(20));  // a whole life that we never saw
  rename("a.log", "a.log.1");
  append("a.log", lines(30));
  start();
  drain();
  expect_all_once();
}

TEST_F(RotationTest, T02_WriterGoesOnInTheRenamedFile) {
  const Writer old(at("a.log"));
  old.write(lines(10));
  start();
  drain();
  rename("a.log", "a.log.1");
  for (int i = 0; i < 20; ++i) {
    old.write(lines(3));
    pass_ms(5'000);
  }
  append("a.log", lines(5));
  old.write(lines(3));
  drain();
  settle();
  old.write(lines(2));  // even after it was quiet for long
  drain();
  expect_all_once();
}

TEST_F(RotationTest, T02_WriterGoesOnAfterTheFileMovedToAnotherFolder) {
  std::filesystem::create_directory(at("old"));
  const Writer old(at("a.log"));
  old.write(lines(10));
  start();
  drain();
  rename("a.log", "old/a.log");
  append("a.log", lines(5));
  old.write(lines(3));
  drain();
  pass_ms(10'000);  // no event comes from there: the reconcile finds it
  expect_all_once();
}

TEST_F(RotationTest, T03_ThreeRotationsWhileThePipelineStands) {
  append("a.log", lines(10));
  start();
  Batch refused;
  poll(refused);
  for (int i = 3; i > 0; --i) {
    append("a.log", lines(100));
    rename("a.log", rotated(i));
    append("a.log", lines(100));
    Batch again;  // never confirmed: the journal is full
    poll(again);
    clock.advance_us(60'000'000);
  }
  drain();
  expect_all_once();
}

TEST_F(RotationTest, T04_ThirtyRotationsFasterThanTheReader) {
  limits.batch_bytes_max = 4096;
  append("a.log", lines(10));
  start();
  drain();
  for (int round = 0; round < 30; ++round) {
    append("a.log", lines(200));
    if (std::filesystem::exists(at("a.log.5"))) remove("a.log.5");
    for (int i = 4; i >= 1; --i) {
      if (std::filesystem::exists(at(rotated(i)))) {
        rename(rotated(i), rotated(i + 1));
      }
    }
    rename("a.log", "a.log.1");
    append("a.log", lines(1));
    if (round % 4 != 3) continue;  // looks once in four rotations, reads little, and stores it
    Batch batch;
    poll(batch);
    journal.store(batch);
    connector->confirm();
  }
  drain();
  settle();
  expect_all_once();
  EXPECT_EQ(connector->stats().bytes_lost, 0u);
}

TEST_F(RotationTest, T04_FilesThatCameAndWentBetweenTwoLooksStandInTheLedgerAtOnce) {
  append("a.log", lines(10));
  start();
  drain();
  for (int round = 0; round < 30; ++round) {  // of each only the last one before is kept
    std::filesystem::rename(at("a.log"), at("a.log.1"));
    append("a.log", round < 29 ? "nobody sees this\n" : lines(1));
  }
  drain();
  ASSERT_EQ(gaps().size(), 1u);
  // The first file is still open; the last but one is the copy, the last one is the live file.
  EXPECT_EQ(gaps()[0].text, "silt: 28 files that were " + at("a.log") +
                                " were lost: they came, were written and went before they were looked at");
  EXPECT_EQ(gaps()[0].bytes_cut, 0u);
  EXPECT_EQ(gaps()[0].origin.place, at("a.log"));
  drain();
  settle();
  EXPECT_EQ(gaps().size(), 1u) << "it is told once";
}

TEST_F(RotationTest, T04_FilesThatPassAreToldOnlyWhenSomethingIsLost) {
  append("a.log", lines(1));
  start();
  drain();
  append("new.tmp", lines(2));                    // an editor's file,
  rename("new.tmp", "b.log");                     // which became one of ours
  append("c.log", "");                            // never written
  remove("c.log");
  append("other.txt", "not ours\n");
  remove("other.txt");
  copy("a.log", "a.log.1");                       // a copy outside of the globs
  drain();
  remove("a.log.1");
  drain();
  rename("b.log", "a.log.2");
  drain();
  expect_all_once();
  append("d.log", "moved away\n");
  std::filesystem::create_directory(at("elsewhere"));
  rename("d.log", "elsewhere/d.log");
  drain();
  ASSERT_EQ(gaps().size(), 1u);
  EXPECT_EQ(gaps()[0].origin.place, at("d.log"));
}

TEST_F(RotationTest, T04_ALedgersEntryThatWasNotStoredComesAgain) {
  append("a.log", lines(1));
  start();
  drain();
  append("b.log", "gone\n");
  remove("b.log");
  Batch lost;
  poll(lost);  // never confirmed
  ASSERT_EQ(lost.records, 1u);
  drain();
  EXPECT_EQ(gaps().size(), 1u);
}

TEST_F(RotationTest, T04_DeletedWithUnreadLinesUnderAFewDescriptors) {
  options.open_files_max = 1;
  limits.batch_records_max = 5;
  for (int i = 0; i < 10; ++i) append(numbered("f", i), lines(1));
  append("a.log", lines(1));
  start();
  drain();
  append("a.log", lines(100));
  rename("a.log", "a.log.1");
  Batch batch;
  poll(batch);
  journal.store(batch);
  connector->confirm();
  remove("a.log.1");
  for (int i = 0; i < 10; ++i) append(numbered("f", i), lines(1));
  drain();
  expect_all_once();
}

TEST_F(RotationTest, T05_CopyTruncateShorter) {
  append("a.log", lines(1000));
  start();
  drain();
  copy("a.log", "a.log.1");
  truncate("a.log");
  append("a.log", lines(500));
  drain();
  settle();
  expect_all_once_in_order();
}

TEST_F(RotationTest, T06_CopyTruncateGrownPastTheOldOffset) {
  append("a.log", lines(1000));
  start();
  drain();
  copy("a.log", "a.log.1");
  truncate("a.log");
  append("a.log", lines(2000));
  drain();
  settle();
  expect_all_once_in_order();
}

TEST_F(RotationTest, T06_TruncatedAndGrownPastWithoutAnyCopy) {
  append("a.log", lines(1000));
  start();
  drain();
  truncate("a.log");
  append("a.log", lines(2000));
  drain();
  stop();
  truncate("a.log");
  append("a.log", lines(3000));
  start();
  drain();
  expect_all_once_in_order();
}

TEST_F(RotationTest, T06_CopyTruncateGrownToExactlyTheOldSize) {
  append("a.log", "id=1 first\n");
  expected.push_back("id=1 first");
  start();
  drain();
  truncate("a.log");
  append("a.log", "id=2 other\n");
  expected.push_back("id=2 other");
  drain();
  expect_all_once_in_order();
}

// A service that begins its log anew with each start, and says the same each time.
TEST_F(RotationTest, ABannerThatIsRepeatedAfterATruncationIsReadAgain) {
  const auto begin = [&](int second) {
    truncate("a.log");
    append("a.log", "service started\n");
    expected.emplace_back("service started");
    const timespec times[2] = {{1, 0}, {2'000'000'000 + second, 0}};  // clocks of files are coarse
    ASSERT_EQ(::utimensat(AT_FDCWD, at("a.log").c_str(), times, 0), 0);
  };
  append("a.log", "");
  start();
  for (int i = 0; i < 3; ++i) {
    begin(i);
    drain();
    expect_all_once_in_order();
  }
  reconcile();
  stop();
  start();
  reconcile();
  expect_all_once_in_order();
}

// A new time stamp alone says nothing, and neither does room that is set aside.
TEST_F(RotationTest, ATouchedFileIsNotReadAgain) {
  append("a.log", lines(3));
  start();
  drain();
  const timespec times[2] = {{1, 0}, {2'000'000'000, 0}};  // both, as touch does
  ASSERT_EQ(::utimensat(AT_FDCWD, at("a.log").c_str(), times, 0), 0);
  drain();
  expect_all_once_in_order();
  const int fd = ::open(at("a.log").c_str(), O_WRONLY);
  (void)::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 << 20);
  ::close(fd);
  drain();
  reconcile();
  expect_all_once_in_order();
}

TEST_F(RotationTest, T07_TruncatedAndGrownWhileDown) {
  append("a.log", lines(1000));
  start();
  drain();
  stop();
  copy("a.log", "a.log.1");
  truncate("a.log");
  append("a.log", lines(2000));
  start();
  drain();
  settle();
  expect_all_once_in_order();
}

TEST_F(RotationTest, T09_RewrittenWithTheSameContent) {
  append("a.log", lines(200));
  start();
  drain();
  copy("a.log", "editor.tmp");
  append("editor.tmp", lines(5));
  rename("editor.tmp", "a.log");  // sed -i, and most editors
  drain();
  expect_all_once_in_order();
  settle();
  append("a.log", lines(5));
  drain();
  expect_all_once_in_order();
}

TEST_F(RotationTest, T09_RewrittenInPlaceIsANewGeneration) {
  append("a.log", lines(20));
  start();
  drain();
  const std::uint64_t before = journal.records.back().origin.generation;
  truncate("a.log");
  append("a.log", lines(10));
  drain();
  expect_all_once_in_order();
  EXPECT_NE(journal.records.back().origin.generation, before);
}

TEST_F(RotationTest, T10_NulHoleOfGigabytesAfterTruncation) {
  const int fd = ::open(at("a.log").c_str(), O_WRONLY | O_CREAT, 0644);
  const std::string first = lines(100);
  ASSERT_EQ(::pwrite(fd, first.data(), first.size(), 0), static_cast<ssize_t>(first.size()));
  start();
  drain();
  truncate("a.log");
  const off_t far = (off_t{3} << 30) + 12345;  // the writer goes on where it was
  const std::string second = lines(100);
  ASSERT_EQ(::pwrite(fd, second.data(), second.size(), far), static_cast<ssize_t>(second.size()));
  drain();
  EXPECT_EQ(texts(), expected);
  ASSERT_EQ(gaps().size(), 1u);
  EXPECT_EQ(gaps()[0].bytes_cut, static_cast<std::uint64_t>(far));
  const off_t farther = far + (off_t{1} << 30);  // and a hole in the middle of a file
  const std::string third = lines(3);
  ASSERT_EQ(::pwrite(fd, third.data(), third.size(), farther), static_cast<ssize_t>(third.size()));
  ::close(fd);
  drain();
  EXPECT_EQ(texts(), expected);
  ASSERT_EQ(gaps().size(), 2u);
  EXPECT_EQ(gaps()[1].bytes_cut, static_cast<std::uint64_t>(farther - far) - second.size());
}

TEST_F(RotationTest, T11_InodeReusedLive) {
  options.open_files_max = 1;  // so that the old file is closed and its inode is free at once
  append("b.log", lines(1));
  start();
  int reused = 0;
  for (int i = 0; i < 50; ++i) {
    append("a.log", lines(20));
    drain();
    append("b.log", lines(1));
    drain();
    struct stat before {
    }, after{};
    ASSERT_EQ(::stat(at("a.log").c_str(), &before), 0);
    remove("a.log");
    append("a.log", lines(20 + i));
    ASSERT_EQ(::stat(at("a.log").c_str(), &after), 0);
    reused += before.st_ino == after.st_ino ? 1 : 0;
    drain();
  }
  expect_all_once();
  RecordProperty("inodes_reused", reused);
}

TEST_F(RotationTest, T12_InodeReusedWhileDownNewFileLarger) {
  int reused = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string name = numbered("f", i);
    append(name, lines(100));
    start();
    drain();
    stop();
    struct stat before {
    }, after{};
    ASSERT_EQ(::stat(at(name).c_str(), &before), 0);
    remove(name);
    append(name, lines(200));
    ASSERT_EQ(::stat(at(name).c_str(), &after), 0);
    reused += before.st_ino == after.st_ino ? 1 : 0;
    start();
    drain();
  }
  expect_all_once();
  RecordProperty("inodes_reused", reused);
}

TEST_F(RotationTest, T13_TwentyFilesWithTheSameBanner) {
  const std::string banner(2047, '=');
  for (const bool before_start : {true, false}) {
    if (!before_start) {
      start();
      drain();
    }
    for (int i = 0; i < 20; ++i) {
      append(numbered(before_start ? "f" : "g", i), banner + "\n");
      expected.push_back(banner);
    }
    if (!before_start) drain();
    for (int i = 0; i < 20; ++i) append(numbered(before_start ? "f" : "g", i), lines(5));
  }
  drain();
  expect_all_once();
}

TEST_F(RotationTest, T14_VerySmallFilesAreReadAtOnce) {
  start();
  drain();
  for (int i = 0; i < 100; ++i) {
    append(numbered("s", i), "x\n");
    expected.push_back("x");
  }
  drain();
  expect_all_once();
}

TEST_F(RotationTest, T18_FolderRemovedAndMadeAgain) {
  std::filesystem::create_directories(at("d/e"));
  options.include = {at("d/**/*.log")};
  append("d/e/a.log", lines(10));
  start();
  drain();
  for (int i = 0; i < 3; ++i) {
    remove("d");
    if (i == 1) drain();
    std::filesystem::create_directories(at("d/e"));
    append("d/e/a.log", lines(10));
    drain();
    append("d/e/a.log", lines(10));  // its watch works
    drain();
  }
  expect_all_once();
}

TEST_F(RotationTest, T19_ShortLivedFilesWhoseDescriptorWasOpened) {
  start();
  for (int i = 0; i < 200; ++i) {
    const std::string name = numbered("pod", i);
    append(name, lines(3));
    Batch batch;  // one look opens it; then it is deleted, mostly before it was read
    poll(batch);
    journal.store(batch);
    connector->confirm();
    remove(name);
  }
  drain();
  settle();
  expect_all_once();
  EXPECT_EQ(connector->stats().files_open, 0u) << "deleted files give their disk space back";
}

TEST_F(RotationTest, RotatedFilesFromBeforeTheFirstStartAreNotRead) {
  append("a.log.1", "old\n");
  append("a.log-20240101", "older\n");
  append("a.log", lines(10));
  start();
  drain();
  rename("a.log.1", "a.log.2");
  rename("a.log", "a.log.1");
  append("a.log", lines(10));
  drain();
  settle();
  stop();
  rename("a.log.2", "a.log.3");
  start();
  settle();
  expect_all_once_in_order();
}

}  // namespace
}  // namespace silt::connectors
