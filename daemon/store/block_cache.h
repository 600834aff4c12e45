// BlockCache: summaries, opened segments and decoded blocks that were used last, so that readers who walk a
// source in small steps, or ask of it again, do not decode it once for each step. Bounded in bytes. Safe from any thread.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "daemon/store/record_log.h"
#include "daemon/store/segment.h"

namespace silt::store {

template <class Value>
class RecentlyUsed {
 public:
  explicit RecentlyUsed(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  std::shared_ptr<const Value> find(SourceRef source, Seq first) {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find({source, first});
    if (found == by_key_.end()) return nullptr;
    items_.splice(items_.begin(), items_, found->second);
    return items_.front().value;
  }
  void add(SourceRef source, Seq first, std::shared_ptr<const Value> value, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    remove({source, first});
    items_.push_front({{source, first}, std::move(value), bytes});
    by_key_[items_.front().key] = items_.begin();
    bytes_ += bytes;
    while (bytes_ > bytes_max_ && items_.size() > 1) remove(Key(items_.back().key));
  }

  void drop(SourceRef source, Seq first) {
    const std::lock_guard lock(mutex_);
    remove({source, first});
  }
  void drop(SourceRef source) {
    const std::lock_guard lock(mutex_);
    for (auto it = by_key_.lower_bound({source, 0}); it != by_key_.end() && it->first.first == source;) {
      const Key key = (it++)->first;
      remove(key);
    }
  }

 private:
  using Key = std::pair<SourceRef, Seq>;
  struct Item {
    Key key;
    std::shared_ptr<const Value> value;
    std::size_t bytes;
  };
  void remove(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    bytes_ -= found->second->bytes;
    items_.erase(found->second);
    by_key_.erase(found);
  }

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::list<Item> items_;  // the newest first
  std::map<Key, typename std::list<Item>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

// A segment whose header was read. Threads share it: who wants more than the header opens the bytes anew.
struct OpenedSegment {
  std::shared_ptr<const std::string> bytes;
  Segment segment;
};

struct SegmentLetters {
  Seq last_seq = 0;
  std::vector<PatternLetters> patterns;
  Letters attributes;
};

// A segment may be replaced by a longer one that begins with the same record, so whoever finds one
// checks that it ends where the store says. Whoever replaces one drops it here.
struct BlockCache {
  RecentlyUsed<StretchSummary> summaries{16 << 20};
  RecentlyUsed<SegmentLetters> letters{16 << 20};
  RecentlyUsed<Block> decoded{8 << 20};
  RecentlyUsed<OpenedSegment> opened{24 << 20};

  void drop(SourceRef source, Seq first) {
    summaries.drop(source, first);
    letters.drop(source, first);
    decoded.drop(source, first);
    opened.drop(source, first);
  }
  void drop(SourceRef source) {
    summaries.drop(source);
    letters.drop(source);
    decoded.drop(source);
    opened.drop(source);
  }
};

}  // namespace silt::store
