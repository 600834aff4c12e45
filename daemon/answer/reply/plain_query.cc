#include "daemon/answer/reply/plain_query.h"

#include <algorithm>
#include <utility>

#include "daemon/answer/language/words.h"

namespace silt::answer::reply {
namespace {

// "port", where numbers are compared or summed and the numbers are in "port:num".
std::string name_of_number(const std::string& name, const search::Profiles& scope) {
  const search::SlotProfile* best = nullptr;
  for (const auto& profile : scope) {
    for (const search::SlotProfile& slot : profile->slots) {
      if (slot.numbers == 0 || slot.base() != name) continue;
      if (slot.name == name && slot.numbers * 2 > slot.count) return name;
      if (best == nullptr || slot.numbers > best->numbers) best = &slot;
    }
  }
  return best == nullptr ? name : best->name;
}

void name_numbers(Query& query, const search::Profiles& scope) {
  const bool sums = query.op == Op::kSum || query.op == Op::kAverage || query.op == Op::kMin || query.op == Op::kMax || query.op == Op::kPercentile;
  if (sums && !query.operand.empty()) query.operand = name_of_number(query.operand, scope);
  for (Test& test : query.tests) {
    if (test.any.empty()) test.slot = name_of_number(test.slot, scope);
  }
}

// Words are found in upper and lower case, as long as they are in lower case here.
void lower_words(Query& query) {
  for (auto* groups : {&query.words, &query.from_words, &query.to_words}) {
    for (WordGroup& group : *groups) std::ranges::transform(group, group.begin(), language::lower);
  }
  std::ranges::transform(query.not_words, query.not_words.begin(), language::lower);
}

}  // namespace

Result<Judged> run_query(const store::RecordLog& log, const search::Profiles& scope, Query query, const search::Limits& limits) {
  Judged judged;
  judged.candidate.query = std::move(query);
  judged.scope = scope;
  lower_words(judged.candidate.query);
  name_numbers(judged.candidate.query, judged.scope);
  const Query& named = judged.candidate.query;
  SILT_ASSIGN(judged.outcome, search::execute(log, judged.scope, named, limits));
  if (named.op == Op::kCompare && named.other_window.bounded()) {
    Query other = named;
    other.window = named.other_window;
    SILT_ASSIGN(judged.other, search::execute(log, judged.scope, other, limits));
  }
  if (named.op == Op::kSummary || named.op == Op::kNew || named.op == Op::kGone || named.op == Op::kExplain) {
    judged.candidate.ground = plan::Ground::kAll;
    SILT_ASSIGN(judged.story, tell(log, judged.scope, judged.outcome, named.op, 7));
  }
  judged.verdict = Verdict::kStated;
  return judged;
}

}  // namespace silt::answer::reply
