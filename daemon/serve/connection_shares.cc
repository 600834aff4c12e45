#include "daemon/serve/connection_shares.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>

namespace silt::serve {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::size_t kUsersRemembered = 1024;

ino_t inode_of(int descriptor) {
  struct stat info {};
  return ::fstat(descriptor, &info) == 0 ? info.st_ino : 0;
}

}  // namespace

Status ConnectionShares::admit(int connection, const std::string& who, std::int64_t now_us) {
  if (users_.size() >= kUsersRemembered) forget_idle(now_us);
  User& user = users_[who];
  user.paid_us = std::max(user.paid_us, now_us);
  if (user.paid_us > now_us + kSecondUs - kSecondUs / kConnectionsPerSecond) {
    return resource_exhausted("too many a second from " + who);
  }
  user.paid_us += kSecondUs / kConnectionsPerSecond;
  if (user.open.size() >= open_max_) forget_closed(user.open);
  if (user.open.size() >= open_max_) {
    return resource_exhausted("too many are open of " + who);
  }
  user.open[connection] = inode_of(connection);
  return Status::ok();
}

void ConnectionShares::forget_closed(Open& open) {
  for (auto at = open.begin(); at != open.end();) {
    at = inode_of(at->first) == at->second ? std::next(at) : open.erase(at);
  }
}

void ConnectionShares::forget_idle(std::int64_t now_us) {
  for (auto at = users_.begin(); at != users_.end();) {
    forget_closed(at->second.open);
    at = at->second.open.empty() && at->second.paid_us <= now_us ? users_.erase(at) : std::next(at);
  }
}

}  // namespace silt::serve
