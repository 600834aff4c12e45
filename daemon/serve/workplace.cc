#include "daemon/serve/workplace.h"

#include <chrono>
#include <utility>

#include "daemon/access/quotas.h"

namespace silt::serve {
namespace {

constexpr std::int64_t kRetryUs = 1'000'000;

}  // namespace

WorkerPool& Workplace::pool(Pool which) const {
  switch (which) {
    case Pool::kLook: return look;
    case Pool::kChange: return change;
    case Pool::kFeed: return feed;
    case Pool::kAsk: break;
  }
  return ask;
}

void Workplace::begin(const std::shared_ptr<LiveCall>& call, Pool where, const access::Caller& caller,
                      std::function<void()> work) const {
  if (!live.enter(call)) {
    call->abandon(stopping());
  } else if (!pool(where).post(caller.name, std::move(work))) {
    call->abandon(access::try_again_in("too many calls of " + caller.name + " wait already", kRetryUs));
  }
}

Status Workplace::call(const Method& method, const access::Call& call, const Message& request, const Emit& emit) const {
  const auto begin = std::chrono::steady_clock::now();
  const Status status = call_method(api, method, call, request, emit);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  meter.note(method.path, status.code(), taken.count());
  return status;
}

Status stopping() {
  return unavailable("siltd is stopping; try again when it has restarted");
}

Status still_wanted(const access::Call& call) {
  if (call.cancelled) return {Code::kCancelled, "cancelled by the caller"};
  if (std::chrono::system_clock::now() < call.deadline) return Status::ok();
  return {Code::kDeadlineExceeded, "the deadline passed before siltd got to it"};
}

}  // namespace silt::serve
