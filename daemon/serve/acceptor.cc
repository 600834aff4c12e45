#include "daemon/serve/acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace silt::serve {

constexpr std::size_t kShares = 4;
constexpr std::size_t kOpenMax = 1024;  // an idle connection costs gRPC some 30 kB
constexpr int kAcceptedAtOnce = 64;     // before it is looked whether to stop
constexpr int kNice = -10;              // LimitNICE= of the unit

Acceptor::Acceptor(int listener, int descriptor_limit, Identify identify, OnConnection on_connection)
    : listener_(listener),
      descriptor_limit_(descriptor_limit),
      identify_(std::move(identify)),
      on_connection_(std::move(on_connection)),
      shares_(std::clamp<std::size_t>(static_cast<std::size_t>(descriptor_limit) / kShares, 1, kOpenMax)),
      stop_event_(::eventfd(0, EFD_CLOEXEC)),
      spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

Result<std::unique_ptr<Acceptor>> Acceptor::start(int listener, int descriptor_limit, Identify identify,
                                                  OnConnection on_connection) {
  std::unique_ptr<Acceptor> acceptor(new Acceptor(listener, descriptor_limit, std::move(identify), std::move(on_connection)));
  if (acceptor->stop_event_ < 0 || acceptor->spare_ < 0) {
    return resource_exhausted("no file descriptors left for the socket: raise LimitNOFILE");
  }
  acceptor->thread_ = std::thread([raw = acceptor.get()] { raw->loop(); });
  return acceptor;
}

void Acceptor::stop() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(stop_event_, &one, sizeof one));
    thread_.join();
  }
  for (int* fd : {&stop_event_, &spare_}) {
    if (*fd >= 0) ::close(std::exchange(*fd, -1));
  }
}

void Acceptor::loop() {
  ::setpriority(PRIO_PROCESS, 0, kNice);  // of this thread, on Linux; without the right to it, a flood may shut out others
  for (;;) {
    pollfd waits[] = {{listener_, POLLIN, 0}, {stop_event_, POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return log::error("accept_stopped", {{"errno", errno}});
    if (waits[1].revents != 0) return;
    if (waits[0].revents == 0) continue;
    for (int left = kAcceptedAtOnce; left > 0 && accept_one(); --left) {
    }
  }
}

bool Acceptor::accept_one() {
  const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection < 0) {
    if (errno == EMFILE || errno == ENFILE) shed_one();
    return false;
  }
  if (const Status admitted = admit(connection); !admitted.is_ok()) {
    ::close(connection);
    refused(admitted.message());
  }
  return true;
}

Status Acceptor::admit(int connection) {
  if (connection >= descriptor_limit_) return resource_exhausted("too many are open");
  SILT_ASSIGN(const Visit visit, identify_(connection));
  SILT_TRY(shares_.admit(connection, visit.who, SystemClock().monotonic_us()));
  return on_connection_(connection, visit);
}

void Acceptor::refused(std::string_view reason) {
  refusals_.note(reason, SystemClock().monotonic_us());
}

void RefusalLog::note(std::string_view reason, std::int64_t now_us) {
  ++unsaid_;
  if (now_us < next_us_) return;
  log::warning("connection_refused", {{"reason", reason}, {"count", unsaid_}});
  unsaid_ = 0;
  next_us_ = now_us + 1'000'000;
}

// Out of descriptors: without this the waiting connection would keep poll() busy for ever.
void Acceptor::shed_one() {
  if (spare_ >= 0) ::close(std::exchange(spare_, -1));
  const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (connection >= 0) ::close(connection);
  spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  refused("no file descriptors left");
}

}  // namespace silt::serve
