// WorkerPool: a few threads, and a bounded queue for each caller. Callers are served in turn, and one
// caller has all threads but one at most (if there are two), so whoever fills their own queue takes
// nothing from others. Safe from any thread but its own for stop().
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace silt::serve {

class WorkerPool {
 public:
  // `waiting_max`: jobs of one caller that wait for a thread.
  WorkerPool(int threads, std::size_t waiting_max);
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when the caller's queue is full or the pool stops; the job is not run then.
  bool post(const std::string& caller, std::function<void()> job);
  // Drops waiting jobs and returns when running ones have ended.
  void stop();

 private:
  struct Share {
    std::deque<std::function<void()>> waiting;
    int running = 0;
  };
  using Shares = std::map<std::string, Share>;

  void work();
  Shares::iterator next();  // whose job is next, end() when nobody's

  const std::size_t waiting_max_;
  const int running_max_;  // jobs of one caller
  std::mutex mutex_;
  std::condition_variable wake_;
  Shares shares_;       // of callers who have a job that waits or runs
  std::string served_;  // the caller whose job was begun last
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace silt::serve
