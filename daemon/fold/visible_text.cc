#include "daemon/fold/visible_text.h"

namespace silt::fold {
namespace {

// Bytes of the control sequence or invisible character at `at`; 0 when there is none.
std::size_t invisible_size(std::string_view line, std::size_t at) {
  const std::string_view text = line.substr(at);
  if (text[0] == '\x1b') {
    if (text.size() < 2 || text[1] != '[') return 0;
    std::size_t end = 2;
    while (end < text.size() && text[end] >= ' ' && text[end] <= '?') ++end;
    return end < text.size() && text[end] >= '@' && text[end] <= '~' ? end + 1 : 0;
  }
  for (const std::string_view hidden : {"\xc2\xad",       // soft hyphen
                                        "\xe2\x80\x8b",   // zero width space
                                        "\xe2\x80\x8c",   // zero width non-joiner
                                        "\xe2\x80\x8d",   // zero width joiner
                                        "\xe2\x80\x8e",   // left-to-right mark
                                        "\xe2\x80\x8f",   // right-to-left mark
                                        "\xe2\x81\xa0",   // word joiner
                                        "\xef\xbb\xbf"})  // byte order mark
  {
    if (text.starts_with(hidden)) return hidden.size();
  }
  return 0;
}

}  // namespace

bool may_hide_characters(std::string_view line) {
  unsigned found = 0;
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    found |= static_cast<unsigned>(byte == 0x1b) | static_cast<unsigned>(byte >> 7);
  }
  return found != 0;
}

bool strip_invisible(std::string_view line, std::string& text, std::vector<std::uint32_t>& places) {
  text.clear();
  places.clear();
  for (std::size_t at = 0; at < line.size();) {
    const auto byte = static_cast<unsigned char>(line[at]);
    const bool suspect = byte == 0x1b || byte == 0xc2 || byte == 0xe2 || byte == 0xef;
    if (const std::size_t size = suspect ? invisible_size(line, at) : 0) {
      at += size;
      continue;
    }
    text.push_back(line[at]);
    places.push_back(static_cast<std::uint32_t>(at++));
  }
  if (text.size() != line.size()) return true;
  text.clear();
  places.clear();
  return false;
}

}  // namespace silt::fold
