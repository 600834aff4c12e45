// EvidenceGrammar: which bytes may come next in an answer from evidence: "value [1] [3], other [2]" or
// "none".
//
// A byte-level automaton: a value is whole words of one line, and the numbers behind it are those of lines
// that have it, rising. So a reader under it cannot cite a line for what is not in it. No prefix is a
// dead end. A value holds no " [" and no ", ", which end it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/answer/copied_text.h"

namespace silt::answer {

class EvidenceGrammar {
 public:
  explicit EvidenceGrammar(std::span<const std::string> lines);

  struct State {
    enum class At { kValue, kNumber, kAfterNumber, kBeforeNumber, kBeforeValue, kDone } at = At::kValue;
    std::string value;
    bool closed = false;  // kValue: the blank at its end may be the one in front of a number
    std::string number;
    std::size_t last = 0;   // the number before
    std::size_t parts = 0;  // values that are complete
  };

  bool step(State& state, char byte) const;
  bool step(State& state, std::string_view bytes) const;

 private:
  bool step_value(State& state, char byte) const;
  bool step_number(State& state, char byte) const;
  bool step_after_number(State& state, char byte) const;

  bool has(std::string_view value, bool whole) const;
  // Whether a line behind number `last` has the value and a number that starts with `digits`, or is it.
  bool cites(std::string_view value, std::size_t last, std::string_view digits, bool whole) const;

  std::vector<CopiedText> lines_;
};

// What an answer says: values with the indices of their lines, from 0. Empty for "none" and for what is no
// such answer.
struct EvidenceValue {
  std::string text;
  std::vector<std::size_t> lines;
  friend bool operator==(const EvidenceValue&, const EvidenceValue&) = default;
};
std::vector<EvidenceValue> parse_evidence_answer(std::string_view text);

}  // namespace silt::answer
