// The parts of Database that have to do with its files: leaving nothing in them of what was deleted, and copying them.
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "daemon/store/database.h"
#include "daemon/store/disk_room.h"

namespace silt::store {
namespace {

constexpr char kNoKey[] = "";  // what no row has: its deletion is something to write
constexpr int kLooks = 100;  // for files that a reader holds yet
constexpr std::chrono::milliseconds kBetweenLooks{50};
constexpr std::size_t kReadBytes = std::size_t{1} << 20;

bool holds_data(const std::string& name) {
  return name.ends_with(".sst") || name.ends_with(".blob") || name.ends_with(".log");
}

std::vector<std::string> of_both(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

bool file_holds(const std::filesystem::path& path, std::string_view bytes) {
  std::ifstream in(path, std::ios::binary);
  std::string window;
  std::string read(kReadBytes, '\0');
  while (in.read(read.data(), static_cast<std::streamsize>(read.size())) || in.gcount() > 0) {
    window.append(read, 0, static_cast<std::size_t>(in.gcount()));
    if (window.find(bytes) != std::string::npos) return true;
    window.erase(0, window.size() - std::min(window.size(), bytes.size() - 1));
  }
  return false;
}

}  // namespace

// Sorted names. The library's other files hold no values, and of keys only those at the borders of tables.
Result<std::vector<std::string>> Database::data_files() const {
  std::vector<std::string> names;
  SILT_TRY(translate(db_->GetEnv()->GetChildren(path_, &names), "list"));
  std::erase_if(names, [](const std::string& name) { return !holds_data(name); });
  std::sort(names.begin(), names.end());
  return names;
}

Result<Scrubbed> Database::rewrite() {
  SILT_ASSIGN(const std::vector<std::string> before, data_files());
  // Twice: a family with nothing in memory lets go of an old log only when another one is begun behind it.
  for (int pass = 0; pass < 2; ++pass) {
    SILT_TRY(translate(db_->Delete(rocksdb::WriteOptions(), families_.front(), kNoKey), "write"));
    SILT_TRY(translate(db_->Flush(rocksdb::FlushOptions(), families_), "flush"));
  }
  SILT_TRY(translate(sync_log(), "write"));
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  options.blob_garbage_collection_age_cutoff = 1;
  options.canceled = &end_rewrites_;
  for (rocksdb::ColumnFamilyHandle* const family : families_) {
    const rocksdb::Status done = db_->CompactRange(options, family, nullptr, nullptr);
    if (end_rewrites_) return Status(Code::kCancelled, "siltd is stopping");
    SILT_TRY(translate(done, "compaction"));
  }
  // What a start found and did not need is looked for every few hours only; this looks now.
  SILT_TRY(translate(db_->DisableFileDeletions(), "clean up"));
  SILT_TRY(translate(db_->EnableFileDeletions(/*force=*/false), "clean up"));
  Scrubbed scrubbed;
  for (int look = 0; look < kLooks; ++look) {
    SILT_ASSIGN(const std::vector<std::string> now, data_files());
    scrubbed.files_left = of_both(before, now);
    if (scrubbed.files_left.empty() || end_rewrites_) break;
    std::this_thread::sleep_for(kBetweenLooks);
  }
  scrubbed.files_replaced = before.size() - scrubbed.files_left.size();
  return scrubbed;
}

Status Database::check_room_to_rewrite() const {
  std::uint64_t needed = 0;
  SILT_ASSIGN(const std::vector<std::string> names, data_files());
  for (const std::string& name : names) {
    std::error_code failed;
    const std::uintmax_t size = std::filesystem::file_size(path_ + "/" + name, failed);
    if (!failed) needed += size;
  }
  const auto free = free_bytes_at(path_);
  if (!free || *free >= needed) return Status::ok();
  return resource_exhausted("store " + path_ + ": forgetting writes all of it anew, which takes " +
                            std::to_string((needed >> 20) + 1) + " MiB, and " + std::to_string(*free >> 20) +
                            " MiB are free; nothing was done");
}

Status Database::checkpoint(const std::string& path) const {
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(path);
  return translate(status, "backup to " + path);
}

Result<std::vector<std::string>> Database::files_with(std::string_view bytes) const {
  std::vector<std::string> out;
  if (bytes.empty()) return out;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(path_, failed)) {
    if (entry.is_regular_file(failed) && file_holds(entry.path(), bytes)) out.push_back(entry.path().filename().string());
  }
  if (failed) return internal_error("store " + path_ + ": cannot be listed: " + failed.message());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace silt::store
