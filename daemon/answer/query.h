// Query: what a question comes down to, and all that the search understands. People can read and type
// its one-line form (query_text.h); programs use the protobuf (proto/silt/v1/query.proto).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace silt::answer {

enum class Op : std::uint8_t {
  kList,
  kExists,
  kCount,
  kDistinct,
  kTop,
  kBottom,
  kFirst,
  kLast,
  kWhen,
  kDuration,
  kSum,
  kAverage,
  kMin,
  kMax,
  kPercentile,
  kRate,
  kThreshold,
  kGap,
  kCompare,
  kHistogram,
  kTrend,
  kNew,
  kGone,
  kSummary,
  kExplain,
};

inline constexpr std::array<std::string_view, 25> kOpNames = {
    "list",    "exists",     "count", "distinct",  "top",   "bottom",  "first",     "last",  "when",
    "duration", "sum",       "average", "min",     "max",   "percentile", "rate",   "threshold", "gap",
    "compare", "histogram",  "trend", "new",       "gone",  "summary", "explain"};

inline std::string_view name_of(Op op) {
  return kOpNames[static_cast<std::size_t>(op)];
}

// Event times, both ends inclusive, and a part of the day that recurs (seconds from midnight in the
// asker's zone; from > to goes over midnight).
struct Window {
  static constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::int64_t since_us = kMin;
  std::int64_t until_us = kMax;
  std::int32_t day_from_s = -1;  // -1: the whole day
  std::int32_t day_to_s = -1;    // exclusive

  bool bounded() const { return since_us != kMin || until_us != kMax || day_from_s >= 0; }
  friend bool operator==(const Window&, const Window&) = default;
};

// kHas: the value holds one of the words.
enum class Compare : std::uint8_t { kIs, kIsNot, kLess, kAtMost, kMore, kAtLeast, kHas };

// A slot's value against another: severity is error, duration > 100 ms. A number compares in its unit.
struct Test {
  std::string slot;
  Compare compare = Compare::kIs;
  std::vector<std::string> any;  // of kIs, kIsNot and kHas
  double number = 0;
  std::string unit;  // "ms", "%", "KiB"; empty: as it stands
  friend bool operator==(const Test&, const Test&) = default;
};

// Alternatives, one of which a record must hold as a word.
using WordGroup = std::vector<std::string>;

struct Query {
  Op op = Op::kList;
  std::vector<std::string> sources;
  Window window;
  std::vector<WordGroup> words;
  std::vector<std::string> not_words;
  std::vector<std::uint32_t> patterns;  // of the only source; empty: any
  std::vector<Test> tests;
  std::string operand;  // the slot that is counted, computed or shown; empty: records
  std::string group;    // a slot, or hour, minute, day, month: what top, compare and histogram go by
  std::vector<WordGroup> from_words;  // duration between two kinds of records: what the first ones hold
  std::vector<WordGroup> to_words;    // and the second ones; `words` are for both, `group` is the identifier they share
  std::vector<std::string> versus;  // compare: two values of group, or two days
  Window other_window;              // compare: the second window
  double number = 0;                // percentile: 95; threshold over groups: their least count
  std::uint32_t limit = 0;
  friend bool operator==(const Query&, const Query&) = default;
};

// Whether the query asks for the time between two kinds of records.
inline bool is_span(const Query& query) {
  return !query.from_words.empty() && !query.to_words.empty();
}

}  // namespace silt::answer
