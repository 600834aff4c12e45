// Digest and compare: what is new, more, less or surprising in a stretch of time.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <unordered_map>

#include "daemon/answer/execute.h"
#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

constexpr Seq kIncidentGap = 50;      // records of a pattern closer than this are one incident
constexpr double kRateSigmas = 3;     // a change of rate is told from this many standard deviations on
constexpr double kSurpriseBits = 20;  // a record is told as surprising from here on

// What happened to one pattern of one source in one range.
struct PatternTally {
  std::uint64_t count = 0;
  std::uint64_t incidents = 0;
  bool is_new = false;  // the pattern was first seen here
  Seq first_seq = 0;
  Seq last_seq = 0;
  Seq peak_seq = 0;  // the most surprising record
  double peak_bits = -1;
  double peak_frozen_bits = 0;

  void add(const Evidence& row) {
    ++count;
    if (last_seq == 0 || row.seq - last_seq > kIncidentGap) ++incidents;
    if (first_seq == 0) first_seq = row.seq;
    last_seq = row.seq;
    is_new = is_new || row.new_pattern;
    const double bits = double(row.adapted_nats) / std::log(2.0);
    if (bits > peak_bits) {
      peak_bits = bits;
      peak_frozen_bits = double(row.frozen_nats) / std::log(2.0);
      peak_seq = row.seq;
    }
  }
};
using Tallies = std::map<PatternId, PatternTally>;

Status tally(const QueryPlan& plan, const TimeRange& time, std::size_t source, const ExecuteContext& context,
             Findings& out, Tallies& tallies) {
  if (!plan.required.empty() || !plan.phrases.empty()) {
    ExecuteContext one{context.log, context.evidence, context.sources, context.budget};
    std::vector<SourceMatches> matches;
    SILT_TRY(match_required(plan, plan.required, time, one, matches, out));
    for (const SourceMatches& match : matches) {
      if (match.source != source) continue;
      SILT_TRY(context.evidence.look_up(context.sources[source].info.ref, match.seqs, true, [&](const Evidence& row) {
        tallies[row.pattern].add(row);
        return true;
      }));
    }
    return Status::ok();
  }
  const SourceRef ref = context.sources[source].info.ref;
  SeqRange range;
  if (time.bounded()) {
    SILT_ASSIGN(range, context.evidence.seqs_between(ref, time.first_us, time.last_us));
  }
  Status cancelled;
  SILT_TRY(context.evidence.scan(ref, range, true, [&](const Evidence& row) {
    if (row.seq % 1024 == 0 && !(cancelled = context.budget.check()).is_ok()) return false;
    if (!context.budget.spend()) return false;
    if (time.contains(row.event_us)) tallies[row.pattern].add(row);
    return true;
  }));
  return cancelled;
}

bool says_error(std::string_view pattern_text) {
  static constexpr std::array<std::string_view, 14> kWords = {
      "error",   "fail",     "fatal", "critical", "exception", "panic", "denied",
      "refused", "segfault", "abort", "emerg",    "alert",     "timed", "unreachable"};
  const std::string lower = lower_ascii(pattern_text);
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string number(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

struct Candidate {
  double weight = 0;
  TableRow row;
};

Status add_row(const ExecuteContext& context, std::size_t source, PatternId id,
               std::initializer_list<Seq> seqs, TableRow& row) {
  const SourceRef ref = context.sources[source].info.ref;
  const auto pattern = context.evidence.pattern(ref, id);
  row.label = pattern.is_ok() ? pattern->text : "pattern " + std::to_string(id);
  for (const Seq seq : seqs) {
    if (!row.examples.empty() && row.examples.back().seq == seq) continue;
    auto finding = load_finding(context, source, seq);
    if (finding.is_ok()) row.examples.push_back(std::move(*finding));
  }
  return Status::ok();
}

void keep_largest(std::vector<Candidate>& candidates, std::uint32_t limit, std::vector<TableRow>& rows) {
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.row.label < b.row.label;
  });
  for (std::size_t i = 0; i < candidates.size() && i < limit; ++i) {
    if (!candidates[i].row.examples.empty()) rows.push_back(std::move(candidates[i].row));
  }
}

}  // namespace

// A pattern is told when it is new, speaks of errors, or has a surprising record; the weight is the sum
// of these, so that what is all three comes first.
Status digest(const QueryPlan& plan, const ExecuteContext& context, Findings& out) {
  std::vector<Candidate> candidates;
  for (std::size_t source = 0; source < context.sources.size(); ++source) {
    Tallies tallies;
    SILT_TRY(tally(plan, plan.time, source, context, out, tallies));
    for (const auto& [id, tally] : tallies) {
      out.matched += tally.count;
      const auto pattern = context.evidence.pattern(context.sources[source].info.ref, id);
      const bool error = pattern.is_ok() && says_error(pattern->text);
      const bool surprising = tally.peak_bits >= kSurpriseBits;
      // In an unbounded range every pattern was new once.
      const bool is_new = tally.is_new && plan.time.bounded();
      if (!is_new && !error && !surprising) continue;
      Candidate candidate;
      candidate.weight = (is_new ? 40 : 0) + (error ? 30 : 0) + std::min(tally.peak_bits, 100.0) * 0.5 +
                         5 / (1 + std::log1p(double(tally.count)));
      candidate.row.count = tally.count;
      std::string& remark = candidate.row.remark;
      if (is_new) remark += "new";
      if (error) remark += remark.empty() ? "error" : ", error";
      if (surprising) {
        remark += (remark.empty() ? "surprising: " : ", surprising: ") + number(tally.peak_bits, "%.0f") +
                  " bits (" + number(tally.peak_frozen_bits, "%.0f") + " without learning)";
      }
      if (tally.incidents > 1) remark += ", " + std::to_string(tally.incidents) + " incidents";
      SILT_TRY(add_row(context, source, id, {surprising ? tally.peak_seq : tally.first_seq, tally.last_seq},
                       candidate.row));
      candidates.push_back(std::move(candidate));
    }
  }
  keep_largest(candidates, plan.limit, out.rows);
  return Status::ok();
}

// Patterns whose counts differ by more than chance between the two ranges, scaled to equal length:
// z = (a - b) / sqrt(a + b) of Poisson counts.
Status compare(const QueryPlan& plan, const ExecuteContext& context, Findings& out) {
  const auto length = [](const TimeRange& range) {
    return range.first_us == TimeRange::kMin || range.last_us == TimeRange::kMax
               ? 0.0
               : double(range.last_us - range.first_us) + 1;
  };
  const double now = length(plan.time), before = length(plan.baseline);
  const double scale = now > 0 && before > 0 ? now / before : 1;
  std::vector<Candidate> candidates;
  for (std::size_t source = 0; source < context.sources.size(); ++source) {
    Tallies current, baseline;
    SILT_TRY(tally(plan, plan.time, source, context, out, current));
    SILT_TRY(tally(plan, plan.baseline, source, context, out, baseline));
    Tallies all = baseline;
    all.insert(current.begin(), current.end());
    for (const auto& [id, any] : all) {
      const double a = double(current[id].count), b = double(baseline[id].count) * scale;
      out.matched += current[id].count;
      const double sigmas = (a - b) / std::sqrt(std::max(a + b, 1.0));
      const bool appears = baseline[id].count == 0, vanishes = current[id].count == 0;
      if (!appears && !vanishes && std::abs(sigmas) < kRateSigmas) continue;
      Candidate candidate;
      candidate.weight = std::abs(sigmas) + (appears ? 2 : 0);
      candidate.row.count = current[id].count;
      candidate.row.baseline = baseline[id].count;
      candidate.row.remark = appears ? "new" : vanishes ? "gone" : number(a / b, "%.1f times as often");
      const PatternTally& shown = vanishes ? baseline[id] : current[id];
      SILT_TRY(add_row(context, source, id, {shown.last_seq, shown.first_seq}, candidate.row));
      candidates.push_back(std::move(candidate));
    }
  }
  keep_largest(candidates, plan.limit, out.rows);
  return Status::ok();
}

}  // namespace silt::answer
