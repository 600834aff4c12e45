#include "daemon/watch/digest.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "daemon/fold/scanner.h"
#include "daemon/fold/units.h"
#include "daemon/watch/glance.h"

namespace silt::watch {
namespace {

constexpr double kFactor = 3;         // so many times louder or quieter
constexpr double kSlowerFactor = 1.5;
constexpr double kLoudMin = 10, kQuietMin = 30, kGoneMin = 10;  // records
constexpr std::size_t kSampleMax = 64, kSampleMin = 10;         // records whose durations are read, on each side
constexpr double kKnownMin = 0.1;     // of the time before, that must be known

// Seqs of a pattern's records, evenly: every n-th.
class Sample {
 public:
  void take(store::Seq seq) {
    if (count_++ % stride_ != 0) return;
    seqs_.push_back(seq);
    if (seqs_.size() < 2 * kSampleMax) return;
    for (std::size_t i = 0; i < kSampleMax; ++i) seqs_[i] = seqs_[2 * i];
    seqs_.resize(kSampleMax);
    stride_ *= 2;
  }
  const std::vector<store::Seq>& seqs() const { return seqs_; }

 private:
  std::vector<store::Seq> seqs_;
  std::uint64_t count_ = 0, stride_ = 1;
};

struct Pattern {
  std::string text;
  std::int64_t first_us = 0;
  bool timed = false;  // its records tell of a duration
  double before = 0, after = 0;
  store::Seq before_seq = 0, after_seq = 0;
  Sample before_sample, after_sample;
};

std::optional<double> middle_ms(const store::RecordLog& log, store::SourceRef source, const Sample& sample) {
  std::vector<double> values;
  for (const store::Seq seq : sample.seqs()) {
    const auto record = log.read(source, seq);
    const double ms = record.is_ok() ? duration_ms(record->text) : -1;
    if (ms >= 0) values.push_back(ms);
  }
  if (values.size() < kSampleMin) return std::nullopt;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// One source's part.
class SourceDigest {
 public:
  SourceDigest(const DigestStores& stores, store::SourceRef source, DigestSpan span)
      : stores_(stores), source_(source), span_(span), from_us_(span.since_us - (span.until_us - span.since_us)) {}

  // Counts at most `records_max` records, the newest, and says how many there were.
  Result<std::uint64_t> count(std::uint64_t records_max, const std::atomic<bool>& cancelled, bool& cut) {
    SILT_TRY(read_patterns());
    SILT_ASSIGN(store::SeqRange range, stores_.evidence.seqs_between(source_, from_us_, span_.until_us));
    if (range.first > range.last) return std::uint64_t{0};
    if (range.last - range.first >= records_max) {
      range.first = range.last - records_max + 1;
      cut = true;
    }
    std::uint64_t seen = 0;
    SILT_TRY(stores_.evidence.scan(source_, range, false, [&](const store::Evidence& record) {
      ++seen;
      take(record);
      return !cancelled;
    }));
    return cancelled ? Result<std::uint64_t>(unavailable("the digest was cancelled")) : Result<std::uint64_t>(seen);
  }

  void compare(std::vector<DigestLine>& out, std::uint64_t& noise) const {
    const double length = static_cast<double>(span_.until_us - span_.since_us);
    const double known = static_cast<double>(span_.since_us - std::max(from_us_, first_us_)) / length;
    if (known < kKnownMin) return;  // the source itself is new: nothing of it can be compared
    if (before_ >= kGoneMin && after_ == 0) {
      out.push_back({Trend::kGone, "", {source_}, last_seq_, before_, 0, 4});
      return;
    }
    for (const auto& [id, pattern] : patterns_) {
      const std::optional<DigestLine> line = line_of(pattern, known);
      if (!line) continue;
      if (is_noise(pattern.text)) {
        ++noise;
      } else {
        out.push_back(*line);
      }
    }
  }

 private:
  Status read_patterns() {
    std::vector<store::PatternRow> rows;
    SILT_TRY(stores_.folds.patterns(source_, rows));
    for (const store::PatternRow& row : rows) {
      if (first_us_ == 0 || row.first_event_us < first_us_) first_us_ = row.first_event_us;
      if (row.merged_into != 0) {
        merged_[row.id] = row.merged_into;
        continue;
      }
      Pattern& pattern = patterns_[row.id];
      pattern.text = row.text;
      pattern.first_us = row.first_event_us;
      pattern.timed = row.text.find("<dur>") != std::string::npos || row.text.find("<num>") != std::string::npos;
    }
    // What was merged came first for the one that it became, too.
    for (const store::PatternRow& row : rows) {
      const auto found = patterns_.find(resolve(row.id));
      if (found != patterns_.end()) found->second.first_us = std::min(found->second.first_us, row.first_event_us);
    }
    return Status::ok();
  }

  store::PatternId resolve(store::PatternId id) const {
    for (auto found = merged_.find(id); found != merged_.end(); found = merged_.find(id)) id = found->second;
    return id;
  }

  void take(const store::Evidence& record) {
    const bool is_after = record.event_us >= span_.since_us;
    if (record.event_us < from_us_ || record.event_us >= span_.until_us) return;
    (is_after ? after_ : before_) += 1;
    last_seq_ = record.seq;
    const auto found = patterns_.find(resolve(record.pattern));
    if (found == patterns_.end()) return;
    Pattern& pattern = found->second;
    (is_after ? pattern.after : pattern.before) += 1;
    (is_after ? pattern.after_seq : pattern.before_seq) = record.seq;
    if (pattern.timed) (is_after ? pattern.after_sample : pattern.before_sample).take(record.seq);
  }

  // `known`: share of the time before that the source was there.
  std::optional<DigestLine> line_of(const Pattern& pattern, double known) const {
    const double before = pattern.before / std::min(known, 1.0), after = pattern.after;
    const double trouble = glance(pattern.text).trouble;
    const auto line = [&](Trend trend, double score) {
      return DigestLine{trend, pattern.text, {source_}, after > 0 ? pattern.after_seq : pattern.before_seq, std::round(before), after, score};
    };
    if (after > 0 && pattern.before == 0 && pattern.first_us >= span_.since_us) return line(Trend::kNew, 3 + trouble + std::log10(after) / 2);
    if (pattern.before >= kGoneMin && after == 0) return line(Trend::kGone, 2 + std::log10(before) / 2);
    if (after >= kLoudMin && after >= kFactor * std::max(before, 1.0))
      return line(Trend::kLouder, 2 + trouble + std::log2(after / std::max(before, 1.0)) / 2);
    if (before >= kQuietMin && after * kFactor <= before) return line(Trend::kQuieter, 1.5 + std::log2(before / after) / 2);
    return slower(pattern);
  }

  std::optional<DigestLine> slower(const Pattern& pattern) const {
    if (!pattern.timed || pattern.before < kSampleMin || pattern.after < kSampleMin) return std::nullopt;
    const auto before = middle_ms(stores_.log, source_, pattern.before_sample);
    const auto after = before ? middle_ms(stores_.log, source_, pattern.after_sample) : std::nullopt;
    if (!after || *after < kSlowerFactor * *before || *after < 1) return std::nullopt;
    return DigestLine{Trend::kSlower, pattern.text, {source_}, pattern.after_seq, *before, *after, 3 + std::log2(*after / std::max(*before, 1.0)) / 2};
  }

  const DigestStores& stores_;
  const store::SourceRef source_;
  const DigestSpan span_;
  const std::int64_t from_us_;
  std::int64_t first_us_ = 0;  // of the source
  double before_ = 0, after_ = 0;
  store::Seq last_seq_ = 0;
  std::unordered_map<store::PatternId, store::PatternId> merged_;
  std::map<store::PatternId, Pattern> patterns_;
};

// The same pattern in several sources is one line.
std::vector<DigestLine> join(std::vector<DigestLine> lines) {
  std::map<std::tuple<Trend, std::string, store::SourceRef>, DigestLine> joined;
  for (DigestLine& line : lines) {
    const store::SourceRef apart = line.pattern.empty() ? line.sources.front() : store::SourceRef{line.sources.front().tenant, store::SourceId{0}};
    const auto [found, is_first] = joined.try_emplace({line.trend, line.pattern, apart}, line);
    if (is_first) continue;
    DigestLine& all = found->second;
    all.sources.push_back(line.sources.front());
    all.score = std::max(all.score, line.score);
    if (line.trend == Trend::kSlower) {
      all.before = std::max(all.before, line.before);
      all.after = std::max(all.after, line.after);
    } else {
      all.before += line.before;
      all.after += line.after;
    }
  }
  std::vector<DigestLine> out;
  for (auto& [key, line] : joined) out.push_back(std::move(line));
  std::stable_sort(out.begin(), out.end(), [](const DigestLine& a, const DigestLine& b) { return a.score > b.score; });
  return out;
}

}  // namespace

std::string_view trend_name(Trend trend) {
  switch (trend) {
    case Trend::kNew: return "new";
    case Trend::kGone: return "gone";
    case Trend::kLouder: return "louder";
    case Trend::kQuieter: return "quieter";
    case Trend::kSlower: return "slower";
  }
  return "";
}

bool is_noise(std::string_view pattern) {
  constexpr std::size_t kWordMin = 3, kWordMax = 32;
  int words = 0;
  std::size_t letters = 0;
  bool in_place = false, mixed = false;
  const auto end_word = [&] {
    if (letters >= kWordMin && letters <= kWordMax && !mixed) ++words;
    letters = 0;
    mixed = false;
  };
  for (const char c : pattern) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (static_cast<unsigned char>(c) & 0x80) != 0;
    if (c == '<') in_place = true;
    if (!in_place && letter) {
      ++letters;
    } else if (!in_place && ((c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=')) {
      mixed = mixed || letters > 0;  // as in base64
    } else {
      end_word();
    }
    if (c == '>') in_place = false;
  }
  end_word();
  return words == 0;
}

double duration_ms(std::string_view line) {
  fold::ScannedLine scanned;
  fold::scan_line(line, scanned);
  for (std::size_t i = 0; i < scanned.tokens.size(); ++i) {
    const fold::Token& token = scanned.tokens[i];
    if (token.begin < scanned.message || (token.kind != fold::TokenKind::kDuration && token.kind != fold::TokenKind::kNumber)) continue;
    const std::string_view text = fold::text_of(line, token);
    double value = 0;
    const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || value < 0) continue;
    std::string_view unit(stop, static_cast<std::size_t>(text.data() + text.size() - stop));
    if (unit.empty() && i + 1 < scanned.tokens.size() && scanned.tokens[i + 1].begin <= token.end + 1) unit = fold::text_of(line, scanned.tokens[i + 1]);
    const auto known = fold::read_unit(unit);
    if (known && known->measure == fold::Measure::kTime) return value * known->factor * 1000;
  }
  return -1;
}

Result<Digest> make_digest(const DigestStores& stores, std::span<const store::SourceRef> sources, DigestSpan span, const std::atomic<bool>& cancelled) {
  Digest digest;
  std::vector<DigestLine> lines;
  std::uint64_t left = kDigestRecordsMax;
  for (const store::SourceRef source : sources) {
    if (left == 0) {
      digest.cut = true;
      break;
    }
    SourceDigest part(stores, source, span);
    const Result<std::uint64_t> seen = part.count(left, cancelled, digest.cut);
    if (cancelled) return seen.status();
    if (!seen.is_ok()) continue;
    left -= std::min(left, *seen);
    part.compare(lines, digest.noise);
  }
  digest.lines = join(std::move(lines));
  digest.lines_total = digest.lines.size();
  if (digest.lines.size() > kDigestLines) digest.lines.resize(kDigestLines);
  return digest;
}

}  // namespace silt::watch
