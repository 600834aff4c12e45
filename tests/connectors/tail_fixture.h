// A folder of log files, a connector on it, and a journal that keeps what a real one would.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/file/file_connector.h"

namespace silt::connectors {

// Time passes only by the clock that the test turns.
class NoWaiter final : public Waiter {
 public:
  void wait(int, std::chrono::milliseconds timeout, std::function<void()> done) override {
    last_timeout = timeout;
    last_done = std::move(done);
  }
  std::chrono::milliseconds last_timeout{-1};
  std::function<void()> last_done;
};

class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::string name = (parent / "silt-tail-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Appends and nothing else; keeps its descriptor over renames, as a daemon does.
class Writer {
 public:
  explicit Writer(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
    EXPECT_GE(fd_, 0) << path;
  }
  Writer(Writer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Writer() {
    if (fd_ >= 0) ::close(fd_);
  }
  void write(std::string_view text) const {
    ASSERT_EQ(::write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::uint64_t inode() const {
    struct stat info {};
    EXPECT_EQ(::fstat(fd_, &info), 0);
    return info.st_ino;
  }

 private:
  int fd_;
};

// A record that outlives its batch.
struct StoredRecord {
  struct StoredOrigin {
    std::string place;
    std::uint64_t generation = 0, begin = 0, end = 0;
  };
  explicit StoredRecord(const Record& from)
      : text(from.text),
        origin{std::string(from.origin.place), from.origin.generation, from.origin.begin, from.origin.end},
        told_us(from.told_us),
        flags(from.flags),
        bytes_cut(from.bytes_cut) {
    for (const Attribute& each : from.attributes) attributes[std::string(each.key)] = each.value;
  }

  std::string text;
  StoredOrigin origin;
  std::int64_t told_us;
  std::map<std::string, std::string> attributes;
  std::uint32_t flags;
  std::uint64_t bytes_cut;
};

// What was stored: records and cursor rows, in one step for each confirmed batch.
struct Journal {
  std::vector<StoredRecord> records;
  std::vector<std::string> streams;  // one for each record
  std::map<std::string, std::string> rows;

  void store(const Batch& batch) {
    std::set<std::string> once;
    std::uint64_t count = 0, bytes = 0;
    for (const StreamBatch& stream : batch.streams) {
      EXPECT_TRUE(once.insert(stream.stream).second) << stream.stream << " is in the batch twice";
      EXPECT_FALSE(stream.records.empty()) << stream.stream;
      for (const Record& record : stream.records) {
        records.emplace_back(record);
        streams.push_back(stream.stream);
        ++count;
        bytes += record.text.size();
        for (const Attribute& each : record.attributes) bytes += each.key.size() + each.value.size();
      }
    }
    EXPECT_EQ(batch.records, count);
    EXPECT_EQ(batch.bytes, bytes);
    for (const CursorRow& row : batch.cursors) {
      if (row.deleted) {
        rows.erase(row.key);
      } else {
        rows[row.key] = row.value;
      }
    }
  }
};

class TailTest : public ::testing::Test {
 protected:
  explicit TailTest(const std::filesystem::path& parent = std::filesystem::temp_directory_path())
      : folder(parent) {
    options.include = {at("*.log")};
  }

  std::string at(const std::string& name) const { return (folder.path() / name).string(); }
  void append(const std::string& name, std::string_view text) const { Writer(at(name)).write(text); }
  void rename(const std::string& from, const std::string& to) const {
    std::filesystem::rename(at(from), at(to));
  }
  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::copy_file(at(from), at(to), std::filesystem::copy_options::overwrite_existing);
  }
  void truncate(const std::string& name) const { ASSERT_EQ(::truncate(at(name).c_str(), 0), 0); }
  void remove(const std::string& name) const { ASSERT_TRUE(std::filesystem::remove_all(at(name)) > 0); }

  // `count` lines with ids from the next one on, each of about 60 bytes that end alike.
  std::string lines(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += line() + "\n";
    return text;
  }
  std::string line() {
    std::string text =
        "id=" + std::to_string(next_id++) + " host sshd: session opened for user root by (uid=0)";
    expected.push_back(text);
    return text;
  }

  void start() {
    auto created = FileConnector::create(options, clock, waiter);
    ASSERT_TRUE(created.is_ok()) << created.status().to_string();
    connector = std::move(created).value();
    std::vector<CursorRow> rows;
    for (const auto& [key, value] : journal.rows) rows.push_back({key, value, false});
    const Status resumed = connector->resume(rows);
    ASSERT_TRUE(resumed.is_ok()) << resumed.to_string();
  }
  void stop() { connector.reset(); }

  bool poll(Batch& batch) {
    Result<bool> more = connector->poll(limits, batch);
    EXPECT_TRUE(more.is_ok()) << more.status().to_string();
    return more.is_ok() && *more;
  }
  // Polls, stores and confirms until there is nothing left.
  void drain() {
    for (int polls = 0; polls < 20000; ++polls) {
      Batch batch;
      const bool more = poll(batch);
      journal.store(batch);
      connector->confirm();
      if (!more && batch.records == 0) return;
    }
    FAIL() << "poll() never comes to an end";
  }
  void pass_ms(std::int64_t ms) {
    clock.advance_us(1000 * ms);
    drain();
  }
  void reconcile() {
    connector->reconcile_now();
    drain();
  }
  // Rotated files become quiet, are finished and let go.
  void settle() {
    for (int i = 0; i < 4; ++i) pass_ms(31'000);
  }

  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const StoredRecord& record : journal.records) {
      if ((record.flags & kRecordGap) == 0) texts.push_back(record.text);
    }
    return texts;
  }
  std::vector<StoredRecord> gaps() const {
    std::vector<StoredRecord> gaps;
    for (const StoredRecord& record : journal.records) {
      if (record.flags & kRecordGap) gaps.push_back(record);
    }
    return gaps;
  }
  // 0 lost, 0 twice, nothing invented, no gap reported; in any order between files.
  void expect_all_once() const {
    std::vector<std::string> have = texts(), want = expected;
    std::sort(have.begin(), have.end());
    std::sort(want.begin(), want.end());
    std::vector<std::string> lost, extra;
    std::set_difference(want.begin(), want.end(), have.begin(), have.end(), std::back_inserter(lost));
    std::set_difference(have.begin(), have.end(), want.begin(), want.end(), std::back_inserter(extra));
    EXPECT_TRUE(lost.empty()) << lost.size() << " lost, first: " << lost.front();
    EXPECT_TRUE(extra.empty()) << extra.size() << " twice or invented, first: " << extra.front();
    EXPECT_TRUE(gaps().empty()) << gaps().front().text;
  }
  void expect_all_once_in_order() const {
    expect_all_once();
    EXPECT_TRUE(texts() == expected) << "all lines are there, but not in their order";
  }

  TemporaryFolder folder;
  ManualClock clock{1'700'000'000'000'000};
  NoWaiter waiter;
  FileConnectorOptions options;
  ReadLimits limits;
  std::unique_ptr<FileConnector> connector;
  Journal journal;
  std::vector<std::string> expected;
  int next_id = 1;
};

}  // namespace silt::connectors
