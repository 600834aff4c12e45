// Copies, truncated originals and unpacked files: cases T08 and T15.
#include "tests/connectors/tail_fixture.h"

namespace silt::connectors {
namespace {

using CopiesTest = TailTest;

std::string rotated(int number) {
  return std::string("a.log.").append(std::to_string(number));
}

TEST_F(CopiesTest, T08_CopyTruncateWithUnreadBytesReadsTheCopy) {
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

TEST_F(CopiesTest, T08_SameWhileDown) {
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

TEST_F(CopiesTest, T08_SameWithTheCopyInsideTheGlob) {
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

TEST_F(CopiesTest, T08_ASecondCopyUnderTheSameNameWaitsAsLong) {
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

TEST_F(CopiesTest, T08_BeforeTheFirstBatchWasStored) {
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
TEST_F(CopiesTest, T08_ACopyInsideTheGlobIsSeenWhileItIsMade) {
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

TEST_F(CopiesTest, T08_OneFileIsUsedForAllCopies) {
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

TEST_F(CopiesTest, T15_UnpackedBesideTheLog) {
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

TEST_F(CopiesTest, T08_WithoutACopyTheLossIsCounted) {
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

TEST_F(CopiesTest, T08_DiedBetweenTheTruncationAndItsReport) {
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

TEST_F(CopiesTest, T15_RotatedInsideTheGlobThenCompressed) {
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

TEST_F(CopiesTest, ABackupCopyOfALiveFileOutsideTheGlobIsNotRead) {
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
