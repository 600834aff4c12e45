// Surface plans: what the model planner's reader writes, in the grammar of docs/plan-grammar.md, and
// the query plans that they resolve to. Pure functions; any bytes are safe.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/answer/plan.h"
#include "daemon/answer/rule_planner.h"

namespace silt::answer {

// What may stand behind a clause's colon.
enum class ClauseValue { kCopy, kCopies, kField, kDigits, kSource, kPoint, kLimit, kOrder };

struct ClauseRule {
  std::string_view name;
  ClauseValue value;
  bool repeated;
};

// In the order in which clauses stand in a plan.
inline constexpr std::array<ClauseRule, 18> kClauseRules = {{
    {"id", ClauseValue::kCopy, true},
    {"word", ClauseValue::kCopies, true},
    {"hint", ClauseValue::kCopy, true},
    {"phrase", ClauseValue::kCopy, true},
    {"to", ClauseValue::kCopy, true},
    {"field", ClauseValue::kField, false},
    {"near", ClauseValue::kCopy, false},
    {"pattern", ClauseValue::kDigits, false},
    {"seq", ClauseValue::kDigits, false},
    {"source", ClauseValue::kSource, true},
    {"in", ClauseValue::kPoint, false},
    {"since", ClauseValue::kPoint, false},
    {"until", ClauseValue::kPoint, false},
    {"base", ClauseValue::kPoint, false},
    {"base-since", ClauseValue::kPoint, false},
    {"base-until", ClauseValue::kPoint, false},
    {"limit", ClauseValue::kLimit, false},
    {"order", ClauseValue::kOrder, false},
}};
inline constexpr std::size_t kLimitDigitsMax = 3;
inline constexpr std::size_t kSeqDigitsMax = 18;
inline constexpr std::size_t kPatternDigitsMax = 9;

// The source that a question means by `name`: that name, or one whose path ends in it.
std::optional<std::string> known_source(std::string_view name, std::span<const std::string> sources);

// `text` without its final newline. Fails when it is no surface plan, names an unknown source, or a day that
// is in no calendar.
Result<QueryPlan> resolve_surface_plan(std::string_view text, const PlannerContext& context);

}  // namespace silt::answer
