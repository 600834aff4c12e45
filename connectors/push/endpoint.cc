#include "connectors/push/endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace silt::connectors {
namespace {

constexpr std::string_view kLoopback = "127.0.0.1";

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

Status no_endpoint(const std::string& text, std::span<const std::string_view> kinds, std::string_view why) {
  std::string known;
  for (const std::string_view kind : kinds) known += (known.empty() ? "" : ", ") + std::string(kind);
  return invalid_argument("\"" + text + "\": " + std::string(why) + "; write KIND:PORT (this host only) or KIND:ADDRESS:PORT, of the kinds " + known);
}

}  // namespace

std::string Endpoint::text() const {
  if (is_unix()) return kind + ":" + address;
  const bool v6 = address.find(':') != std::string::npos;
  return kind + (v6 ? ":[" : ":") + address + (v6 ? "]:" : ":") + std::to_string(port);
}

Result<Endpoint> parse_endpoint(const std::string& text, std::span<const std::string_view> kinds) {
  const std::size_t colon = text.find(':');
  Endpoint endpoint;
  endpoint.kind = text.substr(0, colon);
  if (std::find(kinds.begin(), kinds.end(), endpoint.kind) == kinds.end() || colon == std::string::npos)
    return no_endpoint(text, kinds, "no such kind");
  const std::string rest = text.substr(colon + 1);
  if (endpoint.is_unix()) {
    if (!rest.starts_with('/') || rest.size() >= sizeof(sockaddr_un::sun_path))
      return invalid_argument("\"" + text + "\": must be unix: and a path, of at most 107 bytes");
    endpoint.address = rest;
    return endpoint;
  }
  const std::size_t last = rest.rfind(':');
  endpoint.address = last == std::string::npos ? std::string(kLoopback) : rest.substr(0, last);
  if (endpoint.address.starts_with('[') && endpoint.address.ends_with(']'))
    endpoint.address = endpoint.address.substr(1, endpoint.address.size() - 2);
  if (!is_address(endpoint.address)) return no_endpoint(text, kinds, "the address must be an IP address");
  const std::string port = last == std::string::npos ? rest : rest.substr(last + 1);
  const auto read = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (read.ec != std::errc() || read.ptr != port.data() + port.size() || port.empty())
    return no_endpoint(text, kinds, "the port must be a number to 65535");
  return endpoint;
}

Status listen_failed(const Endpoint& endpoint, int error) {
  std::string remedy;
  if (error == EACCES || error == EPERM) {
    remedy = endpoint.is_unix() ? "let siltd write to its folder"
                                : "choose a port from 1024 on, or give siltd CAP_NET_BIND_SERVICE (siltd-inputs.conf shows how)";
  } else if (error == EADDRINUSE) {
    remedy = "something else listens there: choose another port, or stop it";
  } else if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT) {
    remedy = "this host has no such address, or siltd.service may use no network: install its drop-in siltd-inputs.conf";
  }
  const Status status = errno_status("listen on " + endpoint.text(), error);
  return remedy.empty() ? status : Status(status.code(), status.message() + "; " + remedy);
}

void close_on_exec(int fd) {
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

}  // namespace silt::connectors
