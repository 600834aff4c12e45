// Times as RFC 3339 and its relatives write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace silt::connectors {

// Microseconds since 1970 of "2026-11-21T18:54:31Z", "2026-11-21T20:54:31.250+0200", "2026-11-21 18:54:31" (UTC).
// Digits behind the sixth of a second are passed over.
std::optional<std::int64_t> parse_timestamp(std::string_view text);

}  // namespace silt::connectors
