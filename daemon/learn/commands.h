// Commands: what other threads want done on the learner thread, between two commits.
#pragma once

#include <deque>
#include <functional>
#include <future>
#include <mutex>

#include "base/status.h"

namespace silt::learn {

class Commands {
 public:
  using Task = std::function<Status()>;

  // `posted` is called, from any thread, when there is something to do.
  explicit Commands(std::function<void()> posted) : posted_(std::move(posted)) {}

  // From any thread but the learner's: waits until the task ran. kUnavailable: the learner ended before.
  Status run(Task task);
  // The same without waiting.
  void post(Task task);
  bool waiting() const;

  // The learner's.
  void run_all();
  void close();  // refuses those that wait, and all later ones

 private:
  struct Command {
    Task task;
    std::promise<Status> done;
  };
  std::future<Status> add(Task task);

  std::function<void()> posted_;
  mutable std::mutex mutex_;
  std::deque<Command> commands_;
  bool closed_ = false;
};

}  // namespace silt::learn
