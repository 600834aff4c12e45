// How a line begins, as far as it tells whether the line begins a record. Pure functions of the bytes.
#pragma once

#include <cstddef>
#include <string_view>

namespace silt::connectors {

// Whether a line begins as records of logs do: with a date, a time, a priority, a severity, an address,
// a JSON object or the time of a logfmt line, in brackets or not. Such a line never continues another.
bool has_head(std::string_view line);

// The bytes of white space before the first other one; the whole size when there is none.
std::size_t indentation(std::string_view line);

// Seen at the line's first token alone: "java.io.IOException: gone", "ValueError", "Foo::Error (bar)".
bool names_exception(std::string_view line);

}  // namespace silt::connectors
