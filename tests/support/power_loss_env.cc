#include "tests/support/power_loss_env.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace silt::testing {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().lexically_normal().string();
}

// What the disk would show of the files, apart from what the page cache shows.
struct Disk {
  struct File {
    std::uint64_t size = 0;
    std::uint64_t synced = 0;
    bool has_name = false;  // its directory was synced since it was created
  };
  struct Rename {
    std::string from, to;
    std::optional<std::string> replaced;  // bytes of what was there
  };

  std::mutex mutex;
  bool off = false;
  std::uint64_t writes_left = ~std::uint64_t{0};
  std::uint64_t syncs = 0;
  std::map<std::string, File> files;  // those written to since the start
  std::vector<Rename> renames;        // of directories that were not synced since

  bool has_power() {
    if (!off) off = writes_left-- == 0;
    return !off;
  }
  static IOStatus no_power() { return IOStatus::IOError("the power is off"); }
};

class TrackedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  TrackedFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<Disk> disk, std::string path)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(std::move(disk)), path_(std::move(path)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return append(data.size(), [&] { return target()->Append(data, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& check,
                  IODebugContext* debug) override {
    return append(data.size(), [&] { return target()->Append(data, options, check, debug); });
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const std::lock_guard lock(disk_->mutex);
    if (disk_->off) return Disk::no_power();
    Disk::File& file = disk_->files[path_];
    file.size = size;
    file.synced = std::min(file.synced, size);
    return target()->Truncate(size, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return sync(); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return sync(); }
  // A hint to the kernel: it promises nothing.
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  template <class Write>
  IOStatus append(std::size_t size, Write write) {
    const std::lock_guard lock(disk_->mutex);
    if (!disk_->has_power()) return Disk::no_power();
    const IOStatus done = write();
    if (done.ok()) disk_->files[path_].size += size;
    return done;
  }
  IOStatus sync() {
    const std::lock_guard lock(disk_->mutex);
    if (!disk_->has_power()) return Disk::no_power();
    Disk::File& file = disk_->files[path_];
    file.synced = file.size;
    ++disk_->syncs;
    return IOStatus::OK();
  }

  const std::shared_ptr<Disk> disk_;
  const std::string path_;
};

class TrackedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  TrackedDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, std::shared_ptr<Disk> disk,
                   std::string path)
      : FSDirectoryWrapper(std::move(directory)), disk_(std::move(disk)), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return sync(); }
  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*, const rocksdb::DirFsyncOptions&) override {
    return sync();
  }

 private:
  IOStatus sync() {
    const std::lock_guard lock(disk_->mutex);
    if (disk_->off) return Disk::no_power();
    for (auto& [path, file] : disk_->files) file.has_name = file.has_name || directory_of(path) == path_;
    std::erase_if(disk_->renames,
                  [&](const Disk::Rename& rename) { return directory_of(rename.to) == path_; });
    return IOStatus::OK();
  }

  const std::shared_ptr<Disk> disk_;
  const std::string path_;
};

// After an error in the background the library sleeps for a second before it goes on.
class SleeplessClock final : public rocksdb::SystemClockWrapper {
 public:
  SleeplessClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "SleeplessClock"; }
  void SleepForMicroseconds(int) override {}
};

class SleeplessEnv final : public rocksdb::EnvWrapper {
 public:
  explicit SleeplessEnv(std::unique_ptr<rocksdb::Env> files) : EnvWrapper(std::move(files)) {
    system_clock_ = std::make_shared<SleeplessClock>();
  }
};

std::optional<std::string> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

class PowerLossEnv::FileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  static const char* kClassName() { return "PowerLossFileSystem"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* out, IODebugContext* debug) override {
    const std::lock_guard lock(disk->mutex);
    if (disk->off) return Disk::no_power();
    const IOStatus made = target()->NewWritableFile(path, options, out, debug);
    if (!made.ok()) return made;
    const bool had_name = disk->files.contains(path) && disk->files[path].has_name;
    disk->files[path] = {0, 0, had_name};
    *out = std::make_unique<TrackedFile>(std::move(*out), disk, path);
    return made;
  }
  IOStatus ReopenWritableFile(const std::string&, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("not needed by a store");
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* out, IODebugContext* debug) override {
    const IOStatus made = target()->NewDirectory(path, options, out, debug);
    if (!made.ok()) return made;
    *out = std::make_unique<TrackedDirectory>(std::move(*out), disk, directory_of(path + "/."));
    return made;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    const std::lock_guard lock(disk->mutex);
    if (disk->off) return Disk::no_power();
    disk->files.erase(path);
    return target()->DeleteFile(path, options, debug);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    const std::lock_guard lock(disk->mutex);
    if (disk->off) return Disk::no_power();
    Disk::Rename rename{from, to, bytes_of(to)};
    const IOStatus done = target()->RenameFile(from, to, options, debug);
    if (!done.ok()) return done;
    if (const auto found = disk->files.find(from); found != disk->files.end()) {
      disk->files[to] = found->second;
      disk->files.erase(from);
    }
    disk->renames.push_back(std::move(rename));
    return done;
  }

  void settle(std::mt19937_64& random) {
    const std::lock_guard lock(disk->mutex);
    for (auto rename = disk->renames.rbegin(); rename != disk->renames.rend(); ++rename) {
      const auto file = disk->files.find(rename->to);
      if (file == disk->files.end()) continue;
      if (random() % 2 == 0) {
        file->second.has_name = true;
        continue;
      }
      std::error_code gone;
      std::filesystem::rename(rename->to, rename->from, gone);
      if (gone) continue;
      disk->files[rename->from] = file->second;
      disk->files.erase(rename->to);
      if (rename->replaced) std::ofstream(rename->to, std::ios::binary) << *rename->replaced;
    }
    for (const auto& [path, file] : disk->files) {
      if (!file.has_name && random() % 2 == 0) {
        std::filesystem::remove(path);
        continue;
      }
      leave(path, kept(file, random));
    }
  }

  const std::shared_ptr<Disk> disk = std::make_shared<Disk>();

 private:
  // In a file of its own: threads of the library may still be closing the old one, which sets its length
  // to what they had written, with zeros where this cut it off.
  static void leave(const std::string& path, std::uint64_t size) {
    auto bytes = bytes_of(path);
    if (!bytes) return;  // somebody has removed it without this file system, as whoever makes a backup does
    bytes->resize(size);
    const std::string left = path + ".left";
    std::ofstream(left, std::ios::binary) << *bytes;
    std::error_code gone;  // meanwhile, with its folder
    std::filesystem::rename(left, path, gone);
  }
  static std::uint64_t kept(const Disk::File& file, std::mt19937_64& random) {
    switch (random() % 4) {
      case 0: return file.size;
      case 1: return file.synced + random() % (file.size - file.synced + 1);
      default: return file.synced;
    }
  }
};

PowerLossEnv::PowerLossEnv()
    : files_(std::make_shared<FileSystem>()),
      env_(std::make_unique<SleeplessEnv>(rocksdb::NewCompositeEnv(files_))) {}

PowerLossEnv::~PowerLossEnv() = default;

void PowerLossEnv::cut() {
  const std::lock_guard lock(files_->disk->mutex);
  files_->disk->off = true;
}

void PowerLossEnv::cut_after(std::uint64_t writes) {
  const std::lock_guard lock(files_->disk->mutex);
  files_->disk->writes_left = writes;
}

void PowerLossEnv::settle(std::mt19937_64& random) {
  files_->settle(random);
}

std::uint64_t PowerLossEnv::syncs() const {
  const std::lock_guard lock(files_->disk->mutex);
  return files_->disk->syncs;
}

}  // namespace silt::testing
