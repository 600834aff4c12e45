#include "daemon/answer/surface_grammar.h"

#include <algorithm>
#include <array>
#include <span>

#include "daemon/answer/plan.h"
#include "daemon/answer/surface_time.h"
#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

using At = SurfaceGrammar::State::At;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
}

// What a question may call a source: see known_source(). Names that a plan cannot hold are left out.
std::vector<std::string> names_of(const std::string& source) {
  std::vector<std::string> out{source, source.substr(source.find_last_of("/:") + 1)};
  for (std::size_t colon = source.find(':'); colon != std::string::npos;
       colon = source.find(':', colon + 1)) {
    out.push_back(source.substr(colon + 1));
  }
  std::erase_if(out, [](const std::string& name) {
    return name.empty() || name.find_first_of("\"|") != name.npos ||
           std::any_of(name.begin(), name.end(), is_control);
  });
  return out;
}

// The names of an enum of plan.h but the first, which is never written.
template <class Enum>
std::vector<std::string_view> names(std::string_view (*name)(Enum), std::size_t count, std::size_t first) {
  std::vector<std::string_view> out;
  for (std::size_t i = first; i < count; ++i) out.push_back(name(static_cast<Enum>(i)));
  return out;
}

const std::vector<std::string_view>& kinds() {
  static const auto kNames = names(kind_name, kPlanKinds, 0);
  return kNames;
}
const std::vector<std::string_view>& fields() {
  static const auto kNames = names(slot_name, kSlots, 1);
  return kNames;
}
const std::vector<std::string_view>& orders() {
  static const auto kNames = names(order_name, kOrders, 1);
  return kNames;
}

template <class Names>
bool starts_one(const Names& list, std::string_view item) {
  return std::any_of(list.begin(), list.end(), [&](const auto& name) { return name.starts_with(item); });
}
template <class Names>
bool is_one(const Names& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

SurfaceGrammar::SurfaceGrammar(std::string_view question, std::span<const std::string> sources, Times times)
    : question_(question), times_(times) {
  const std::string& text = question_.text();
  const std::string lower = lower_ascii(text);
  for (const std::string& source : sources) {
    for (const std::string& name : names_of(lower_ascii(source))) {
      for (std::size_t at = lower.find(name); at != std::string::npos; at = lower.find(name, at + 1)) {
        if (question_.starts_word(at) && question_.ends_word(at + name.size()))
          sources_.push_back(text.substr(at, name.size()));
      }
    }
  }
  // Thousands of files may have one name.
  std::sort(sources_.begin(), sources_.end());
  sources_.erase(std::unique(sources_.begin(), sources_.end()), sources_.end());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::size_t digits = 0;
    while (at + digits < text.size() && is_digit(text[at + digits])) ++digits;
    if (digits == 0 || !question_.starts_word(at) || !question_.ends_word(at + digits)) continue;
    if (digits <= kSeqDigitsMax) seqs_.push_back(text.substr(at, digits));
    if (digits <= kPatternDigitsMax) patterns_.push_back(text.substr(at, digits));
  }
}

bool SurfaceGrammar::step(State& state, std::string_view bytes) const {
  return std::all_of(bytes.begin(), bytes.end(), [&](char byte) { return step(state, byte); });
}

bool SurfaceGrammar::step(State& state, char byte) const {
  switch (state.at) {
    case At::kKind: return step_kind(state, byte);
    case At::kKey: return step_key(state, byte);
    case At::kValue: return step_value(state, byte);
    case At::kQuoted: return step_quoted(state, byte);
    case At::kAfterQuote: return end_of_value(state, byte);
    case At::kDone: break;
  }
  return false;
}

bool SurfaceGrammar::step_kind(State& state, char byte) const {
  if (byte != ' ' && byte != '\n') {
    state.item += byte;
    return starts_one(kinds(), state.item);
  }
  if (!is_one(kinds(), state.item)) return false;
  state.item.clear();
  state.at = byte == ' ' ? At::kKey : At::kDone;
  return true;
}

// A clause whose value the question cannot give is not begun: it could not be ended.
bool SurfaceGrammar::may_begin(const ClauseRule& rule) const {
  switch (rule.value) {
    case ClauseValue::kSource: return !sources_.empty();
    case ClauseValue::kDigits: return !(rule.name == "seq" ? seqs_ : patterns_).empty();
    case ClauseValue::kCopy:
    case ClauseValue::kCopies: return copies({}, false, false);
    case ClauseValue::kPoint: return times_ == Times::kAny;
    default: return true;
  }
}

bool SurfaceGrammar::step_key(State& state, char byte) const {
  state.item += byte;
  const std::string_view item(state.item);
  for (std::size_t rank = state.rank; rank < kClauseRules.size(); ++rank) {
    const std::string_view name = kClauseRules[rank].name;
    if (!may_begin(kClauseRules[rank])) continue;
    if (byte != ':' && name.starts_with(item)) return true;
    if (byte != ':' || item.substr(0, item.size() - 1) != name) continue;
    state.at = At::kValue;
    state.rank = rank;
    state.alternative = false;
    state.item.clear();
    return true;
  }
  return false;
}

bool SurfaceGrammar::step_value(State& state, char byte) const {
  const ClauseRule& rule = kClauseRules[state.rank];
  const bool copy = rule.value == ClauseValue::kCopy || rule.value == ClauseValue::kCopies ||
                    rule.value == ClauseValue::kSource;
  if (copy && byte == '"') {
    state.at = At::kQuoted;
    return state.item.empty() &&
           (rule.value == ClauseValue::kSource
                ? std::any_of(sources_.begin(), sources_.end(),
                              [](const auto& name) { return name.find(' ') != name.npos; })
                : copies({}, false, true));
  }
  if (byte == ' ' || byte == '\n' || byte == '|') {
    return is_whole(rule, state.item) && end_of_value(state, byte);
  }
  state.item += byte;
  return is_prefix(rule, state.item);
}

bool SurfaceGrammar::step_quoted(State& state, char byte) const {
  const bool source = kClauseRules[state.rank].value == ClauseValue::kSource;
  if (byte != '"') {
    state.item += byte;
    if (is_control(byte)) return false;
    if (!source) return copies(state.item, false, true);
    return std::any_of(sources_.begin(), sources_.end(), [&](const auto& name) {
      return name.find(' ') != name.npos && name.starts_with(state.item);
    });
  }
  state.at = At::kAfterQuote;
  if (state.item.find(' ') == std::string::npos) return false;
  return source ? is_one(sources_, state.item) : copies(state.item, true, true);
}

// The byte behind a whole value.
bool SurfaceGrammar::end_of_value(State& state, char byte) const {
  const ClauseRule& rule = kClauseRules[state.rank];
  state.item.clear();
  if (byte == '|') {
    state.at = At::kValue;
    return rule.value == ClauseValue::kCopies;
  }
  state.at = byte == ' ' ? At::kKey : At::kDone;
  state.rank += rule.repeated ? 0 : 1;
  // Behind the last clause only the end may come.
  return byte == '\n' || (byte == ' ' && state.rank < kClauseRules.size());
}

bool SurfaceGrammar::is_prefix(const ClauseRule& rule, std::string_view item) const {
  switch (rule.value) {
    case ClauseValue::kCopy:
    case ClauseValue::kCopies: return copies(item, false, false);
    case ClauseValue::kField: return starts_one(fields(), item);
    case ClauseValue::kOrder: return starts_one(orders(), item);
    case ClauseValue::kDigits: return starts_one(rule.name == "seq" ? seqs_ : patterns_, item);
    case ClauseValue::kSource:
      return std::any_of(sources_.begin(), sources_.end(), [&](const auto& name) {
        return name.find(' ') == name.npos && name.starts_with(item);
      });
    case ClauseValue::kPoint: return match_point(item) != PointMatch::kNone;
    case ClauseValue::kLimit:
      return item.size() <= kLimitDigitsMax && std::all_of(item.begin(), item.end(), is_digit) &&
             item.front() != '0';
  }
  return false;
}

bool SurfaceGrammar::is_whole(const ClauseRule& rule, std::string_view item) const {
  if (item.empty()) return false;
  switch (rule.value) {
    case ClauseValue::kCopy:
    case ClauseValue::kCopies: return copies(item, true, false);
    case ClauseValue::kField: return is_one(fields(), item);
    case ClauseValue::kOrder: return is_one(orders(), item);
    case ClauseValue::kDigits: return is_one(rule.name == "seq" ? seqs_ : patterns_, item);
    case ClauseValue::kSource: return is_one(sources_, item);
    case ClauseValue::kPoint: return match_point(item) == PointMatch::kWhole;
    case ClauseValue::kLimit: return true;
  }
  return false;
}

// A quoted copy must hold a blank: one is to come behind `at`, with something behind it.
bool SurfaceGrammar::can_grow_to_blank(std::size_t at) const {
  const std::string& text = question_.text();
  const auto fits = [&](std::size_t i) { return i < text.size() && text[i] != '"' && text[i] != '|'; };
  for (; fits(at); ++at) {
    if (text[at] == ' ' && fits(at + 1)) return true;
  }
  return false;
}

bool SurfaceGrammar::copies(std::string_view item, bool whole, bool quoted) const {
  if (item.find_first_of(quoted ? "|\"" : " |\"") != std::string_view::npos) return false;
  const bool needs_blank = quoted && !whole && item.find(' ') == std::string_view::npos;
  return question_.has(item, whole, [&](std::size_t at, std::size_t end) {
    const char first = question_.text()[at];
    if (item.empty() && (first == ' ' || first == '"' || first == '|')) return false;
    return !needs_blank || can_grow_to_blank(end);
  });
}

}  // namespace silt::answer
