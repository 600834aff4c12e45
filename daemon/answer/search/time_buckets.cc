#include "daemon/answer/search/time_buckets.h"

#include <algorithm>
#include <array>

namespace silt::answer::search {
namespace {

constexpr std::int64_t kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

// Lengths that people count in.
constexpr std::array<std::int64_t, 18> kLengths = {
    kSecond,   5 * kSecond, 15 * kSecond, 30 * kSecond, kMinute,   5 * kMinute, 15 * kMinute, 30 * kMinute, kHour,
    2 * kHour, 3 * kHour,   6 * kHour,    12 * kHour,   kDay,      2 * kDay,    7 * kDay,     30 * kDay,    365 * kDay};

std::int64_t floor_to(std::int64_t us, std::int64_t length) {
  const std::int64_t rest = us % length;
  return us - (rest < 0 ? rest + length : rest);
}

bool add_by_header(const store::StretchSummary& summary, const TimeAxis& axis, BucketTable& out) {
  for (const store::PatternStats& stats : summary.patterns) {
    if (out.patterns.contains(stats.pattern) && axis.bucket_of(stats.min_event_us) != axis.bucket_of(stats.max_event_us)) return false;
  }
  for (const store::PatternStats& stats : summary.patterns) {
    if (const auto counts = out.patterns.find(stats.pattern); counts != out.patterns.end()) counts->second[axis.bucket_of(stats.min_event_us)] += stats.count;
  }
  return true;
}

}  // namespace

TimeAxis TimeAxis::over(std::int64_t first_us, std::int64_t last_us, std::int32_t zone_s) {
  TimeAxis axis;
  if (last_us < first_us) return axis;
  const std::int64_t zone_us = zone_s * kSecond;
  for (std::int64_t length = kLengths.front(), at = 0;;) {
    axis.bucket_us = length;
    axis.begin_us = floor_to(first_us + zone_us, length) - zone_us;
    const auto buckets = static_cast<std::uint64_t>(last_us - axis.begin_us) / static_cast<std::uint64_t>(length) + 1;
    axis.buckets = static_cast<std::size_t>(buckets);
    if (buckets <= kBucketsMax) return axis;
    length = static_cast<std::size_t>(++at) < kLengths.size() ? kLengths[static_cast<std::size_t>(at)] : length * 2;
  }
}

std::size_t TimeAxis::bucket_of(std::int64_t us) const {
  if (us <= begin_us) return 0;
  return std::min(buckets - 1, static_cast<std::size_t>((us - begin_us) / bucket_us));
}

Result<BucketTable> count_times(const store::RecordLog& log, const Profile& profile, const std::vector<store::PatternId>& ids,
                                const TimeAxis& axis, const Limits& limits) {
  BucketTable out;
  if (axis.buckets == 0) return out;
  for (const store::PatternId id : ids) out.patterns[id].resize(axis.buckets);
  for (store::Seq after = 0;;) {
    if (limits.late()) {
      out.complete = false;
      return out;
    }
    SILT_ASSIGN(const store::StretchPtr stretch, log.stretch_after(profile.ref, after));
    if (!stretch) return out;
    after = stretch->last_seq();
    if (!stretch->damage().empty()) continue;
    if (!stretch->is_folded()) return out;
    if (stretch->summary() != nullptr && add_by_header(*stretch->summary(), axis, out)) continue;
    const auto marks = stretch->marks();
    if (is_gone(marks.status())) continue;
    SILT_TRY(marks.status());
    for (const store::FoldMark& mark : *marks) {
      if (const auto counts = out.patterns.find(mark.pattern); counts != out.patterns.end()) ++counts->second[axis.bucket_of(mark.event_us)];
    }
  }
}

}  // namespace silt::answer::search
