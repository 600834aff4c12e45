// Profiles of sources, kept between questions and brought up to date by reading what is new. Safe from
// any thread; one source is read by one thread at a time.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "daemon/answer/search/profile.h"
#include "daemon/store/fold_store.h"

namespace silt::answer::search {

class ProfileCache {
 public:
  ProfileCache(const store::RecordLog& log, const store::EvidenceStore& evidence, const store::FoldStore& folds)
      : log_(log), evidence_(evidence), folds_(folds) {}

  Result<std::shared_ptr<const Profile>> get(const store::SourceInfo& source);

 private:
  struct Entry {
    std::mutex mutex;
    std::shared_ptr<Profile> profile;
    std::uint64_t generation = 0;  // of the fold that it is of
  };

  const store::RecordLog& log_;
  const store::EvidenceStore& evidence_;
  const store::FoldStore& folds_;
  std::mutex mutex_;  // of what follows
  std::map<store::SourceRef, std::shared_ptr<Entry>> entries_;
};

}  // namespace silt::answer::search
