#include "daemon/store/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "base/log.h"
#include "daemon/store/wal_guard.h"

namespace silt::store {
namespace {

std::string_view view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}
rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

// What the library says goes to the daemon's log. Its own logger, a file in the store, aborts the process
// with its second line on a full disk.
class LibraryLog final : public rocksdb::Logger {
 public:
  LibraryLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using Logger::Logv;
  void Logv(const char* format, std::va_list arguments) override {
    char line[512];
    std::vsnprintf(line, sizeof line, format, arguments);
    log::info("store_library", {{"says", line}});
  }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, std::va_list arguments) override {
    if (level >= GetInfoLogLevel() && level < rocksdb::InfoLogLevel::HEADER_LEVEL) Logv(format, arguments);
  }
};

rocksdb::BlockBasedTableOptions table_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;  // else they grow without bound beside the cache
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;  // an older package must still read what a newer one wrote
  return table;
}

constexpr std::size_t kDeletionWindow = 64;  // keys

rocksdb::DBOptions database_options(const DatabaseOptions& options) {
  rocksdb::DBOptions db;
  if (options.env != nullptr) db.env = options.env;
  db.create_if_missing = !options.read_only;
  db.create_missing_column_families = !options.read_only;
  // The default mode silently drops what follows a damaged place in the middle of the log.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.track_and_verify_wals_in_manifest = true;  // a log that vanished is an error, not a shorter past
  db.max_bgerror_resume_count = 0;
  db.max_total_wal_size = options.log_bytes_max;
  db.db_write_buffer_size = options.write_buffer_bytes;
  db.max_open_files = static_cast<int>(options.open_files_max);
  db.max_background_jobs = 2;
  db.paranoid_checks = true;
  db.info_log = std::make_shared<LibraryLog>();
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors(const DatabaseOptions& options) {
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  rocksdb::ColumnFamilyOptions common;
  common.write_buffer_size = options.write_buffer_bytes;
  common.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(cache)));
  common.compression = rocksdb::kLZ4Compression;
  common.bottommost_compression = rocksdb::kZSTD;
  common.target_file_size_base = 32 << 20;
  rocksdb::ColumnFamilyOptions state = common;
  state.compression = rocksdb::kNoCompression;  // weights do not compress
  state.bottommost_compression = rocksdb::kNoCompression;
  // A state is megabytes. It leaves memory with the next write, and has a file of its own, which goes
  // when the state was replaced: a compaction would hold one of each input, and write them all again.
  state.write_buffer_size = 1 << 20;
  state.enable_blob_files = true;
  state.min_blob_size = 64 << 10;
  state.blob_file_size = 1;
  // Values are compressed already. What is sealed is deleted again, mostly before it leaves memory.
  rocksdb::ColumnFamilyOptions chunk = common;
  chunk.compression = rocksdb::kNoCompression;
  chunk.bottommost_compression = rocksdb::kNoCompression;
  // Chunks that left memory before they were sealed go as soon as their deletions are written.
  chunk.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(kDeletionWindow, kDeletionWindow / 2));
  chunk.level0_file_num_compaction_trigger = 2;
  rocksdb::ColumnFamilyOptions segment = chunk;
  segment.enable_blob_files = true;
  segment.min_blob_size = 4 << 10;
  segment.blob_file_size = 32 << 20;
  segment.enable_blob_garbage_collection = true;  // for the space of what retention removed
  segment.blob_garbage_collection_age_cutoff = 0.25;
  segment.blob_garbage_collection_force_threshold = 0.5;
  return {{rocksdb::kDefaultColumnFamilyName, common}, {"chunk", chunk}, {"segment", segment}, {"state", state}};
}

constexpr std::uint64_t kTidyBytesMax = 64 << 20;  // what a stop may take the time to compact

// RocksDB leaves an unwritable or missing parent to mkdir's errno text; say which path and why.
Status prepare_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return Status::ok();
  return errno_status("create the store directory " + path, errno)
      .with_context("store.path must name a directory that siltd's user can create or write");
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

class Database::Listener final : public rocksdb::EventListener {
 public:
  Listener(const Database& database, std::function<void(const Status&)> report)
      : database_(database), report_(std::move(report)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    const Status translated = database_.translate(*status, "background work");
    if (translated.code() == Code::kResourceExhausted) out_of_space_ = true;
    if (report_) report_(translated);
  }
  bool out_of_space() const { return out_of_space_; }

 private:
  const Database& database_;
  std::function<void(const Status&)> report_;
  std::atomic<bool> out_of_space_{false};
};

WriteSet::WriteSet(const std::vector<rocksdb::ColumnFamilyHandle*>& families)
    : families_(&families), batch_(std::make_unique<rocksdb::WriteBatch>()) {}
WriteSet::~WriteSet() = default;
WriteSet::WriteSet(WriteSet&&) noexcept = default;

namespace {

void note(Status& failed, const rocksdb::Status& status) {
  if (!status.ok() && failed.is_ok()) failed = internal_error("write batch: " + status.ToString());
}

}  // namespace

void WriteSet::put(Family family, std::string_view key, std::string_view value) {
  note(failed_, batch_->Put((*families_)[static_cast<std::size_t>(family)], slice(key), slice(value)));
}

void WriteSet::erase(Family family, std::string_view key) {
  note(failed_, batch_->Delete((*families_)[static_cast<std::size_t>(family)], slice(key)));
}

void WriteSet::erase_range(Family family, std::string_view begin, std::string_view end) {
  note(failed_,
       batch_->DeleteRange((*families_)[static_cast<std::size_t>(family)], slice(begin), slice(end)));
}

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options) {
  if (!options.read_only) SILT_TRY(prepare_directory(options.path));
  std::unique_ptr<Database> database(new Database(options.path));
  rocksdb::DBOptions db_options = database_options(options);
  if (!options.read_only) {
    database->listener_ = std::make_shared<Listener>(*database, options.on_background_error);
    db_options.listeners.push_back(database->listener_);
  }
  const WalGuard guard(db_options.env, options.path);
  if (!guard.log_is_there()) {
    return data_loss("store " + options.path +
                     ": its write-ahead log (*.log) is gone, and with it what was stored last; put it back, restore "
                     "a backup, or move the directory away to start anew and read the logs again");
  }
  if (!options.read_only) SILT_TRY(database->translate(guard.disarm(), "open"));
  rocksdb::DB* db = nullptr;
  const auto families = family_descriptors(options);
  const rocksdb::Status opened =
      options.read_only
          ? rocksdb::DB::OpenForReadOnly(db_options, options.path, families, &database->families_, &db)
          : rocksdb::DB::Open(db_options, options.path, families, &database->families_, &db);
  database->db_.reset(db);
  if (!opened.ok()) {
    const Status failed = database->translate(opened, "open");
    // Refused before anything was touched: another siltd has the store.
    if (!options.read_only && failed.code() == Code::kFailedPrecondition) (void)guard.arm();
    return failed;
  }
  if (!options.read_only) {
    SILT_TRY(database->translate(database->sync_log(), "open"));
    SILT_TRY(database->translate(guard.arm(), "open"));
  }
  return database;
}

// A new log is not durable before something in it was synced.
rocksdb::Status Database::sync_log() {
  rocksdb::WriteBatch nothing;
  const rocksdb::Status put = nothing.PutLogData("log");
  rocksdb::WriteOptions options;
  options.sync = true;
  return put.ok() ? db_->Write(options, &nothing) : put;
}

Database::Database(std::string path) : path_(std::move(path)) {}

Database::~Database() {
  // A library that ran out of space aborts when it is closed. What it wrote is on disk, the process is about
  // to end, and the next one recovers.
  if (failed_.code() == Code::kResourceExhausted || (listener_ && listener_->out_of_space())) {
    (void)db_.release();
    return;
  }
  // What is in tables needs no log: the next start reads nothing again, and the log's space is free.
  if (db_ && listener_ && failed_.is_ok()) tidy_up();
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    if (db_) (void)db_->DestroyColumnFamilyHandle(family);
  }
  if (db_) (void)db_->Close();
}

// What goes wrong here the listener hears.
void Database::flush() {
  (void)db_->Flush(rocksdb::FlushOptions(), families_);
  (void)sync_log();
}

bool Database::flush_when_quiet(std::uint64_t bytes_min) {
  const std::uint64_t newest = db_->GetLatestSequenceNumber();
  const bool quiet = std::exchange(last_quiet_, newest) == newest;
  std::uint64_t bytes = 0;
  if (quiet && db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &bytes) && bytes >= bytes_min) flush();
  return quiet;
}

void Database::tidy_up() {
  flush();
  rocksdb::ColumnFamilyHandle* const chunks = families_[static_cast<std::size_t>(Family::kChunk)];
  std::uint64_t bytes = 0;
  if (!db_->GetIntProperty(chunks, rocksdb::DB::Properties::kTotalSstFilesSize, &bytes)) return;
  if (bytes < kTidyBytesMax) (void)db_->CompactRange(rocksdb::CompactRangeOptions(), chunks, nullptr, nullptr);
}

Status Database::translate(const rocksdb::Status& status, std::string_view action) const {
  if (status.ok()) return Status::ok();
  const std::string text = status.ToString();
  const std::string where = "store " + path_ + ": ";
  if (contains(text, "LOCK") || contains(text, "lock hold")) {
    if (contains(text, "Permission denied")) {
      return permission_denied(where + "no right to write it (" + text +
                               "); start siltd as the owner of the directory, or chown it");
    }
    return failed_precondition(where +
                               "locked by another siltd; stop that one, or give this one its own store.path");
  }
  if (contains(text, "Permission denied") || contains(text, "Read-only file system")) {
    return permission_denied(where + "no right to write it (" + text +
                             "); start siltd as the owner of the directory, or chown it");
  }
  if (status.IsNoSpace() || contains(text, "No space left")) {
    return resource_exhausted(where + "disk full during " + std::string(action) +
                              "; free space and restart, nothing acknowledged is lost");
  }
  if (contains(text, "Column families not opened")) {
    return failed_precondition(where + "has another format (" + text +
                               "), of a siltd that is older or newer than this one; move the directory away "
                               "to read the logs again, or install that siltd");
  }
  if (contains(text, "does not exist") && action == "open") {
    return not_found(where + "there is no store (" + text + ")");
  }
  if (status.IsCorruption() || action == "open") {
    return data_loss(where + "damaged: " + text +
                     "; restore a backup, or move the directory away to start anew and read the logs again");
  }
  return internal_error(where + std::string(action) + " failed: " + text +
                        "; check the disk, then restart: nothing acknowledged is lost");
}

Status Database::write(WriteSet changes) {
  SILT_TRY(changes.failed_);
  const std::lock_guard lock(write_mutex_);
  SILT_TRY(failed_);
  rocksdb::WriteOptions options;
  options.sync = true;
  failed_ = translate(db_->Write(options, changes.batch_.get()), "write");
  return failed_;
}

Result<std::optional<std::string>> Database::get(Family family, std::string_view key) const {
  std::string value;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), families_[static_cast<std::size_t>(family)], slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  SILT_TRY(translate(status, "read"));
  return std::optional<std::string>(std::move(value));
}

Result<std::optional<Database::Row>> Database::last_not_after(Family family, std::string_view begin,
                                                              std::string_view last) const {
  rocksdb::ReadOptions options;
  const rocksdb::Slice lower = slice(begin);
  options.iterate_lower_bound = &lower;
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(options, families_[static_cast<std::size_t>(family)]));
  it->SeekForPrev(slice(last));
  if (it->Valid()) return std::optional<Row>(Row{std::string(view(it->key())), std::string(view(it->value()))});
  SILT_TRY(translate(it->status(), "read"));
  return std::optional<Row>();
}

Status Database::scan(Family family, std::string_view begin, std::string_view end, const Visit& visit) const {
  rocksdb::ReadOptions options;
  const rocksdb::Slice upper = slice(end);
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(options, families_[static_cast<std::size_t>(family)]));
  for (it->Seek(slice(begin)); it->Valid(); it->Next()) {
    if (!visit(view(it->key()), view(it->value()))) return Status::ok();
  }
  return translate(it->status(), "read");
}

}  // namespace silt::store
