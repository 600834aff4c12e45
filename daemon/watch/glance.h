// Glance: what a line says of itself at first sight: how much of trouble, and what it is about. One pass over its
// first bytes, which costs less than reading it from the store. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace silt::watch {

struct Glance {
  // By its severity, where it tells one, and by words of failure: 0 none, 1 a warning or two words, 3 what stops a
  // program; at most kTroubleMax. A word counts once; in capitals more, in a name or a path ("--log-errors") not at all.
  float trouble = 0;
  std::uint64_t identifier = 0;  // hash of the first identifier, as of a request or a block; 0: there is none
};

inline constexpr std::size_t kGlanceBytes = 512;  // of a line, that are looked at
inline constexpr float kTroubleMax = 5.1F;

Glance glance(std::string_view line);
// The first identifier itself: a uuid, sixteen hex digits or more, or a word and a long number ("blk_-1608999").
std::string_view identifier_in(std::string_view line);

}  // namespace silt::watch
