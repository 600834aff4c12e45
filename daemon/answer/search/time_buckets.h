// Time buckets: when the records of patterns came, for lists of patterns.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/profile.h"

namespace silt::answer::search {

// Equal ones, one behind the other.
struct TimeAxis {
  static constexpr std::size_t kBucketsMax = 32;

  std::int64_t begin_us = 0;
  std::int64_t bucket_us = 1'000'000;
  std::size_t buckets = 0;  // 0: of no time

  // Over [first_us, last_us]: of a second, minutes, hours or days, as many as it takes, which begin where a clock of
  // the zone says so.
  static TimeAxis over(std::int64_t first_us, std::int64_t last_us, std::int32_t zone_s);
  // Times outside count as the first or the last ones.
  std::size_t bucket_of(std::int64_t us) const;
};

struct BucketTable {
  std::map<store::PatternId, std::vector<std::uint64_t>> patterns;  // one number a bucket
  bool complete = true;  // false: the time was up; counts are lower bounds
};

// Of the source's records with these patterns. Reads headers, where a part of a source lies in one bucket, and else
// marks; texts never.
Result<BucketTable> count_times(const store::RecordLog& log, const Profile& profile, const std::vector<store::PatternId>& ids,
                                const TimeAxis& axis, const Limits& limits);

}  // namespace silt::answer::search
