// Batches of many streams, and what the streams are called.
#include <map>
#include <set>

#include "tests/connectors/tail_fixture.h"

namespace silt::connectors {
namespace {

class StreamsTest : public TailTest {
 protected:
  std::string numbered(std::string name, int number) const {
    return name.append(std::to_string(number)).append(".log");
  }
};

TEST_F(StreamsTest, T41_AFirehoseDoesNotStarveQuietFiles) {
  limits.batch_bytes_max = 4096;
  append("a_firehose.log", lines(20'000));
  append("z_firehose.log", lines(20'000));
  for (int i = 0; i < 100; ++i) append(numbered("quiet", i), lines(1));
  start();
  std::size_t quiet = 0;
  int polls = 0;
  for (; quiet < 100 && polls < 1000; ++polls) {
    Batch batch;
    poll(batch);
    for (const StreamBatch& stream : batch.streams) {
      if (stream.stream.find("quiet") != std::string::npos) quiet += stream.records.size();
    }
    journal.store(batch);
    connector->confirm();
  }
  EXPECT_LE(polls, 5) << "each quiet file has its turn before a firehose has its third one";
  drain();
  expect_all_once();
}

TEST_F(StreamsTest, OneBatchHoldsManyFilesAndComesAgainAsAWhole) {
  for (int i = 0; i < 200; ++i) append(numbered("f", i), lines(1));
  start();
  for (const bool stored : {false, true}) {
    Batch batch;
    EXPECT_FALSE(poll(batch)) << "nothing is left";
    EXPECT_EQ(batch.streams.size(), 200u);
    EXPECT_EQ(batch.cursors.size(), 200u);
    if (!stored) continue;
    journal.store(batch);
    connector->confirm();
  }
  expect_all_once();
  for (int i = 0; i < 200; ++i) append(numbered("f", i), lines(1));
  Batch batch;
  poll(batch);
  EXPECT_EQ(batch.records, 200u);
  stop();  // died before it was stored
  for (int i = 0; i < 200; i += 2) {
    rename(numbered("f", i), numbered("f", i) + ".1");
    append(numbered("f", i), lines(1));
  }
  start();
  drain();
  settle();
  expect_all_once();
}

TEST_F(StreamsTest, ATruncationInTheMiddleOfABatchLosesNothingUncounted) {
  limits.batch_records_max = 50;
  const std::string text = lines(60);
  append("a.log", text);
  start();
  Batch refused;
  poll(refused);  // 50 lines, and a journal that has no room
  EXPECT_EQ(refused.records, 50u);
  truncate("a.log");
  expected.clear();
  append("a.log", lines(3));
  drain();
  EXPECT_EQ(texts(), expected);
  ASSERT_EQ(gaps().size(), 1u);
  EXPECT_EQ(gaps()[0].bytes_cut, text.size());
}

TEST_F(StreamsTest, FourHundredFilesAreOneStreamWithFourHundredPlaces) {
  limits.batch_records_max = 37;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 400; ++i) append(numbered("nightly", i), lines(2));
  }
  options.include = {at("[mn]*ly*.log")};
  options.stream_name = "{1}{2}ly-{dir}";
  start();
  drain();
  expect_all_once();
  EXPECT_EQ(std::set<std::string>(journal.streams.begin(), journal.streams.end()),
            std::set<std::string>{"nightly-" + folder.path().filename().string()});
  std::map<std::string, std::uint64_t> ends;  // order is kept within each file
  for (const StoredRecord& record : journal.records) {
    EXPECT_GE(record.origin.begin, ends[record.origin.place]);
    ends[record.origin.place] = record.origin.end;
  }
  EXPECT_EQ(ends.size(), 400u);
  stop();
  for (int i = 0; i < 400; ++i) append(numbered("nightly", i), lines(1));
  start();
  drain();
  expect_all_once();
}

TEST_F(StreamsTest, NamesOfFilesAndFoldersAreBytes) {
  const std::string folder_name = "b\xff\xfe d\n", file_name = "x{path}\x80\x01.log";
  std::filesystem::create_directory(at(folder_name));
  const std::string name = std::string(folder_name).append("/").append(file_name);
  options.include = {at("*/*.log")};
  options.stream_name = "{dir}:{file}";
  append(name, lines(3));
  start();
  drain();
  stop();
  append(name, lines(3));
  start();
  drain();
  expect_all_once_in_order();
  EXPECT_EQ(journal.streams.front(), folder_name + ":" + file_name);
  EXPECT_EQ(journal.streams.front(), journal.streams.back());
  EXPECT_EQ(journal.records.front().origin.place, at(name));
}

TEST_F(StreamsTest, BadStreamNamesAreRefused) {
  for (const auto& [name, reason] : std::map<std::string, std::string>{
           {"{host}", "unknown capture '{host}' in '{host}': known are {path}, {dir}, {file}, {stem}"},
           {"a{2}", "has only 1 wildcard"},
           {"{0}", "unknown capture"},
           {"a{", "has no partner"},
           {"a}b", "has no partner"}}) {
    options.stream_name = name;
    const Status refused = FileConnector::create(options, clock, waiter).status();
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << name;
    EXPECT_NE(refused.message().find(reason), std::string::npos) << refused.message();
  }
}

}  // namespace
}  // namespace silt::connectors
