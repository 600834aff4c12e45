// Change: something about a source that was not so before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/store/types.h"

namespace silt::watch {

enum class Kind : std::uint8_t {
  kNewPattern,  // a kind of line that the source never had
  kLouder,      // far more of a pattern in a minute than ever
  kGone,        // a pattern that came regularly does not come any more, while others do
  kSurprise,    // a minute that the net finds far more surprising than any
  kSilence,     // a source that wrote regularly does not write any more
  kGap,         // something was lost before it was read
  kSeverity,    // a line tells of trouble, of a kind that is not usual here
  kOddStory,    // what an identifier's records tell took another way than others
};
inline constexpr std::size_t kKinds = 8;

std::string_view kind_name(Kind kind);  // "new_pattern"

struct Change {
  Kind kind = Kind::kNewPattern;
  store::SourceRef source;
  store::PatternId pattern = 0;  // 0: of the source as a whole
  std::int64_t time_us = 0;      // event time, or when it was noticed
  store::Seq seq = 0;            // of a record that shows it; 0: none does
  double value = 0;              // of a minute: records, or nats a token; in minutes: without any; stories alike
  double most_before = 0;        // the most there was before; stories in all
  double score = 0;              // how much it deserves to be looked at
};

// From here on a change is worth waking somebody for.
inline constexpr double kAlertScore = 3.5;
inline constexpr double kGapScore = 4;

}  // namespace silt::watch
