// Door: the gRPC server of one user. gRPC 1.51 cannot say which connection a call came on, so each
// uid that connects gets a server of its own, which takes its connections from the acceptor: what
// arrives behind a door is known to be of that user. It has no listener, which also keeps gRPC's
// (it dies for good when descriptors run out) out of the way.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>

#include "daemon/serve/services.h"
#include "daemon/serve/unix_socket.h"

namespace silt::daemon {

class Door {
 public:
  static Result<std::unique_ptr<Door>> open(const Workplace& place, const Peer& peer);
  ~Door() { close(); }

  void take(int connection);  // owns it from here
  void close();               // ends its calls; at most two seconds when they can be ended

 private:
  Door(const Workplace& place, const Peer& peer);

  AskServiceImpl ask_;
  SourceServiceImpl sources_;
  StateServiceImpl state_;
  DaemonServiceImpl daemon_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace silt::daemon
