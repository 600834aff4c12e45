// TcpListener: accepts connections, as many as Senders allow, on the thread that runs `io`. It survives running out of
// descriptors.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "connectors/push/endpoint.h"
#include "connectors/push/senders.h"

namespace boost::asio {
class io_context;
}

namespace silt::connectors {

class TcpListener {
 public:
  struct Calls {
    // Owns the connection, which does not block and is counted for its sender until Senders::disconnect().
    std::function<void(int connection, Senders::AccountPtr sender)> welcome;
    std::function<void(bool refused)> counted;      // the number of connections has changed, or one was refused
    std::function<void(std::string)> failed;        // one line, with the remedy
  };

  // `io` and `senders` must outlive it.
  static Result<std::unique_ptr<TcpListener>> open(boost::asio::io_context& io, const Endpoint& endpoint, Senders& senders, Calls calls);
  ~TcpListener();

  // With the port that was chosen for 0.
  const Endpoint& endpoint() const;

 private:
  struct Impl;
  explicit TcpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace silt::connectors
