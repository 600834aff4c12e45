// TlsRelay: ends TLS in front of a door. gRPC 1.51 can neither insist on version 1.3 nor say which client a call
// came from, so the handshake is made here, and what the client sends inside goes through a socket pair to the
// door of who its certificate names. Until a client has proved who it is, nothing of it reaches gRPC.
//
// Handshakes have five seconds, and a share for each address, as connections have. One thread of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "daemon/access/callers.h"

struct ssl_ctx_st;

namespace silt::serve {

class TlsRelay {
 public:
  static constexpr std::size_t kConnectionsMax = 1024;
  static constexpr std::size_t kHandshakesMax = 256;           // at a time,
  static constexpr std::size_t kHandshakesOfAddressMax = 64;   // and of one address

  // Called on the relay's thread; owns the (non-blocking) connection if it returns OK.
  using OnClient = std::function<Status(int connection, const access::Certificate& certificate)>;

  static std::unique_ptr<TlsRelay> start(std::shared_ptr<ssl_ctx_st> context, OnClient on_client);
  virtual ~TlsRelay() = default;  // stops

  // Owns the (non-blocking) TCP connection if it returns OK. Any thread, but not after stop().
  virtual Status take(int connection, const std::string& address) = 0;
  // For connections from now on. Any thread.
  virtual void use(std::shared_ptr<ssl_ctx_st> context) = 0;
  virtual void stop() = 0;  // no call of on_client after it returns; ends all connections
};

}  // namespace silt::serve
