// Lines, bytes and limits: cases T28 and T31 to T35.
#include <sys/mman.h>

#include <cstring>
#include <tuple>

#include "tests/connectors/tail_fixture.h"

namespace silt::connectors {
namespace {

using RecordsTest = TailTest;

TEST_F(RecordsTest, T28_PartialLineAtShutdownIsCompletedLater) {
  const std::string whole = line();
  append("a.log", whole.substr(0, 20));
  start();
  drain();
  stop();
  EXPECT_TRUE(journal.records.empty());
  append("a.log", whole.substr(20) + "\n");
  start();
  drain();
  expect_all_once_in_order();
  EXPECT_EQ(journal.records[0].origin.begin, 0u);
  EXPECT_EQ(journal.records[0].origin.end, whole.size());
}

TEST_F(RecordsTest, T31_SlowWriterMakesOneRecord) {
  start();
  const std::string whole = line() + "\n";
  for (std::size_t at = 0; at < whole.size(); at += 7) {
    append("a.log", whole.substr(at, 7));
    pass_ms(60'000);
  }
  expect_all_once_in_order();
}

TEST_F(RecordsTest, T32_LastLineWithoutEndIsEmittedOnceWhenTheFileIsDeleted) {
  append("a.log", lines(10));
  append("a.log", line());
  start();
  drain();
  EXPECT_EQ(texts().size(), 10u);
  remove("a.log");
  drain();
  EXPECT_EQ(texts().size(), 10u) << "its writer may not be done yet";
  settle();
  expect_all_once_in_order();
  EXPECT_EQ(journal.records.back().flags, kRecordPartial);
  EXPECT_EQ(connector->stats().files_open, 0u);
}

TEST_F(RecordsTest, T32_SameWhenTheFileIsRotated) {
  append("a.log", lines(10));
  append("a.log", line());
  start();
  drain();
  rename("a.log", "a.log.1");
  append("a.log", lines(3));
  drain();
  stop();
  start();
  settle();
  stop();
  start();
  settle();
  expect_all_once();
}

TEST_F(RecordsTest, ALineThatIsOpenWhenItsFileIsRotatedIsNotTorn) {
  const Writer writer(at("a.log"));
  const std::string whole = line() + "\n";
  writer.write(whole.substr(0, 20));
  start();
  drain();
  pass_ms(3'600'000);  // quiet for an hour
  rename("a.log", "a.log.1");
  reconcile();
  reconcile();
  writer.write(whole.substr(20));
  settle();
  expect_all_once_in_order();
}

TEST_F(RecordsTest, T33_LongLinesAreCutAndTheNextOneIsIntact) {
  limits.record_bytes_max = 1000;
  limits.batch_bytes_max = 4096;
  for (const std::size_t size : {999u, 1000u, 1001u, 4095u, 4096u, 4097u, 5000u, 300'000u}) {
    std::string text(size, 'x');
    text.replace(0, 5, std::to_string(10000 + size % 10000));
    append("a.log", text + "\n" + lines(1));
    expected.insert(expected.end() - 1, text.substr(0, 1000));
  }
  start();
  drain();
  expect_all_once_in_order();
  EXPECT_EQ(connector->stats().records_cut, 6u);
  for (const StoredRecord& record : journal.records) {
    EXPECT_EQ(record.flags, record.bytes_cut > 0 ? kRecordCut : 0u);
    EXPECT_EQ(record.origin.end - record.origin.begin, record.text.size() + record.bytes_cut);
  }
  EXPECT_EQ(journal.records[14].bytes_cut, 299'000u);
  EXPECT_EQ(connector->stats().bytes_read, std::filesystem::file_size(at("a.log")));
}

TEST_F(RecordsTest, T33_AGigabyteWithoutALineEnd) {
  const std::string block(1 << 20, 'y');
  const Writer writer(at("a.log"));
  for (int i = 0; i < 64; ++i) writer.write(block);
  start();
  drain();
  EXPECT_TRUE(journal.records.empty());
  writer.write(block);
  Batch none;  // what was scanned is not scanned again: little work is left
  int polls = 0;
  while (poll(none)) ++polls;
  EXPECT_LE(polls, 8);
  writer.write("end\n" + lines(2));
  drain();
  ASSERT_EQ(journal.records.size(), 3u);
  EXPECT_EQ(journal.records[0].text, std::string(limits.record_bytes_max, 'y'));
  EXPECT_EQ(journal.records[0].bytes_cut, 65 * block.size() + 3 - limits.record_bytes_max);
  EXPECT_EQ(journal.records[1].text, expected[0]);
}

TEST_F(RecordsTest, T33_ALongLineSurvivesRestartAndTruncationInItsMiddle) {
  limits.record_bytes_max = 1000;
  limits.batch_bytes_max = 2000;
  append("a.log", lines(1) + std::string(10'000, 'z'));
  start();
  drain();
  stop();
  start();
  drain();
  append("a.log", "end\n" + lines(1));
  drain();
  ASSERT_EQ(texts().size(), 3u);
  EXPECT_EQ(journal.records[1].bytes_cut, 10'003u - 1000u);
  append("a.log", std::string(10'000, 'q'));
  drain();
  copy("a.log", "a.log.1");
  truncate("a.log");
  append("a.log", lines(300));
  drain();
  settle();
  ASSERT_EQ(texts().size(), 304u);
  const StoredRecord& open_line = journal.records.back();
  EXPECT_EQ(open_line.text, std::string(1000, 'q'))
      << "it was never ended, so the copy's quiet end is its end";
  EXPECT_EQ(open_line.flags, kRecordPartial | kRecordCut);
  EXPECT_TRUE(gaps().empty());
}

TEST_F(RecordsTest, T34_AnyBytesAreKept) {
  using std::string_literals::operator""s;
  const std::vector<std::string> odd = {"nul\0inside"s,
                                        "\0leading"s,
                                        "bad \xff\xfe\xc0 utf-8"s,
                                        "crlf\r"s,
                                        "lone\rcr"s,
                                        "\xef\xbb\xbf"
                                        "bom"s,
                                        ""s,
                                        "\xff\xfeu\0t\0f\0"s,
                                        std::string(300, '\0')};
  for (const std::string& text : odd) append("a.log", text + "\n");
  start();
  drain();
  EXPECT_EQ(texts(), odd);
  EXPECT_TRUE(gaps().empty());
}

TEST_F(RecordsTest, OfAnOldFileTheRecordsTellWhenItWasWritten) {
  append("old.log", lines(2));
  append("new.log", lines(1));
  const timespec when[2] = {{1'690'000'000, 0}, {1'690'000'000, 5}};  // ten days before the clock's time and more
  ASSERT_EQ(::utimensat(AT_FDCWD, at("old.log").c_str(), when, 0), 0);
  const timespec now[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, at("new.log").c_str(), now, 0), 0);
  start();
  std::map<std::string, std::vector<std::string>> told;
  for (Batch batch; poll(batch) || batch.records > 0; batch = Batch()) {
    for (const StreamBatch& stream : batch.streams) {
      for (const Record& record : stream.records) {
        for (const Attribute& each : record.attributes)
          told[std::string(record.origin.place)].push_back(std::string(each.key).append("=").append(each.value));
      }
    }
    connector->confirm();
  }
  const std::string want = "modified=2023-07-22T04:26:40.000000Z";
  EXPECT_EQ(told, (std::map<std::string, std::vector<std::string>>{{at("old.log"), {want, want}}}));
}

TEST_F(RecordsTest, T35_SplitAtEachByte) {
  const std::string text = "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\n";
  start();
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    append("a.log", text.substr(0, cut));
    drain();
    append("a.log", text.substr(cut));
    drain();
    expected.push_back(text.substr(0, text.size() - 1));
  }
  expect_all_once_in_order();
}

// Room that a writer makes beforehand and fills bit by bit, as memory-mapped appenders do.
class RoomTest : public RecordsTest,
                 public ::testing::WithParamInterface<std::tuple<std::size_t, bool, bool>> {
 protected:
  void SetUp() override {
    const auto [size, written, mapped] = GetParam();
    fd_ = ::open(at("a.log").c_str(), O_RDWR | O_CREAT, 0644);
    if (written) {
      const std::string zeros(size, '\0');
      ASSERT_EQ(::pwrite(fd_, zeros.data(), size, 0), static_cast<ssize_t>(size));
    } else {
      ASSERT_EQ(::ftruncate(fd_, static_cast<off_t>(size)), 0);
    }
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    ASSERT_NE(memory, MAP_FAILED);
    memory_ = static_cast<char*>(memory);
  }
  void TearDown() override {
    ::munmap(memory_, std::get<0>(GetParam()));
    ::close(fd_);
  }
  void fill(std::string_view text) {
    if (std::get<2>(GetParam())) {
      std::memcpy(memory_ + filled_, text.data(), text.size());  // no event tells of it
    } else {
      ASSERT_EQ(::pwrite(fd_, text.data(), text.size(), static_cast<off_t>(filled_)),
                static_cast<ssize_t>(text.size()));
    }
    filled_ += text.size();
  }

  int fd_ = -1;
  char* memory_ = nullptr;
  std::size_t filled_ = 0;
};

TEST_P(RoomTest, IsReadAsItFills) {
  start();
  pass_ms(10'000);
  for (int round = 0; round < 40; ++round) {
    const std::string open_line = line() + "\n";
    fill(open_line.substr(0, 30));
    pass_ms(10'000);
    fill(open_line.substr(30) + lines(round % 4 == 0 ? 200 : 2));
    pass_ms(10'000);
    ASSERT_EQ(texts().size(), expected.size()) << round;
    if (round % 10 == 9) {
      stop();
      start();
    }
  }
  drain();
  EXPECT_EQ(connector->stats().backlog_bytes, 0u);
  const std::string rest = line();
  fill(rest);
  pass_ms(10'000);
  EXPECT_EQ(connector->stats().backlog_bytes, rest.size());
  if (std::get<1>(GetParam())) {
    ASSERT_EQ(::ftruncate(fd_, static_cast<off_t>(filled_)), 0);  // it is closed, with what is in it
    pass_ms(10'000);
  }
  rename("a.log", "a.log.1");
  append("a.log", lines(1));
  settle();
  expect_all_once();
  EXPECT_EQ(connector->stats().bytes_lost, 0u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, RoomTest,
                         ::testing::Combine(::testing::Values(std::size_t{200'000}, std::size_t{3} << 20),
                                            ::testing::Bool(), ::testing::Bool()));

TEST_F(RecordsTest, EveryBatchSizeGivesTheSameRecords) {
  append("a.log", lines(40));
  append("a.log", "\n\n");
  append("a.log", lines(2));
  expected.insert(expected.end() - 2, 2, "");
  for (const std::uint64_t batch_bytes : {1u, 7u, 59u, 60u, 61u, 500u, 100'000u}) {
    for (const std::uint32_t batch_records : {1u, 3u, 1000u}) {
      journal = {};
      limits.batch_bytes_max = batch_bytes;
      limits.batch_records_max = batch_records;
      start();
      drain();
      expect_all_once_in_order();
      stop();
    }
  }
}

TEST_F(RecordsTest, BatchesKeepTheirLimits) {
  limits.batch_bytes_max = 1000;
  limits.batch_records_max = 5;
  append("a.log", lines(100));
  start();
  for (bool more = true; more;) {
    Batch batch;
    more = poll(batch);
    EXPECT_LE(batch.records, 5u);
    journal.store(batch);
    connector->confirm();
  }
  expect_all_once_in_order();
}

TEST_F(RecordsTest, StartAtEndReadsOnlyWhatComesLater) {
  options.start = FileStart::kEnd;
  append("a.log", lines(50));
  const std::string open_line = line();
  append("a.log", open_line.substr(0, 10));
  start();
  drain();
  EXPECT_TRUE(journal.records.empty());
  expected.clear();
  append("a.log", open_line.substr(10) + "\n");
  expected.push_back(open_line);
  append("a.log", lines(5));
  append("b.log", lines(5));  // found later: from its beginning
  drain();
  expect_all_once();
  stop();
  append("c.log", lines(5));
  start();
  drain();
  expect_all_once();
}

// The proof of what was read needs more of a young file than these limits let in.
TEST_F(RecordsTest, LimitsBelowTheProofLoseNothing) {
  append("a.log", lines(200));
  limits.batch_bytes_max = 700;
  limits.record_bytes_max = 100;
  start();
  drain();
  expect_all_once_in_order();
}

}  // namespace
}  // namespace silt::connectors
