// Door: the gRPC server of who proved one thing at one of the sockets. gRPC 1.51 cannot say which connection a call
// came on, so each credential gets a server of its own, which takes its connections from the acceptor: what
// arrives behind a door is known to have proved that. It has no listener, which also keeps gRPC's
// (it dies for good when descriptors run out) out of the way.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <optional>
#include <vector>

#include "daemon/serve/health_service.h"
#include "daemon/serve/table_service.h"

namespace silt::serve {

class Door {
 public:
  static Result<std::unique_ptr<Door>> open(const Workplace& place, std::optional<Socket> socket, access::Credential credential,
                                            std::function<Health()> health);
  ~Door() { close(); }

  void take(int connection);  // owns it from here
  void close();               // ends its calls; at most two seconds when they can be ended

 private:
  Door() = default;

  std::vector<std::unique_ptr<TableService>> services_;
  std::unique_ptr<HealthService> health_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace silt::serve
