// Waiter: the one thing a connector needs from an event loop, so that connectors stay free of Asio
// and tests decide when time passes.
#pragma once

#include <chrono>
#include <functional>

namespace silt::connectors {

class Waiter {
 public:
  // Drops a pending wait; a `done` that is already running may still be returning.
  virtual ~Waiter() = default;

  // Calls `done` once, from a thread of the waiter's, when `fd` is readable or after `timeout`,
  // whichever is first. fd -1 waits for the time only. The fd stays the caller's and may be closed
  // at any time. A new wait drops the one before it. Any thread.
  virtual void wait(int fd, std::chrono::milliseconds timeout, std::function<void()> done) = 0;
};

}  // namespace silt::connectors
