// What a syslog message says, of RFC 5424 or RFC 3164, or of neither: then it is a text. Pure functions of the bytes;
// nothing is refused, for a record is worth more than its form.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "connectors/arena.h"
#include "connectors/connector.h"
#include "connectors/syslog/stamp.h"

namespace silt::connectors {

struct SyslogMessage {
  std::optional<int> priority;  // facility * 8 + severity
  std::int64_t told_us = 0;     // 0: it names no time
  std::string_view host, app, pid, message_id;  // empty: it names none
  std::vector<Attribute> data;  // structured data: "ID.NAME", value
  std::string_view text;        // without an end of line
};

// Views are into `frame` or, where something had to be put together, into `arena`. A stamp without year or zone is
// taken as the one nearest to `now_us` in `zone`.
SyslogMessage parse_syslog(std::string_view frame, std::int64_t now_us, const ZoneOffset& zone, Arena& arena);

// "err" of 3, and "auth" of 4; empty: there is no such one.
std::string_view severity_name(int priority);
std::string_view facility_name(int priority);

}  // namespace silt::connectors
