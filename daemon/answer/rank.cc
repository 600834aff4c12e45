#include "daemon/answer/rank.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace silt::answer {
namespace {

struct Gain {
  double forward = 0;
  double backward = 0;
};

double per_token(double gain, const SurpriseScorer::Scored& scored) {
  return scored.tokens.empty() ? 0 : gain / double(scored.tokens.size());
}

std::shared_ptr<const model::FastWeights> weights_of(const AnswerSource& source) {
  return source.snapshot ? source.snapshot->weights : nullptr;
}

}  // namespace

Status rerank(std::string_view question, const std::vector<AnswerSource>& sources, const RankWeights& weights,
              SurpriseScorer& scorer, const std::atomic<bool>& cancelled, std::vector<Finding>& records) {
  if (records.size() < 2) return Status::ok();
  const std::string asked = std::string(question) + "\n";
  std::map<std::pair<std::size_t, PatternId>, Gain> gains;
  std::map<std::size_t, double> alone;  // nll of the question per source
  for (const Finding& record : records) {
    const auto key = std::pair(record.source, record.pattern);
    if (gains.contains(key) || gains.size() >= weights.lines_max) continue;
    if (cancelled.load(std::memory_order_relaxed))
      return Status(Code::kCancelled, "the question was cancelled");
    const auto fast = weights_of(sources[record.source]);
    if (!alone.contains(record.source)) {
      SILT_ASSIGN(const auto bare, scorer.score(fast, {}, asked));
      alone[record.source] = bare.total();
    }
    const std::string line = record.text + "\n";
    Gain gain;
    if (weights.forward != 0) {
      SILT_ASSIGN(const auto scored, scorer.score(fast, line, asked));
      gain.forward = per_token(alone[record.source] - scored.total(), scored);
    }
    if (weights.backward != 0) {
      SILT_ASSIGN(const auto given, scorer.score(fast, asked, line));
      SILT_ASSIGN(const auto bare, scorer.score(fast, {}, line));
      gain.backward = per_token(bare.total() - given.total(), given);
    }
    gains[key] = gain;
  }
  for (Finding& record : records) {
    const auto found = gains.find({record.source, record.pattern});
    record.score = record.lexical;
    if (found == gains.end()) continue;
    record.score += weights.forward * found->second.forward + weights.backward * found->second.backward;
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const Finding& a, const Finding& b) { return a.score > b.score; });
  return Status::ok();
}

}  // namespace silt::answer
