// ReadyQueue: which sources have folded records that their net has not read, and whose turn it is.
//
// Other threads report sources; the learner takes the reports, says how much waits, and asks who is
// next. Turns go round: a source that was served, or has just become ready, waits behind all who
// are ready already. A source whose state would first have to be replayed is put off until the work that
// waits is worth the replay, or until its oldest record has waited for long (and overdue ones are let in).
// No call looks at all sources.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

#include "daemon/store/types.h"

namespace silt::learn {

struct Backlog {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

class ReadyQueue {
 public:
  // From any thread. Sources that were reported and not yet taken are kept once.
  void report(std::span<const store::SourceRef> sources);

  // The rest is the learner's.
  std::vector<store::SourceRef> take_reported();
  // What waits of a source now; no records: it is not ready. `worth_bytes`: so much makes a turn worth its
  // replay; 0: there is nothing to replay.
  void set(store::SourceRef source, const Backlog& backlog, std::uint64_t worth_bytes, std::int64_t now_us);
  // Lets the source in that was put off longest, if it became ready by `until_us`.
  void admit(std::int64_t until_us);
  // Who is next, one after the other, until `each(source, backlog, ready since)` is false. They stay where they are
  // until served() or set().
  template <class Each>
  void visit(Each each) const {
    for (const auto& [ticket, source] : queue_) {
      const Entry& entry = entries_.at(source);
      if (!each(source, entry.backlog, entry.since_us)) return;
    }
  }
  // It had its turn, which began then: it goes to the end of the queue. What it still has has waited since.
  void served(store::SourceRef source, std::int64_t began_us);

  const Backlog& total() const { return total_; }
  std::size_t size() const { return entries_.size(); }

 private:
  using Place = std::pair<std::uint64_t, store::SourceRef>;
  struct Entry {
    Backlog backlog;
    std::uint64_t ticket = 0;
    std::int64_t since_us = 0;  // when it began to wait
    bool put_off = false;
    bool admitted = false;  // not to be put off again before its turn
  };
  void enqueue(store::SourceRef source, Entry& entry, bool put_off);
  void dequeue(store::SourceRef source, const Entry& entry);

  std::mutex mutex_;
  std::unordered_set<store::SourceRef> reported_;  // under mutex_

  std::map<store::SourceRef, Entry> entries_;
  std::set<Place> queue_;                                        // by ticket
  std::set<std::pair<std::int64_t, store::SourceRef>> put_off_;  // by since_us
  std::uint64_t tickets_ = 0;
  Backlog total_;
};

}  // namespace silt::learn
