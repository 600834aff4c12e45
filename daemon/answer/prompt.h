// The texts around questions, evidence and answers that the reader was taught with. Exact bytes:
// model/training/skills/markers.py has the same; change both or none. See docs/plan-grammar.md.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace silt::answer {

inline constexpr std::string_view kAskMark = "\n### ask ";      // then the question and a newline
inline constexpr std::string_view kPlanMark = "### plan ";      // the reader goes on with a surface plan
inline constexpr std::string_view kAnswerMark = "### answer ";  // ... with the answer
inline constexpr std::string_view kLinesMark = "### lines\n";   // ... with evidence: "[1] text"
inline constexpr std::string_view kNoAnswer = "none";
inline constexpr std::size_t kEvidenceLineMax = 250;   // bytes; longer lines are cut
inline constexpr std::size_t kEvidenceBytesMax = 900;  // of all lines: with the questions about one window
inline constexpr std::size_t kEvidenceLinesMax = 8;

// Each run of white space and controls made one blank, none at the ends.
std::string one_line(std::string_view text);

// What the reader continues with a surface plan. `question` is one_line() already.
std::string plan_prompt(std::string_view question);

// A record as it is shown: as one line, at most kEvidenceLineMax bytes of it, never cut within a
// character.
std::string evidence_line(std::string_view record);

// Adds the record to the lines that are shown, which are given best first. False, and nothing added, when
// there is no room: the lines shown end here. The first always has room.
bool show_evidence(std::string_view record, std::vector<std::string>& shown);

// What the reader continues with an answer from these lines, made by show_evidence(). The question stands in
// front of them too: a small net reads better when it knows what to look for.
std::string open_prompt(std::span<const std::string> lines, std::string_view question);

}  // namespace silt::answer
