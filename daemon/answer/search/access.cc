#include "daemon/answer/search/access.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

namespace silt::answer::search {
namespace {

// A segment by its header: what of it the query may mean.
class HeaderReader {
 public:
  HeaderReader(const Filter& filter, Layout::Kind layout, std::size_t source) : filter_(filter), layout_(layout), source_(source) {}

  Result<Part> read(store::Stretch& stretch) {
    Part part{stretch.first_seq(), stretch.last_seq(), Detail::kNothing, {}, {}};
    const store::StretchSummary& summary = *stretch.summary();
    first_us = std::numeric_limits<std::int64_t>::max();
    last_us = std::numeric_limits<std::int64_t>::min();
    if (!filter_.may_be_in_time(summary.min_event_us, summary.max_event_us)) return part;
    bool whole = !is_head_of_csv(layout_, part.first_seq);
    for (const store::PatternStats& pattern : summary.patterns) {
      if (!filter_.may_be_in_time(pattern.min_event_us, pattern.max_event_us)) continue;
      SILT_ASSIGN(const Need need, filter_.need_in(stretch, pattern.pattern));
      if (need == Need::kNever) continue;
      whole &= need == Need::kTime && filter_.all_in_time(pattern.min_event_us, pattern.max_event_us);
      part.patterns.push_back(pattern.pattern);
      part.counts.push_back({source_, pattern.pattern, pattern.count, part.first_seq + pattern.first_index,
                             part.first_seq + pattern.last_index, 0});
      first_us = std::min(first_us, pattern.min_event_us);
      last_us = std::max(last_us, pattern.max_event_us);
    }
    if (!part.patterns.empty()) part.detail = whole ? Detail::kCounts : Detail::kRecords;
    return part;
  }

  std::int64_t first_us = 0;  // of what read() counted
  std::int64_t last_us = 0;

 private:
  const Filter& filter_;
  const Layout::Kind layout_;
  const std::size_t source_;
};

// Which of the parts that could be counted hold records that an outcome shows.
class Shown {
 public:
  explicit Shown(std::size_t sample) : sample_(sample) {}

  // Parts in order.
  void take(std::vector<Part>& parts, std::size_t at, std::int64_t first_us, std::int64_t last_us) {
    Part& part = parts[at];
    const bool in_sample = counted_ < sample_;
    bool is_new = false;
    for (const PatternCount& found : part.counts) {
      counted_ += found.count;
      is_new |= met_.insert(found.pattern).second;
    }
    if (!any_ || first_us < first_us_) {
      first_us_ = first_us;
      first_at_ = at;
    }
    if (!any_ || last_us >= last_us_) {
      last_us_ = last_us;
      last_at_ = at;
    }
    any_ = true;
    if (in_sample || is_new) part.detail = Detail::kRecords;
  }

  void finish(std::vector<Part>& parts) const {
    if (!any_) return;
    parts[first_at_].detail = Detail::kRecords;
    parts[last_at_].detail = Detail::kRecords;
  }

 private:
  const std::size_t sample_;
  std::uint64_t counted_ = 0;
  std::unordered_set<store::PatternId> met_;
  bool any_ = false;
  std::int64_t first_us_ = 0, last_us_ = 0;
  std::size_t first_at_ = 0, last_at_ = 0;
};

}  // namespace

Result<AccessPlan> plan_access(const store::RecordLog& log, const Profile& profile, std::size_t source,
                               const Filter& filter, const AccessNeeds& needs, const std::function<bool()>& late) {
  AccessPlan plan;
  HeaderReader reader(filter, profile.layout.kind, source);
  Shown shown(needs.sample);
  for (store::Seq after = 0;;) {
    plan.complete = !late();
    if (!plan.complete) break;
    SILT_ASSIGN(const store::StretchPtr stretch, log.stretch_after(profile.ref, after));
    if (!stretch) break;
    after = stretch->last_seq();
    if (stretch->summary() == nullptr) {
      const bool damaged = !stretch->damage().empty();
      plan.parts.push_back({stretch->first_seq(), damaged ? after : ~store::Seq{0}, Detail::kRecords, {}, {}});
      if (damaged) continue;
      break;  // there are no more segments
    }
    auto read = reader.read(*stretch);
    if (is_gone(read.status())) read = Part{stretch->first_seq(), after, Detail::kRecords, {}, {}};  // to be met again
    SILT_TRY(read.status());
    Part& part = plan.parts.emplace_back(std::move(*read));
    if (part.detail != Detail::kCounts) continue;
    if (needs.counts_suffice) shown.take(plan.parts, plan.parts.size() - 1, reader.first_us, reader.last_us);
    else part.detail = Detail::kRecords;
  }
  shown.finish(plan.parts);
  return plan;
}

}  // namespace silt::answer::search
