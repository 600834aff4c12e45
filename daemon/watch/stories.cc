#include "daemon/watch/stories.h"

#include <algorithm>

#include "daemon/store/hash64.h"

namespace silt::watch {
namespace {

constexpr double kNewShapesStep = 0.002;  // about the last 500 stories
constexpr std::size_t kShapesMax = 1024;

// One of 64 bits: patterns that share one are taken for the same, which hides a difference and makes none.
std::uint64_t bit_of(store::PatternId pattern) {
  return std::uint64_t{1} << (store::mix64(pattern + 1, 0x9e3779b97f4a7c15) >> 58);
}

}  // namespace

void Stories::take(std::uint64_t identifier, store::Seq seq, std::int64_t event_us, store::PatternId pattern, float trouble, const Emit& emit) {
  if (given_up_) return;
  newest_us_ = std::max(newest_us_, event_us);
  if (newest_us_ - swept_us_ >= kIdleUs / 2 || live_.size() >= kLiveMax) end_idle(emit);
  if (given_up_) return;
  Story& story = live_[identifier];
  story.shape |= bit_of(pattern);
  story.seq = seq;
  story.event_us = event_us;
  story.pattern = pattern;
  story.trouble = std::max(story.trouble, trouble);
}

void Stories::end_idle(const Emit& emit) {
  swept_us_ = newest_us_;
  std::vector<std::pair<store::Seq, std::uint64_t>> ended, others;
  for (const auto& [identifier, story] : live_)
    (newest_us_ - story.event_us >= kIdleUs ? ended : others).emplace_back(story.seq, identifier);
  std::sort(ended.begin(), ended.end());
  for (const auto& [seq, identifier] : ended) {
    end(live_.at(identifier), emit);
    live_.erase(identifier);
  }
  if (live_.size() >= kLiveMax) {
    std::sort(others.begin(), others.end());
    for (std::size_t i = 0; i < others.size() / 2; ++i) live_.erase(others[i].second);
  }
  if (stories_ < kGiveUpAfter || new_shapes_ <= kNewShapesMax) return;
  given_up_ = true;
  live_ = {};
  shapes_ = {};
}

void Stories::end(const Story& story, const Emit& emit) {
  const auto found = shapes_.find(story.shape);
  const std::uint64_t alike = found == shapes_.end() ? 0 : found->second;
  const double share = static_cast<double>(alike + 1) / static_cast<double>(stories_ + 1);
  if (stories_ >= kStoriesMin && share <= kRareMax && new_shapes_ <= kNewShapesMax)
    emit({story.seq, story.event_us, story.pattern, story.trouble, alike, stories_});
  ++stories_;
  const double step = std::max(kNewShapesStep, 1 / static_cast<double>(stories_));  // a plain mean, as long as there are few
  new_shapes_ += step * ((alike == 0 ? 1 : 0) - new_shapes_);
  if (found != shapes_.end()) {
    ++found->second;
  } else if (shapes_.size() < kShapesMax) {
    shapes_.emplace(story.shape, 1);
  }
}

}  // namespace silt::watch
