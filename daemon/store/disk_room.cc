#include "daemon/store/disk_room.h"

#include <sys/statvfs.h>

#include <filesystem>

#include "base/log.h"

namespace silt::store {
namespace {

// A log, a manifest, options and the first tables of an empty store, with as much again to spare.
constexpr std::uint64_t kOpenBytes = 8 << 20;

// What lies in write-ahead logs becomes tables before they go.
std::uint64_t log_bytes_in(const std::string& path) {
  std::uint64_t bytes = 0;
  std::error_code failed;
  for (std::filesystem::directory_iterator it(path, failed), end; !failed && it != end; it.increment(failed)) {
    std::error_code gone;
    if (it->path().extension() != ".log") continue;
    const std::uintmax_t size = it->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace

std::optional<std::uint64_t> free_bytes_at(const std::string& path) {
  std::filesystem::path at(path);
  struct statvfs space {};
  while (::statvfs(at.c_str(), &space) != 0) {
    if (!at.has_relative_path()) return std::nullopt;
    at = at.parent_path();
  }
  if (space.f_files > 0 && space.f_favail == 0) return 0;
  return static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
}

bool DiskRoom::has_room() {
  if (clock_.monotonic_us() < next_check_us_) return !full_;
  const std::lock_guard lock(mutex_);
  if (clock_.monotonic_us() < next_check_us_) return !full_;
  next_check_us_ = clock_.monotonic_us() + kCheckUs;
  const auto free_bytes = free_bytes_at(path_);
  if (!free_bytes) return !full_;
  const bool full = *free_bytes < free_bytes_min_;
  if (full && !full_) {
    log::error("disk_full",
               {{"store", path_},
                {"free_bytes", *free_bytes},
                {"needed_bytes", free_bytes_min_},
                {"action", "reading and learning stop until space is free; nothing is lost while the logs are kept"},
                {"remedy", "free space, or lower store.free_mib_min"}});
  } else if (!full && full_) {
    log::info("disk_has_room", {{"store", path_}, {"free_bytes", *free_bytes}});
  }
  full_ = full;
  return !full;
}

Status check_room_to_open(const std::string& path) {
  const auto free_bytes = free_bytes_at(path);
  if (!free_bytes) return Status::ok();
  const std::uint64_t needed = kOpenBytes + log_bytes_in(path);
  if (*free_bytes >= needed) return Status::ok();
  return resource_exhausted("store " + path + ": disk full: " + std::to_string(*free_bytes >> 20) +
                            " MiB are free and opening it needs " + std::to_string((needed + (1 << 20) - 1) >> 20) +
                            "; free space or move the store, then start again: nothing that was stored is lost");
}

}  // namespace silt::store
