// Residents: the net states that are in memory, within a budget of bytes, and what it would cost to bring
// one back by replay.
//
// A state is a cache: the newest blob (or the base) and the journal make it again. So it is stored only
// where replay would take long, and the one used longest ago goes first. Used by the learner thread only.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "daemon/learn/net_state.h"
#include "daemon/store/record_log.h"
#include "daemon/store/types.h"

namespace silt::learn {

// What lies between a state and its newest blob, or its base.
struct ReplayWork {
  std::uint64_t steps = 0;
  std::uint64_t records = 0;
  ReplayWork& operator+=(const ReplayWork& other) {
    steps += other.steps;
    records += other.records;
    return *this;
  }
};

// How long work takes here, learned from work that was done.
class ReplayCost {
 public:
  void measured(const ReplayWork& work, std::int64_t us);
  std::int64_t us(const ReplayWork& work) const;
  // The same in mini-batches, rounded up.
  std::uint64_t steps(const ReplayWork& work) const;

 private:
  double step_us_ = 20'000;  // of the shipped net on a small machine, until it is known better
  double record_us_ = 5;
};

struct Resident {
  NetState state;
  PolicyHistory history;
  std::vector<store::Score> scores;    // final, since the last commit
  std::vector<store::ShedMark> sheds;  // behind the newest blob
  std::vector<store::SeqRange> left_out;  // the same
  store::BlockPtr block;               // that is being read
  ReplayWork since_blob;
  std::int64_t aged_since_us = 0;  // monotonic time of the first record behind the newest blob; 0: none
  std::string_view blob_reason;    // not empty: the next commit stores the state

  bool is_shed(store::Seq seq) const;
};

class Residents {
 public:
  Residents(std::uint64_t bytes_max, model::Learner& learner)
      : bytes_max_(bytes_max), learner_(learner) {}

  Resident* find(store::SourceRef source);
  Resident& insert(store::SourceRef source, Resident resident);
  void erase(store::SourceRef source);
  // It was used now, and may have grown.
  void touch(store::SourceRef source);

  // Whether `more` states would be too many once they have learned. One always fits.
  bool is_full(std::size_t more) const;
  store::SourceRef oldest() const { return order_.front(); }
  // Used longest ago first.
  template <class Visit>
  void for_each_ref(Visit&& visit) const {
    for (const store::SourceRef ref : order_) visit(ref);
  }
  std::size_t size() const { return order_.size(); }
  std::uint64_t bytes() const { return bytes_; }

  template <class Visit>
  void for_each(Visit&& visit) {
    for (auto& [source, entry] : entries_) visit(source, entry.resident);
  }

 private:
  struct Entry {
    Resident resident;
    std::uint64_t bytes = 0;
    std::list<store::SourceRef>::iterator place;
  };
  std::uint64_t bytes_of(const Resident& resident) const;

  std::uint64_t bytes_max_;
  model::Learner& learner_;
  std::map<store::SourceRef, Entry> entries_;
  std::list<store::SourceRef> order_;  // used longest ago first
  std::uint64_t bytes_ = 0;
};

}  // namespace silt::learn
