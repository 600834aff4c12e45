// form_batch(): when the next turn of the nets begins, and whose it is.
//
// A device reads many sources side by side and a turn of many costs it little more than a turn of one. So
// - a turn is of as many sources as fill its lanes, in the order in which they wait, each once. A source takes a lane
//   when a full mini-batch waits; one with less costs the device nothing, for its tokens only wait in the state;
// - a turn with free lanes waits for more sources, but never beyond a limit after its first source became ready.
// So nobody waits longer than that and one turn of each of those before it, however much a hot source has.
// A processor takes one source at a time and never waits.
//
// What it decides about is time: what a source learns does not depend on it. Learner thread only.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/learn/ready_queue.h"
#include "daemon/store/types.h"

namespace silt::learn {

struct Batch {
  std::vector<store::SourceRef> sources;  // empty: not yet
  std::int64_t wait_us = 0;               // not yet, because more may come: ask again after so long
};

struct BatchLimits {
  std::size_t lanes = 1;         // that the learner reads side by side
  std::uint64_t lane_bytes = 1;  // so much text fills a mini-batch
  std::int64_t wait_us = 2000;   // at most a few milliseconds: turns of many lanes take longer
};

// Monotonic times; `admit_until_us` as for ReadyQueue::admit().
Batch form_batch(ReadyQueue& queue, const BatchLimits& limits, std::int64_t admit_until_us, std::int64_t now_us);

}  // namespace silt::learn
