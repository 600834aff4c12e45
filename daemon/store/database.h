// Database: the one adapter to RocksDB. Everything else in daemon/store speaks in keys and values.
//
// Safe from any thread; writes are serialised by one mutex. Once a write has failed or the library
// has reported a background error, every later write fails too: the process must end, and recovery
// by reopening decides what is there. Nothing resumes by itself.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/forget_store.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace silt::store {

// chunk: what arrived and is not sealed yet, short-lived. segment: bodies lie in files of their own, so
// that compaction neither moves nor reads them. state: megabytes that replace each other.
enum class Family { kMain, kChunk, kSegment, kState };

struct DatabaseOptions {
  std::string path;
  std::uint64_t write_buffer_bytes = 8 << 20;  // of all families together, twice that while flushing
  std::uint64_t block_cache_bytes = 16 << 20;
  std::uint64_t log_bytes_max = 24 << 20;                  // write-ahead log, before buffers are flushed
  std::uint32_t open_files_max = 256;                      // tables that are kept open
  bool read_only = false;                                  // works beside a running daemon
  std::function<void(const Status&)> on_background_error;  // from a library thread
  rocksdb::Env* env = nullptr;                             // tests lose power with it; must outlive the store
};

// Changes that are applied together. Made by Database::begin(), which must outlive it.
class WriteSet {
 public:
  ~WriteSet();
  WriteSet(WriteSet&&) noexcept;
  void put(Family family, std::string_view key, std::string_view value);
  void erase(Family family, std::string_view key);
  void erase_range(Family family, std::string_view begin, std::string_view end);  // end is excluded

 private:
  friend class Database;
  explicit WriteSet(const std::vector<rocksdb::ColumnFamilyHandle*>& families);
  const std::vector<rocksdb::ColumnFamilyHandle*>* families_;
  std::unique_ptr<rocksdb::WriteBatch> batch_;
  Status failed_;  // the first change that could not be added
};

class WalGuard;

class Database {
 public:
  // Failures name the path and the remedy: locked, no rights, damaged, of a newer schema, disk full.
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
  ~Database();

  WriteSet begin() const { return WriteSet(families_); }
  // All or nothing, on disk when it returns, behind all that was written before.
  Status write(WriteSet changes);

  Result<std::optional<std::string>> get(Family family, std::string_view key) const;

  // Calls `visit` for keys in [begin, end) in order, until it returns false.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  Status scan(Family family, std::string_view begin, std::string_view end, const Visit& visit) const;
  // The last row with begin <= key <= last. kDataLoss when it is damaged.
  struct Row {
    std::string key, value;
  };
  Result<std::optional<Row>> last_not_after(Family family, std::string_view begin,
                                            std::string_view last) const;

  // Whether nothing was written since the call before. Then, when buffers of at least so many bytes lie in memory, it
  // has them written to tables, which frees them. One thread.
  bool flush_when_quiet(std::uint64_t bytes_min);

  // Writes all that there is into new files, so that no table, blob or log holds what was deleted or replaced.
  // Others may read and write meanwhile. kCancelled after end_rewrites().
  Result<Scrubbed> rewrite();
  void end_rewrites() { end_rewrites_ = true; }
  Status check_room_to_rewrite() const;
  // A store of its own in `path`, which must not be there: what is durable now, by links where the file system has
  // them. Others may read and write meanwhile.
  Status checkpoint(const std::string& path) const;
  // Names of files in the folder that hold `bytes` as they are.
  Result<std::vector<std::string>> files_with(std::string_view bytes) const;

  const std::string& path() const { return path_; }

 private:
  class Listener;
  explicit Database(std::string path);
  rocksdb::Status sync_log();
  Result<std::vector<std::string>> data_files() const;
  void flush();
  void tidy_up();  // before a close in good order
  Status translate(const rocksdb::Status& status, std::string_view action) const;

  std::string path_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::shared_ptr<Listener> listener_;
  std::atomic<bool> end_rewrites_{false};
  std::uint64_t last_quiet_ = 0;  // number of the newest write at the last flush_when_quiet()
  std::mutex write_mutex_;
  Status failed_;  // the first failed write; guarded by write_mutex_
};

}  // namespace silt::store
