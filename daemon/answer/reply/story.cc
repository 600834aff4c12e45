#include "daemon/answer/reply/story.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "daemon/answer/language/words.h"
#include "daemon/answer/search/quantities.h"
#include "daemon/answer/search/records.h"
#include "daemon/fold/severity.h"

namespace silt::answer::reply {
namespace {

using search::Hit;
using search::Outcome;
using search::PatternCount;

constexpr std::array<std::string_view, 34> kAlarming = {
    "error",   "errors",     "failed",    "failure",     "fail",     "fatal",   "panic",      "exception", "killed",
    "denied",  "refused",    "timeout",   "timed out",   "abort",    "aborted", "unexpected", "corrupt",   "crash",
    "crashed", "lost",       "cannot",    "unable",      "could not", "invalid", "out of memory", "attack",   "bug",
    "stuck",   "hung",       "blocked",   "unreachable", "exceeded", "attempt", "alert"};

// Without numbers and identifiers, so that patterns that differ in these only are told once.
std::string shape_of(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 200)) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) out += c;
  }
  return out.substr(0, 60);
}

struct Ranked {
  PatternCount found;
  const search::PatternProfile* pattern = nullptr;
  float alarm = 0;
  float rare = 0;
};

std::vector<Ranked> rank(const search::Profiles& scope, const Outcome& outcome) {
  std::vector<Ranked> out;
  for (const PatternCount& found : outcome.patterns) {
    const search::Profile& profile = *scope[found.source];
    const auto at = profile.pattern_at.find(found.pattern);
    if (at == profile.pattern_at.end()) continue;
    Ranked ranked;
    ranked.found = found;
    ranked.pattern = &profile.patterns[at->second];
    ranked.alarm = alarm_of(*ranked.pattern);
    ranked.rare = 1 - std::log1p(static_cast<float>(found.count)) / std::log1p(static_cast<float>(std::max<std::uint64_t>(outcome.matched, 2)));
    out.push_back(ranked);
  }
  return out;
}

void sort_by(std::vector<Ranked>& ranked, float alarm, float rare) {
  std::stable_sort(ranked.begin(), ranked.end(), [&](const Ranked& a, const Ranked& b) {
    return alarm * a.alarm + rare * a.rare > alarm * b.alarm + rare * b.rare;
  });
}

}  // namespace

float alarm_of(const search::PatternProfile& pattern) {
  float alarm = 0;
  const fold::Harm harm = fold::harm_of(pattern.severity);
  if (harm == fold::Harm::kStops) alarm = 0.9F;
  else if (harm == fold::Harm::kFails) alarm = 0.8F;
  else if (harm == fold::Harm::kWarns) alarm = 0.5F;
  std::size_t hits = 0;
  for (const std::string_view word : kAlarming) hits += language::has_word(pattern.example, word);
  return std::min(1.0F, alarm + 0.3F * static_cast<float>(std::min<std::size_t>(hits, 3)));
}

Result<std::vector<StoryLine>> tell(const store::RecordLog& log, const search::Profiles& scope, const Outcome& outcome, Op op,
                                    std::size_t most) {
  std::vector<Ranked> ranked = rank(scope, outcome);
  std::vector<Ranked> chosen;
  std::set<std::string> shapes;
  const auto pick = [&](std::size_t n) {
    for (const Ranked& each : ranked) {
      if (n == 0 || chosen.size() >= most) return;
      if (!shapes.insert(shape_of(each.pattern->text)).second) continue;
      chosen.push_back(each);
      --n;
    }
  };
  if (op == Op::kSummary) {
    pick(2);  // most frequent
    sort_by(ranked, 1.0F, 0.5F);
    pick(most - 3);
    std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) { return a.found.last_seq > b.found.last_seq; });
    pick(1);  // how it ended
  } else {
    sort_by(ranked, op == Op::kNew ? 0.5F : 1.0F, op == Op::kNew ? 1.0F : 0.4F);
    pick(most);
  }
  if (op == Op::kSummary) {
    std::stable_sort(chosen.begin(), chosen.end(), [](const Ranked& a, const Ranked& b) { return a.found.first_seq < b.found.first_seq; });
  }
  std::vector<StoryLine> out;
  for (const Ranked& each : chosen) {
    const auto record = log.read(scope[each.found.source]->ref, each.found.first_seq);
    if (search::is_gone(record.status())) continue;
    SILT_TRY(record.status());
    out.push_back({{each.found.source, record->seq, each.found.first_us, each.found.pattern, record->text, ""}, each.found.count});
  }
  return out;
}

Result<std::vector<Hit>> around(const store::RecordLog& log, const search::Profiles& scope, const Hit& hit, std::size_t before,
                                std::size_t after) {
  std::vector<Hit> out;
  const store::Seq first = hit.seq > before ? hit.seq - before : 1;
  SILT_TRY(search::scan_records(log, scope[hit.source]->ref, {first, hit.seq + after},
                                [&](const store::RecordView& record, const store::FoldMark& mark) {
                                  if (record.seq != hit.seq)
                                    out.push_back({hit.source, record.seq, mark.event_us, mark.pattern, std::string(record.text), ""});
                                  return true;
                                })
               .status());
  return out;
}

namespace {

std::vector<std::string> stems_of(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const std::string& word : words) out.push_back(language::stem(word));
  return out;
}

std::size_t hits_in(std::string_view text, const std::vector<std::string>& stems) {
  std::set<std::string> said;
  language::for_each_word(text, [&](std::string_view word, std::size_t) { said.insert(language::stem(language::lower(word))); });
  return static_cast<std::size_t>(std::count_if(stems.begin(), stems.end(), [&](const std::string& stem) { return said.contains(stem); }));
}

std::string_view sentence_at(std::string_view text, std::size_t at) {
  const auto ends = [&](std::size_t i) { return text[i] == '.' && (i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n'); };
  std::size_t begin = at, end = at;
  while (begin > 0 && !ends(begin - 1)) --begin;
  while (end < text.size() && !ends(end)) ++end;
  return text.substr(begin, end - begin);
}

}  // namespace

std::optional<search::Quantity> quantity_in(const Passage& passage, search::Measure measure, const std::vector<std::string>& words) {
  const std::vector<std::string> stems = stems_of(words);
  std::optional<search::Quantity> out;
  std::size_t most = 0;
  for (const Hit& hit : passage) {
    search::for_each_quantity(hit.text, [&](const search::Quantity& quantity, std::size_t at) {
      if (quantity.measure != measure) return;
      const std::size_t hits = hits_in(sentence_at(hit.text, at), stems);
      if (out && hits <= most) return;
      out = quantity;
      most = hits;
    });
  }
  return out;
}

namespace {

// Of each pattern the record that says most of the question: one pattern may stand for many lines of a text.
Result<std::map<store::PatternId, store::Seq>> telling_lines(const store::RecordLog& log, const search::Profile& profile,
                                                             const plan::Candidate& candidate) {
  const std::vector<std::string> stems = stems_of(candidate.prose_words);
  std::map<store::PatternId, std::pair<std::size_t, store::Seq>> best;
  for (const plan::NearPattern& each : candidate.near) {
    if (each.pattern < profile.patterns.size()) best[profile.patterns[each.pattern].id] = {0, profile.patterns[each.pattern].first_seq};
  }
  SILT_TRY(search::scan_records(log, profile.ref, {}, [&](const store::RecordView& record, const store::FoldMark& mark) {
             const auto found = best.find(mark.pattern);
             if (found == best.end()) return true;
             const std::size_t hits = hits_in(record.text, stems);
             if (hits > found->second.first) found->second = {hits, record.seq};
             return true;
           }).status());
  std::map<store::PatternId, store::Seq> out;
  for (const auto& [pattern, line] : best) out[pattern] = line.second;
  return out;
}

}  // namespace

Result<std::vector<Passage>> passages(const store::RecordLog& log, const search::Profiles& scope, const plan::Candidate& candidate) {
  const std::vector<plan::NearPattern>& near = candidate.near;
  SILT_ASSIGN(const auto lines, telling_lines(log, *scope.front(), candidate));
  constexpr std::size_t kMost = 8;
  constexpr store::Seq kBefore = 1, kAfter = 5;  // a paragraph goes on more often than it began before
  std::vector<Passage> out;
  std::set<store::Seq> told;
  for (const plan::NearPattern& each : near) {
    if (out.size() >= kMost || each.score < 0.5F * near.front().score) break;
    const search::Profile& profile = *scope.front();
    if (each.pattern >= profile.patterns.size()) continue;
    const store::Seq at = lines.at(profile.patterns[each.pattern].id);
    Passage passage;
    SILT_TRY(search::scan_records(log, profile.ref, {at > kBefore ? at - kBefore : 1, at + kAfter},
                                  [&](const store::RecordView& record, const store::FoldMark& mark) {
                                    const bool empty = record.text.find_first_not_of(" \t") == std::string_view::npos;
                                    if (!empty && told.insert(record.seq).second)
                                      passage.push_back({0, record.seq, mark.event_us, mark.pattern, std::string(record.text), ""});
                                    return true;
                                  })
                 .status());
    if (!passage.empty()) out.push_back(std::move(passage));
  }
  return out;
}

}  // namespace silt::answer::reply
