// Stories: what becomes of the things that a source tells of, as requests, blocks or transactions. The records that
// name one identifier are its story; which patterns they have is its shape. Where most stories have one of a few
// shapes, one of a rare shape went another way than usual: it ended early, was tried again, or failed.
//
// A function of what it is given, in the order of the records. Its memory is bounded, and freed where stories have no
// common shapes. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "daemon/store/types.h"

namespace silt::watch {

// A story of a rare shape that has ended.
struct OddStory {
  store::Seq seq = 0;  // its last record
  std::int64_t event_us = 0;
  store::PatternId pattern = 0;  // of that one
  float trouble = 0;             // the most that one of its records told (glance.h)
  std::uint64_t alike = 0;       // earlier ones of its shape
  std::uint64_t stories = 0;     // earlier ones
};

class Stories {
 public:
  static constexpr std::int64_t kIdleUs = 60'000'000;   // event time without a record: it has ended
  static constexpr std::size_t kLiveMax = 2048;         // at a time; the oldest of more end without being judged
  static constexpr std::uint64_t kStoriesMin = 100;     // before one is judged
  static constexpr double kRareMax = 0.01;              // share of a rare shape
  static constexpr double kNewShapesMax = 0.05;         // of late: with more, stories have no common shapes
  static constexpr std::uint64_t kGiveUpAfter = 1000;   // stories, when they have none by then

  using Emit = std::function<void(const OddStory&)>;

  void take(std::uint64_t identifier, store::Seq seq, std::int64_t event_us, store::PatternId pattern, float trouble, const Emit& emit);

 private:
  struct Story {
    std::uint64_t shape = 0;  // bits of its patterns
    store::Seq seq = 0;
    std::int64_t event_us = 0;
    store::PatternId pattern = 0;
    float trouble = 0;
  };

  void end_idle(const Emit& emit);
  void end(const Story& story, const Emit& emit);

  std::unordered_map<std::uint64_t, Story> live_;
  std::unordered_map<std::uint64_t, std::uint64_t> shapes_;  // how many ended so
  std::uint64_t stories_ = 0;
  double new_shapes_ = 1;  // a story, of late
  std::int64_t newest_us_ = 0, swept_us_ = 0;
  bool given_up_ = false;
};

}  // namespace silt::watch
