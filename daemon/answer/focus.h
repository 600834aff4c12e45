// The focus of a question: which part of a record would answer it.
//
// "What is the size in bytes of block X?" asks for a number near "size"; "from which IP address ..."
// for an address behind "from"; "which users ..." for a list of users; "when ..." for a time.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/answer/plan.h"
#include "daemon/answer/question.h"

namespace silt::answer {

struct Focus {
  Slot slot = Slot::kNone;
  std::string near;
  bool plural = false;     // a list is asked for
  bool narrative = false;  // "what happened", "what is going on"
};

// Does not change `used`, but `nouns[i]` becomes true for the tokens that name the slot.
Focus find_focus(std::span<const QuestionToken> tokens, std::vector<bool>& nouns);

// The slot that a noun names, singular or plural; kNone when it names none.
Slot slot_of_noun(std::string_view word);
bool is_plural_noun(std::string_view word);

}  // namespace silt::answer
