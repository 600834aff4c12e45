// Re-ranking by the adapted model.
//
// Two gains, in nats per token, under the source's fast weights:
//   forward  = nll(question) - nll(question | line): how much the line makes the question expected
//   backward = nll(line) - nll(line | question): how much the question makes the line expected
//   score    = lexical + weights.forward * forward + weights.backward * backward
// Lines of one pattern differ in values, which the lexical score knows better than the model, so the
// best line of each pattern speaks for all of them: a question costs as many passes as it has
// patterns among its candidates.
#pragma once

#include <atomic>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/answer/findings.h"
#include "daemon/answer/surprise.h"

namespace silt::answer {

struct RankWeights {
  double forward = 0.05;
  double backward = 0.05;
  std::size_t lines_max = 12;  // lines that are read by the model, the lexically best ones
};

// Sets `score` of all records and sorts by it; of equal score the earlier order stays. The sources'
// snapshots give the fast weights, W_0 where there is none.
Status rerank(std::string_view question, const std::vector<AnswerSource>& sources, const RankWeights& weights,
              SurpriseScorer& scorer, const std::atomic<bool>& cancelled, std::vector<Finding>& records);

}  // namespace silt::answer
