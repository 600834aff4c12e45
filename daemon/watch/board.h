// Board: the newest changes, numbered, and the incidents that they make. Watchers read it from where they were; it knows
// none of them. What does not fit any more is forgotten, oldest first, and who comes for it is told so.
// In memory only: a new siltd begins a new board, which its tokens tell from others. Safe from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/watch/change.h"

namespace silt::watch {

struct Incident {
  std::uint64_t number = 0;  // of its first change
  Change cause;
  std::int64_t last_us = 0;  // event time of its last change
  std::set<store::SourceRef> sources;
  std::uint64_t changes_total = 0;
  double score = 0;  // the greatest of its changes
  std::vector<Change> changes;  // those that were asked for
};

// The `max` changes of the highest scores, of each kind, source and pattern the best, best first; then the others.
std::vector<Change> most_telling(std::vector<Change> changes, std::size_t max);

struct News {
  std::vector<Incident> incidents;  // by number
  std::string token;
  bool missed = false;
  bool more = false;  // behind the token, already
};

class Board {
 public:
  static constexpr std::int64_t kTogetherUs = 120'000'000;  // event time between changes of an incident
  static constexpr std::int64_t kIncidentUs = 300'000'000;   // later changes are another one: where there is always something
  static constexpr std::size_t kChangesMax = 4096;
  static constexpr std::size_t kReplyMax = 256;  // changes that since() gives at once

  // `name` tells this board from others, as the time of its start does.
  explicit Board(std::string name) : name_(std::move(name)) {}

  // The number of the incident that it became part of.
  std::uint64_t add(const Change& change);
  const std::string& name() const { return name_; }
  // With all its changes that are known. kNotFound: it never was, or is not known any more.
  Result<Incident> incident(std::uint64_t number) const;
  // What `wanted` sources had since `token`. An empty token: nothing, or with `recent` all that is known.
  // kInvalidArgument: no board has given such a token.
  Result<News> since(const std::string& token, bool recent, const std::function<bool(store::SourceRef)>& wanted) const;

 private:
  struct Entry {
    std::uint64_t incident;
    Change change;
  };

  const std::string name_;
  mutable std::mutex mutex_;  // of what follows
  std::deque<Entry> entries_;
  std::uint64_t next_ = 1;                      // number of the next change; that of entries_ end here
  std::map<std::uint64_t, Incident> incidents_;  // of these entries
};

}  // namespace silt::watch
