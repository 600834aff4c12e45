// Change: something about a source that was not so before.
#pragma once

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
};

std::string_view kind_name(Kind kind);  // "new_pattern"

struct Change {
  Kind kind = Kind::kNewPattern;
  store::SourceRef source;
  store::PatternId pattern = 0;  // 0: of the source as a whole
  std::int64_t time_us = 0;      // event time, or when it was noticed
  store::Seq seq = 0;            // of a record that shows it; 0: none does
  double value = 0;              // of a minute: records, or nats a token; in minutes: without any
  double most_before = 0;        // the most there was before
};

}  // namespace silt::watch
