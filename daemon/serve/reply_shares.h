// ReplyShares: how many bytes of replies wait for a caller to read them. Methods do not wait for a client, so who asks
// much and reads nothing fills memory; beyond its share that caller's calls are refused. Safe from any thread.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace silt::serve {

class ReplyShares {
 public:
  explicit ReplyShares(std::size_t of_caller_max) : of_caller_max_(of_caller_max) {}

  // False: it would be too much. One reply always fits.
  bool take(const std::string& caller, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    std::size_t& held = held_[caller];
    if (held > 0 && held + bytes > of_caller_max_) return false;
    held += bytes;
    return true;
  }
  void give(const std::string& caller, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(caller);
    if (found == held_.end()) return;
    found->second -= bytes;
    if (found->second == 0) held_.erase(found);
  }

 private:
  const std::size_t of_caller_max_;
  std::mutex mutex_;
  std::map<std::string, std::size_t> held_;  // by caller
};

}  // namespace silt::serve
