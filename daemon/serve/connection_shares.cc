#include "daemon/serve/connection_shares.h"

#include <sys/stat.h>

namespace silt::serve {
namespace {

ino_t inode_of(int descriptor) {
  struct stat info {};
  return ::fstat(descriptor, &info) == 0 ? info.st_ino : 0;
}

}  // namespace

bool ConnectionShares::admit(int connection, uid_t uid) {
  const auto found = open_.find(uid);
  if (found != open_.end() && found->second.size() >= share_max_) {
    forget_closed(found->second);
    if (found->second.size() >= share_max_) return false;
  }
  open_[uid][connection] = inode_of(connection);
  return true;
}

void ConnectionShares::forget_closed(Open& open) {
  for (auto at = open.begin(); at != open.end();) {
    at = inode_of(at->first) == at->second ? std::next(at) : open.erase(at);
  }
}

}  // namespace silt::serve
