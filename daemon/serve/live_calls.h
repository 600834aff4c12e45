// LiveCalls: every RPC that has begun and not ended. gRPC 1.51 does not return from Shutdown while
// a reactor is unfinished, so a stopping server must be able to finish each of them.
// Safe from any thread.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/status.h"

namespace silt::serve {

class LiveCall {
 public:
  virtual ~LiveCall() = default;
  // Ends the RPC now, unless it has ended; its handler sees `cancelled`. Any thread.
  virtual void abandon(const Status& why) = 0;
};

class LiveCalls {
 public:
  // False: the server is stopping and the call must be refused.
  bool enter(const std::shared_ptr<LiveCall>& call);
  void leave(const LiveCall* call);
  // From now on enter() refuses; every call that is in is abandoned.
  void abandon_all(const Status& why);

 private:
  std::mutex mutex_;
  bool closed_ = false;
  std::unordered_map<const LiveCall*, std::shared_ptr<LiveCall>> calls_;
};

}  // namespace silt::serve
