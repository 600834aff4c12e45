// TcpSocket: a listening TCP socket, and where who connected to it comes from.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace silt::serve {

class TcpSocket {
 public:
  // "127.0.0.1:7458", "[::]:7458", "name:7458"; port 0: any that is free. kInvalidArgument for what is no such
  // place; the message names the key and the remedy.
  static Result<TcpSocket> listen(const std::string& place);
  TcpSocket(TcpSocket&& other) noexcept;
  TcpSocket& operator=(TcpSocket&&) = delete;
  ~TcpSocket();

  int fd() const { return fd_; }
  std::uint16_t port() const { return port_; }

 private:
  explicit TcpSocket(int fd) : fd_(fd) {}
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

// Whether `place` has the form of one.
Status check_tcp_place(const std::string& place);

// Of the other end: "192.0.2.7"; of IPv6 the first 64 bits, "2001:db8:1:2::", for that is what one client has.
Result<std::string> address_of_peer(int connection);

}  // namespace silt::serve
