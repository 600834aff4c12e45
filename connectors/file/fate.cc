// Discovery, second half: what became of a file that we know? Truncated, copied, rotated, gone.
#include <dirent.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "connectors/file/discovery.h"
#include "connectors/file/rotated_name.h"
#include "connectors/file/tail_reader.h"

namespace silt::connectors {
namespace {

constexpr std::size_t kLastLineBytes = 64 * 1024;

struct CopyFound {
  std::string path;
  FileLook look;
  Fd fd;
  bool rotated_name = false;
  Generation* reader = nullptr;  // it is being read as a file of its own already

  auto rank() const { return std::tuple(rotated_name, look.modified_ns); }
};

bool is_rotated_name_of(std::string_view name, std::string_view live) {
  const std::vector<LiveName> names = live_names_of(name);
  return std::any_of(names.begin(), names.end(),
                     [&](const LiveName& candidate) { return candidate.name == live; });
}

// The copy in `path`, if it holds all that was read of `original`. A short proof counts only
// together with the name of a rotated file.
std::optional<CopyFound> copy_at(const std::string& path, const Generation& original) {
  const std::uint64_t read_bytes = std::max<std::uint64_t>(original.offset, original.head.size);
  Result<FileLook> look = look_at(path);
  if (!look.is_ok() || !look->regular || look->size < read_bytes || look->key.inode == original.key.inode)
    return {};
  CopyFound copy{.path = path, .look = *look, .fd = {}, .rotated_name = false, .reader = nullptr};
  copy.rotated_name = is_rotated_name_of(name_of(path), name_of(original.chain)) ||
                      is_rotated_name_of(name_of(path), name_of(original.path));
  if (!copy.rotated_name && read_bytes < kHeadBytes) return {};
  Result<Fd> fd = open_regular(path);
  if (!fd.is_ok() || !holds(*fd, original.proof())) return {};
  look = look_at(*fd);
  if (!look.is_ok()) return {};
  copy.look = *look;
  copy.fd = std::move(fd).value();
  return copy;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) return names;
  while (const dirent* entry = ::readdir(stream)) {
    if (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN) names.emplace_back(entry->d_name);
  }
  ::closedir(stream);
  return names;
}

}  // namespace

void Discovery::file_truncated(Generation& old) {
  const std::string path = old.path;
  const std::string chain = old.chain;
  const bool live = old.live;
  const std::int64_t order_ns = old.order_ns + 1;
  Fd fd = generations_.take_fd(old);
  settle_truncated(old);
  const Result<FileLook> look = look_at(fd);
  if (!look.is_ok()) return faults_.note(look.status());
  // The file of an earlier copy is used for the next one: that one is no file of its own either.
  if (Chain* of_live = generations_.chain(chain); !live && of_live != nullptr) {
    if (is_rotated_name_of(name_of(path), name_of(chain)) && is_copy(path, fd, *look, *of_live)) return;
  }
  const std::int64_t not_before_ns = std::max(order_ns, look->modified_ns);
  Generation& generation = create(path, chain, std::move(fd), *look, not_before_ns);
  generation.live = live;
}

// Its content is gone from its file: read on in a copy, or say what was lost.
void Discovery::settle_truncated(Generation& generation) {
  generation.stretch = Stretch::kLine;
  if (adopt_copy(generation)) {
    generations_.mark(generation);
    return;
  }
  const std::uint64_t unread = generation.unread();
  if (unread < generation.open_text.size()) generation.open_text.clear();
  if (unread > generation.open_text.size()) {
    generation.lost_bytes += unread - generation.open_text.size();
    generation.lost_why = "the file was truncated before they were read and no copy was found beside it";
  }
  generations_.retire(generation);
}

// Each has a generation of its own that never had a file: its loss is in the ledger, its size is not known.
void Discovery::report_unseen() {
  std::map<std::string, std::uint32_t> files;
  for (std::string& path : unseen_.settle([](const std::string& path) { return look_at(path).is_ok(); }))
    ++files[std::move(path)];
  for (const auto& [path, count] : files) {
    GenerationRow row;
    row.chain = path;
    row.path = path;
    if (const Chain* chain = generations_.chain(path); chain != nullptr && !chain->generations.empty())
      row.order_ns = chain->generations.back()->order_ns;
    Generation& generation = generations_.add(std::move(row), scan_number_);
    generation.lost_files = count;
    generation.lost_why = "they came, were written and went before they were looked at";
    generations_.retire(generation);
  }
}

bool Discovery::adopt_copy(Generation& generation) {
  if (generation.head.size == 0) return false;
  const std::string directory = directory_of(generation.path);
  std::optional<CopyFound> best;
  for (const std::string& name : names_in(directory)) {
    std::optional<CopyFound> copy = copy_at(join_path(directory, name), generation);
    if (!copy) continue;
    copy->reader = generations_.find(copy->look.key);
    if (copy->reader != nullptr && copy->reader->ignored) continue;
    if (!best || best->rank() < copy->rank()) best = std::move(copy);
  }
  if (!best) return false;
  if (best->reader != nullptr) {  // every byte of it comes, or came, from there
    generation.seen_size = generation.offset;
    return false;
  }
  if (best->look.size < generation.data_end()) {
    generation.lost_bytes += generation.data_end() - best->look.size;
    generation.lost_why = "they were written between the copy of the file and its truncation";
  }
  generations_.close(generation);
  generations_.rekey(generation, best->look.key);
  generations_.move(generation, best->path);
  generations_.give_fd(generation, std::move(best->fd));
  generation.seen_size = best->look.size;
  generation.nul_to_end = false;
  generation.modified_ns = 0;
  generation.live = false;
  generation.gone_since_us = 0;
  generation.quiet_since_us = clock_.monotonic_us();
  return true;
}

void Discovery::path_lost(Generation& generation) {
  if (!generation.present()) return;
  generation.look_soon = true;
  reconcile_soon();
}

bool Discovery::start_at_end(Generation& generation) {
  if (!TailReader::note_encoding(generation).is_ok()) return false;
  const std::size_t unit = unit_bytes(generation.encoding);
  const std::uint64_t size = generation.seen_size - generation.seen_size % unit;
  std::string last(std::min<std::uint64_t>(size, kLastLineBytes), '\0');
  const Result<std::size_t> count = read_at(generation.fd, size - last.size(), last.data(), last.size());
  if (!count.is_ok() || *count < last.size()) return false;
  const std::size_t line_end = find_last_line_end(last, generation.encoding);
  if (line_end != std::string::npos) {
    generation.offset = size - last.size() + line_end + unit;
  } else if (size > last.size()) {
    generation.offset = size;
  }
  if (TailReader::renew_tail(generation).is_ok()) return true;
  generation.offset = 0;
  generation.tail = {};
  return false;
}

void Discovery::note_links(Generation& generation, const FileLook& look) {
  const bool unlinked = look.links == 0;
  if (generation.unlinked != unlinked) {
    generation.unlinked = unlinked;
    generations_.touch(generation);
  }
  if (unlinked && generation.unread() > 0) finish_soon_ = true;
}

// Where is it now, does it have a name, did it grow?
void Discovery::locate(Generation& generation) {
  if (generation.retired) return;
  generation.look_soon = false;
  activity_.at(generation.path);
  const Result<FileLook> look = look_at(generation.path);
  const bool in_place = look.is_ok() && generation.key.may_be(look->key);
  if (in_place) {
    note_links(generation, *look);
    const bool told = generation.dirty || generation.written;
    generation.untold = generation.untold || (look->size > generation.seen_size && !told);
    note_size(generation, *look);
  } else if (generation.fd) {
    if (const Result<FileLook> open_look = look_at(generation.fd); open_look.is_ok()) {
      note_links(generation, *open_look);
      note_size(generation, *open_look);
    }
  }
  if (generation.chain == generation.path) {
    set_live(generation, in_place);
  } else {  // rotated, or the chain's path is a link
    const Result<FileLook> at_chain = look_at(generation.chain);
    set_live(generation, at_chain.is_ok() && generation.key.may_be(at_chain->key));
  }
  const bool gone = !in_place && (!generation.fd || generation.unlinked);
  if (gone == generation.present()) {
    generation.gone_since_us = gone ? std::max<std::int64_t>(clock_.wall_us(), 1) : 0;
    generations_.touch(generation);
  }
  if (!in_place) consider(generation.path);  // another file may have its name, even its inode
}

// What time does to a file: rotated ones finish, vanished ones are lost and at last forgotten.
void Discovery::age(Generation& generation) {
  if (generation.retired) return;
  const std::int64_t gone_us = generation.present() ? 0 : clock_.wall_us() - generation.gone_since_us;
  if (gone_us >= 1000 * options_.retention_ms && generation.id != generations_.newest_id()) {
    generations_.retire(generation);
    return;
  }
  if (generation.ignored || generation.dormant) return;
  // Of a file without a name only a process that holds it open can write more: it is soon finished,
  // for what is not stored when siltd stops cannot be read any more.
  const std::int64_t quiet_ms = generation.unlinked ? options_.unlinked_quiet_ms : options_.quiet_ms;
  const bool quiet = clock_.monotonic_us() - generation.quiet_since_us >= 1000 * quiet_ms;
  if (!generation.live && quiet && (!generation.dirty || generation.nul_to_end)) {
    if (generation.unread() == 0 && !generation.nul_to_end) {
      generations_.close(generation);
    } else {
      generation.finishing = true;
    }
  }
  const bool readable = generation.fd || generation.present();
  if (readable && generation.unread() > 0) generations_.mark(generation);  // again, should it have failed
  if (!readable && generation.unread() > 0 && !generation.loss_reported &&
      (generation.unlinked || gone_us >= 1000 * options_.lost_after_ms)) {
    generation.lost_bytes = generation.unread();
    generation.lost_why = "the file vanished before they were read";
    generation.loss_reported = true;
    generations_.touch(generation);
    generations_.mark(generation);
  }
}

void Discovery::drop_oldest_gone() {
  std::vector<Generation*> gone;
  generations_.for_each([&](Generation& generation) {
    const bool counts = !generation.present() && !generation.retired && generation.unread() == 0;
    if (counts && generation.id != generations_.newest_id()) gone.push_back(&generation);
  });
  if (gone.size() <= options_.gone_files_max) return;
  std::sort(gone.begin(), gone.end(), [](const Generation* a, const Generation* b) {
    return std::tie(a->gone_since_us, a->id) < std::tie(b->gone_since_us, b->id);
  });
  gone.resize(gone.size() - options_.gone_files_max);
  for (Generation* generation : gone) generations_.retire(*generation);
}

}  // namespace silt::connectors
