#include "daemon/serve/live_calls.h"

#include <vector>

namespace silt::serve {

bool LiveCalls::enter(const std::shared_ptr<LiveCall>& call) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  calls_.emplace(call.get(), call);
  return true;
}

void LiveCalls::leave(const LiveCall* call) {
  std::shared_ptr<LiveCall> last;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  last = std::move(found->second);
  calls_.erase(found);
}

void LiveCalls::abandon_all(const Status& why) {
  std::vector<std::shared_ptr<LiveCall>> calls;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& [key, call] : calls_) calls.push_back(call);
  }
  for (const auto& call : calls) call->abandon(why);
}

}  // namespace silt::serve
