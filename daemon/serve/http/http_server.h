// HttpServer: HTTP/1.1 connections, whoever accepted them, and a listener on a loopback address. One thread carries all
// of them; the handler is called on it and must not wait.
//
// Every limit is here: sizes and times of requests, how many connections there are, how long a client may take to read.
// A request that a browser sends for another site is refused: the Host must be this host's, and an Origin the same.
// start() and stop() from one thread, take() from any. stop() lets replies that are complete go out, for a second.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "daemon/serve/http/exchange.h"

namespace silt::serve::http {

inline constexpr std::uint32_t kHeaderBytesMax = 8 << 10;
inline constexpr std::uint64_t kBodyBytesMax = 1 << 20;

// Whether `listen` is such a place as HttpServer::start() takes.
Status check_http_place(const std::string& listen);

class HttpServer {
 public:
  // `listen`: "127.0.0.1:8484" or "[::1]:8484", port 0: any; empty: connections come through take() alone. Who connects
  // there has proved nothing.
  static Result<std::unique_ptr<HttpServer>> start(const std::string& listen, Handler handler);
  virtual ~HttpServer() = default;  // stops

  // Owns the (non-blocking) connection from here.
  virtual void take(int connection, access::Credential credential) = 0;
  virtual std::uint16_t port() const = 0;  // of the listener; 0: there is none
  virtual void stop() = 0;
};

}  // namespace silt::serve::http
