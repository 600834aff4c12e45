// Workplace: where the methods of the table are worked on. Owned by the server, shared by all doors.
#pragma once

#include <functional>
#include <memory>

#include "base/status.h"
#include "daemon/access/callers.h"
#include "daemon/serve/api.h"
#include "daemon/serve/live_calls.h"
#include "daemon/serve/method.h"
#include "daemon/serve/metrics.h"
#include "daemon/serve/reply_shares.h"
#include "daemon/serve/worker_pool.h"

namespace silt::serve {

struct Workplace {
  const Api& api;
  const access::Callers& callers;
  LiveCalls& live;
  WorkerPool& ask;
  WorkerPool& look;
  WorkerPool& change;
  WorkerPool& feed;
  CallMeter& meter;
  ReplyShares& replies;

  // Has `work` done on the pool, under the caller's share; or abandons the call at once, because the server
  // stops or the caller's queue is full.
  void begin(const std::shared_ptr<LiveCall>& call, Pool where, const access::Caller& caller,
             std::function<void()> work) const;
  // call_method(), measured.
  Status call(const Method& method, const access::Call& call, const Message& request, const Emit& emit) const;

 private:
  WorkerPool& pool(Pool which) const;
};

// What calls are told when the server stops.
Status stopping();

// Asked when a thread gets to a call: not OK when nobody waits for it any more.
Status still_wanted(const access::Call& call);

}  // namespace silt::serve
