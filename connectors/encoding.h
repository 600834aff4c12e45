// Encoding: UTF-16 with a byte order mark becomes UTF-8, and its lines end at code units. All else is bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace silt::connectors {

enum class Encoding : std::uint8_t { kUnknown, kBytes, kUtf16Le, kUtf16Be };

// By the first bytes of a text; kUnknown while there are fewer than four.
Encoding encoding_of(std::string_view head);

inline bool is_utf16(Encoding encoding) {
  return encoding == Encoding::kUtf16Le || encoding == Encoding::kUtf16Be;
}
inline std::size_t unit_bytes(Encoding encoding) {
  return is_utf16(encoding) ? 2 : 1;
}

// The beginning of the first or last line feed; npos when there is none. `bytes` begin with a whole unit.
std::size_t find_line_end(std::string_view bytes, Encoding encoding);
std::size_t find_last_line_end(std::string_view bytes, Encoding encoding);
// How many bytes are in front of the first NUL; and without the NULs at the end.
std::size_t size_before_nul(std::string_view bytes, Encoding encoding);
std::size_t size_without_nuls(std::string_view bytes, Encoding encoding);

// As many bytes of a text in this encoding are never more than `utf8_bytes` in UTF-8.
std::size_t bytes_for(std::size_t utf8_bytes, Encoding encoding);
// The longest beginning of at most `bytes_max` bytes that splits no code point.
std::string_view whole_prefix(std::string_view bytes, std::size_t bytes_max, Encoding encoding);
// What is no code point becomes U+FFFD; a mark at the beginning goes, and half a unit at the end.
std::string utf8_of_utf16(std::string_view bytes, Encoding encoding);

}  // namespace silt::connectors
