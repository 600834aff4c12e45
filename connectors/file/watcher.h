// Watcher: what changed? One inotify instance that watches directories, never single files.
//
// An event is a hint that a name should be looked at: names may already belong to other files, and
// events get lost. Not thread-safe, but fd() may be waited on by another thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/status.h"
#include "connectors/file/file_key.h"

namespace silt::connectors {

class Watcher {
 public:
  // Without inotify every watch() fails and the caller polls.
  explicit Watcher(bool use_inotify);

  int fd() const { return fd_.get(); }
  // Before the directory is read, so that nothing falls between. Watching twice is harmless.
  Status watch(const std::string& directory);

  enum class Kind { kDirectory, kWritten, kOther };
  enum class Step { kStays, kCreated, kLeft, kArrived, kDeleted };
  struct Event {
    Kind kind = Kind::kOther;
    Step step = Step::kStays;
    std::uint32_t cookie = 0;  // the same where a name left and where it arrived
  };
  struct Changes {
    // Called for each name whose content or identity may have changed, in the order of what happened.
    std::function<void(const std::string& directory, std::string_view name, const Event& event)> on_name;
    // A watched directory was deleted.
    std::function<void(const std::string& directory)> on_gone;
    // Events were lost, or a directory was moved and what is below it with it: compare everything.
    std::function<void()> on_unknown;
  };
  // Reads all waiting events without blocking.
  void drain(const Changes& changes);

 private:
  void forget(int descriptor);

  Fd fd_;
  Status failure_ = unavailable("inotify is off");
  std::unordered_map<int, std::string> directories_;
  std::unordered_map<std::string, int> descriptors_;
};

}  // namespace silt::connectors
