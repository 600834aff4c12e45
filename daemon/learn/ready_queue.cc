#include "daemon/learn/ready_queue.h"

namespace silt::learn {

void ReadyQueue::report(std::span<const store::SourceRef> sources) {
  const std::lock_guard lock(mutex_);
  reported_.insert(sources.begin(), sources.end());
}

std::vector<store::SourceRef> ReadyQueue::take_reported() {
  std::unordered_set<store::SourceRef> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(reported_);
  }
  return {taken.begin(), taken.end()};
}

void ReadyQueue::set(store::SourceRef source, const Backlog& backlog, std::uint64_t worth_bytes,
                     std::int64_t now_us) {
  const auto [found, is_new] = entries_.try_emplace(source);
  Entry& entry = found->second;
  if (is_new) {
    entry.ticket = ++tickets_;
    entry.since_us = now_us;
  } else {
    dequeue(source, entry);
    total_.records -= entry.backlog.records;
    total_.bytes -= entry.backlog.bytes;
  }
  if (backlog.records == 0) {
    entries_.erase(found);
    return;
  }
  entry.backlog = backlog;
  total_.records += backlog.records;
  total_.bytes += backlog.bytes;
  enqueue(source, entry, !entry.admitted && backlog.bytes < worth_bytes);
}

void ReadyQueue::admit(std::int64_t until_us) {
  if (put_off_.empty() || put_off_.begin()->first > until_us) return;
  const store::SourceRef source = put_off_.begin()->second;
  Entry& entry = entries_.at(source);
  dequeue(source, entry);
  entry.admitted = true;
  enqueue(source, entry, false);
}

void ReadyQueue::served(store::SourceRef source, std::int64_t began_us) {
  const auto found = entries_.find(source);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  dequeue(source, entry);
  entry.ticket = ++tickets_;
  entry.since_us = began_us;
  entry.admitted = false;
  enqueue(source, entry, entry.put_off);
}

void ReadyQueue::enqueue(store::SourceRef source, Entry& entry, bool put_off) {
  entry.put_off = put_off;
  if (put_off) {
    put_off_.emplace(entry.since_us, source);
  } else {
    queue_.emplace(entry.ticket, source);
  }
}

void ReadyQueue::dequeue(store::SourceRef source, const Entry& entry) {
  if (entry.put_off) {
    put_off_.erase({entry.since_us, source});
  } else {
    queue_.erase({entry.ticket, source});
  }
}

}  // namespace silt::learn
