// Servers of OTLP: gRPC, which brings threads of its own, and HTTP, on the thread that runs `io`. Both hand requests to
// one Receiver.
#pragma once

#include <memory>

#include "base/status.h"
#include "connectors/otlp/receiver.h"
#include "connectors/push/endpoint.h"
#include "connectors/push/tls.h"

namespace boost::asio {
class io_context;
}

namespace silt::connectors::otlp {

class Server {
 public:
  virtual ~Server() = default;
  // Where it listens: with the port that was chosen for 0.
  virtual const Endpoint& endpoint() const = 0;
};

// `tls`: without a certificate the server speaks plainly. The thread of the receiver must run until the server has gone.
Result<std::unique_ptr<Server>> serve_grpc(const Endpoint& endpoint, const TlsFiles& tls, Receiver& receiver);
Result<std::unique_ptr<Server>> serve_http(boost::asio::io_context& io, const Endpoint& endpoint,
                                           std::shared_ptr<boost::asio::ssl::context> tls, Receiver& receiver);

}  // namespace silt::connectors::otlp
