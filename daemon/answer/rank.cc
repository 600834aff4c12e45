#include "daemon/answer/rank.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace silt::answer {
namespace {

using Line = std::pair<std::size_t, PatternId>;  // a pattern of a source: one of its lines stands for all
using Scored = SurpriseScorer::Scored;

double per_token(double gain, const Scored& scored) {
  return scored.tokens.empty() ? 0 : gain / double(scored.tokens.size());
}

std::shared_ptr<const model::FastWeights> weights_of(const AnswerSource& source) {
  return source.snapshot ? source.snapshot->weights : nullptr;
}

// The lexically best line of each of the first patterns, as the model reads it.
std::map<Line, std::string> lines_of(const std::vector<Finding>& records, std::size_t lines_max) {
  std::map<Line, std::string> lines;
  for (const Finding& record : records) {
    const Line key(record.source, record.pattern);
    if (lines.size() < lines_max) lines.try_emplace(key, record.text + "\n");
  }
  return lines;
}

}  // namespace

Status rerank(std::string_view question, const std::vector<AnswerSource>& sources, const RankWeights& weights,
              SurpriseScorer& scorer, const std::atomic<bool>& cancelled, std::vector<Finding>& records) {
  if (records.size() < 2) return Status::ok();
  const std::string asked = std::string(question) + "\n";
  const std::map<Line, std::string> lines = lines_of(records, weights.lines_max);
  std::vector<SurpriseScorer::Text> texts;
  std::map<std::size_t, std::size_t> alone;  // where the question without a line stands, by source
  for (const auto& [key, line] : lines) {
    const auto fast = weights_of(sources[key.first]);
    if (alone.try_emplace(key.first, texts.size()).second) texts.push_back({fast, {}, asked});
    texts.insert(texts.end(), {{fast, line, asked}, {fast, {}, line}, {fast, asked, line}});
  }
  if (cancelled.load(std::memory_order_relaxed))
    return Status(Code::kCancelled, "the question was cancelled");
  SILT_ASSIGN(const std::vector<Scored> scored, scorer.score(texts));
  std::map<Line, double> gains;
  std::size_t at = 0;
  for (const auto& [key, line] : lines) {
    if (alone.at(key.first) == at) ++at;
    const Scored &behind = scored[at], &bare = scored[at + 1], &given = scored[at + 2];
    at += 3;
    gains[key] = weights.forward * per_token(scored[alone.at(key.first)].total() - behind.total(), behind) +
                 weights.backward * per_token(bare.total() - given.total(), given);
  }
  for (Finding& record : records) {
    const auto found = gains.find({record.source, record.pattern});
    record.score = record.lexical + (found == gains.end() ? 0 : found->second);
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const Finding& a, const Finding& b) { return a.score > b.score; });
  return Status::ok();
}

}  // namespace silt::answer
