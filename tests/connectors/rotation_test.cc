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

TEST_F(RotationTest, T08_CopyTruncateWithUnreadBytesReadsTheCopy) {
  append("a.log", lines(100));
  start();
  drain();
  append("a.log", lines(400));
  copy("a.log", "a.log.1");
  truncate("a.log");
  append("a.log", lines(1000));
  drain();
  expect_all_once_in_order();
  append("a.log", lines(10));
  settle();
  expect_all_once_in_order();
}

TEST_F(RotationTest, T08_SameWhileDown) {
  append("a.log", lines(100));
  start();
  drain();
  stop();
  append("a.log", lines(400));
  copy("a.log", "a.log-20261121");
  truncate("a.log");
  append("a.log", lines(3));
  start();
  drain();
  settle();
  expect_all_once_in_order();
}

TEST_F(RotationTest, T08_SameWithTheCopyInsideTheGlob) {
  options.include = {at("*.log*")};
  append("a.log", lines(100));
  start();
  drain();
  append("a.log", lines(400));
  copy("a.log", "a.log.1");
  drain();  // sees the copy before the truncation
  truncate("a.log");
  append("a.log", lines(1000));
  drain();
  settle();
  expect_all_once();
}

TEST_F(RotationTest, T08_ASecondCopyUnderTheSameNameWaitsAsLong) {
  options.include = {at("*.log*")};
  append("a.log", lines(100));
  start();
  drain();
  for (int round = 0; round < 3; ++round) {
    if (round > 0) rename("a.log.1", rotated(round + 1));
    copy("a.log", "a.log.1");
    drain();
    rename("a.log.1", "a.log.0");  // before its truncation is seen
    truncate("a.log");
    append("a.log", lines(100));
    drain();
    rename("a.log.0", "a.log.1");
    settle();
  }
  expect_all_once();
}

TEST_F(RotationTest, T08_BeforeTheFirstBatchWasStored) {
  append("b.log", lines(1));
  append("a.log", "");
  start();
  drain();
  append("a.log", lines(40));
  Batch refused;
  poll(refused);
  copy("a.log", "a.log.1");
  truncate("a.log");
  append("a.log", lines(10));
  drain();
  settle();
  expect_all_once_in_order();
}

// Looked at again and again while the copy is made, in a glob that wants the copies as well.
TEST_F(RotationTest, T08_ACopyInsideTheGlobIsSeenWhileItIsMade) {
  options.include = {at("*")};
  append("a.log", lines(100));
  start();
  drain();
  for (int round = 0; round < 12; ++round) {
    append("a.log", lines(100));
    if (round % 2 == 0) drain();
    for (int i = 3; i >= 1; --i) {
      if (std::filesystem::exists(at(rotated(i)))) rename(rotated(i), rotated(i + 1));
    }
    std::ifstream file(at("a.log"), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    append("a.log.1", "");
    drain();
    for (std::size_t at = 0, step = round % 3 == 0 ? 300 : 2000; at < text.size(); at += step) {
      append("a.log.1", text.substr(at, step));
      if (round % 4 == 3) clock.advance_us(20'000'000);  // slower than any patience, but it grows
      drain();
    }
    truncate("a.log");
    if (round % 3 == 1) drain();
    append("a.log", lines(10));
    drain();
  }
  settle();
  expect_all_once();
}

TEST_F(RotationTest, T08_OneFileIsUsedForAllCopies) {
  for (const char* glob : {"a.log", "a.log*"}) {
    options.include = {at(glob)};
    append("a.log", lines(50));
    start();
    drain();
    for (int round = 0; round < 8; ++round) {
      append("a.log", lines(60 + round));
      if (round % 2 == 0) drain();
      copy("a.log", "a.log.1");
      if (round % 3 == 0) drain();
      truncate("a.log");
      if (round % 3 == 1) drain();
      append("a.log", lines(30));
      drain();
    }
    settle();
    expect_all_once();
    stop();
  }
}

TEST_F(RotationTest, T15_UnpackedBesideTheLog) {
  options.include = {at("*")};
  append("a.log", lines(1000));
  start();
  drain();
  rename("a.log", "a.log.1");
  append("a.log", lines(10));
  drain();
  std::ifstream file(at("a.log.1"), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  remove("a.log.1");  // gzip, and a while later gunzip
  drain();
  settle();
  append("a.log.1", "");
  for (std::size_t at = 0; at < text.size(); at += 16'000) {
    drain();
    append("a.log.1", text.substr(at, 16'000));
  }
  drain();
  settle();
  expect_all_once();
}

TEST_F(RotationTest, T08_WithoutACopyTheLossIsCounted) {
  append("a.log", lines(100));
  start();
  drain();
  const std::string unread = lines(40);
  expected.resize(100);
  append("a.log", unread);
  Batch seen;  // seen, but the batch is not stored
  poll(seen);
  truncate("a.log");
  append("a.log", lines(10));
  drain();
  EXPECT_EQ(texts(), expected);
  ASSERT_EQ(gaps().size(), 1u);
  EXPECT_EQ(gaps()[0].bytes_cut, unread.size());
  EXPECT_EQ(connector->stats().bytes_lost, unread.size());
  stop();
  start();
  settle();
  EXPECT_EQ(gaps().size(), 1u) << "a loss is told once";
}

TEST_F(RotationTest, T08_DiedBetweenTheTruncationAndItsReport) {
  append("a.log", lines(100));
  append("b.log", lines(1));
  start();
  drain();
  append("a.log", lines(40));
  expected.resize(expected.size() - 40);
  Batch seen;
  poll(seen);
  truncate("a.log");
  append("a.log", lines(10));
  append("b.log", lines(200));
  limits.batch_records_max = 3;
  for (int polls = 0; polls < 100; ++polls) {  // dies after each batch that was stored
    Batch batch;
    poll(batch);
    journal.store(batch);
    stop();
    start();
  }
  drain();
  std::vector<std::string> have = texts(), want = expected;
  std::sort(have.begin(), have.end());
  std::sort(want.begin(), want.end());
  EXPECT_EQ(have, want);
  EXPECT_EQ(gaps().size(), 1u);
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

TEST_F(RotationTest, T15_RotatedInsideTheGlobThenCompressed) {
  options.include = {at("*.log*")};
  append("a.log", lines(1000));
  start();
  drain();
  append("a.log", lines(100));
  rename("a.log", "b.log");
  std::ofstream(at("b.log.gz")) << "\x1f\x8b not text";
  append("a.log", lines(10));
  drain();
  remove("b.log");
  drain();
  settle();
  expect_all_once();
}

TEST_F(RotationTest, T17_LinkFlippedToANewTarget) {
  std::filesystem::create_directory(at("targets"));
  options.include = {at("current.log")};
  start();
  for (int i = 0; i < 10; ++i) {
    const std::string target = std::string("targets/").append(std::to_string(i));
    append(target, lines(5));
    std::filesystem::create_symlink(at(target), at("next"));
    rename("next", "current.log");
    drain();
    append(target, lines(5));
    drain();  // shows only in the folder of the target
  }
  expect_all_once_in_order();
  append("targets/8", lines(2));  // the writer of the old target was not done
  pass_ms(10'000);
  expect_all_once();
  stop();
  append("targets/9", lines(2));
  append("targets/8", lines(2));
  start();
  drain();
  expect_all_once();
}

// The layout of Kubernetes: the container's link stays, its target is rotated by the kubelet.
TEST_F(RotationTest, T17_RotationBehindALinkIsSeenAtOnce) {
  for (const bool look_between : {false, true}) {
    SCOPED_TRACE(look_between);
    std::filesystem::create_directories(at("pods/p"));
    std::filesystem::create_directories(at("containers"));
    options.include = {at("containers/*.log")};
    append("pods/p/0.log", lines(3));
    std::filesystem::create_symlink(at("pods/p/0.log"), at("containers/x.log"));
    start();
    drain();
    for (int i = 0; i < 4; ++i) {
      append("pods/p/0.log", lines(2));
      rename("pods/p/0.log", std::string("pods/p/0.log.2026113").append(std::to_string(i)));
      if (look_between) drain();
      append("pods/p/0.log", lines(2));
      drain();  // no time has passed
      append("pods/p/0.log", lines(2));
      drain();
    }
    remove("pods");
    remove("containers");
    drain();
    expect_all_once_in_order();
    stop();
  }
}

TEST_F(RotationTest, T17_ALinkThatIsThereBeforeItsTarget) {
  std::filesystem::create_directories(at("pods/p"));
  std::filesystem::create_symlink("pods/p/0.log", at("x.log"));
  start();
  drain();
  append("pods/p/0.log", lines(3));
  drain();
  expect_all_once();
}

TEST_F(RotationTest, T17_ALinkedFolderIsFlipped) {
  options.include = {at("*/app.log")};
  start();
  for (int i = 0; i < 5; ++i) {
    const std::string release = std::string(".release").append(std::to_string(i));
    std::filesystem::create_directory(at(release));
    append(release + "/app.log", lines(3));
    std::filesystem::create_directory_symlink(at(release), at("next"));
    drain();  // through "next" already
    rename("next", "current");
    drain();
    append(release + "/app.log", lines(3));
    drain();
  }
  expect_all_once_in_order();
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

TEST_F(RotationTest, T20_HardLinksAndOverlappingGlobsAreReadOnce) {
  options.include = {at("*.log"), at("a*"), at("**/a.log")};
  append("a.log", lines(10));
  std::filesystem::create_hard_link(at("a.log"), at("b.log"));
  std::filesystem::create_symlink(at("a.log"), at("c.log"));
  start();
  drain();
  append("a.log", lines(10));
  drain();
  append("b.log", lines(10));
  reconcile();
  expect_all_once_in_order();
  remove("a.log");  // the other name keeps the file alive
  append("b.log", lines(10));
  reconcile();
  append("a.log", lines(5));  // and this is another file
  drain();
  reconcile();
  expect_all_once_in_order();
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

TEST_F(RotationTest, ABackupCopyOfALiveFileOutsideTheGlobIsNotRead) {
  append("a.log", lines(100));
  start();
  drain();
  copy("a.log", "a.log.1");
  settle();
  append("a.log", lines(10));
  settle();
  expect_all_once_in_order();
}

}  // namespace
}  // namespace silt::connectors
