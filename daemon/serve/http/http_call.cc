#include "daemon/serve/http/http_call.h"

#include <utility>

#include "daemon/access/quotas.h"
#include "daemon/serve/client_status.h"

namespace silt::serve::http {
namespace {

Response failure(const Status& shown) {
  Response response{http_status(shown.code()), std::string(kJsonType), error_json(shown)};
  if (shown.code() == Code::kResourceExhausted || shown.code() == Code::kUnavailable)
    response.headers.emplace_back("Retry-After", std::to_string(access::retry_after_ms(shown).value_or(1000) / 1000));
  return response;
}

}  // namespace

HttpCall::HttpCall(const Workplace& place, const Format& format, std::shared_ptr<const access::Caller> caller,
                   std::optional<std::chrono::milliseconds> timeout, std::shared_ptr<Exchange> exchange, Work work)
    : place_(place),
      format_(format),
      caller_(std::move(caller)),
      deadline_(timeout ? std::chrono::system_clock::now() + *timeout : access::TimePoint::max()),
      exchange_(std::move(exchange)),
      work_(std::move(work)) {}

void HttpCall::start(const Workplace& place, Pool where, const Format& format,
                     std::shared_ptr<const access::Caller> caller, std::optional<std::chrono::milliseconds> timeout,
                     const std::shared_ptr<Exchange>& exchange, Work work) {
  const std::shared_ptr<HttpCall> call(new HttpCall(place, format, std::move(caller), timeout, exchange, std::move(work)));
  exchange->watch([call] { call->finish({Code::kCancelled, "the client left"}); }, timeout,
                  [call] { call->finish({Code::kDeadlineExceeded, "the deadline passed before there was a whole answer"}); });
  place.begin(call, where, *call->caller_, [call] { call->run(); });
}

void HttpCall::run() {
  const access::Call call{*caller_, cancelled_, deadline_};
  Status status = still_wanted(call);
  if (status.is_ok()) status = work_(*this, call);
  finish(status);
}

bool HttpCall::send(const Message& message) {
  Result<std::string> bytes = encode(format_, message);
  if (!bytes.is_ok()) {
    finish(bytes.status());
    return false;
  }
  const std::lock_guard lock(mutex_);
  if (cancelled_ || ended_) return false;
  if (format_.framing == Framing::kUnary) {
    ended_ = true;
    exchange_->reply({200, std::string(format_.reply_type), std::move(*bytes)});
    return true;
  }
  if (!std::exchange(begun_, true)) exchange_->begin({200, std::string(format_.reply_type), {}});
  exchange_->write(std::move(*bytes));
  return true;
}

void HttpCall::reply(Response response) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(ended_, true)) return;
  exchange_->reply(std::move(response));
}

void HttpCall::finish(const Status& status) {
  const Status shown = to_client(status);
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (!std::exchange(ended_, true)) {
      if (format_.framing == Framing::kUnary || (format_.framing == Framing::kLines && !begun_ && !shown.is_ok())) {
        exchange_->reply(failure(shown));
      } else {
        if (!begun_) exchange_->begin({200, std::string(format_.reply_type), {}});
        exchange_->write(encode_end(format_, shown));
        exchange_->end();
      }
    }
  }
  place_.live.leave(this);
}

}  // namespace silt::serve::http
