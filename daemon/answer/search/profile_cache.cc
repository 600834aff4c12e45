#include "daemon/answer/search/profile_cache.h"

namespace silt::answer::search {

Result<std::shared_ptr<const Profile>> ProfileCache::get(const store::SourceInfo& source) {
  std::shared_ptr<Entry> entry;
  {
    const std::scoped_lock lock(mutex_);
    auto& kept = entries_[source.ref];
    if (!kept) kept = std::make_shared<Entry>();
    entry = kept;
  }
  const std::scoped_lock lock(entry->mutex);
  const std::uint64_t generation = folds_.fold_generation(source.ref);  // first: a later one is made again once more
  SILT_ASSIGN(const store::FoldHead head, folds_.fold_head(source.ref));
  std::shared_ptr<Profile>& profile = entry->profile;
  const bool made_again = generation != entry->generation || (profile && head.folded_seq < profile->read_seq);
  entry->generation = generation;
  if (!profile || made_again) {
    profile = std::make_shared<Profile>();
    profile->ref = source.ref;
  } else if (profile->read_seq == head.folded_seq && profile->name == source.name) {
    return std::shared_ptr<const Profile>(profile);
  } else if (profile.use_count() > 1) {  // somebody answers from it
    profile = std::make_shared<Profile>(*profile);
  }
  profile->name = source.name;
  SILT_TRY(update_profile(log_, evidence_, *profile));
  SILT_TRY(update_items(log_, profile->ref, profile->items));
  return std::shared_ptr<const Profile>(profile);
}

}  // namespace silt::answer::search
