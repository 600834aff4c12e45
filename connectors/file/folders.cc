// Discovery, its part about folders: what is in them, which of it may be read, when to look again?
#include <dirent.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "connectors/file/discovery.h"
#include "connectors/file/rotated_name.h"

namespace silt::connectors {
namespace {

constexpr std::size_t kFoldersPerComparison = 128;  // as kFilesPerComparison
// A folder that changed so shortly before it was listed may have changed again with the same stamp.
constexpr std::int64_t kStampSureUs = 2'000'000;

}  // namespace

void Discovery::resolve_folders() {
  barred_ = options_.never_enter;
  for (const std::string& folder : options_.never_enter) barred_.push_back(resolve_links(folder));
  trees_.clear();
  for (const std::string& folder : include_.roots()) trees_.push_back(resolve_links(folder));
  for (const std::string& folder : options_.link_targets) trees_.push_back(resolve_links(folder));
}

bool Discovery::is_barred(std::string_view path) const {
  return std::any_of(barred_.begin(), barred_.end(),
                     [&](const std::string& folder) { return is_below(path, folder); });
}

// Whoever may make a link in a watched folder could have siltd read any file for him.
bool Discovery::may_read(const std::string& path, const std::string& real) {
  if (is_barred(real)) return false;
  const bool inside = std::any_of(trees_.begin(), trees_.end(),
                                  [&](const std::string& folder) { return is_below(real, folder); });
  if (!inside) {
    faults_.note(failed_precondition(path + " leads out of the watched folders, to " + real +
                                     "; name the folder in link_targets to have it read"));
  }
  return inside;
}

// Its files told of their end one by one; only the folder itself must be found anew.
void Discovery::folder_gone(const std::string& directory) {
  folders_.erase(directory);
  reconcile_soon();
}

// With many of them each has its turn only now and then: events tell of changes, and what they do not
// tell of is found a little later.
bool Discovery::has_turn(std::uint64_t number, std::size_t parts) const {
  const std::uint64_t turns = std::clamp<std::size_t>(parts, 1, kTurnsMax);
  return number % turns == comparison_ % turns;
}

void Discovery::watch(const std::string& directory) {
  if (!options_.use_inotify) return;
  const Status status = watcher_.watch(directory);
  if (status.is_ok() || status.code() == Code::kNotFound || status.code() == Code::kPermissionDenied) return;
  if (!polling_ && !polling_told_) {
    log::warning("files_polled", {{"directory", directory},
                                  {"reason", status.message()},
                                  {"remedy", "raise fs.inotify.max_user_watches or max_user_instances"}});
  }
  polling_ = true;
}

// The directory or, while it is missing, the nearest one above, where its creation will show.
void Discovery::watch_upwards(const std::string& directory) {
  std::string existing = directory;
  while (existing != "/" && !look_at(existing).is_ok()) existing = directory_of(existing);
  watch(existing);
}

// What of a directory needs a closer look. Files that are where they were do not: locate() has them.
Discovery::Listing Discovery::list(const std::string& directory, bool fresh) {
  Listing listing;
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) {
    const int error = errno;
    if (error == ENOENT) watch_upwards(directory);
    if (error == EACCES) faults_.note(errno_status("read directory " + directory, error));
    return listing;
  }
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    const bool linked = entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
    if (name == "." || name == "..") continue;
    std::string path = join_path(directory, name);
    listing.settled = listing.settled && !linked;  // what it leads to may change
    if (entry->d_type == DT_DIR) {
      if (include_.may_contain(path)) listing.directories.push_back(std::move(path));
    } else if (entry->d_type != DT_REG && !linked) {
      continue;  // pipes, sockets, devices
    } else if (!fresh && !linked && generations_.is_at_path(path, entry->d_ino)) {
      continue;
    } else if (wanted(path)) {
      listing.wanted.push_back(std::move(path));
    } else if (linked && include_.names_directory(path)) {
      listing.directories.push_back(std::move(path));
    } else if (generations_.knows_inode(entry->d_ino) || !live_names_of(name).empty()) {
      listing.others.push_back(std::move(path));
    }
  }
  ::closedir(stream);
  std::sort(listing.wanted.begin(), listing.wanted.end());
  return listing;
}

// Whether its listing can be left out: by its time stamp, when that is old enough to tell, but not for
// ever, for there are file systems whose folders have none.
bool Discovery::unchanged(Folder& folder, const std::string& directory) const {
  const Result<FileLook> look = look_at(directory);
  const FileLook before = std::exchange(folder.look, look.is_ok() ? *look : FileLook{});
  const bool old = folder.look.modified_ns / 1000 < clock_.wall_us() - kStampSureUs;
  const bool same = look.is_ok() && before.key.may_be(look->key) && before.modified_ns == look->modified_ns;
  if (same && old && folder.settled && ++folder.skipped < std::clamp(file_parts(), kUntoldTurnsMax, kTurnsMax)) return true;
  folder.skipped = 0;
  folder.settled = old;
  return false;
}

void Discovery::scan(const std::string& directory, bool fresh) {
  if (is_barred(directory)) return;
  activity_.at(directory);
  const auto [found, is_new] = folders_.try_emplace(directory);
  Folder& folder = found->second;  // stays where it is, whatever is added
  if (folder.compared == comparison_ && !fresh && !is_new) return;
  folder.compared = comparison_;
  const std::uint64_t number = std::hash<std::string>()(directory);
  const bool all = fresh || is_new || compare_all_folders_;
  const bool due = all || !folder.settled || has_turn(number, folders_.size() / kFoldersPerComparison);
  if (due) watch(directory);  // before reading, so that nothing falls between
  if (!due || (unchanged(folder, directory) && !all)) {
    for (const std::string& path : folder.directories) scan(path, false);
    return;
  }
  Listing listing = list(directory, fresh);
  const bool first = scanned_.insert(number).second && !fresh;
  take_in(listing, first);
  folder.settled = folder.settled && listing.settled;
  folder.directories = listing.directories;
  for (const std::string& path : listing.directories) {
    if (const Result<FileLook> look = look_at(path); look.is_ok() && look->directory) scan(path, fresh);
  }
}

// A name that is not known afterwards may be a copy that waits, or a file that could not be read.
void Discovery::take_in(Listing& listing, bool first) {
  for (const std::string& path : listing.wanted) consider(path);
  for (const std::string& path : listing.others) {
    if (first) ignore_rotated(path);
    consider(path);
  }
  for (const auto* paths : {&listing.wanted, &listing.others}) {
    for (const std::string& path : *paths)
      listing.settled = listing.settled && !generations_.at_path(path).empty();
  }
}

// Rotated before we came, and not wanted itself: remember it, so that it is not taken for a rotated
// file that we missed.
void Discovery::ignore_rotated(const std::string& path) {
  const Result<FileLook> look = look_at(path);
  if (!look.is_ok() || !look->regular || find_known(path, *look) != nullptr) return;
  for (const LiveName& live : live_names_of(name_of(path))) {
    const std::string live_path = join_path(directory_of(path), live.name);
    const Chain* chain = generations_.chain(live_path);
    const bool known_before = chain != nullptr && chain->created_scan != scan_number_;
    if (!wanted(live_path) || known_before || exclude_.matches(path)) continue;
    GenerationRow row;
    row.chain = live_path;
    row.path = path;
    row.key = look->key;
    row.offset = row.seen_size = look->size;
    row.order_ns = look->key.birth_ns;
    row.ignored = true;
    generations_.touch(generations_.add(std::move(row), scan_number_));
    return;
  }
}

}  // namespace silt::connectors
