#include "daemon/answer/retrieve.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "daemon/answer/words.h"
#include "daemon/answer/names.h"

namespace silt::answer {
namespace {

constexpr std::size_t kFormsMax = 24;         // index terms per group
constexpr std::size_t kPrefixScan = 512;      // index terms looked at per prefix
constexpr std::size_t kCountCap = 10'000'000;  // postings of a word that are looked at
constexpr std::size_t kCommon = 50'000;        // a group this large never selects candidates

PlanTerm stemmed_term(const std::string& text) {
  return {text, true, {}, {}};
}

void sort_unique(std::vector<Seq>& seqs) {
  std::sort(seqs.begin(), seqs.end());
  seqs.erase(std::unique(seqs.begin(), seqs.end()), seqs.end());
}

}  // namespace

bool contains_phrase(std::string_view text, std::string_view phrase) {
  if (phrase.empty()) return true;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto part_of_word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto end_of = [&](auto from) {
    return std::search(from, text.end(), phrase.begin(), phrase.end(),
                       [&](char a, char b) { return lower(a) == lower(b); });
  };
  for (auto at = end_of(text.begin()); at != text.end(); at = end_of(at + 1)) {
    const auto after = at + static_cast<std::ptrdiff_t>(phrase.size());
    const bool starts = at == text.begin() || !part_of_word(*(at - 1)) || !part_of_word(phrase.front());
    const bool ends = after == text.end() || !part_of_word(*after) || !part_of_word(phrase.back());
    if (starts && ends) return true;
  }
  return false;
}

Status Budget::check() const {
  if (cancelled_.load(std::memory_order_relaxed))
    return Status(Code::kCancelled, "the question was cancelled");
  return Status::ok();
}

Status Retriever::forms(const PlanTerm& term, TermGroup& group) const {
  for (const std::string& alternative : term.alternatives) SILT_TRY(forms(stemmed_term(alternative), group));
  if (!term.stemmed) {
    group.words.push_back(term.text.substr(0, kMaxTermBytes));
    return Status::ok();
  }
  std::vector<std::string> words;
  SILT_TRY(evidence_.terms_with_prefix(source_, term.text, kPrefixScan, words));
  // A value's words are in no list: the usual forms are asked for one by one.
  for (const std::string_view end : {"", "s", "es", "d", "ed", "e", "er", "ing", "ion", "ure", "y", "ies"}) {
    words.push_back(term.text + std::string(end));
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  for (std::string& word : words) {
    if (group.words.size() < kFormsMax && same_word(term.text, word)) group.words.push_back(std::move(word));
  }
  return Status::ok();
}

Status Retriever::spellings(const PlanTerm& term, TermGroup& group) const {
  if (!term.stemmed || term.text.size() < 5) return Status::ok();
  std::vector<std::string> words;
  SILT_TRY(evidence_.terms_with_prefix(source_, term.text.substr(0, 2), kPrefixScan, words));
  for (std::string& word : words) {
    if (group.words.size() < kFormsMax && within_one_edit(stem(word), term.text))
      group.words.push_back(std::move(word));
  }
  return Status::ok();
}

// A word is looked for once, however often a question comes back to it.
Result<std::shared_ptr<const std::vector<Seq>>> Retriever::postings_of(const std::string& word) const {
  auto& known = postings_[word];
  if (known) return known;
  auto found = std::make_shared<std::vector<Seq>>();
  SILT_TRY(evidence_.postings(source_, word, {}, kCountCap, *found));
  if (found->size() == kCountCap) budget_.truncate();
  known = found;
  return known;
}

Status Retriever::count(TermGroup& group) const {
  group.count = 0;
  std::vector<std::string> present;
  for (std::string& word : group.words) {
    SILT_ASSIGN(const auto seqs, postings_of(word));
    if (seqs->empty()) continue;
    group.count += seqs->size();
    present.push_back(std::move(word));
  }
  group.words = std::move(present);
  const double all = double(std::max<Seq>(learned_seq_, 1));
  const double some = std::min(double(group.count), all);
  group.idf = std::log(1 + (all - some + 0.5) / (some + 0.5));
  // A word that never occurs says little about which record is meant.
  if (group.count == 0) group.idf *= 0.5;
  return Status::ok();
}

Result<TermGroup> Retriever::expand(const PlanTerm& term, MatchLevel most) const {
  TermGroup group;
  group.term = term;
  for (const MatchLevel level : {MatchLevel::kDirect, MatchLevel::kSpelling, MatchLevel::kSynonym}) {
    if (level > most) break;
    group.words.clear();
    if (level == MatchLevel::kDirect) SILT_TRY(forms(term, group));
    if (level == MatchLevel::kSpelling) SILT_TRY(spellings(term, group));
    if (level == MatchLevel::kSynonym) {
      for (const std::string& synonym : term.synonyms) SILT_TRY(forms(stemmed_term(synonym), group));
    }
    SILT_TRY(count(group));
    if (group.count == 0) continue;
    group.level = level;
    break;
  }
  return group;
}

Status Retriever::postings(const TermGroup& group, SeqRange range, std::vector<Seq>& out) const {
  out.clear();
  for (const std::string& word : group.words) {
    SILT_TRY(budget_.check());
    SILT_ASSIGN(const auto of_word, postings_of(word));
    const auto first = std::lower_bound(of_word->begin(), of_word->end(), range.first);
    out.insert(out.end(), first, std::upper_bound(first, of_word->end(), range.last));
  }
  sort_unique(out);
  return Status::ok();
}

Result<SeqRange> Retriever::range_of(const TimeRange& time) const {
  if (!time.bounded()) return SeqRange{};
  return evidence_.seqs_between(source_, time.first_us, time.last_us);
}

Status Retriever::intersect(std::vector<TermGroup> groups, SeqRange range, std::vector<Seq>& out) const {
  std::sort(groups.begin(), groups.end(),
            [](const TermGroup& a, const TermGroup& b) { return a.count < b.count; });
  SILT_TRY(postings(groups.front(), range, out));
  std::vector<Seq> next;
  for (std::size_t i = 1; i < groups.size() && !out.empty(); ++i) {
    SILT_TRY(postings(groups[i], {out.front(), out.back()}, next));
    std::vector<Seq> both;
    std::set_intersection(out.begin(), out.end(), next.begin(), next.end(), std::back_inserter(both));
    out = std::move(both);
  }
  return Status::ok();
}

Status Retriever::filter(const QueryPlan& plan, const TimeRange& time, std::vector<Seq>& seqs) const {
  std::vector<Seq> kept;
  if (time.bounded() || plan.pattern.has_value()) {
    SILT_TRY(evidence_.look_up(source_, seqs, false, [&](const Evidence& row) {
      if (time.contains(row.event_us) && (!plan.pattern || row.pattern == *plan.pattern)) kept.push_back(row.seq);
      return true;
    }));
    seqs = std::move(kept);
    kept.clear();
  }
  if (!budget_.spend(seqs.size())) {
    seqs.resize(static_cast<std::size_t>(std::min<std::uint64_t>(seqs.size(), budget_.left())));
  }
  if (plan.phrases.empty()) return Status::ok();
  for (const Seq seq : seqs) {
    SILT_TRY(budget_.check());
    const auto record = log_.read(source_, seq);
    if (!record.is_ok()) continue;  // retention took it
    const bool all = std::all_of(plan.phrases.begin(), plan.phrases.end(), [&](const std::string& phrase) {
      return contains_phrase(record->text, phrase);
    });
    if (all) kept.push_back(seq);
  }
  seqs = std::move(kept);
  return Status::ok();
}

Status Retriever::scan_all(const QueryPlan& plan, const TimeRange& time, SeqRange range,
                           std::vector<Seq>& out) const {
  Status cancelled;
  SILT_TRY(evidence_.scan(source_, range, false, [&](const Evidence& row) {
    if (!budget_.spend()) return false;
    if (row.seq % 1024 == 0 && !(cancelled = budget_.check()).is_ok()) return false;
    if (time.contains(row.event_us) && (!plan.pattern || row.pattern == *plan.pattern))
      out.push_back(row.seq);
    return true;
  }));
  return cancelled;
}

Status Retriever::matches(const std::vector<TermGroup>& groups, const QueryPlan& plan, const TimeRange& time,
                          std::vector<Seq>& out) const {
  out.clear();
  SILT_ASSIGN(const SeqRange range, range_of(time));
  if (groups.empty() && plan.phrases.empty()) return scan_all(plan, time, range, out);
  if (groups.empty()) {
    SILT_TRY(scan_all(plan, time, range, out));
    return filter(plan, TimeRange{}, out);
  }
  for (const TermGroup& group : groups) {
    if (group.count == 0) return Status::ok();
  }
  SILT_TRY(intersect(groups, range, out));
  if (out.empty()) return Status::ok();
  return filter(plan, time, out);
}

Status Retriever::any_of(const std::vector<TermGroup>& groups, const QueryPlan& plan, const TimeRange& time,
                         std::vector<Seq>& out) const {
  out.clear();
  SILT_ASSIGN(const SeqRange range, range_of(time));
  std::size_t rarest = kCountCap + 1;
  for (const TermGroup& group : groups) {
    if (group.count > 0) rarest = std::min(rarest, group.count);
  }
  std::vector<Seq> seqs;
  for (const TermGroup& group : groups) {
    if (group.count == 0 || group.count > std::max(kCommon, rarest)) continue;
    SILT_TRY(postings(group, range, seqs));
    out.insert(out.end(), seqs.begin(), seqs.end());
  }
  sort_unique(out);
  return out.empty() ? Status::ok() : filter(plan, time, out);
}

Status Retriever::keep_best(const std::vector<TermGroup>& groups, std::size_t limit,
                            std::vector<Seq>& seqs) const {
  if (seqs.size() <= limit) return Status::ok();
  std::vector<std::pair<double, Seq>> ranked;
  ranked.reserve(seqs.size());
  for (const Seq seq : seqs) ranked.emplace_back(0.0, seq);
  std::vector<Seq> with;
  for (const TermGroup& group : groups) {
    if (group.count == 0) continue;
    SILT_TRY(postings(group, {seqs.front(), seqs.back()}, with));
    std::size_t at = 0;
    for (auto& [score, seq] : ranked) {
      while (at < with.size() && with[at] < seq) ++at;
      if (at < with.size() && with[at] == seq) score += group.idf;
    }
  }
  std::sort(ranked.begin(), ranked.end(), std::greater<>());
  seqs.clear();
  for (std::size_t i = 0; i < limit; ++i) seqs.push_back(ranked[i].second);
  std::sort(seqs.begin(), seqs.end());
  return Status::ok();
}

}  // namespace silt::answer
