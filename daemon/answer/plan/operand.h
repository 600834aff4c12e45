// Operand: which slot a question asks for ("which IP", "response time"), by name, type and neighbours.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/answer/language/reading.h"
#include "daemon/answer/search/profile.h"

namespace silt::answer::plan {

struct OperandChoice {
  std::string slot;      // as queries name it; empty: none fits
  float score = 0;
  bool named = false;    // by name or concept, not by type alone
};

enum class OperandUse : std::uint8_t { kValue, kNumber };

// `patterns`: indexes of those in scope; empty: all. `words`: stems that ask for it, weightiest first.
struct OperandRequest {
  const search::Profile* profile = nullptr;
  std::vector<std::uint32_t> patterns;
  std::vector<std::string> words;        // of the operand phrase: lower case
  std::vector<std::string> other_words;  // of the rest of the question: weaker hints
  OperandUse use = OperandUse::kValue;
  std::string unit;                      // "ms", when the question says one
  std::vector<std::string> hints;        // words of the operation, which imply a number: "hottest"
  bool who = false;
  bool where = false;
  bool from_where = false;
  bool varied = false;                   // groups are compared: one value alone is no answer
};
OperandChoice choose_operand(const OperandRequest& request);

}  // namespace silt::answer::plan
