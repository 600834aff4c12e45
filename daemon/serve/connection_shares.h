// ConnectionShares: how many connections each user, or address, has open, and makes in a second, so that one can
// take neither all descriptors nor the acceptor's time (refusing costs microseconds, a connection
// that gRPC sets up and closes costs a hundred times that).
// One that is refused because too many are open counts among those of a second, for to find that out means to look
// at each that is open.
// A connection is handed to gRPC and closed there without a word; whether it is still open is seen by
// looking at its descriptor. One thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/status.h"

namespace silt::serve {

inline constexpr std::int64_t kConnectionsPerSecond = 200;  // of one user, and as many at once

class ConnectionShares {
 public:
  explicit ConnectionShares(std::size_t open_max) : open_max_(open_max) {}

  // Notes the connection, or says why its user may not have one more. `now_us`: monotonic.
  Status admit(int connection, const std::string& who, std::int64_t now_us);

 private:
  // By descriptor: the inode tells a socket that is open from a later one of the same number.
  using Open = std::map<int, ino_t>;
  struct User {
    Open open;
    std::int64_t paid_us = 0;  // each connection pays for a part of a second, at most one in advance
  };
  static void forget_closed(Open& open);
  void forget_idle(std::int64_t now_us);

  const std::size_t open_max_;
  std::map<std::string, User> users_;
};

}  // namespace silt::serve
