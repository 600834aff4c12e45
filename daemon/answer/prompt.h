// The texts around questions, evidence and answers that the reader was taught with. Exact bytes:
// model/training/skills/markers.py has the same; change both or none. See docs/plan-grammar.md.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace silt::daemon {

inline constexpr std::string_view kAskMark = "\n### ask ";       // then the question and a newline
inline constexpr std::string_view kPlanMark = "### plan ";       // the reader goes on with a surface plan
inline constexpr std::string_view kAnswerMark = "### answer ";   // ... with the answer
inline constexpr std::string_view kLinesMark = "\n### lines\n";  // then evidence: "[1] text"
inline constexpr std::string_view kNoAnswer = "none";
inline constexpr std::size_t kEvidenceLineMax = 250;  // bytes; longer lines are cut

// Each run of white space and controls made one blank, none at the ends.
std::string one_line(std::string_view text);

// What the reader continues with a surface plan. `question` is one_line() already.
std::string plan_prompt(std::string_view question);

// A record as it is shown: as one line, at most kEvidenceLineMax bytes of it, never cut within a
// character.
std::string evidence_line(std::string_view record);

// What the reader continues with an answer from these lines, which are evidence_line() already.
std::string open_prompt(std::span<const std::string> lines, std::string_view question);

}  // namespace silt::daemon
