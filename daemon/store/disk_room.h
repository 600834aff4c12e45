// DiskRoom: whether the store's file system has room for more. The one place that asks: intake stops
// reading, the fold stops sealing and the learner stops learning by the same answer, and go on when space
// is back. Nothing is lost: the logs wait in their files, and the journal for the learner.
//
// Safe from any thread. The answer is at most kCheckUs old.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/status.h"

namespace silt::store {

class DiskRoom {
 public:
  static constexpr std::int64_t kCheckUs = 2'000'000;

  // `path`: the store's folder, which need not be there yet. `clock` must outlive it.
  DiskRoom(std::string path, std::uint64_t free_bytes_min, const Clock& clock)
      : path_(std::move(path)), free_bytes_min_(free_bytes_min), clock_(clock) {}

  // False below free_bytes_min. A change is logged once. A file system that cannot be asked has room: the
  // store will say it better.
  bool has_room();

 private:
  const std::string path_;
  const std::uint64_t free_bytes_min_;
  const Clock& clock_;
  std::atomic<bool> full_{false};
  std::atomic<std::int64_t> next_check_us_{0};
  std::mutex mutex_;  // one thread asks the file system
};

// Of the file system that holds `path` or the nearest folder above it; nothing when it cannot be asked.
// Without a free inode no byte is free either.
std::optional<std::uint64_t> free_bytes_at(const std::string& path);

// Whether a store in `path` can be opened: what opening writes (the log that is replayed, new files)
// must fit, for the library aborts where it does not. kResourceExhausted, with the remedy.
Status check_room_to_open(const std::string& path);

}  // namespace silt::store
