// Plain search: records that hold words or match a regular expression, newest first, whatever their sources.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/filter.h"

namespace silt::answer::search {

// Words that must all be there (a quoted run of words together), in the text or in attributes, or /regex/ (RE2), which
// one of them must match.
class TextMatcher {
 public:
  static Result<std::unique_ptr<TextMatcher>> create(const std::string& pattern);
  virtual ~TextMatcher() = default;
  virtual bool matches(RecordInHand& record) const = 0;
};

// Where a record stands in the order of matches: the newest first, by event time; at the same time by source,
// and of one source the last first.
struct MatchPlace {
  std::int64_t event_us = 0;
  std::size_t source = 0;  // index in the sources searched
  store::Seq seq = 0;
};
bool comes_before(const MatchPlace& a, const MatchPlace& b);

struct FindRequest {
  const TextMatcher* matcher = nullptr;
  Window window;
  std::size_t limit = 20;
  std::optional<MatchPlace> after;          // only matches behind it
};

struct Found {
  std::vector<Hit> hits;               // in the order of their places
  std::uint64_t matched = 0;           // of all sources
  std::uint64_t examined = 0;
  std::uint64_t total = 0;
  bool complete = true;
  bool more = false;                   // older ones are left
};

Result<Found> find(const store::RecordLog& log, const Profiles& profiles, const FindRequest& request,
                   const Limits& limits);

}  // namespace silt::answer::search
