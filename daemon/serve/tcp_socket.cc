#include "daemon/serve/tcp_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace silt::serve {
namespace {

struct Place {
  std::string host;
  std::string port;
};

Result<Place> parse(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Place place{text.substr(0, colon), colon == std::string::npos ? "" : text.substr(colon + 1)};
  const bool bracketed = place.host.size() > 2 && place.host.front() == '[' && place.host.back() == ']';
  if (bracketed) place.host = place.host.substr(1, place.host.size() - 2);
  const bool number = !place.port.empty() && place.port.size() <= 5 &&
                      std::all_of(place.port.begin(), place.port.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
                      std::stoul(place.port) <= 65535;
  if (number && !place.host.empty() && (bracketed || place.host.find(':') == std::string::npos)) return place;
  return invalid_argument("serve.listen: '" + text + "' is no place: use \"127.0.0.1:7458\", \"[::]:7458\" or \"name:7458\"");
}

struct Free {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

}  // namespace

Status check_tcp_place(const std::string& place) {
  return parse(place).status();
}

TcpSocket::TcpSocket(TcpSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}

TcpSocket::~TcpSocket() {
  if (fd_ >= 0) ::close(fd_);
}

Result<TcpSocket> TcpSocket::listen(const std::string& text) {
  SILT_ASSIGN(const Place place, parse(text));
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(place.host.c_str(), place.port.c_str(), &wanted, &list);
  const std::unique_ptr<addrinfo, Free> found(list);
  if (failed != 0) return invalid_argument("serve.listen: " + text + ": " + ::gai_strerror(failed));
  TcpSocket socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (socket.fd_ < 0 || ::setsockopt(socket.fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.fd_, found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket.fd_, SOMAXCONN) != 0)
    return errno_status("serve.listen: listen at " + text + " (see siltd-network.conf for the unit)", errno);
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (::getsockname(socket.fd_, reinterpret_cast<sockaddr*>(&own), &size) != 0) return errno_status("getsockname", errno);
  socket.port_ = ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&own)->sin6_port
                                                 : reinterpret_cast<sockaddr_in*>(&own)->sin_port);
  return socket;
}

Result<std::string> address_of_peer(int connection) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(connection, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return errno_status("getpeername", errno);
  char text[INET6_ADDRSTRLEN] = "";
  if (peer.ss_family == AF_INET6) {
    auto address = reinterpret_cast<sockaddr_in6*>(&peer)->sin6_addr;
    const bool four = IN6_IS_ADDR_V4MAPPED(&address);
    if (!four) std::memset(address.s6_addr + 8, 0, 8);
    ::inet_ntop(AF_INET6, &address, text, sizeof text);
  } else {
    ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&peer)->sin_addr, text, sizeof text);
  }
  return std::string(text);
}

}  // namespace silt::serve
