// QueryPlan: what a question asks of the store, as data. Planners make plans, execute() runs them.
//
// A plan is confined to what it names: it holds no text that is run, only values that are compared.
// The canonical text is for people and logs, and parse_plan(format_plan(p)) == p. As EBNF:
//
//   plan    = kind { " " clause } ;
//   kind    = "find" | "count" | "top" | "first" | "last" | "between" | "compare" | "explain"
//           | "digest" ;
//   clause  = "must:" term | "may:" term     (* words that records must or may have *)
//           | "phrase:" string               (* must occur as whole words, ignoring ASCII case *)
//           | "to:" term                     (* between: of the record that ends the stretch *)
//           | "field:" name | "near:" string (* what to take from a record, after which word *)
//           | "pattern:" number | "seq:" number | "source:" string
//           | "since:" time | "until:" time  (* inclusive *)
//           | "base-since:" time | "base-until:" time   (* compare: the range to compare with *)
//           | "limit:" number | "order:" ( "relevance" | "time" | "newest" | "most" | "least" ) ;
//   term    = string [ "*" ] { "|" string } { "~" string } ;
//                  (* "*": other forms of the word match too; "|": or this word; "~": words that
//                     stand in when nothing of that fits *)
//   string  = bare | '"' { any byte but '"' and '\' | "\" byte | "\x" hex hex } '"' ;
//   bare    = ( letter | digit | "_" | "." | "/" | "-" | "@" | "+" ) { the same } ;
//   time    = "YYYY-MM-DDTHH:MM:SS" [ ".ffffff" ] "Z" ;
//
// Clauses come in the order above; parse_plan() takes any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/answer/names.h"

namespace silt::answer {

enum class PlanKind { kFind, kCount, kTop, kFirst, kLast, kBetween, kCompare, kExplain, kDigest };

// What a question wants from a record, or groups records by.
enum class Slot {
  kNone,
  kIp,
  kHost,  // an address or a host name
  kUser,
  kPort,
  kNumber,
  kId,  // block ids, uuids, hex
  kPath,
  kUrl,
  kEmail,
  kPackage,  // name:architecture
  kDuration,
  kWord,       // the word after `near`
  kSubject,    // the word before `near`
  kState,      // what became of it: the verb or adjective that says so
  kComponent,  // the program, class or function that speaks
  kPlace,      // a path, else an address
  kTime,
  kHour,
  kDay,
  kPattern,
  kSource,
};

enum class Order { kRelevance, kTime, kNewest, kMost, kLeast };

inline constexpr std::size_t kPlanKinds = 9;
inline constexpr std::size_t kSlots = 22;
inline constexpr std::size_t kOrders = 5;

struct TimeRange {
  static constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::int64_t first_us = kMin;  // inclusive, as is last_us
  std::int64_t last_us = kMax;

  bool bounded() const { return first_us != kMin || last_us != kMax; }
  bool contains(std::int64_t time_us) const { return first_us <= time_us && time_us <= last_us; }
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

// A word as the index has it (lower case). An exact term is an identifier; a stemmed one matches all
// words with the same stem.
struct PlanTerm {
  std::string text;
  bool stemmed = false;
  std::vector<std::string> alternatives;  // "error or failure": matched as well, like stemmed terms
  std::vector<std::string> synonyms;      // matched like stemmed terms, when nothing else fits
  friend bool operator==(const PlanTerm&, const PlanTerm&) = default;
};

struct QueryPlan {
  PlanKind kind = PlanKind::kFind;
  std::vector<PlanTerm> required;
  std::vector<PlanTerm> optional;
  std::vector<std::string> phrases;
  std::vector<PlanTerm> end_terms;  // kBetween: what the last record must have
  Slot slot = Slot::kNone;
  std::string near;
  std::optional<PatternId> pattern;
  std::optional<Seq> seq;            // kExplain: one record
  std::vector<std::string> sources;  // names or globs; empty: all
  TimeRange time;
  TimeRange baseline;  // kCompare
  std::uint32_t limit = 5;
  Order order = Order::kRelevance;
  friend bool operator==(const QueryPlan&, const QueryPlan&) = default;
};

std::string_view kind_name(PlanKind kind);
std::string_view slot_name(Slot slot);
std::string_view order_name(Order order);

std::string format_plan(const QueryPlan& plan);
Result<QueryPlan> parse_plan(std::string_view text);

// "2026-11-21T09:00:00Z", with six decimals when they are not zero.
std::string format_time(std::int64_t time_us);
// What format_time() writes. Nothing when it is not that.
std::optional<std::int64_t> parse_time(std::string_view text);
// Microseconds since 1970 of a civil UTC time.
std::int64_t civil_us(int year, int month, int day, int hour = 0, int minute = 0, int second = 0);

}  // namespace silt::answer
