// One line of a container's log file, in the envelope that its runtime puts around it:
//   Docker's json-file   {"log":"text\n","stream":"stdout","time":"2026-11-21T18:54:31.123456789Z"}
//   CRI                  2026-11-21T18:54:31.123456789Z stdout F text
// Both cut what a process writes after some kilobytes; a part that is not the last says so: by F and P, or by
// the line end that it lacks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "connectors/arena.h"

namespace silt::connectors {

struct ContainerLine {
  std::string_view text;    // without its line end
  std::string_view stream;  // "stdout", "stderr"; others may come
  std::int64_t time_us = 0;
  bool goes_on = false;  // in another line of the same stream
};

// Nothing when the line has neither envelope. The text is in the line, or in `arena`.
std::optional<ContainerLine> parse_container_line(std::string_view line, Arena& arena);

}  // namespace silt::connectors
