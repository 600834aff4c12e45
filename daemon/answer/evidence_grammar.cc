#include "daemon/answer/evidence_grammar.h"

#include <algorithm>
#include <charconv>

#include "daemon/answer/prompt.h"

namespace silt::answer {
namespace {

constexpr std::size_t kPartsMax = 8;

}  // namespace

EvidenceGrammar::EvidenceGrammar(std::span<const std::string> lines) {
  for (const std::string& line : lines) lines_.emplace_back(line);
}

bool EvidenceGrammar::step(State& state, std::string_view bytes) const {
  return std::all_of(bytes.begin(), bytes.end(), [&](char byte) { return step(state, byte); });
}

bool EvidenceGrammar::step(State& state, char byte) const {
  using At = State::At;
  switch (state.at) {
    case At::kValue: return step_value(state, byte);
    case At::kNumber: return step_number(state, byte);
    case At::kAfterNumber: return step_after_number(state, byte);
    case At::kBeforeNumber: state.at = At::kNumber; return byte == '[';
    case At::kBeforeValue: state.at = At::kValue; return byte == ' ';
    case At::kDone: break;
  }
  return false;
}

bool EvidenceGrammar::step_value(State& state, char byte) const {
  if (byte == '\n') {
    state.at = State::At::kDone;
    return state.parts == 0 && state.value == kNoAnswer;
  }
  if (byte == '[' && state.closed) {
    state.value.pop_back();
    state.at = State::At::kNumber;
    state.last = 0;
    return true;
  }
  const bool ends = byte == ' ' && !state.value.empty() && has(state.value, true);
  if (byte == '[' && state.value.ends_with(' ')) return false;
  const bool comma = state.value.ends_with(',');
  state.value += byte;
  state.closed = ends;
  if (ends) return true;
  if (byte == ' ' && comma) return false;
  return has(state.value, false) || (state.parts == 0 && kNoAnswer.starts_with(state.value));
}

bool EvidenceGrammar::step_number(State& state, char byte) const {
  if (byte != ']') {
    state.number += byte;
    return cites(state.value, state.last, state.number, false);
  }
  if (!cites(state.value, state.last, state.number, true)) return false;
  state.last = std::stoul(state.number);
  state.number.clear();
  state.at = State::At::kAfterNumber;
  return true;
}

bool EvidenceGrammar::step_after_number(State& state, char byte) const {
  if (byte == '\n') {
    state.at = State::At::kDone;
    return true;
  }
  if (byte == ' ') {
    state.at = State::At::kBeforeNumber;
    return cites(state.value, state.last, {}, false);
  }
  state.at = State::At::kBeforeValue;
  state.value.clear();
  state.closed = false;
  return byte == ',' && ++state.parts < kPartsMax;
}

bool EvidenceGrammar::has(std::string_view value, bool whole) const {
  if (value.find(" [") != value.npos || value.find(", ") != value.npos || value.front() == ' ') return false;
  return std::any_of(lines_.begin(), lines_.end(),
                     [&](const CopiedText& line) { return line.has(value, whole); });
}

bool EvidenceGrammar::cites(std::string_view value, std::size_t last, std::string_view digits,
                            bool whole) const {
  for (std::size_t i = last; i < lines_.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    if ((whole ? number == digits : number.starts_with(digits)) && lines_[i].has(value, true)) return true;
  }
  return false;
}

std::vector<EvidenceValue> parse_evidence_answer(std::string_view text) {
  std::vector<EvidenceValue> out;
  while (!text.empty()) {
    const std::size_t mark = text.find(" [");
    if (mark == text.npos || mark == 0) return {};
    EvidenceValue& value = out.emplace_back();
    value.text = text.substr(0, mark);
    text.remove_prefix(mark);
    while (text.starts_with(" [")) {
      std::size_t number = 0;
      const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), number);
      if (error != std::errc() || end == text.data() + text.size() || *end != ']' || number == 0) return {};
      value.lines.push_back(number - 1);
      text.remove_prefix(static_cast<std::size_t>(end + 1 - text.data()));
    }
    if (text.starts_with(", ") && text.size() > 2) {
      text.remove_prefix(2);
    } else if (!text.empty()) {
      return {};
    }
  }
  return out;
}

}  // namespace silt::answer
