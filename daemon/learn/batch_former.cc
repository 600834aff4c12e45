#include "daemon/learn/batch_former.h"

#include <algorithm>

namespace silt::learn {
namespace {

constexpr std::size_t kSourcesALane = 4;  // of a turn, with those that need no lane

}  // namespace

Batch form_batch(ReadyQueue& queue, const BatchLimits& limits, std::int64_t admit_until_us, std::int64_t now_us) {
  queue.admit(admit_until_us);
  Batch batch;
  const std::size_t sources_max = limits.lanes == 1 ? 1 : limits.lanes * kSourcesALane;
  std::size_t lanes = 0;
  std::int64_t first_us = now_us;
  queue.visit([&](store::SourceRef source, const Backlog& backlog, std::int64_t since_us) {
    batch.sources.push_back(source);
    first_us = std::min(first_us, since_us);
    if (backlog.bytes >= limits.lane_bytes) ++lanes;
    return lanes < limits.lanes && batch.sources.size() < sources_max;
  });
  const bool may_wait = limits.lanes > 1 && lanes < limits.lanes && batch.sources.size() < sources_max;
  const std::int64_t left_us = first_us + limits.wait_us - now_us;
  if (batch.sources.empty() || !may_wait || left_us <= 0) return batch;
  return {.sources = {}, .wait_us = left_us};
}

}  // namespace silt::learn
