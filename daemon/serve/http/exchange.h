// What arrives over HTTP and where its reply goes, without the library that carries it (http_server.h).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/access/callers.h"

namespace silt::serve::http {

struct Request {
  std::string method;                // "GET"
  std::string path;                  // of the target, as it came: nothing is decoded
  std::string content_type;          // lower case, without parameters
  std::string body;
  std::optional<std::chrono::milliseconds> timeout;  // Connect-Timeout-Ms
  access::Credential credential;                     // what the connection has proved
  std::string authorization;                         // the header
};

struct Response {
  unsigned status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// One request, until it has its reply: either reply(), or begin(), any number of write() and end(). Calls are safe
// from any thread and never wait; after the client has left they do nothing.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void reply(Response response) = 0;
  virtual void begin(Response head) = 0;  // its body is not used
  virtual void write(std::string bytes) = 0;
  virtual void end() = 0;
  // `gone` is called when the client leaves before it has its reply, `late` after `timeout`; at most one of them, once,
  // on the server's thread.
  virtual void watch(std::function<void()> gone, std::optional<std::chrono::milliseconds> timeout,
                     std::function<void()> late) = 0;
};

using Handler = std::function<void(Request request, const std::shared_ptr<Exchange>& exchange)>;

}  // namespace silt::serve::http
