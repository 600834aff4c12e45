// Activity: what a connector's thread is at, for whoever waits for it: a call into a file system that hangs
// never says so itself.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace silt::connectors {

class Activity {
 public:
  // By the thread that works, before it asks for something that may not answer.
  void at(std::string_view place) {
    const std::lock_guard lock(mutex_);
    place_ = place;
  }
  // From any thread.
  std::string place() const {
    const std::lock_guard lock(mutex_);
    return place_;
  }

 private:
  mutable std::mutex mutex_;
  std::string place_;
};

}  // namespace silt::connectors
