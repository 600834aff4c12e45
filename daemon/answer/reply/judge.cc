#include "daemon/answer/reply/judge.h"

#include <algorithm>
#include <cmath>

namespace silt::answer::reply {
namespace {

using plan::Candidate;
using search::Outcome;

constexpr float kClosest = 0.1F;  // least confidence of what is shown as closest

constexpr float kSureSource = 0.52F;  // least share of the source that something is stated of: rather than all others together
constexpr float kRival = 0.25F;      // least share, against the best, of what else is shown

// A list of the values of a slot that has a name claims less than one of lines that fit.
bool lists_named(const Judged& judged) {
  const std::string& operand = judged.candidate.query.operand;
  const search::SlotProfile* slot = judged.scope.empty() ? nullptr : judged.scope.front()->slot(operand);
  return slot != nullptr && slot->role != search::Role::kPlain;
}

// A few lines are all shown, and claim no more than that they fit; those of an identifier fit too easily.
bool shows_all(const Judged& judged) {
  constexpr std::uint64_t kFew = 3;
  return judged.candidate.query.operand.empty() && judged.candidate.firm_words == 0 && judged.outcome.matched <= kFew;
}

// Least confidence of what is stated. An explanation shows lines and claims little; a list claims
// that these are the ones, and of half a match it was right half of the time.
float stated_from(const Judged& judged) {
  if (judged.candidate.prose) return 0.25F;
  switch (judged.candidate.query.op) {
    case Op::kExplain:
    case Op::kSummary: return 0.2F;
    case Op::kNew: return 0.55F;
    case Op::kFirst:
    case Op::kLast:
    case Op::kWhen: return 0.33F;
    case Op::kExists:
    case Op::kTop:
    case Op::kBottom: return 0.35F;
    case Op::kList: return shows_all(judged) ? 0.43F : lists_named(judged) ? 0.505F : 0.58F;
    case Op::kCompare: return 0.5F;
    default: return 0.42F;
  }
}

// Whether "none" may be said: of a level that no record has, and of a time in which nothing else fits.
bool none_is_answer(const Candidate& candidate) {
  const Query& query = candidate.query;
  if (query.op != Op::kCount && query.op != Op::kExists && query.op != Op::kRate) return false;
  const bool levels = !query.tests.empty() && query.words.empty() &&
                      std::all_of(query.tests.begin(), query.tests.end(), [](const Test& test) { return test.slot == "severity"; });
  return levels && candidate.lost.empty();
}

float confidence_of(const Candidate& candidate, const Outcome& outcome) {
  const Query& query = candidate.query;
  float confidence = candidate.coverage;
  const bool needs_operand = query.op == Op::kTop || query.op == Op::kBottom || query.op == Op::kDistinct ||
                             query.op == Op::kAverage || query.op == Op::kSum || query.op == Op::kMax ||
                             query.op == Op::kMin || query.op == Op::kPercentile;
  if (needs_operand && query.group.empty()) confidence *= std::min(1.0F, 0.3F + candidate.operand_score);
  const bool span = query.op == Op::kDuration && query.operand.empty() && !is_span(query) && candidate.ground == plan::Ground::kPatterns;
  if (span && candidate.firm_words == 0) confidence *= 0.6F;
  const bool one_side = query.op == Op::kCompare && !query.other_window.bounded() && query.versus.empty() && query.group.empty();
  if (one_side) confidence *= 0.35F;

  if (candidate.bound_lost) confidence *= 0.3F;
  if (candidate.negation_lost) confidence *= 0.5F;
  if (candidate.value_alone) confidence *= 0.5F;
  const bool shows = query.op == Op::kExplain || query.op == Op::kSummary || query.op == Op::kNew || query.op == Op::kGap;
  if (candidate.state_lost && !shows && query.tests.empty()) confidence *= 0.5F;
  if (candidate.asked_lost && query.op == Op::kList && !candidate.prose) confidence *= 0.8F;
  if (!has_answer(query, outcome)) confidence *= none_is_answer(candidate) ? 0.9F : 0.3F;
  return confidence;
}

// What a share is one of: the records of the same time that have the tested slots at all. Lines without a
// severity are lines, though.
Query whole_of(const Query& part) {
  Query whole;
  whole.op = Op::kCount;
  whole.sources = part.sources;
  whole.window = part.window;
  for (const Test& test : part.tests) {
    if (test.slot != "severity") whole.tests.push_back({test.slot, Compare::kIsNot, {""}, 0, ""});
  }
  return whole;
}

// Takes away what holds least of the question, where the whole finds nothing. False: nothing is left
// that may go.
bool relax(Candidate& candidate) {
  auto& words = candidate.query.words;
  auto& weights = candidate.word_weights;
  float gone = 0;
  const bool words_left = words.size() > candidate.firm_words;
  const bool column = !candidate.soft_tests.empty() && candidate.soft_tests.back().find_first_of(":#") == std::string::npos;
  if (!candidate.soft_tests.empty() && !(column && words_left) && (words.size() > candidate.firm_words || candidate.query.tests.size() > 1)) {
    const std::string slot = candidate.soft_tests.back();
    candidate.soft_tests.pop_back();
    std::erase_if(candidate.query.tests, [&](const Test& test) { return test.slot == slot; });
    candidate.lost.push_back(slot);
    gone = 0.3F * candidate.weight;
  } else if (words.size() > candidate.firm_words + 1 || (words.size() > candidate.firm_words && (candidate.firm_words > 0 || !candidate.query.tests.empty()))) {
    const auto least = std::min_element(weights.begin() + static_cast<std::ptrdiff_t>(candidate.firm_words), weights.end());
    const auto at = least - weights.begin();
    candidate.lost.push_back(words[static_cast<std::size_t>(at)].front());
    gone = *least;
    words.erase(words.begin() + at);
    weights.erase(least);
  } else {
    return false;
  }
  const bool topic_left = words.size() > candidate.firm_words || !candidate.query.tests.empty();
  candidate.value_alone |= candidate.firm_words > 0 && !topic_left;
  if (candidate.weight > 0) candidate.coverage = std::max(0.0F, candidate.coverage - gone / candidate.weight);
  return true;
}

void use_wording(Candidate& candidate, const plan::Wording& wording) {
  candidate.query.words.resize(candidate.firm_words);
  candidate.word_weights.resize(candidate.firm_words);
  candidate.query.words.insert(candidate.query.words.end(), wording.words.begin(), wording.words.end());
  candidate.word_weights.insert(candidate.word_weights.end(), wording.weights.begin(), wording.weights.end());
  candidate.coverage = wording.coverage;
}

// Where the query finds nothing: its next best wordings, one after the other, and then the best one with less
// and less of it.
Result<Outcome> execute_or_less(const store::RecordLog& log, const search::Profiles& scope, Candidate& candidate, const search::Limits& limits) {
  SILT_ASSIGN(Outcome outcome, search::execute(log, scope, candidate.query, limits));
  const auto settled = [&] { return has_answer(candidate.query, outcome) || none_is_answer(candidate); };
  if (settled()) return outcome;
  const auto firm = static_cast<std::ptrdiff_t>(candidate.firm_words);
  const plan::Wording best{{candidate.query.words.begin() + firm, candidate.query.words.end()},
                           {candidate.word_weights.begin() + firm, candidate.word_weights.end()},
                           candidate.coverage};
  for (const plan::Wording& other : candidate.others) {
    use_wording(candidate, other);
    SILT_ASSIGN(outcome, search::execute(log, scope, candidate.query, limits));
    if (settled()) return outcome;
  }
  if (!candidate.others.empty()) use_wording(candidate, best);
  while (!settled() && relax(candidate)) {
    SILT_ASSIGN(outcome, search::execute(log, scope, candidate.query, limits));
  }
  return outcome;
}

void note_findings(Judged& judged) {
  plan::Signs& signs = judged.candidate.signs;
  of(signs, plan::Sign::kConfidence) = judged.confidence;
  of(signs, plan::Sign::kFound) = std::log1p(static_cast<float>(judged.outcome.matched));
  of(signs, plan::Sign::kLost) = static_cast<float>(judged.candidate.lost.size());
}

// Best first, by what speaks for their sources now that they were searched.
void choose_source(std::vector<Judged>& all) {
  std::stable_sort(all.begin(), all.end(), [](const Judged& a, const Judged& b) {
    return plan::odds_after(a.candidate.signs) > plan::odds_after(b.candidate.signs);
  });
  std::vector<float> odds;
  for (const Judged& one : all) odds.push_back(plan::odds_after(one.candidate.signs));
  const float first = plan::share_of_first(odds);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].candidate.margin = first * std::exp(odds[i] - odds.front());
}

// Summaries and oddities tell patterns; explanations add what stands around the first match.
Status add_story(const store::RecordLog& log, Judged& judged) {
  const Op op = judged.candidate.query.op;
  const bool all = judged.candidate.ground == plan::Ground::kAll;
  const bool lines = op == Op::kExplain || judged.candidate.prose;
  if (op != Op::kSummary && op != Op::kNew && op != Op::kGone && !lines) return Status::ok();
  if (!lines || all) {
    SILT_ASSIGN(judged.story, tell(log, judged.scope, judged.outcome, op, 7));
    return Status::ok();
  }
  if (judged.candidate.prose) {
    SILT_ASSIGN(judged.passages, passages(log, judged.scope, judged.candidate));
    return Status::ok();
  }
  if (judged.outcome.sample.empty()) return Status::ok();
  SILT_ASSIGN(const std::vector<search::Hit> near, around(log, judged.scope, judged.outcome.sample.front(), 2, 2));
  for (const search::Hit& hit : near) judged.story.push_back({hit, 0});
  if (op == Op::kExplain) {
    Query all_lines;
    all_lines.window = judged.candidate.query.window;
    SILT_ASSIGN(const Outcome everything, search::execute(log, judged.scope, all_lines, {}));
    SILT_ASSIGN(judged.alarms, tell(log, judged.scope, everything, op, 3));
  }
  return Status::ok();
}

}  // namespace

bool has_answer(const Query& query, const Outcome& outcome) {
  if (is_span(query)) return outcome.value.has_value();
  switch (query.op) {
    case Op::kSum:
    case Op::kAverage:
    case Op::kMin:
    case Op::kMax:
    case Op::kPercentile: return outcome.value.has_value();
    case Op::kGap: return outcome.value.has_value();
    case Op::kTop:
    case Op::kBottom:
    case Op::kDistinct:
    case Op::kThreshold: return !outcome.groups.empty();
    default: return outcome.matched > 0;
  }
}

search::Profiles scope_of(const search::Profiles& scope, const Candidate& candidate) {
  search::Profiles out;
  for (const std::size_t i : candidate.sources) out.push_back(scope[i]);
  return out;
}

Status add_odd(const store::RecordLog& log, const store::EvidenceStore& evidence, const search::Limits& limits, Judged& judged) {
  constexpr std::size_t kMost = 3;
  const Op op = judged.candidate.query.op;
  const bool asked = op == Op::kNew || (op == Op::kExplain && judged.candidate.ground == plan::Ground::kAll);
  if (!asked || judged.verdict != Verdict::kStated) return Status::ok();
  SILT_ASSIGN(const search::Oddness found, search::find_odd(log, evidence, judged.scope, judged.candidate.query, kMost, limits));
  for (const search::OddRecord& each : found.odd) {
    const auto record = log.read(judged.scope[each.source]->ref, each.seq);
    if (search::is_gone(record.status())) continue;
    SILT_TRY(record.status());
    judged.odd.push_back({{each.source, each.seq, each.event_us, each.pattern, record->text, ""}, each});
  }
  std::stable_partition(judged.story.begin(), judged.story.end(), [&](const StoryLine& line) {
    return std::any_of(judged.odd.begin(), judged.odd.end(), [&](const OddLine& odd) { return odd.hit.source == line.hit.source && odd.hit.pattern == line.hit.pattern; });
  });
  return Status::ok();
}

Result<Judged> judge(const store::RecordLog& log, const search::Profiles& scope, std::vector<Candidate> candidates,
                     const search::Limits& limits) {
  std::vector<Judged> all;
  for (Candidate& candidate : candidates) {
    Judged judged;
    judged.scope = scope_of(scope, candidate);
    SILT_ASSIGN(judged.outcome, execute_or_less(log, judged.scope, candidate, limits));
    if (candidate.query.op == Op::kRate && candidate.query.group == "share") {
      SILT_ASSIGN(judged.other, search::execute(log, judged.scope, whole_of(candidate.query), limits));
    }
    if (candidate.query.op == Op::kCompare && candidate.query.other_window.bounded()) {
      Query other = candidate.query;
      other.window = candidate.query.other_window;
      SILT_ASSIGN(judged.other, search::execute(log, judged.scope, other, limits));
    }
    judged.confidence = confidence_of(candidate, judged.outcome);
    // A table says by its columns what it has: who reported a ticket is not in one without reporters.
    const auto layout = judged.scope.empty() ? search::Layout::Kind::kLines : judged.scope.front()->layout.kind;
    const bool table = layout == search::Layout::Kind::kCsv || layout == search::Layout::Kind::kTsv;
    if (table && candidate.query.op == Op::kList && candidate.operand_score < 0.3F) judged.confidence *= 0.75F;
    judged.candidate = std::move(candidate);
    note_findings(judged);
    all.push_back(std::move(judged));
  }
  if (all.empty()) return Judged{};
  choose_source(all);
  Judged best = std::move(all.front());
  if (!best.candidate.impossible.empty()) return best;  // nothing can have happened then
  SILT_TRY(add_story(log, best));
  // "How many seconds ...": a text that says no such quantity near the question's words does not answer it.
  if (const auto wanted = search::read_unit(best.candidate.wanted_unit); best.candidate.prose && wanted) {
    const bool said = std::any_of(best.passages.begin(), best.passages.end(), [&](const Passage& each) { return quantity_in(each, wanted->measure, best.candidate.prose_words).has_value(); });
    if (!said) best.confidence *= 0.5F;
  }
  best.verdict = best.confidence >= stated_from(best) ? Verdict::kStated
                 : best.confidence >= kClosest ? Verdict::kClosest
                                               : Verdict::kNothing;
  if (best.verdict != Verdict::kStated) return best;
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i].candidate.margin > kRival * best.candidate.margin && all[i].confidence >= stated_from(all[i])) best.rivals.push_back(std::move(all[i]));
  }
  if (best.candidate.margin < kSureSource) best.verdict = Verdict::kClosest;
  return best;
}

}  // namespace silt::answer::reply
