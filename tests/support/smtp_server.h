// SmtpServer: takes mails on a port of this host that was free, for tests. One connection at a time; AUTH PLAIN is asked for
// when a password is given.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace silt::testing {

struct Mail {
  std::string from, body;
  std::vector<std::string> to;
};

class SmtpServer {
 public:
  // What is answered to a whole mail: "250 taken", "554 no".
  using Handler = std::function<std::string(const Mail&)>;

  explicit SmtpServer(Handler handler, std::string plain_login = {}) : handler_(std::move(handler)), login_(std::move(plain_login)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0) std::abort();
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int fd = 0; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(fd)) serve(fd);
    });
  }
  ~SmtpServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }

 private:
  static bool line(int fd, std::string& bytes, std::string& out) {
    std::size_t end = 0;
    while ((end = bytes.find("\r\n")) == std::string::npos) {
      char buffer[4096];
      const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
      if (size <= 0) return false;
      bytes.append(buffer, static_cast<std::size_t>(size));
    }
    out = bytes.substr(0, end);
    bytes.erase(0, end + 2);
    return true;
  }
  static void say(int fd, const std::string& text) { (void)!::send(fd, (text + "\r\n").data(), text.size() + 2, MSG_NOSIGNAL); }
  static std::string address_in(const std::string& command) {
    const std::size_t at = command.find('<');
    return command.substr(at + 1, command.find('>') - at - 1);
  }

  void serve(int fd) {
    std::string bytes, command;
    Mail mail;
    say(fd, "220 test");
    while (line(fd, bytes, command)) {
      const std::string verb = command.substr(0, 4);
      if (verb == "EHLO") {
        say(fd, login_.empty() ? "250 test" : "250-test\r\n250 AUTH PLAIN");
      } else if (verb == "AUTH") {
        say(fd, "334 ");
        if (!line(fd, bytes, command)) return;
        say(fd, command == login_ ? "235 welcome" : "535 who are you");
      } else if (verb == "MAIL") {
        mail = {address_in(command), {}, {}};
        say(fd, "250 ok");
      } else if (verb == "RCPT") {
        mail.to.push_back(address_in(command));
        say(fd, "250 ok");
      } else if (verb == "DATA") {
        say(fd, "354 go on");
        while (line(fd, bytes, command) && command != ".") mail.body += command + "\r\n";
        say(fd, handler_(mail));
      } else if (verb == "QUIT") {
        return say(fd, "221 bye");
      } else {
        say(fd, "500 what");
      }
    }
  }

  const Handler handler_;
  const std::string login_;
  int listener_ = -1, port_ = 0;
  std::thread thread_;
};

}  // namespace silt::testing
