// HttpServer: a web server of a few lines for tests, on a port of this host that was free. Each connection has a
// thread; a handler answers, one request at a time.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace silt::testing {

struct Request {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  // lower-case names

  // The value of a parameter of the query, decoded; empty: there is none.
  std::string parameter(const std::string& name) const {
    const std::size_t question = target.find('?');
    if (question == std::string::npos) return {};
    std::string query = "&" + target.substr(question + 1);
    const std::size_t at = query.find("&" + name + "=");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 2;
    return decoded(query.substr(begin, query.find('&', begin) - begin));
  }
  std::string path() const { return target.substr(0, target.find('?')); }

  static std::string decoded(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%' && i + 2 < text.size()) {
        out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        out += text[i] == '+' ? ' ' : text[i];
      }
    }
    return out;
  }
};

struct Response {
  int status = 200;
  std::string body;
  std::vector<std::string> headers;  // "Retry-After: 3"
  bool cut = false;                  // the connection ends in the middle of the body
};

class HttpServer {
 public:
  using Handler = std::function<Response(const Request&)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0) std::abort();
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept_all(); });
  }
  ~HttpServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& each : connections_) each.join();
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const {
    const std::lock_guard lock(mutex_);
    return accepted_;
  }

 private:
  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      ++accepted_;
      open_.push_back(fd);
      connections_.emplace_back([this, fd] { serve(fd); });
    }
  }

  void serve(int fd) {
    std::string bytes;
    Request request;
    while (read_request(fd, bytes, request) && answer(fd, request)) request = {};
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    ::close(fd);
  }

  static bool more(int fd, std::string& bytes) {
    char buffer[16384];
    const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
    if (size <= 0) return false;
    bytes.append(buffer, static_cast<std::size_t>(size));
    return true;
  }

  static bool read_request(int fd, std::string& bytes, Request& out) {
    std::size_t end = 0;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
      if (!more(fd, bytes)) return false;
    }
    const std::size_t line_end = bytes.find("\r\n");
    const std::string line = bytes.substr(0, line_end);
    const std::size_t a = line.find(' '), b = line.rfind(' ');
    out.method = line.substr(0, a);
    out.target = line.substr(a + 1, b - a - 1);
    for (std::size_t at = line_end + 2; at < end;) {
      const std::size_t stop = bytes.find("\r\n", at);
      const std::string header = bytes.substr(at, stop - at);
      std::string name = header.substr(0, header.find(':'));
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      out.headers[name] = header.substr(std::min(header.size(), header.find(':') + 2));
      at = stop + 2;
    }
    const std::size_t length = out.headers.contains("content-length") ? std::stoul(out.headers["content-length"]) : 0;
    while (bytes.size() < end + 4 + length) {
      if (!more(fd, bytes)) return false;
    }
    out.body = bytes.substr(end + 4, length);
    bytes.erase(0, end + 4 + length);
    return true;
  }

  bool answer(int fd, const Request& request) {
    Response response;
    {
      const std::lock_guard lock(handling_);
      response = handler_(request);
    }
    std::string out = "HTTP/1.1 " + std::to_string(response.status) + " x\r\nContent-Length: " + std::to_string(response.body.size()) + "\r\n";
    for (const std::string& header : response.headers) out += header + "\r\n";
    out += "\r\n" + (response.cut ? response.body.substr(0, response.body.size() / 2) : response.body);
    ::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
    return !response.cut;
  }

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
  std::mutex handling_;
  mutable std::mutex mutex_;
  int accepted_ = 0;
  std::vector<int> open_;
  std::vector<std::thread> connections_;
};

}  // namespace silt::testing
