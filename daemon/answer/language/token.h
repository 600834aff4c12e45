// The words of a question, each with what it was taken for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace silt::answer::language {

enum class Taken : std::uint8_t { kNo, kFiller, kOperation, kTime, kScope, kValue, kCompare, kNegated, kOperand };

struct QuestionWord {
  std::string raw;
  std::string text;     // lower case, without "'s"
  std::string stem;
  Taken taken = Taken::kNo;
  bool light = false;   // may be the topic, but mostly is not
  bool decisive = false;  // what is meant is another thing without it: "failed"
  bool quoted = false;  // "in quotes": to be found as it is
  bool scope = false;   // says which log is meant ("in the |controller| log"), when only one can be
  bool said_apart = false;    // part of a phrase that says nothing of the topic: "|in this log|"
  bool clause_start = false;  // behind a comma, full stop or bracket
};

std::vector<QuestionWord> cut_question(std::string_view question, std::string_view language);

}  // namespace silt::answer::language
