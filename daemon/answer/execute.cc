#include "daemon/answer/execute.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "daemon/answer/lexical.h"
#include "daemon/answer/slots.h"
#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

constexpr std::size_t kPool = 256;   // records per source whose text is scored
constexpr double kSlotWeight = 0.5;  // of having what was asked, against coverage 1
constexpr double kProximityWeight = 0.15;
constexpr double kWeakWord = 0.25;    // "status", "file": rank little
constexpr double kCoverageMin = 0.3;  // of a find without identifiers; below it, it is no answer

Retriever retriever(const ExecuteContext& context, std::size_t source) {
  const AnswerSource& of = context.sources[source];
  return Retriever(context.log, context.evidence, of.info.ref, of.fold.folded_seq, context.budget);
}

std::vector<std::string> known_terms(const QueryPlan& plan) {
  std::vector<std::string> known;
  for (const auto* list : {&plan.required, &plan.optional}) {
    for (const PlanTerm& term : *list) known.push_back(term.text);
  }
  for (const std::string& phrase : plan.phrases) known.push_back(lower_ascii(phrase));
  return known;
}

bool newer(const Finding& a, const Finding& b) {
  if (a.event_us != b.event_us) return a.event_us > b.event_us;
  if (a.source != b.source) return a.source < b.source;
  return a.seq > b.seq;
}

std::uint64_t total(const std::vector<SourceMatches>& matches) {
  std::uint64_t sum = 0;
  for (const SourceMatches& match : matches) sum += match.seqs.size();
  return sum;
}

bool selective(const QueryPlan& plan) {
  return !plan.required.empty() || !plan.phrases.empty() || plan.pattern.has_value();
}

Status explain_nothing(const std::vector<PlanTerm>& terms, const ExecuteContext& context, Findings& out) {
  for (const PlanTerm& term : terms) {
    MissingTerm missing{term.text, 0};
    for (std::size_t i = 0; i < context.sources.size(); ++i) {
      SILT_ASSIGN(const TermGroup group, retriever(context, i).expand(term, MatchLevel::kDirect));
      missing.count += group.count;
    }
    out.missing.push_back(std::move(missing));
  }
  return Status::ok();
}

// Records of one source, scored by words and slot.
class Scorer {
 public:
  Scorer(const QueryPlan& plan, const ExecuteContext& context)
      : plan_(plan), context_(context), slots_(plan.slot, plan.near, known_terms(plan)) {}

  Status add(std::size_t source, const std::vector<Seq>& seqs, const std::vector<TermGroup>& groups,
             std::vector<Finding>& out) {
    for (const Seq seq : seqs) {
      SILT_TRY(context_.budget.check());
      auto finding = load_finding(context_, source, seq);
      if (!finding.is_ok()) {
        if (finding.status().code() == Code::kNotFound) continue;
        return finding.status();
      }
      score(*finding, groups);
      out.push_back(std::move(*finding));
    }
    return Status::ok();
  }

  void score(Finding& finding, const std::vector<TermGroup>& groups) {
    const auto& values = slots_.read(finding.text, finding.event_us);
    const LexicalScore words = score_words(slots_.line(), groups);
    if (!values.empty()) {
      finding.value = values.front().text;
      finding.fit = values.front().fit;
    }
    finding.span = !values.empty() && values.front().span.end > 0 ? values.front().span
                   : words.span.end > 0                           ? words.span
                                                                  : message_span(finding.text);
    finding.lexical =
        words.coverage + kProximityWeight * words.proximity * words.coverage + kSlotWeight * finding.fit;
    finding.score = finding.lexical;
  }

 private:
  const QueryPlan& plan_;
  const ExecuteContext& context_;
  SlotReader slots_;
};

Status ranking_groups(const QueryPlan& plan, const Retriever& from, std::vector<TermGroup>& groups) {
  for (const auto* list : {&plan.required, &plan.optional}) {
    for (const PlanTerm& term : *list) {
      SILT_ASSIGN(TermGroup group, from.expand(term, MatchLevel::kSynonym));
      if (is_weak_word(term.text)) group.idf *= kWeakWord;
      groups.push_back(std::move(group));
    }
  }
  return Status::ok();
}

Status one_record(const QueryPlan& plan, const ExecuteContext& context, Findings& out) {
  for (std::size_t i = 0; i < context.sources.size(); ++i) {
    auto finding = load_finding(context, i, *plan.seq);
    if (finding.is_ok()) {
      out.records.push_back(std::move(*finding));
    } else if (finding.status().code() != Code::kNotFound) {
      return finding.status();
    }
  }
  out.matched = out.records.size();
  return Status::ok();
}

Status find(const QueryPlan& plan, const ExecuteContext& context, Findings& out) {
  if (plan.seq) return one_record(plan, context, out);
  std::vector<SourceMatches> matches;
  const bool select = selective(plan);
  if (select) SILT_TRY(match_required(plan, plan.required, plan.time, context, matches, out));
  if (select && total(matches) == 0) return explain_nothing(plan.required, context, out);
  Scorer scorer(plan, context);
  for (std::size_t i = 0; i < context.sources.size(); ++i) {
    const Retriever from = retriever(context, i);
    std::vector<TermGroup> groups;
    SILT_TRY(ranking_groups(plan, from, groups));
    std::vector<Seq> seqs;
    if (select) {
      for (SourceMatches& match : matches) {
        if (match.source == i) seqs = std::move(match.seqs);
      }
    } else if (groups.empty()) {
      SILT_TRY(from.matches({}, plan, plan.time, seqs));
    } else {
      SILT_TRY(from.any_of(groups, plan, plan.time, seqs));
    }
    out.matched += seqs.size();
    SILT_TRY(from.keep_best(groups, kPool, seqs));
    SILT_TRY(scorer.add(i, seqs, groups, out.records));
  }
  std::sort(out.records.begin(), out.records.end(), [](const Finding& a, const Finding& b) {
    return a.lexical != b.lexical ? a.lexical > b.lexical : newer(a, b);
  });
  if (out.records.size() > context.candidates_max) out.records.resize(context.candidates_max);
  const double coverage =
      out.records.empty() ? 0 : out.records.front().lexical - kSlotWeight * out.records.front().fit;
  if (!select && !plan.optional.empty() && coverage < kCoverageMin) {
    out.records.clear();
    out.matched = 0;
    return explain_nothing(plan.optional, context, out);
  }
  return Status::ok();
}

Status newest_examples(const std::vector<SourceMatches>& matches, const ExecuteContext& context,
                       Findings& out) {
  for (const SourceMatches& match : matches) {
    const std::size_t some = std::min(match.seqs.size(), context.examples_max);
    for (std::size_t i = 0; i < some; ++i) {
      auto finding = load_finding(context, match.source, match.seqs[match.seqs.size() - 1 - i]);
      if (finding.is_ok()) out.records.push_back(std::move(*finding));
    }
  }
  std::sort(out.records.begin(), out.records.end(), newer);
  if (out.records.size() > context.examples_max) out.records.resize(context.examples_max);
  return Status::ok();
}

// Groups matching records by the plan's slot: counts all, keeps the newest few of each group.
class Grouper {
 public:
  Grouper(const QueryPlan& plan, const ExecuteContext& context)
      : plan_(plan), context_(context), slots_(plan.slot, plan.near, known_terms(plan)) {}

  Status add(const SourceMatches& match) {
    const SourceRef ref = context_.sources[match.source].info.ref;
    for (const Seq seq : match.seqs) {
      SILT_TRY(context_.budget.check());
      std::string label;
      if (plan_.slot == Slot::kSource) {
        label = context_.sources[match.source].info.name;
      } else if (plan_.slot == Slot::kPattern) {
        const auto row = context_.evidence.evidence(ref, seq);
        if (row.is_ok()) label = pattern_label(match.source, row->pattern);
      } else if (auto finding = load_finding(context_, match.source, seq); finding.is_ok()) {
        label = take_value(*finding);
      }
      if (label.empty()) continue;
      Group& group = groups_[label];
      ++group.count;
      group.newest.emplace_back(match.source, seq);
      if (group.newest.size() > 2 * context_.examples_max) {
        group.newest.erase(group.newest.begin(),
                           group.newest.end() - static_cast<std::ptrdiff_t>(context_.examples_max));
      }
    }
    return Status::ok();
  }

  std::size_t size() const { return groups_.size(); }

  // The `limit` largest (or smallest) groups; of equal count the first by label.
  Status rows(std::size_t limit, std::vector<TableRow>& out) {
    for (const auto& [label, group] : groups_) out.push_back(TableRow{label, group.count, 0, {}, {}});
    const bool least = plan_.order == Order::kLeast;
    std::stable_sort(out.begin(), out.end(), [least](const TableRow& a, const TableRow& b) {
      return least ? a.count < b.count : a.count > b.count;
    });
    if (out.size() > limit) out.resize(limit);
    for (TableRow& row : out) SILT_TRY(examples(groups_[row.label].newest, row));
    return Status::ok();
  }

 private:
  struct Group {
    std::uint64_t count = 0;
    std::vector<std::pair<std::size_t, Seq>> newest;  // source, seq
  };

  std::string take_value(Finding& finding) {
    const auto& values = slots_.read(finding.text, finding.event_us);
    if (values.empty()) return {};
    if (values.front().span.end > 0) finding.span = values.front().span;
    finding.value = values.front().text;
    return finding.value;
  }

  const std::string& pattern_label(std::size_t source, PatternId id) {
    std::string& label = labels_[{source, id}];
    if (label.empty()) {
      const auto row = context_.evidence.pattern(context_.sources[source].info.ref, id);
      label = row.is_ok() ? row->text : "pattern " + std::to_string(id);
    }
    return label;
  }

  Status examples(const std::vector<std::pair<std::size_t, Seq>>& newest, TableRow& row) {
    for (const auto& [source, seq] : newest) {
      auto finding = load_finding(context_, source, seq);
      if (!finding.is_ok()) continue;
      if (plan_.slot != Slot::kPattern && plan_.slot != Slot::kSource) take_value(*finding);
      row.examples.push_back(std::move(*finding));
    }
    std::sort(row.examples.begin(), row.examples.end(), newer);
    if (row.examples.size() > context_.examples_max) row.examples.resize(context_.examples_max);
    return Status::ok();
  }

  const QueryPlan& plan_;
  const ExecuteContext& context_;
  SlotReader slots_;
  std::map<std::string, Group> groups_;
  std::map<std::pair<std::size_t, PatternId>, std::string> labels_;
};

Status top(const QueryPlan& plan, const ExecuteContext& context, Findings& out) {
  std::vector<SourceMatches> matches;
  SILT_TRY(match_required(plan, plan.required, plan.time, context, matches, out));
  out.matched = total(matches);
  if (out.matched == 0) return explain_nothing(plan.required, context, out);
  Grouper grouper(plan, context);
  for (const SourceMatches& match : matches) SILT_TRY(grouper.add(match));
  out.distinct = grouper.size();
  SILT_TRY(grouper.rows(plan.limit, out.rows));
  if (out.rows.empty()) return newest_examples(matches, context, out);
  return Status::ok();
}

Status count(const QueryPlan& plan, const ExecuteContext& context, Findings& out) {
  if (plan.slot != Slot::kNone) return top(plan, context, out);
  std::vector<SourceMatches> matches;
  SILT_TRY(match_required(plan, plan.required, plan.time, context, matches, out));
  out.matched = total(matches);
  if (out.matched == 0) return explain_nothing(plan.required, context, out);
  return newest_examples(matches, context, out);
}

Status first_or_last(const QueryPlan& plan, const ExecuteContext& context, Findings& out) {
  std::vector<SourceMatches> matches;
  SILT_TRY(match_required(plan, plan.required, plan.time, context, matches, out));
  out.matched = total(matches);
  if (out.matched == 0) return explain_nothing(plan.required, context, out);
  Scorer scorer(plan, context);
  const bool last = plan.kind == PlanKind::kLast;
  for (SourceMatches& match : matches) {
    // Seq order is arrival order; event times may differ a little, so a few more are read than asked.
    const std::size_t some = std::min<std::size_t>(match.seqs.size(), plan.limit + 16);
    if (last) match.seqs.erase(match.seqs.begin(), match.seqs.end() - static_cast<std::ptrdiff_t>(some));
    match.seqs.resize(some);
    std::vector<TermGroup> groups;
    SILT_TRY(ranking_groups(plan, retriever(context, match.source), groups));
    SILT_TRY(scorer.add(match.source, match.seqs, groups, out.records));
  }
  std::sort(out.records.begin(), out.records.end(),
            [last](const Finding& a, const Finding& b) { return last ? newer(a, b) : newer(b, a); });
  if (out.records.size() > plan.limit) out.records.resize(plan.limit);
  return Status::ok();
}

// The first record with the required terms, and the first behind it, of the same source, with the end
// terms; then what lies between, the most surprising first.
Status between(const QueryPlan& plan, const ExecuteContext& context, Findings& out) {
  std::vector<SourceMatches> starts, ends;
  SILT_TRY(match_required(plan, plan.required, plan.time, context, starts, out));
  QueryPlan bare = plan;
  bare.phrases.clear();
  SILT_TRY(match_required(bare, plan.end_terms, plan.time, context, ends, out));
  for (const SourceMatches& start : starts) {
    for (const SourceMatches& end : ends) {
      if (end.source != start.source || start.seqs.empty()) continue;
      const auto stop = std::upper_bound(end.seqs.begin(), end.seqs.end(), start.seqs.front());
      if (stop == end.seqs.end()) continue;
      SILT_ASSIGN(Finding first, load_finding(context, start.source, start.seqs.front()));
      SILT_ASSIGN(Finding last, load_finding(context, start.source, *stop));
      out.span_us = last.event_us - first.event_us;
      out.matched = last.seq - first.seq - 1;
      std::vector<std::pair<double, Seq>> inside;
      SILT_TRY(context.evidence.scan(context.sources[start.source].info.ref, {first.seq + 1, last.seq - 1}, true,
                                     [&](const Evidence& row) {
                                       inside.emplace_back(-double(row.adapted_nats), row.seq);
                                       return context.budget.spend();
                                     }));
      std::sort(inside.begin(), inside.end());
      out.records.push_back(std::move(first));
      out.records.push_back(std::move(last));
      for (std::size_t i = 0; i < inside.size() && i + 2 < context.examples_max; ++i) {
        SILT_ASSIGN(Finding middle, load_finding(context, start.source, inside[i].second));
        out.records.push_back(std::move(middle));
      }
      return Status::ok();
    }
  }
  SILT_TRY(explain_nothing(plan.required, context, out));
  return explain_nothing(plan.end_terms, context, out);
}

void note_reading(const TermGroup& group, Findings& out) {
  if (group.level != MatchLevel::kSpelling && group.level != MatchLevel::kSynonym) return;
  std::string words;
  for (std::size_t i = 0; i < group.words.size() && i < 5; ++i) words += (i ? ", " : "") + group.words[i];
  std::string note = "no record says \"" + group.term.text + "\"; read as: " + words;
  if (std::find(out.notes.begin(), out.notes.end(), note) == out.notes.end())
    out.notes.push_back(std::move(note));
}

}  // namespace

Status match_required(const QueryPlan& plan, const std::vector<PlanTerm>& terms, const TimeRange& time,
                      const ExecuteContext& context, std::vector<SourceMatches>& matches, Findings& out) {
  for (const MatchLevel most : {MatchLevel::kDirect, MatchLevel::kSpelling, MatchLevel::kSynonym}) {
    matches.clear();
    for (std::size_t i = 0; i < context.sources.size(); ++i) {
      const Retriever from = retriever(context, i);
      std::vector<TermGroup> groups;
      for (const PlanTerm& term : terms) {
        SILT_ASSIGN(TermGroup group, from.expand(term, most));
        groups.push_back(std::move(group));
      }
      SourceMatches found{i, {}};
      SILT_TRY(from.matches(groups, plan, time, found.seqs));
      if (found.seqs.empty()) continue;
      for (const TermGroup& group : groups) note_reading(group, out);
      matches.push_back(std::move(found));
    }
    if (!matches.empty() || terms.empty()) break;
  }
  return Status::ok();
}

Result<Finding> load_finding(const ExecuteContext& context, std::size_t source, Seq seq) {
  const SourceRef ref = context.sources[source].info.ref;
  SILT_ASSIGN(const Evidence evidence, context.evidence.evidence(ref, seq));
  SILT_ASSIGN(JournalRecord record, context.log.read(ref, seq));
  Finding finding;
  finding.source = source;
  finding.seq = seq;
  finding.pattern = evidence.pattern;
  finding.event_us = evidence.event_us;
  finding.bits = double(evidence.adapted_nats) / std::log(2.0);
  finding.text = std::move(record.text);
  finding.span = message_span(finding.text);
  return finding;
}

Span message_span(const std::string& text) {
  const auto time = find_timestamp(text);
  std::size_t begin = time && time->begin < 8 ? time->end : 0;
  while (begin < text.size() && (text[begin] == ' ' || text[begin] == ']' || text[begin] == ':')) ++begin;
  if (begin >= text.size()) begin = 0;
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(text.size())};
}

Result<Findings> execute(const QueryPlan& plan, const ExecuteContext& context) {
  Findings out;
  Status status;
  switch (plan.kind) {
    case PlanKind::kFind:
    case PlanKind::kExplain: status = find(plan, context, out); break;
    case PlanKind::kCount: status = count(plan, context, out); break;
    case PlanKind::kTop: status = top(plan, context, out); break;
    case PlanKind::kFirst:
    case PlanKind::kLast: status = first_or_last(plan, context, out); break;
    case PlanKind::kBetween: status = between(plan, context, out); break;
    case PlanKind::kCompare: status = compare(plan, context, out); break;
    case PlanKind::kDigest: status = digest(plan, context, out); break;
  }
  SILT_TRY(status);
  return out;
}

}  // namespace silt::answer
