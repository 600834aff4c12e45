#include "connectors/file/generations.h"

#include <algorithm>
#include <tuple>

#include "connectors/file/globs.h"

namespace silt::connectors {
namespace {

template <class Index, class Key>
void erase_entry(Index& index, const Key& key, const Generation* generation) {
  const auto [begin, end] = index.equal_range(key);
  const auto found = std::find_if(begin, end, [&](const auto& entry) { return entry.second == generation; });
  if (found != end) index.erase(found);
}

bool reads_before(const Generation* a, const Generation* b) {
  return std::tie(a->order_ns, a->id) < std::tie(b->order_ns, b->id);
}

// Closing it could lose what is unread: no path leads back to it for sure.
bool must_stay_open(const Generation& generation) {
  return (generation.unread() > 0 || generation.in_batch) && (generation.unlinked || !generation.live);
}

}  // namespace

Generation& Generations::add(GenerationRow row, std::uint64_t scan) {
  if (row.id == 0) row.id = newest_id() + 1;
  Generation& generation = by_id_[row.id];
  static_cast<GenerationRow&>(generation) = std::move(row);
  index(generation);
  auto found = chains_.find(generation.chain);
  if (found == chains_.end()) {
    auto chain = std::make_unique<Chain>();
    chain->path = generation.chain;
    chain->created_scan = scan;
    const std::string_view key = chain->path;
    found = chains_.emplace(key, std::move(chain)).first;
  }
  auto& members = found->second->generations;
  members.insert(std::upper_bound(members.begin(), members.end(), &generation, reads_before), &generation);
  recount(generation);
  return generation;
}

void Generations::remove(Generation& generation) {
  close(generation);
  unindex(generation);
  generation.retired = true;
  recount(generation);
  if (const auto found = chains_.find(generation.chain); found != chains_.end()) {
    std::erase(found->second->generations, &generation);
    if (found->second->generations.empty()) {
      std::erase(ready_, found->second.get());
      chains_.erase(found);
    }
  }
  changed_.erase(generation.id);
  by_id_.erase(generation.id);
}

void Generations::index(Generation& generation) {
  by_inode_.emplace(generation.key.inode, &generation);
  by_path_.emplace(generation.path, &generation);
  count_folders(generation, 1);
}

// Nothing when it was done before.
void Generations::unindex(Generation& generation) {
  if (generation.retired) return;
  erase_entry(by_inode_, generation.key.inode, &generation);
  erase_entry(by_path_, std::string_view(generation.path), &generation);
  count_folders(generation, -1);
}

void Generations::count_folders(const Generation& generation, int by) {
  if (generation.dormant) return;
  for (const std::string& path : {generation.path, generation.chain}) {
    const auto found = folders_.try_emplace(directory_of(path)).first;
    found->second += static_cast<std::uint32_t>(by);
    if (found->second == 0) folders_.erase(found);
  }
}

void Generations::lay_to_sleep(Generation& generation) {
  if (generation.dormant) return;
  count_folders(generation, -1);
  generation.dormant = true;
  recount(generation);
}

void Generations::recount(Generation& generation) {
  if (generation.counted) {
    --files_known_;
    unread_bytes_ -= generation.counted_unread;
  }
  generation.counted = generation.counts();
  if (!generation.counted) return;
  generation.counted_unread = generation.unread();
  ++files_known_;
  unread_bytes_ += generation.counted_unread;
}

Generation* Generations::find(const FileKey& key) const {
  Generation* newest = nullptr;
  const auto [begin, end] = by_inode_.equal_range(key.inode);
  for (auto at = begin; at != end; ++at) {
    Generation* candidate = at->second;
    if (candidate->key.may_be(key) && (newest == nullptr || candidate->id > newest->id)) newest = candidate;
  }
  return newest;
}

std::vector<Generation*> Generations::at_path(std::string_view path) const {
  std::vector<Generation*> found;
  const auto [begin, end] = by_path_.equal_range(path);
  for (auto at = begin; at != end; ++at) found.push_back(at->second);
  return found;
}

bool Generations::is_at_path(std::string_view path, std::uint64_t inode) const {
  const auto [begin, end] = by_path_.equal_range(path);
  return std::any_of(begin, end, [&](const auto& entry) {
    return entry.second->present() && entry.second->key.inode == inode;
  });
}

Chain* Generations::chain(std::string_view path) {
  const auto found = chains_.find(path);
  return found == chains_.end() ? nullptr : found->second.get();
}

Generation* Generations::by_id(std::uint64_t id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

void Generations::move(Generation& generation, const std::string& path) {
  if (generation.path == path || generation.retired) return;
  const std::string moved = path;  // it may be a part of what changes
  unindex(generation);
  generation.path = moved;
  index(generation);
  touch(generation);
}

void Generations::rekey(Generation& generation, const FileKey& key) {
  erase_entry(by_inode_, generation.key.inode, &generation);
  generation.key = key;
  by_inode_.emplace(key.inode, &generation);
  touch(generation);
}

void Generations::retire(Generation& generation) {
  close(generation);
  unindex(generation);
  generation.retired = true;
  generation.live = false;
  generation.dirty = false;
  touch(generation);
  if (!generation.settled()) mark(generation);
}

void Generations::mark(Generation& generation) {
  recount(generation);
  if (generation.ignored || generation.dormant) return;
  generation.dirty = true;
  if (Chain* line = chain(generation.chain)) requeue(*line);
}

Chain* Generations::next_ready() {
  if (ready_.empty()) return nullptr;
  Chain* chain = ready_.front();
  ready_.pop_front();
  chain->queued = false;
  return chain;
}

void Generations::requeue(Chain& chain) {
  if (chain.queued) return;
  chain.queued = true;
  ready_.push_back(&chain);
}

Status Generations::open(Generation& generation) {
  generation.last_used = ++uses_;
  if (generation.fd) return Status::ok();
  SILT_ASSIGN(Fd fd, open_regular(generation.path));
  SILT_ASSIGN(const FileLook look, look_at(fd));
  if (!generation.key.may_be(look.key)) return not_found(generation.path + " is another file by now");
  if (generation.key.version == 0) generation.key.version = look.key.version;
  give_fd(generation, std::move(fd));
  return Status::ok();
}

void Generations::give_fd(Generation& generation, Fd fd) {
  close(generation);
  make_room();
  generation.fd = std::move(fd);
  generation.last_used = ++uses_;
  open_.push_back(&generation);
}

Fd Generations::take_fd(Generation& generation) {
  std::erase(open_, &generation);
  return std::move(generation.fd);
}

void Generations::close(Generation& generation) {
  if (generation.fd) take_fd(generation);
}

void Generations::make_room() {
  while (open_.size() >= open_files_max_) {
    Generation* victim = nullptr;
    const auto rank = [](const Generation& g) { return std::tuple(g.unread() > 0, g.last_used); };
    for (Generation* candidate : open_) {
      if (must_stay_open(*candidate)) continue;
      if (victim == nullptr || rank(*candidate) < rank(*victim)) victim = candidate;
    }
    if (victim == nullptr) return;  // losing lines is worse than one more descriptor
    close(*victim);
  }
}

}  // namespace silt::connectors
