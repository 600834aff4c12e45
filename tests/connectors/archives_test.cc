// Compressed files: each read once, whatever it is called, however often the process dies.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "connectors/archive/archive_connector.h"
#include "connectors/decompress/decompressor.h"
#include "tests/connectors/journal_of.h"
#include "tests/support/temp_dir.h"

namespace silt::connectors {
namespace {

class ArchivesTest : public ::testing::Test {
 protected:
  ArchivesTest() {
    options.include = {dir.path("*.gz"), dir.path("*.xz"), dir.path("*.zst")};
    options.stream_name = "old:{stem}";
    options.scan_ms = 1;
    options.quiet_ms = 0;
  }
  ~ArchivesTest() override { connector.reset(); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(dir.path(name), std::ios::binary) << text; }
  // By Debian's own tools, which leave the file away.
  void compress(const std::string& name, const std::string& tool) const {
    ASSERT_EQ(std::system((tool + " '" + dir.path(name) + "'").c_str()), 0);
  }
  static std::string lines(int first, int count) {
    std::string out;
    for (int i = first; i < first + count; ++i) out += "Nov 21 10:00:00 host app[1]: record " + std::to_string(i) + "\n";
    return out;
  }
  void start() {
    connector.reset();
    auto made = ArchiveConnector::create(options, clock);
    ASSERT_TRUE(made.is_ok()) << made.status().to_string();
    connector = std::move(made).value();
    journal.resume(*connector);
  }
  template <class Condition>
  bool until(const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      if (!journal.take(*connector)) std::this_thread::yield();
    }
    return true;
  }
  void expect_each_once(std::size_t count) const {
    std::map<std::string, int> times;
    for (const Kept& kept : journal.records) ++times[kept.text];
    EXPECT_EQ(times.size(), count);
    for (const auto& [text, each] : times) EXPECT_EQ(each, 1) << text;
  }

  SystemClock clock;
  silt::testing::TempDir dir;
  ArchiveOptions options;
  Journal journal;
  std::unique_ptr<ArchiveConnector> connector;
};

TEST_F(ArchivesTest, AreReadOnceWhateverTheyAreCalled) {
  write("app.log.2", lines(0, 10));
  compress("app.log.2", "gzip");
  write("app.log.1", lines(10, 10));
  compress("app.log.1", "xz -0");
  write("web.log", lines(20, 10) + "the end");
  compress("web.log", "zstd -q --rm");
  start();
  ASSERT_TRUE(until([&] { return journal.records.size() == 31; })) << connector->stats().last_error;
  EXPECT_EQ(journal.records[0].place, dir.path("app.log.2.gz"));
  ::rename(dir.path("app.log.2.gz").c_str(), dir.path("app.log.3.gz").c_str());
  std::filesystem::copy_file(dir.path("app.log.1.xz"), dir.path("copy.xz"));
  write("app.log.4", lines(30, 5));
  compress("app.log.4", "gzip");
  start();
  ASSERT_TRUE(until([&] { return journal.records.size() == 36; }));
  expect_each_once(36);
}

TEST_F(ArchivesTest, GoOnWhereTheProcessDied) {
  options.part_bytes = 4096;
  write("app.log", lines(0, 5000));
  compress("app.log", "gzip");
  for (int life = 0; life < 20; ++life) {
    start();
    for (int polls = 0; polls < 3; ++polls) {
      while (connector->stats().backlog_bytes == 0 && journal.records.size() < 5000) std::this_thread::yield();
      journal.take(*connector, (life + polls) % 3 != 0);
    }
  }
  start();
  ASSERT_TRUE(until([&] { return journal.records.size() >= 5000; }));
  expect_each_once(5000);
}

TEST_F(ArchivesTest, OfADamagedOneTheGoodPartIsKeptAndItIsNamed) {
  write("app.log", lines(0, 40'000));
  compress("app.log", "gzip");
  const std::string cut = dir.path("app.log.gz");
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) / 2);
  write("ok.log", lines(9000, 3));
  compress("ok.log", "gzip");
  start();
  ASSERT_TRUE(until([&] { return !connector->stats().last_error.empty(); }));
  EXPECT_NE(connector->stats().last_error.find(cut), std::string::npos);
  ASSERT_TRUE(until([&] { return std::any_of(journal.records.begin(), journal.records.end(), [](const Kept& kept) { return kept.text.ends_with("9002"); }); }));
  EXPECT_GT(journal.records.size(), 100u);
}

}  // namespace
}  // namespace silt::connectors
