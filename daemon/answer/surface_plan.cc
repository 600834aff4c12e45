#include "daemon/answer/surface_plan.h"

#include <algorithm>
#include <charconv>

#include "daemon/answer/surface_time.h"
#include "daemon/answer/words.h"
#include "daemon/answer/names.h"

namespace silt::answer {
namespace {

constexpr std::int64_t kDayUs = 86'400'000'000;

std::optional<PlanKind> kind_of(std::string_view name) {
  for (std::size_t i = 0; i < kPlanKinds; ++i) {
    if (kind_name(static_cast<PlanKind>(i)) == name) return static_cast<PlanKind>(i);
  }
  return std::nullopt;
}

std::optional<Slot> slot_of(std::string_view name) {
  for (std::size_t i = 1; i < kSlots; ++i) {  // "none" is not written
    if (slot_name(static_cast<Slot>(i)) == name) return static_cast<Slot>(i);
  }
  return std::nullopt;
}

std::optional<Order> order_of(std::string_view name) {
  for (std::size_t i = 1; i < kOrders; ++i) {
    if (order_name(static_cast<Order>(i)) == name) return static_cast<Order>(i);
  }
  return std::nullopt;
}

std::uint32_t default_limit(PlanKind kind) {
  switch (kind) {
    case PlanKind::kFirst:
    case PlanKind::kLast:
    case PlanKind::kExplain: return 1;
    case PlanKind::kTop:
    case PlanKind::kCompare:
    case PlanKind::kDigest: return 10;
    default: return 5;
  }
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
}

// A cursor over the text of a surface plan.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  bool eat(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view until(std::string_view stops) {
    const std::string_view found = rest_.substr(0, rest_.find_first_of(stops));
    rest_.remove_prefix(found.size());
    return found;
  }
  // One copy; empty when there is none.
  std::string_view copy() {
    std::string_view found;
    if (eat('"')) {
      found = until("\"");
      if (!eat('"')) return {};
    } else {
      found = until(" |\"");
    }
    return std::any_of(found.begin(), found.end(), is_control) ? std::string_view() : found;
  }

 private:
  std::string_view rest_;
};

template <class Number>
bool read_number(std::string_view text, std::size_t digits_max, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return text.size() <= digits_max && !text.empty() && text.front() != '-' && error == std::errc() &&
         end == text.data() + text.size();
}

// Builds the query plan clause by clause.
class Resolver {
 public:
  Resolver(PlanKind kind, const PlannerContext& context) : context_(context) {
    plan_.kind = kind;
    plan_.limit = default_limit(kind);
  }

  bool clause(const ClauseRule& rule, Scanner& in);
  QueryPlan settle();

 private:
  PlanTerm stemmed(std::string_view word) const { return {stem(lower_ascii(word)), true, {}, {}}; }
  static std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> out;
    index_terms(text, out);
    return out;
  }
  // As the index has it: the whole text, or its longest term.
  static PlanTerm exact(std::string_view text) {
    std::vector<std::string> terms = words_of(text);
    std::string whole = lower_ascii(text);
    if (terms.empty() || std::find(terms.begin(), terms.end(), whole) != terms.end())
      return {whole, false, {}, {}};
    return {*std::max_element(terms.begin(), terms.end(),
                              [](const auto& a, const auto& b) { return a.size() < b.size(); }),
            false,
            {},
            {}};
  }
  bool copied(std::string_view name, std::string_view text, Scanner& in);
  bool point(std::string_view name, std::string_view text);

  const PlannerContext& context_;
  QueryPlan plan_;
  std::vector<PlanTerm> ids_;
};

bool Resolver::copied(std::string_view name, std::string_view text, Scanner& in) {
  if (text.empty()) return false;
  if (name == "id") {
    ids_.push_back(exact(text));
    plan_.required.push_back(ids_.back());
  } else if (name == "word") {
    PlanTerm& term = plan_.required.emplace_back(stemmed(text));
    while (in.eat('|')) {
      const std::string_view other = in.copy();
      if (other.empty()) return false;
      term.alternatives.push_back(stem(lower_ascii(other)));
    }
  } else if (name == "hint") {
    plan_.optional.push_back(stemmed(text));
  } else if (name == "near") {
    plan_.near = text;
  } else if (name == "phrase") {
    const std::vector<std::string> words = words_of(text);
    for (const std::string& word : words) plan_.required.push_back({word, false, {}, {}});
    if (words.size() > 1 && plan_.kind != PlanKind::kBetween) plan_.phrases.emplace_back(text);
  } else if (text.find(' ') == std::string_view::npos) {  // to
    plan_.end_terms.push_back(stemmed(text));
  } else {
    for (std::string& word : words_of(text)) plan_.end_terms.push_back({std::move(word), false, {}, {}});
  }
  return true;
}

bool Resolver::point(std::string_view name, std::string_view text) {
  const auto found = read_point(text, context_.time);
  if (!found) return false;
  TimeRange& range = name.starts_with("base") ? plan_.baseline : plan_.time;
  if (!name.ends_with("until")) range.first_us = found->begin_us;
  if (name.ends_with("until")) range.last_us = (found->day ? found->end_us : found->begin_us) - 1;
  if (name == "in" || name == "base") range.last_us = found->end_us - 1;
  return true;
}

bool Resolver::clause(const ClauseRule& rule, Scanner& in) {
  switch (rule.value) {
    case ClauseValue::kCopy:
    case ClauseValue::kCopies: {
      const std::string_view text = in.copy();
      return copied(rule.name, text, in);
    }
    case ClauseValue::kSource: {
      const auto source = known_source(in.copy(), context_.sources);
      if (source) plan_.sources.push_back(*source);
      return source.has_value();
    }
    case ClauseValue::kField: {
      const auto slot = slot_of(in.until(" "));
      if (slot) plan_.slot = *slot;
      return slot.has_value();
    }
    case ClauseValue::kOrder: {
      const auto order = order_of(in.until(" "));
      if (order) plan_.order = *order;
      return order.has_value();
    }
    case ClauseValue::kDigits:
      return rule.name == "seq" ? read_number(in.until(" "), kSeqDigitsMax, plan_.seq.emplace())
                                : read_number(in.until(" "), kPatternDigitsMax, plan_.pattern.emplace());
    case ClauseValue::kLimit: return read_number(in.until(" "), kLimitDigitsMax, plan_.limit);
    case ClauseValue::kPoint: return point(rule.name, in.until(" "));
  }
  return false;
}

QueryPlan Resolver::settle() {
  if (plan_.kind == PlanKind::kBetween) {  // both ends are about the same thing
    plan_.end_terms.insert(plan_.end_terms.begin(), ids_.begin(), ids_.end());
  }
  if (plan_.kind == PlanKind::kTop && plan_.order == Order::kRelevance) plan_.order = Order::kMost;
  if (plan_.kind == PlanKind::kDigest && !plan_.time.bounded())
    plan_.time.first_us = context_.time.now_us - kDayUs;
  return std::move(plan_);
}

}  // namespace

std::optional<std::string> known_source(std::string_view name, std::span<const std::string> sources) {
  const std::string wanted = lower_ascii(name);
  if (wanted.empty()) return std::nullopt;
  for (const std::string& source : sources) {
    const std::string full = lower_ascii(source);
    if (full == wanted || full.ends_with(":" + wanted) ||
        full.substr(full.find_last_of("/:") + 1) == wanted) {
      return source;
    }
  }
  return std::nullopt;
}

Result<QueryPlan> resolve_surface_plan(std::string_view text, const PlannerContext& context) {
  Scanner in(text);
  const std::string_view kind_text = in.until(" ");
  const auto kind = kind_of(kind_text);
  if (!kind) return invalid_argument("surface plan: '" + std::string(kind_text) + "' is no kind of plan");
  Resolver resolver(*kind, context);
  std::size_t rank = 0;  // of the first clause that may come next
  while (!in.done()) {
    if (!in.eat(' ')) return invalid_argument("surface plan: clauses must be separated by one space");
    const std::string_view name = in.until(":");
    while (rank < kClauseRules.size() && kClauseRules[rank].name != name) ++rank;
    if (rank == kClauseRules.size() || !in.eat(':') || !resolver.clause(kClauseRules[rank], in)) {
      return invalid_argument("surface plan: clause '" + std::string(name) +
                              "' is unknown, out of order or damaged");
    }
    if (!kClauseRules[rank].repeated) ++rank;
  }
  return resolver.settle();
}

}  // namespace silt::answer
