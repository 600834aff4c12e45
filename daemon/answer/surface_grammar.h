// SurfaceGrammar: which bytes may come next in a surface plan for one question.
//
// A byte-level automaton over docs/plan-grammar.md: what it lets through is a prefix of a plan whose
// copies are whole words of the question, whose numbers and sources stand in it, and whose times can be
// read. No prefix is a dead end, so a reader under it can always finish.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/answer/copied_text.h"
#include "daemon/answer/surface_plan.h"

namespace silt::answer {

class SurfaceGrammar {
 public:
  enum class Times { kAny, kNone };
  // `question` is one_line() already; sources as in PlannerContext. With Times::kNone a plan has no clause
  // that names a time.
  SurfaceGrammar(std::string_view question, std::span<const std::string> sources, Times times = Times::kAny);

  // Where a text stands in the grammar. Small, copied to try bytes.
  struct State {
    enum class At { kKind, kKey, kValue, kQuoted, kAfterQuote, kDone } at = At::kKind;
    std::size_t rank = 0;      // kKey: the first clause that may come; in a value: its clause
    bool alternative = false;  // kValue: behind a "|"
    std::string item;          // what was written of the kind, key or value
  };

  // Takes one byte; false when the text with it is no prefix of a plan, and then the state is spent.
  bool step(State& state, char byte) const;
  // All of it.
  bool step(State& state, std::string_view bytes) const;

 private:
  bool step_kind(State& state, char byte) const;
  bool step_key(State& state, char byte) const;
  bool step_value(State& state, char byte) const;
  bool step_quoted(State& state, char byte) const;
  bool end_of_value(State& state, char byte) const;

  bool may_begin(const ClauseRule& rule) const;
  bool is_prefix(const ClauseRule& rule, std::string_view item) const;
  bool is_whole(const ClauseRule& rule, std::string_view item) const;
  // Whether the question has `item` from the start of a word on; `whole`: and to the end of one.
  bool copies(std::string_view item, bool whole, bool quoted) const;
  bool can_grow_to_blank(std::size_t at) const;

  CopiedText question_;
  Times times_;
  std::vector<std::string> sources_;          // as the question writes those it can mean
  std::vector<std::string> seqs_, patterns_;  // numbers of the question
};

}  // namespace silt::answer
