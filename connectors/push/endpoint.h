// Endpoint: where a server of an input listens, as the configuration says it: "tcp:514" (loopback), "udp:0.0.0.0:514",
// "tls:[::]:6514", "unix:/run/silt/syslog.sock".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace silt::connectors {

inline constexpr std::string_view kSyslogKinds[] = {"udp", "tcp", "tls", "unix"};
inline constexpr std::string_view kOtlpKinds[] = {"grpc", "http"};

struct Endpoint {
  std::string kind;     // "tcp"
  std::string address;  // an IP address, loopback when none is named; of "unix" a path
  std::uint16_t port = 0;

  bool is_unix() const { return kind == "unix"; }
  // "tcp:127.0.0.1:514"
  std::string text() const;
};

// `kinds`: those that the input knows. The message says what is wrong and gives an example.
Result<Endpoint> parse_endpoint(const std::string& text, std::span<const std::string_view> kinds);

// Why a server could not listen there, with the remedy: privileges, a port that is taken, a unit without network.
Status listen_failed(const Endpoint& endpoint, int error);

// Asio leaves its sockets to the programs that a process starts; this one is not.
void close_on_exec(int fd);

}  // namespace silt::connectors
