// Acceptor: one thread that takes connections from a listening socket and asks the kernel who they
// are. It survives running out of descriptors: connections beyond the limit are closed at once and
// the listener goes on.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/status.h"
#include "daemon/serve/unix_socket.h"

namespace silt::daemon {

class Acceptor {
 public:
  // Called on the acceptor's thread; owns the (non-blocking) connection from then on.
  using OnConnection = std::function<void(int connection, const Peer& peer)>;

  // `descriptor_limit`: connections whose descriptor is not below it are closed. Descriptors are
  // given lowest first, so this leaves the rest to the daemon's files.
  static Result<std::unique_ptr<Acceptor>> start(UnixSocket socket, int descriptor_limit,
                                                 OnConnection on_connection);
  ~Acceptor() { stop(); }
  void stop();  // no call of on_connection after it returns

 private:
  Acceptor(UnixSocket socket, int descriptor_limit, OnConnection on_connection);
  void loop();
  void accept_one();
  void shed_one();

  UnixSocket socket_;
  const int descriptor_limit_;
  const OnConnection on_connection_;
  int stop_event_ = -1;
  int spare_ = -1;  // given up for a moment to accept, and close, one connection too many
  std::thread thread_;
};

}  // namespace silt::daemon
