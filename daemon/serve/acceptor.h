// Acceptor: one thread that takes connections from a listening socket and finds out who they are of.
// It survives running out of descriptors: connections beyond the limit, and beyond the share of one user or
// address, are closed at once and the listener goes on. Refusals are logged at most once a second.
// All who connect stand in one queue of the kernel's, which turns away whoever comes when it is full. So that a flood
// does not keep it full, refusing is cheap, and the thread takes precedence over others if it may (RLIMIT_NICE).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/status.h"
#include "daemon/access/callers.h"
#include "daemon/serve/connection_shares.h"

namespace silt::serve {

// At most one line a second, with how many there were.
class RefusalLog {
 public:
  void note(std::string_view reason, std::int64_t now_us);

 private:
  std::uint64_t unsaid_ = 0;
  std::int64_t next_us_ = 0;
};

class Acceptor {
 public:
  // Whose share of connections one takes, "uid 1000", and what it has proved.
  struct Visit {
    std::string who;
    access::Credential credential;
  };
  using Identify = std::function<Result<Visit>(int connection)>;
  // Called on the acceptor's thread; owns the (non-blocking) connection if it returns OK.
  using OnConnection = std::function<Status(int connection, const Visit& visit)>;

  // `listener` is non-blocking, and must outlive it. `descriptor_limit`: connections whose descriptor is not
  // below it are closed. Descriptors are given lowest first, so this leaves the rest to the daemon's files.
  // Each user or address has a quarter of them at most (see connection_shares.h).
  static Result<std::unique_ptr<Acceptor>> start(int listener, int descriptor_limit, Identify identify,
                                                 OnConnection on_connection);
  ~Acceptor() { stop(); }
  void stop();  // no call of on_connection after it returns

 private:
  Acceptor(int listener, int descriptor_limit, Identify identify, OnConnection on_connection);
  void loop();
  bool accept_one();  // false: none waits
  Status admit(int connection);
  void shed_one();
  void refused(std::string_view reason);

  const int listener_;
  const int descriptor_limit_;
  const Identify identify_;
  const OnConnection on_connection_;
  ConnectionShares shares_;
  RefusalLog refusals_;
  int stop_event_ = -1;
  int spare_ = -1;  // given up for a moment to accept, and close, one connection too many
  std::thread thread_;
};

}  // namespace silt::serve
