// Export: a record of the store as one line of JSON, for people, scripts and tests. Pure functions.
//
//   {"tenant":"default","source":"web","seq":7,"place":"/var/log/web.log",
//    "arrival":"2026-11-21T20:54:35.123456Z","event_time":"2026-11-21T20:54:30.000000Z",
//    "text":"...","attributes":{"level":"error"},"flags":["cut"],"bytes_cut":12,"pattern":"GET <path>"}
//
// Names, places, attributes and patterns are escaped (base/escape.h). `text` is the record's own, or
// `text_base64` when it is no UTF-8. event_time, attributes, flags, bytes_cut and pattern are left out
// when there is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace silt::daemon {

struct ExportRecord {
  std::string tenant;  // names, place, text and attributes: bytes
  std::string source;
  std::uint64_t seq = 0;
  std::string place;
  std::int64_t arrival_us = 0;
  std::optional<std::int64_t> event_us;
  std::string text;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::uint32_t flags = 0;  // connectors::RecordFlags
  std::uint64_t bytes_cut = 0;
  std::string pattern;
};

// Ends in a line end and has no other. The same record gives the same bytes.
std::string to_json_line(const ExportRecord& record);

}  // namespace silt::daemon
