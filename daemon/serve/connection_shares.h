// ConnectionShares: how many connections each uid has open, so that one cannot take them all.
// A connection is handed to gRPC and closed there without a word; whether it is still open is seen by
// looking at its descriptor. One thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>

namespace silt::serve {

class ConnectionShares {
 public:
  explicit ConnectionShares(std::size_t share_max) : share_max_(share_max) {}

  // Notes the connection, if its user may have one more.
  bool admit(int connection, uid_t uid);

 private:
  // By descriptor: the inode tells a socket that is open from a later one of the same number.
  using Open = std::map<int, ino_t>;
  static void forget_closed(Open& open);

  const std::size_t share_max_;
  std::map<uid_t, Open> open_;
};

}  // namespace silt::serve
