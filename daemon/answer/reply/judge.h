// Judge: runs the candidates and decides what may be said. Stated is only what a query computed for a
// grounding that holds enough of the question; else the closest patterns are shown, or nothing is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/answer/plan/planner.h"
#include "daemon/answer/reply/story.h"
#include "daemon/answer/search/execute.h"

namespace silt::answer::reply {

enum class Verdict : std::uint8_t { kStated, kClosest, kNothing };
inline std::string_view name_of(Verdict verdict) {
  return verdict == Verdict::kStated ? "stated" : verdict == Verdict::kClosest ? "closest" : "nothing";
}

struct Judged {
  Verdict verdict = Verdict::kNothing;
  plan::Candidate candidate;
  search::Profiles scope;       // of the candidate's query
  search::Outcome outcome;
  search::Outcome other;        // compare: the second side; share: the whole
  std::vector<StoryLine> alarms; // of vague explanations: what else went wrong
  std::vector<StoryLine> story; // of summaries, oddities and explanations
  std::vector<OddLine> odd;     // of oddities and of explanations of all lines: what the weights did not expect
  std::vector<Passage> passages; // of a text that answers
  float confidence = 0;
  std::vector<Judged> rivals;   // other sources that fit as well: then nothing is stated for one of them
};

// Whether the query found what its operation needs for an answer: records, groups or a number.
bool has_answer(const Query& query, const search::Outcome& outcome);

// The sources that the candidate's query is about.
search::Profiles scope_of(const search::Profiles& scope, const plan::Candidate& candidate);

// Where what is unlike the rest is asked for: adds what the sources' weights did not expect, and moves patterns of
// such records to the front of the story.
Status add_odd(const store::RecordLog& log, const store::EvidenceStore& evidence, const search::Limits& limits, Judged& judged);

Result<Judged> judge(const store::RecordLog& log, const search::Profiles& scope, std::vector<plan::Candidate> candidates,
                     const search::Limits& limits);

}  // namespace silt::answer::reply
