// Conversations: what callers asked last, so that they can go on from it by a token.
//
// Bounded: of one caller the newest kPerCaller are kept, of all together kMost, each for kLifeUs after its
// last use. A token is good for the caller and tenant that it was given to. Kept in memory only. Safe from
// any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "daemon/answer/query.h"

namespace silt::answer {

class Conversations {
 public:
  static constexpr std::size_t kPerCaller = 8;
  static constexpr std::size_t kMost = 1024;
  static constexpr std::int64_t kLifeUs = 30LL * 60 * 1'000'000;

  explicit Conversations(const Clock& clock) : clock_(clock) {}

  // The last query under the token; nothing when it is unknown, another's or too old.
  std::optional<Query> find(std::string_view caller, std::string_view tenant, std::string_view token);
  // Keeps the query under the token, or, when that is unknown or empty, under a new one. Returns which.
  std::string keep(std::string_view caller, std::string_view tenant, std::string_view token, const Query& query);

 private:
  struct Entry {
    std::string token;
    std::string caller;
    std::string tenant;
    std::int64_t used_us = 0;
    Query query;
  };
  using Place = std::list<Entry>::iterator;

  void forget_old();
  Place place_of(std::string_view caller, std::string_view tenant, std::string_view token);

  const Clock& clock_;
  std::mutex mutex_;  // of what follows
  std::list<Entry> entries_;  // the last used first
};

}  // namespace silt::answer
