// HttpCall: work for one request over HTTP, done on a pool under the caller's share. It ends exactly once: by its work,
// by a client that leaves, by its deadline, or by a stopping server, whichever is first.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "daemon/serve/http/connect.h"
#include "daemon/serve/http/exchange.h"
#include "daemon/serve/workplace.h"

namespace silt::serve::http {

class HttpCall final : public LiveCall, public std::enable_shared_from_this<HttpCall> {
 public:
  // Does the work; sends with send() or, once, with reply().
  using Work = std::function<Status(HttpCall& self, const access::Call& call)>;

  // `caller` is not null.
  static void start(const Workplace& place, Pool where, const Format& format, std::shared_ptr<const access::Caller> caller,
                    std::optional<std::chrono::milliseconds> timeout, const std::shared_ptr<Exchange>& exchange,
                    Work work);

  // One message of the reply; false when nobody wants more.
  bool send(const Message& message);
  // The whole reply, of work that is no method's.
  void reply(Response response);
  void abandon(const Status& why) override { finish(why); }

 private:
  HttpCall(const Workplace& place, const Format& format, std::shared_ptr<const access::Caller> caller,
           std::optional<std::chrono::milliseconds> timeout, std::shared_ptr<Exchange> exchange, Work work);

  void run();
  void finish(const Status& status);

  const Workplace place_;
  const Format format_;
  const std::shared_ptr<const access::Caller> caller_;
  const access::TimePoint deadline_;
  const std::shared_ptr<Exchange> exchange_;
  const Work work_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;  // of what follows, and of what is sent
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace silt::serve::http
