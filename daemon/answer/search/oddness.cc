#include "daemon/answer/search/oddness.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <unordered_map>
#include <utility>

#include "daemon/answer/search/filter.h"

namespace silt::answer::search {
namespace {

using store::Evidence;

constexpr std::uint64_t kKnown = 8;       // records of a pattern from which on it has ways of its own
constexpr double kRecent = 31.0 / 32;     // what came before counts for some 32 records
constexpr double kPrior = 200;            // nats before the first record, as if nothing were learned yet
constexpr double kOffMin = 3;             // bits: lines differ by so much without any reason
constexpr double kExcessMin = 12;         // bits beyond the usual ones, from which on a record is odd
constexpr double kOddMin = 4;             // and how often its pattern's usual distance

double bits(double nats) {
  return nats / std::numbers::ln2;
}

bool is_scored(const Evidence& each) {
  return each.tokens > 0 && each.frozen_nats > 0;
}

bool odder(const OddRecord& a, const OddRecord& b) {
  return a.oddness > b.oddness;
}

float median_of(std::vector<float> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Of each pattern, by `value_of` the i-th record; of patterns with few records what all records have. The middle
// one: neither odd records count for it nor those from before anything was learned.
class Medians {
 public:
  template <class ValueOf>
  Medians(std::span<const Evidence> scored, ValueOf value_of) {
    std::unordered_map<store::PatternId, std::vector<float>> values;
    std::vector<float> all;
    for (std::size_t i = 0; i < scored.size(); ++i) {
      all.push_back(static_cast<float>(value_of(i)));
      values[scored[i].pattern].push_back(all.back());
    }
    all_ = median_of(std::move(all));
    for (auto& [pattern, own] : values) {
      if (own.size() >= kKnown) patterns_[pattern] = median_of(std::move(own));
    }
  }
  double of(store::PatternId pattern) const {
    const auto own = patterns_.find(pattern);
    return own == patterns_.end() ? all_ : own->second;
  }

 private:
  double all_ = 0;
  std::unordered_map<store::PatternId, double> patterns_;
};

// What lines of the pattern leave of their frozen bits, and of the rest as much as the lines right before did not
// save, though such lines do.
std::vector<OddRecord> against_usual(std::span<const Evidence> scored) {
  const Medians shares(scored, [&](std::size_t i) { return std::min(1.0F, scored[i].adapted_nats / scored[i].frozen_nats); });
  std::vector<OddRecord> out;
  double lost = kPrior, could = kPrior;
  for (const Evidence& each : scored) {
    const double share = shares.of(each.pattern);
    const double usual = share + (1 - share) * (could > 1 ? std::clamp(lost / could, 0.0, 1.0) : 0);
    out.push_back({0, each.seq, each.event_us, each.pattern, bits(each.adapted_nats), bits(each.frozen_nats), usual * bits(each.frozen_nats), 0});
    lost = lost * kRecent + each.adapted_nats - share * each.frozen_nats;
    could = could * kRecent + (1 - share) * each.frozen_nats;
  }
  return out;
}

// Those that the filter means, of one pattern not too many.
Status take_meant(const store::RecordLog& log, const Profile& profile, const Filter& filter, std::size_t most,
                  std::vector<OddRecord>& ranked, const Limits& limits, bool& complete) {
  RecordInHand hand(profile.layout);
  std::unordered_map<store::PatternId, std::size_t> taken;
  std::vector<OddRecord> meant;
  for (const OddRecord& each : ranked) {
    if (meant.size() >= most) break;
    if (taken[each.pattern] >= kOddOfPattern || !filter.in_time(each.event_us)) continue;
    if (limits.late()) {
      complete = false;
      break;
    }
    SILT_TRY(visit_records(log, profile.ref, {each.seq, each.seq}, {}, hand, [&](RecordInHand& record) {
               if (filter.matches(record) && record.status().is_ok()) {
                 meant.push_back(each);
                 ++taken[each.pattern];
               }
               return true;
             }).status());
  }
  ranked = std::move(meant);
  return Status::ok();
}

}  // namespace

bool OddRecord::is_odd() const {
  return excess() >= kExcessMin && oddness >= kOddMin;
}

std::vector<OddRecord> hold_against_usual(std::span<const Evidence> scored) {
  std::vector<OddRecord> out = against_usual(scored);
  const Medians off(scored, [&](std::size_t i) { return std::abs(out[i].excess()); });
  for (OddRecord& each : out) each.oddness = each.excess() / std::max(off.of(each.pattern), kOffMin);
  return out;
}

Result<std::optional<OddRecord>> oddness_of(const store::EvidenceStore& evidence, store::SourceRef source, store::Seq seq) {
  constexpr store::Seq kBefore = 4096;
  std::vector<Evidence> scored;
  SILT_TRY(evidence.scan(source, {seq > kBefore ? seq - kBefore : 1, seq}, /*with_scores=*/true, [&](const Evidence& each) {
    if (is_scored(each)) scored.push_back(each);
    return true;
  }));
  if (scored.empty() || scored.back().seq != seq) return std::optional<OddRecord>();
  return std::optional(hold_against_usual(scored).back());
}

Result<Oddness> find_odd(const store::RecordLog& log, const store::EvidenceStore& evidence, const Profiles& profiles,
                         const Query& query, std::size_t most, const Limits& limits) {
  Oddness out;
  for (std::size_t i = 0; i < profiles.size() && !limits.late(); ++i) {
    const Profile& profile = *profiles[i];
    std::vector<Evidence> scored;
    std::size_t seen = 0;
    const store::Seq first = profile.read_seq > kCompared ? profile.read_seq - kCompared + 1 : 1;
    out.complete = out.complete && profile.total() <= kCompared;
    SILT_TRY(evidence.scan(profile.ref, {first, profile.read_seq}, /*with_scores=*/true, [&](const Evidence& each) {
      if (is_scored(each)) scored.push_back(each);
      return ++seen % kCheckEvery != 0 || !limits.late();
    }));
    out.scored += scored.size();
    std::vector<OddRecord> ranked = hold_against_usual(scored);
    std::erase_if(ranked, [](const OddRecord& each) { return !each.is_odd(); });
    std::stable_sort(ranked.begin(), ranked.end(), odder);
    SILT_TRY(take_meant(log, profile, Filter(query, profile, limits.zone_s), most, ranked, limits, out.complete));
    for (OddRecord& each : ranked) {
      each.source = i;
      out.odd.push_back(each);
    }
  }
  out.complete = out.complete && !limits.late();
  std::stable_sort(out.odd.begin(), out.odd.end(), odder);
  if (out.odd.size() > most) out.odd.resize(most);
  return out;
}

}  // namespace silt::answer::search
