#include "connectors/file/discovery.h"

#include <algorithm>

#include "base/log.h"
#include "connectors/file/rotated_name.h"

namespace silt::connectors {
namespace {

// A comparison looks at all of so many; of more than twice as many each has its turn only once in
// several comparisons, but never in more than kTurnsMax, or kUntoldTurnsMax once events failed to tell of it.
constexpr std::size_t kFilesPerComparison = 512;

}  // namespace

void Faults::note(const Status& failure) {
  ++count;
  fresh = true;
  last = failure.message();
  if (failure.code() == Code::kPermissionDenied) {
    last += "; let siltd read it: add its user to the file's group (often adm) or set an ACL";
  }
}

Discovery::Discovery(const FileConnectorOptions& options, Globs include, Globs exclude, const Clock& clock,
                     Generations& generations, Faults& faults, Activity& activity)
    : options_(options),
      include_(std::move(include)),
      exclude_(std::move(exclude)),
      clock_(clock),
      generations_(generations),
      faults_(faults),
      activity_(activity),
      watcher_(options.use_inotify),
      unseen_([this](const std::string& path) { return wanted(path); }) {}

void Discovery::begin(bool first_start) {
  first_start_ = first_start;
  resolve_folders();
  for (const std::string& folder : options_.never_enter) {
    if (!include_.may_contain(folder)) continue;
    log::warning("folder_left_out", {{"folder", folder},
                                     {"reason", "what siltd writes there it would read again"},
                                     {"remedy", "narrow the include patterns, or move the store"}});
  }
  // Two generations of one file: the process ended between finding a truncation and settling it.
  std::vector<Generation*> superseded;
  generations_.for_each([&](Generation& generation) {
    generation.quiet_since_us = clock_.monotonic_us();
    if (!wanted(generation.chain)) generations_.lay_to_sleep(generation);
    const Generation* owner = generations_.find(generation.key);
    if (owner != &generation && owner->key.birth_ns == generation.key.birth_ns)
      superseded.push_back(&generation);
  });
  for (Generation* generation : superseded) settle_truncated(*generation);
}

void Discovery::catch_up() {
  std::map<std::string, Names> changed;
  watcher_.drain({.on_name =
                      [&](const std::string& directory, std::string_view name, const Watcher::Event& event) {
                        const auto [known, is_new] = changed[directory].emplace(name, event.kind);
                        if (!is_new && event.kind == Watcher::Kind::kWritten) known->second = event.kind;
                        if (event.kind != Watcher::Kind::kDirectory)
                          unseen_.note(join_path(directory, name), event);
                      },
                  .on_gone = [&](const std::string& directory) { folder_gone(directory); },
                  .on_unknown =
                      [&] {
                        unseen_.forget();
                        compare_all_soon();
                      }});
  ++scan_number_;
  handle_events(changed);
  if (!changed.empty()) report_unseen();
  if (clock_.monotonic_us() >= next_reconcile_us_) reconcile();
}

void Discovery::handle_events(const std::map<std::string, Names>& changed) {
  // Live paths first: they decide whose rotated files the others are.
  for (const bool live_paths : {true, false}) {
    for (const auto& [directory, names] : changed) {
      for (const auto& [name, kind] : names) {
        const std::string path = join_path(directory, name);
        if (kind == Watcher::Kind::kDirectory) {
          if (!live_paths && include_.may_contain(path)) scan(path, true);
        } else if (wanted(path) == live_paths) {
          handle_name(path, kind == Watcher::Kind::kWritten);
        }
      }
    }
  }
}

void Discovery::handle_name(const std::string& path, bool written) {
  // Writes to an unlinked file still come under its old name, so every file last seen there counts.
  for (Generation* generation : generations_.at_path(path)) {
    if (!generation->present() && !generation->fd) continue;
    generation->written = generation->written || written;
    generations_.mark(*generation);
  }
  // Links to it, and links to folders, lead elsewhere without a change of their own.
  std::vector<std::string> links;
  const auto [begin, end] = links_.equal_range(path);
  for (auto link = begin; link != end; ++link) links.push_back(link->second);
  for (const std::string& link : links) consider(link);
  folders_.erase(path);
  consider(path);
}

// Writes through a link show only where it leads, and so does a new file in the place of its target.
void Discovery::follow_link(const std::string& link, const std::string& target) {
  const auto [begin, end] = links_.equal_range(target);
  const bool known = std::any_of(begin, end, [&](const auto& entry) { return entry.second == link; });
  if (known) return;
  std::erase_if(links_, [&](const auto& entry) { return entry.second == link; });
  watch(directory_of(target));
  links_.emplace(target, link);
}

void Discovery::path_is_empty(const std::string& path) {
  for (Generation* generation : generations_.at_path(path)) {
    generation->look_soon = true;
    if (!generation->fd) continue;
    if (const Result<FileLook> look = look_at(generation->fd); look.is_ok()) note_links(*generation, *look);
  }
  finish_in_time();
  if (Chain* chain = generations_.chain(path)) {
    for (Generation* generation : chain->generations) set_live(*generation, false);
  }
  const std::string target = wanted(path) ? link_target(path) : std::string();
  if (!target.empty()) {
    follow_link(path, target);
  } else {
    std::erase_if(links_, [&](const auto& entry) { return entry.second == path; });
  }
}

void Discovery::compare_all_soon() {
  compare_all_ = true;
  reconcile_soon();
}

void Discovery::reconcile() {
  faults_.fresh = false;
  resolve_folders();
  const bool all = std::exchange(compare_all_, false) || polling_ || !options_.use_inotify;
  compare_all_folders_ = all;
  ++comparison_;
  polling_ = !options_.use_inotify;
  for (const std::string& root : include_.roots()) {
    watch_upwards(directory_of(root));
    scan(root, false);
  }
  std::vector<std::string> elsewhere;  // where files went that we know, inside the globs or not
  for (const auto& [directory, count] : generations_.folders()) {
    const auto known = folders_.find(directory);
    if (known == folders_.end() || known->second.compared != comparison_) elsewhere.push_back(directory);
  }
  for (const std::string& directory : elsewhere) scan(directory, false);
  std::erase_if(folders_, [&](const auto& folder) { return folder.second.compared != comparison_; });
  compare_files(all);
  const std::int64_t settled_us = clock_.monotonic_us() - 4000 * options_.copy_wait_ms;
  std::erase_if(copies_, [&](const auto& copy) { return copy.second.since_us < settled_us; });
  if (!faults_.fresh) faults_.last.clear();
  polling_told_ = polling_;
  first_start_ = false;
  const std::int64_t next_ms = polling_ ? options_.poll_ms : options_.reconcile_ms;
  next_reconcile_us_ = clock_.monotonic_us() + 1000 * next_ms;
  finish_in_time();
}

void Discovery::finish_in_time() {
  if (!std::exchange(finish_soon_, false)) return;
  next_reconcile_us_ =
      std::min(next_reconcile_us_, clock_.monotonic_us() + 1000 * options_.unlinked_quiet_ms);
}

std::size_t Discovery::file_parts() const {
  return generations_.size() / kFilesPerComparison;
}

void Discovery::compare_files(bool all) {
  std::vector<Generation*> looked;
  std::uint64_t gone = 0;
  const std::size_t parts = file_parts();
  generations_.for_each([&](Generation& generation) {
    const bool busy = generation.dirty || generation.unread() > 0 || generation.nul_to_end ||
                      (generation.fd && !generation.live);
    const std::size_t own_parts = generation.untold ? std::min(parts, kUntoldTurnsMax) : parts;
    if (all || busy || generation.look_soon || has_turn(generation.id, own_parts)) looked.push_back(&generation);
    gone += generation.present() ? 0 : 1;
  });
  for (Generation* generation : looked) locate(*generation);
  for (Generation* generation : looked) age(*generation);
  if (gone > options_.gone_files_max) drop_oldest_gone();
}

Generation* Discovery::find_known(const std::string& path, const FileLook& look) {
  if (Generation* known = generations_.find(look.key)) return known;
  // Device numbers change over a reboot. Same path, inode and birth: the reader proves the content.
  for (Generation* candidate : generations_.at_path(path)) {
    const bool same = candidate->key.inode == look.key.inode && look.key.birth_ns != 0 &&
                      candidate->key.birth_ns == look.key.birth_ns && !candidate->fd;
    if (!same) continue;
    generations_.rekey(*candidate, look.key);
    return candidate;
  }
  return nullptr;
}

void Discovery::consider(const std::string& path) {
  activity_.at(path);
  const bool is_wanted = wanted(path);
  const Result<FileLook> look = look_at(path);
  if (!look.is_ok()) {
    if (look.status().code() != Code::kNotFound) faults_.note(look.status());
    path_is_empty(path);
    return;
  }
  if (look->directory) {
    if (include_.names_directory(path)) scan(path, false);
    return;
  }
  if (!look->regular) return;
  if (Generation* known = find_known(path, *look)) {
    seen_at(*known, path, *look);
  } else {
    new_file(path, *look, is_wanted);
  }
}

void Discovery::seen_at(Generation& generation, const std::string& path, const FileLook& look) {
  if (path != generation.path) {
    const std::string real = resolve_links(path);
    if (real != path) follow_link(path, real);
    if (real != generation.path && !owns_its_path(generation)) generations_.move(generation, real);
  }
  if (!generation.present()) {
    generation.gone_since_us = 0;
    generations_.touch(generation);
    generations_.mark(generation);
  }
  if (Chain* chain = generations_.chain(path)) {
    for (Generation* member : chain->generations) set_live(*member, member == &generation);
  }
  note_size(generation, look);
}

void Discovery::set_live(Generation& generation, bool live) {
  // Just rotated: its writer may be in the middle of a line, however long it was quiet before.
  if (generation.live && !live) generation.quiet_since_us = clock_.monotonic_us();
  generation.live = live;
}

bool Discovery::owns_its_path(const Generation& generation) const {
  const Result<FileLook> look = look_at(generation.path);
  return look.is_ok() && generation.key.may_be(look->key);
}

void Discovery::note_size(Generation& generation, const FileLook& look) {
  // A memory mapping is written without an event and at times without a new time stamp.
  const bool unchanged = look.size == generation.seen_size && look.modified_ns == generation.modified_ns;
  if (unchanged && !generation.nul_to_end) return;
  if (look.size > generation.seen_size) {
    generation.quiet_since_us = clock_.monotonic_us();
    generation.finishing = false;
  }
  generations_.mark(generation);  // the reader moves seen_size, once it knows that the file is the same
}

void Discovery::new_file(const std::string& path, const FileLook& look, bool is_wanted) {
  const std::string directory = directory_of(path);
  Chain* chain = generations_.chain(path);
  bool rotated = false;
  for (const LiveName& live : live_names_of(name_of(path))) {
    Chain* of_live = generations_.chain(join_path(directory, live.name));
    if (of_live == nullptr || (is_wanted && chain != nullptr)) continue;
    const bool together = first_start_ && of_live->created_scan == scan_number_;
    if (exclude_.matches(path) || (together && !is_wanted)) return;
    if (look.size == 0 && !is_wanted) return;  // nothing to read yet; the first write makes an event
    if (!may_read(path, resolve_links(path))) return;
    Result<Fd> fd = open_regular(path);
    if (fd.is_ok() && !together && is_copy(path, *fd, look, *of_live)) return;
    rotated = !together && (!is_wanted || live.suffix);
    if (rotated) chain = of_live;
    break;
  }
  if (!is_wanted && !rotated) return;
  if (!may_read(path, resolve_links(path))) return;
  Result<Fd> fd = open_regular(path);
  if (!fd.is_ok()) {
    if (fd.status().code() != Code::kNotFound) faults_.note(fd.status());
    return;
  }
  if (const std::string real = path_of(*fd); !real.empty() && !may_read(path, real)) return;
  const Result<FileLook> opened = look_at(*fd);
  if (!opened.is_ok() || !look.key.may_be(opened->key)) return;  // gone again; its successor makes an event
  if (!rotated && chain != nullptr && replaces(path, *fd, *opened, *chain)) return;
  Generation& generation = create(path, chain != nullptr ? chain->path : path, std::move(*fd), *opened, 0);
  if (!rotated) seen_at(generation, path, *opened);
}

// Copies are made to be followed by a truncation (logrotate's copytruncate). One that was just made
// waits until the truncation shows; then it takes the place of what was truncated.
bool Discovery::is_copy(const std::string& path, const Fd& fd, const FileLook& look, Chain& chain) {
  check_live(chain);  // it may be a copy of what came after a truncation that nobody noticed yet
  if (generations_.find(look.key) != nullptr) return true;
  const std::vector<Generation*> members = chain.generations;
  for (auto at = members.rbegin(); at != members.rend(); ++at) {
    Generation& original = **at;
    if (original.retired || original.ignored) continue;
    if (original.head.size < kHeadBytes) extend_head(original);
    if (!resembles(fd, look.size, original)) {
      if (could_become(fd, look.size, original) && !has_waited(look)) return true;
      continue;
    }
    if (!original.fd && !owns_its_path(original) && adopt_copy(original)) {
      generations_.mark(original);
      if (generations_.find(look.key) != nullptr) return true;
    }
    return !has_waited(look) || !wanted(path);  // else a file of its own after all
  }
  return false;
}

// Since the possible copy last grew.
bool Discovery::has_waited(const FileLook& copy) {
  const std::int64_t now_us = clock_.monotonic_us();
  CopyWait& wait = copies_[{copy.key.inode, copy.key.birth_ns}];
  if (wait.since_us == 0 || wait.size != copy.size) wait = {std::max<std::int64_t>(now_us, 1), copy.size};
  return now_us - wait.since_us >= 1000 * options_.copy_wait_ms;
}

// A copy that was just begun is too short to prove anything: empty, or no more than the beginning of
// what is still there of `original`.
bool Discovery::could_become(const Fd& fd, std::uint64_t size, const Generation& original) {
  if (size >= original.head.size) return false;
  char begun[kHeadBytes], whole[kHeadBytes];
  const Result<std::size_t> count = read_at(fd, 0, begun, size);
  if (!count.is_ok() || *count == 0) return count.is_ok();
  Result<Fd> from = open_regular(original.path);
  if (!from.is_ok()) return false;
  const Result<std::size_t> there = read_at(*from, 0, whole, original.head.size);
  if (!there.is_ok() || !original.head.fits({whole, *there})) return false;
  return std::string_view(begun, *count) == std::string_view(whole, *count);
}

void Discovery::check_live(const Chain& chain) {
  const Result<FileLook> look = look_at(chain.path);
  Generation* live = look.is_ok() ? generations_.find(look->key) : nullptr;
  if (live == nullptr || live->ignored || live->dormant || !generations_.open(*live).is_ok()) return;
  if (!holds(live->fd, live->proof())) file_truncated(*live);
}

// Whether a file could be a copy of `original`, finished or still being made.
bool Discovery::resembles(const Fd& fd, std::uint64_t size, const Generation& original) {
  ContentProof proof = original.proof();
  if (proof.head.size == 0 || size < proof.head.size) return false;
  if (size < proof.offset) {
    proof.tail = {};
    proof.offset = 0;
  }
  return holds(fd, proof);
}

// More of a young file may be there than was there when it was read: what it is known by grows.
void Discovery::extend_head(Generation& generation) {
  if (!generation.present() || !generations_.open(generation).is_ok()) return;
  const Result<FileLook> look = look_at(generation.fd);
  if (!look.is_ok() || look->size < generation.offset || !holds(generation.fd, generation.proof())) return;
  char head[kHeadBytes];
  const Result<std::size_t> count = read_at(generation.fd, 0, head, sizeof head);
  if (!count.is_ok()) return;
  const Fingerprint longer = Fingerprint::of_head({head, *count});
  if (longer.size <= generation.head.size) return;
  generation.head = longer;
  generation.seen_size = std::max(generation.seen_size, look->size);
  generations_.touch(generation);
  generations_.mark(generation);
}

// An editor or a restore put a new file with the same beginning in the place of one that is gone:
// it is the same log, so go on where we were. Only with enough content to be sure.
bool Discovery::replaces(const std::string& path, Fd& fd, const FileLook& look, Chain& chain) {
  for (auto at = chain.generations.rbegin(); at != chain.generations.rend(); ++at) {
    Generation& old = **at;
    if (old.retired || old.ignored || old.offset < kHeadBytes || look.size < old.seen_size) continue;
    if (old.fd) {
      const Result<FileLook> open_look = look_at(old.fd);
      if (!open_look.is_ok() || open_look->links > 0 || open_look->size > look.size) continue;
    } else if (owns_its_path(old)) {
      continue;
    }
    if (!holds(fd, old.proof())) continue;
    generations_.rekey(old, look.key);
    generations_.move(old, resolve_links(path));
    generations_.give_fd(old, std::move(fd));
    generations_.mark(old);
    seen_at(old, path, look);
    return true;
  }
  return false;
}

Generation& Discovery::create(const std::string& path, const std::string& chain, Fd fd, const FileLook& look,
                              std::int64_t not_before_ns) {
  GenerationRow row;
  row.chain = chain;
  row.path = resolve_links(path);
  row.key = look.key;
  row.seen_size = look.size;
  row.order_ns = std::max(look.key.birth_ns != 0 ? look.key.birth_ns : look.modified_ns, not_before_ns);
  char head[kHeadBytes];
  if (const Result<std::size_t> count = read_at(fd, 0, head, sizeof head); count.is_ok()) {
    row.head = Fingerprint::of_head({head, *count});
  }
  if (row.path != path) follow_link(path, row.path);
  Generation& generation = generations_.add(std::move(row), scan_number_);
  generation.quiet_since_us = clock_.monotonic_us();
  generations_.give_fd(generation, std::move(fd));
  if (first_start_ && options_.start == FileStart::kEnd && !start_at_end(generation)) {
    faults_.note(unavailable("cannot read the end of " + path + "; reading it from its beginning"));
  }
  generations_.touch(generation);
  generations_.mark(generation);
  return generation;
}

}  // namespace silt::connectors
