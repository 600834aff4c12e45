// UTF-8, strictly: overlong forms, surrogates and values beyond U+10FFFF are not valid.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace silt {

struct Utf8Char {
  char32_t point = 0;
  std::size_t size = 1;  // bytes; 1 when not valid
  bool valid = false;
};

// The first character of a text that is not empty.
Utf8Char decode_utf8(std::string_view text);

// `point` is at most U+10FFFF.
void append_utf8(char32_t point, std::string& out);

bool is_utf8(std::string_view text);

// Each invalid byte as U+FFFD.
std::string to_utf8(std::string_view bytes);

}  // namespace silt
