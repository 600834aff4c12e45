// UnixSocket: a listening unix socket that is safe to own, and who connected to it.
//
// The file appears under its name only when it has its mode and listens, so there is no moment at
// which someone else gets in. A dead socket left by a killed daemon is replaced; anything else in
// its place is refused with a remedy.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/status.h"
#include "daemon/access/callers.h"

namespace silt::serve {

class UnixSocket {
 public:
  static Result<UnixSocket> listen(const std::string& path, std::uint32_t mode);
  UnixSocket(UnixSocket&& other) noexcept;
  UnixSocket& operator=(UnixSocket&&) = delete;
  ~UnixSocket();  // closes, and removes the file if it is still ours

  int fd() const { return fd_; }
  gid_t group() const { return group_; }

 private:
  UnixSocket(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_ = -1;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  gid_t group_ = 0;
};

// Who is at the other end: what the kernel says.
Result<access::Peer> peer_of(int connection);

}  // namespace silt::serve
