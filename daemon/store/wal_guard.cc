#include "daemon/store/wal_guard.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace silt::store {

bool WalGuard::log_is_there() const {
  if (!env_->FileExists(marker()).ok()) return true;
  std::vector<std::string> names;
  if (!env_->GetChildren(path_, &names).ok()) return true;  // the library will say it better
  return std::any_of(names.begin(), names.end(), [](const std::string& name) { return name.ends_with(".log"); });
}

rocksdb::Status WalGuard::disarm() const {
  if (!env_->FileExists(marker()).ok()) return rocksdb::Status::OK();
  const rocksdb::Status gone = env_->DeleteFile(marker());
  return gone.ok() ? sync_folder() : gone;
}

rocksdb::Status WalGuard::arm() const {
  const rocksdb::Status written = rocksdb::WriteStringToFile(env_, "", marker(), true);
  return written.ok() ? sync_folder() : written;
}

rocksdb::Status WalGuard::sync_folder() const {
  std::unique_ptr<rocksdb::Directory> folder;
  const rocksdb::Status opened = env_->NewDirectory(path_, &folder);
  return opened.ok() ? folder->Fsync() : opened;
}

}  // namespace silt::store
