#include "daemon/store/seq_ranges.h"

#include <algorithm>

namespace silt::store {
namespace {

// The range that could hold `seq`: the last one that begins at or before it.
const SeqRange* range_before(const std::vector<SeqRange>& normal, Seq seq) {
  const auto later = std::upper_bound(normal.begin(), normal.end(), seq,
                                      [](Seq value, const SeqRange& range) { return value < range.first; });
  return later == normal.begin() ? nullptr : &*std::prev(later);
}

}  // namespace

std::vector<SeqRange> normalized(std::vector<SeqRange> ranges) {
  std::erase_if(ranges, [](const SeqRange& range) { return range.first > range.last; });
  std::sort(ranges.begin(), ranges.end(), [](const SeqRange& a, const SeqRange& b) { return a.first < b.first; });
  std::vector<SeqRange> out;
  for (const SeqRange& range : ranges) {
    const bool touches = !out.empty() && (out.back().last == ~Seq{0} || range.first <= out.back().last + 1);
    if (touches) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

bool contains(const std::vector<SeqRange>& normal, Seq seq) {
  return covers(normal, seq, seq);
}

bool covers(const std::vector<SeqRange>& normal, Seq first, Seq last) {
  const SeqRange* const range = range_before(normal, first);
  return range != nullptr && last <= range->last;
}

bool touches(const std::vector<SeqRange>& normal, Seq first, Seq last) {
  const SeqRange* const range = range_before(normal, last);
  return range != nullptr && range->last >= first;
}

std::uint64_t records_in(const std::vector<SeqRange>& normal) {
  std::uint64_t records = 0;
  for (const SeqRange& range : normal) records += range.last - range.first + 1;
  return records;
}

}  // namespace silt::store
