// Generations: all files that we know, by identity, path and chain; which of them wait to be read;
// which rows must be stored; and the cache of open files.
//
// Pointers stay valid until remove(). Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "connectors/file/generation.h"

namespace silt::connectors {

struct Chain {
  std::string path;
  std::vector<Generation*> generations;  // in reading order, retired ones too
  const std::string* stream = nullptr;   // its name, null until it is first read; not owned
  std::uint64_t created_scan = 0;        // the scan that found it; 0: known from stored rows
  bool queued = false;
};

class Generations {
 public:
  explicit Generations(std::uint32_t open_files_max) : open_files_max_(open_files_max) {}

  // Id 0 gets the next one. `scan` is noted when the chain is new.
  Generation& add(GenerationRow row, std::uint64_t scan);
  void remove(Generation& generation);

  // The newest generation that may be this file and still owns it; null when the file is unknown.
  Generation* find(const FileKey& key) const;
  bool knows_inode(std::uint64_t inode) const { return by_inode_.contains(inode); }
  std::vector<Generation*> at_path(std::string_view path) const;
  bool is_at_path(std::string_view path, std::uint64_t inode) const;
  Chain* chain(std::string_view path);
  template <class Visit>
  void for_each(Visit visit) {
    for (auto& [id, generation] : by_id_) visit(generation);
  }
  Generation* by_id(std::uint64_t id);
  std::size_t size() const { return by_id_.size(); }
  std::uint64_t newest_id() const { return by_id_.empty() ? 0 : by_id_.rbegin()->first; }

  void move(Generation& generation, const std::string& path);
  void rekey(Generation& generation, const FileKey& key);
  // It no longer owns its file; only its lost bytes are left to report, then its row goes.
  void retire(Generation& generation);
  // The globs do not want it.
  void lay_to_sleep(Generation& generation);

  // May have something to read; its chain gets in line.
  void mark(Generation& generation);
  // The next chain in line, null when none is. The caller puts it back when there is more.
  Chain* next_ready();
  void requeue(Chain& chain);
  bool any_ready() const { return !ready_.empty(); }

  // The folders of all paths and chains that are neither retired nor dormant.
  const std::map<std::string, std::uint32_t>& folders() const { return folders_; }

  // Whoever changed its size, position or fate says so here; touch() and mark() do as well.
  void recount(Generation& generation);
  std::uint64_t files_known() const { return files_known_; }
  std::uint64_t unread_bytes() const { return unread_bytes_; }

  // The stored row is older than the generation.
  void touch(Generation& generation) {
    changed_.insert(generation.id);
    recount(generation);
  }
  std::set<std::uint64_t>& changed() { return changed_; }

  // Opens the generation's path unless it is open, closing another file when too many are. NotFound
  // when the path leads elsewhere by now.
  Status open(Generation& generation);
  void give_fd(Generation& generation, Fd fd);
  Fd take_fd(Generation& generation);
  void close(Generation& generation);
  std::size_t open_count() const { return open_.size(); }
  std::size_t open_max() const { return open_files_max_; }

 private:
  void make_room();
  void index(Generation& generation);
  void unindex(Generation& generation);
  void count_folders(const Generation& generation, int by);

  std::uint32_t open_files_max_;
  std::uint64_t uses_ = 0;
  std::map<std::uint64_t, Generation> by_id_;
  std::unordered_multimap<std::uint64_t, Generation*> by_inode_;
  std::unordered_multimap<std::string_view, Generation*> by_path_;       // of its own path
  std::unordered_map<std::string_view, std::unique_ptr<Chain>> chains_;  // of its own path
  std::map<std::string, std::uint32_t> folders_;
  std::uint64_t files_known_ = 0;
  std::uint64_t unread_bytes_ = 0;
  std::deque<Chain*> ready_;
  std::set<std::uint64_t> changed_;
  std::vector<Generation*> open_;
};

}  // namespace silt::connectors
