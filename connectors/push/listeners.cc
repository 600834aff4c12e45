#include "connectors/push/listeners.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace silt::connectors {

struct Listeners::Timer {
  explicit Timer(boost::asio::io_context& io) : of(io) {}
  boost::asio::steady_timer of;
};

Listeners::Listeners(boost::asio::io_context& io, std::chrono::milliseconds again, Open open)
    : open_(std::move(open)), again_(again), timer_(std::make_unique<Timer>(io)) {}

Listeners::~Listeners() = default;

Status Listeners::open(const std::vector<Endpoint>& places) {
  const std::lock_guard lock(mutex_);
  std::vector<Failed> all;
  for (const Endpoint& place : places) all.push_back({place, {}});
  const Status first = try_all(std::move(all));
  if (endpoints_.empty()) return first;
  try_later();
  return Status::ok();
}

// The first failure, if there is one.
Status Listeners::try_all(std::vector<Failed> places) {
  Status first;
  failed_.clear();
  for (Failed& each : places) {
    Result<Endpoint> opened = open_(each.place);
    if (opened.is_ok()) {
      endpoints_.push_back(std::move(*opened));
      continue;
    }
    if (first.is_ok()) first = opened.status();
    each.why = opened.status().message();
    failed_.push_back(std::move(each));
  }
  return first;
}

void Listeners::try_later() {
  if (failed_.empty() || stopped_) return;
  timer_->of.expires_after(again_);
  timer_->of.async_wait([this](const boost::system::error_code& cancelled) {
    const std::lock_guard lock(mutex_);
    if (cancelled || stopped_) return;
    (void)try_all(std::exchange(failed_, {}));
    try_later();
  });
}

void Listeners::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  timer_->of.cancel();
}

std::vector<Endpoint> Listeners::endpoints() const {
  const std::lock_guard lock(mutex_);
  return endpoints_;
}

std::string Listeners::error() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const Failed& each : failed_) out += (out.empty() ? "" : "; ") + each.why;
  return out.empty() ? out : out + "; it is tried again, and the other places serve";
}

}  // namespace silt::connectors
