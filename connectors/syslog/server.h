// Servers of syslog: sockets that listen. They live on the thread that runs `io`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/status.h"
#include "connectors/push/endpoint.h"
#include "connectors/push/tls.h"
#include "connectors/syslog/collector.h"

namespace boost::asio {
class io_context;
}

namespace silt::connectors {

struct ServerOptions {
  std::size_t message_bytes_max = 64 * 1024;
  std::int64_t message_ms = 60'000;   // a message that has begun, or the first one of a connection, must come
  std::int64_t handshake_ms = 10'000;
};

class SyslogServer {
 public:
  virtual ~SyslogServer() = default;
  // Where it listens: with the port that was chosen for 0.
  virtual const Endpoint& endpoint() const = 0;
};

// "udp" and "unix". A full inbox stops reading: then the kernel drops datagrams of the network, which is counted, and
// lets local senders wait.
Result<std::unique_ptr<SyslogServer>> listen_datagrams(boost::asio::io_context& io, const Endpoint& endpoint,
                                                       const ServerOptions& options, Collector& collector);
// "tcp", and "tls" with a context.
Result<std::unique_ptr<SyslogServer>> listen_streams(boost::asio::io_context& io, const Endpoint& endpoint,
                                                     std::shared_ptr<boost::asio::ssl::context> tls,
                                                     const ServerOptions& options, Collector& collector);

}  // namespace silt::connectors
