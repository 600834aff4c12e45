#include "daemon/serve/acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/log.h"

namespace silt::daemon {

Acceptor::Acceptor(UnixSocket socket, int descriptor_limit, OnConnection on_connection)
    : socket_(std::move(socket)),
      descriptor_limit_(descriptor_limit),
      on_connection_(std::move(on_connection)),
      stop_event_(::eventfd(0, EFD_CLOEXEC)),
      spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

Result<std::unique_ptr<Acceptor>> Acceptor::start(UnixSocket socket, int descriptor_limit,
                                                  OnConnection on_connection) {
  std::unique_ptr<Acceptor> acceptor(
      new Acceptor(std::move(socket), descriptor_limit, std::move(on_connection)));
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
  for (;;) {
    pollfd waits[] = {{socket_.fd(), POLLIN, 0}, {stop_event_, POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return log::error("accept_stopped", {{"errno", errno}});
    if (waits[1].revents != 0) return;
    if (waits[0].revents != 0) accept_one();
  }
}

void Acceptor::accept_one() {
  const int connection = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection < 0) {
    if (errno == EMFILE || errno == ENFILE) shed_one();
    return;
  }
  if (connection >= descriptor_limit_) {
    ::close(connection);
    return log::warning("connection_refused", {{"reason", "too many are open"}});
  }
  const Result<Peer> peer = peer_of(connection);
  if (!peer.is_ok()) {
    ::close(connection);
    return log::warning("connection_refused", {{"reason", peer.status().message()}});
  }
  on_connection_(connection, *peer);
}

// Out of descriptors: without this the waiting connection would keep poll() busy for ever.
void Acceptor::shed_one() {
  if (spare_ >= 0) ::close(std::exchange(spare_, -1));
  const int connection = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  if (connection >= 0) ::close(connection);
  spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  log::warning("connection_refused", {{"reason", "no file descriptors left"}});
}

}  // namespace silt::daemon
