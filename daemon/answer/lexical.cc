#include "daemon/answer/lexical.h"

#include <algorithm>
#include <map>
#include <string>

#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

double weight_of(MatchLevel level) {
  switch (level) {
    case MatchLevel::kDirect: return 1;
    case MatchLevel::kSpelling: return 0.8;
    case MatchLevel::kSynonym: return 0.6;
    case MatchLevel::kNone: break;
  }
  return 0;
}

// The shortest run of hits that has all groups which occur at all.
std::size_t shortest_window(const std::vector<std::pair<std::size_t, std::size_t>>& hits,
                            std::size_t groups) {
  std::map<std::size_t, std::size_t> inside;
  std::size_t best = hits.back().first - hits.front().first + 1, left = 0;
  for (const auto& [token, group] : hits) {
    ++inside[group];
    while (inside.size() == groups) {
      best = std::min(best, token - hits[left].first + 1);
      if (--inside[hits[left].second] == 0) inside.erase(hits[left].second);
      ++left;
    }
  }
  return best;
}

}  // namespace

LexicalScore score_words(const ScannedLine& line, const std::vector<TermGroup>& groups) {
  LexicalScore score;
  double all = 0;
  for (const TermGroup& group : groups) all += group.idf;
  std::vector<std::string> terms;
  std::vector<bool> matched(groups.size(), false);
  std::vector<std::pair<std::size_t, std::size_t>> hits;  // token, group
  for (std::size_t i = 0; i < line.tokens.size(); ++i) {
    index_terms(text_of(line.text, line.tokens[i]), terms);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const auto& words = groups[g].words;
      const bool hit = std::any_of(terms.begin(), terms.end(), [&](const std::string& term) {
        return std::find(words.begin(), words.end(), term) != words.end();
      });
      if (!hit) continue;
      matched[g] = true;
      hits.emplace_back(i, g);
    }
  }
  if (hits.empty() || all <= 0) return score;
  std::size_t distinct = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!matched[g]) continue;
    ++distinct;
    score.coverage += groups[g].idf * weight_of(groups[g].level) / all;
  }
  score.proximity = distinct < 2 ? 0.5 : double(distinct) / double(shortest_window(hits, distinct));
  score.proximity = std::min(score.proximity, 1.0);
  score.span = {line.tokens[hits.front().first].begin, line.tokens[hits.back().first].end};
  return score;
}

}  // namespace silt::answer
