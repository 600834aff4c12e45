// WalGuard: notices a write-ahead log that is gone. The library verifies the logs that it has closed; the one
// that it writes may vanish with all that is not in tables yet, and nothing would tell.
//
// A file in the store's folder says that a log was durably there. It goes before the library opens the store,
// which replaces its log, and comes back when the new one is on disk: so no power cut leaves it without one.
#pragma once

#include <string>

#include <rocksdb/env.h>

namespace silt::store {

class WalGuard {
 public:
  WalGuard(rocksdb::Env* env, const std::string& path) : env_(env), path_(path) {}

  // False: there was a log, and it is gone.
  bool log_is_there() const;
  rocksdb::Status disarm() const;
  rocksdb::Status arm() const;

 private:
  std::string marker() const { return path_ + "/LOG_EXPECTED"; }
  rocksdb::Status sync_folder() const;

  rocksdb::Env* env_;
  const std::string& path_;
};

}  // namespace silt::store
