// Lines that were read elsewhere, or sent, as the records of a delivery.
#pragma once

#include <cstdint>
#include <string_view>

#include "connectors/inbox.h"
#include "connectors/record_rules.h"

namespace silt::connectors {

// For deliveries of 512 KiB of text at most, however short its lines are.
inline constexpr InboxOptions kLinesInbox{.bytes_max = 64 << 20, .delivery_bytes_max = 64 << 20};

struct LineOrigin {
  std::string_view place;
  std::uint64_t begin = 0;       // of the text in it
  std::int64_t modified_us = 0;  // of the place; 0: not told
};

// Adds the records of `text`, copied, and returns how many of its bytes they take. Without `all` the last record waits
// for more, and so does a line without an end. Null rules: each line is a record.
std::size_t deliver_lines(std::string_view text, const RecordRules* rules, bool all, const LineOrigin& origin, Delivery& out);

}  // namespace silt::connectors
