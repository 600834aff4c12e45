// Plain search: records that hold words or match a regular expression, newest first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/answer/search/execute.h"

namespace silt::answer::search {

// Words that must all be there (a quoted run of words together), or /regex/ (RE2).
class TextMatcher {
 public:
  static Result<std::unique_ptr<TextMatcher>> create(const std::string& pattern);
  virtual ~TextMatcher() = default;
  virtual bool matches(std::string_view text) const = 0;
};

struct FindRequest {
  const TextMatcher* matcher = nullptr;
  Window window;
  std::size_t limit = 20;
  std::size_t from_source = 0;         // sources before it were shown whole
  store::Seq before_seq = ~store::Seq{0};  // of that source: older than this
};

struct Found {
  std::vector<Hit> hits;               // source by source, in each the newest first
  std::uint64_t matched = 0;           // of all sources
  std::uint64_t examined = 0;
  std::uint64_t total = 0;
  bool complete = true;
  bool more = false;                   // older ones are left
};

Result<Found> find(const store::RecordLog& log, const Profiles& profiles, const FindRequest& request,
                   const Limits& limits);

}  // namespace silt::answer::search
