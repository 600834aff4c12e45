#include "connectors/encoding.h"

#include <algorithm>

namespace silt::connectors {
namespace {

constexpr std::size_t npos = std::string_view::npos;
constexpr char32_t kReplacement = 0xfffd;
constexpr char32_t kMark = 0xfeff;

char32_t unit_at(std::string_view bytes, std::size_t at, Encoding encoding) {
  const auto first = static_cast<unsigned char>(bytes[at]), second = static_cast<unsigned char>(bytes[at + 1]);
  return encoding == Encoding::kUtf16Le ? first | second << 8 : first << 8 | second;
}

bool is_high(char32_t unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}
bool is_low(char32_t unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

void append_utf8(char32_t point, std::string& out) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      out += static_cast<char>(0xe0 | point >> 12);
    } else {
      out += static_cast<char>(0xf0 | point >> 18);
      out += static_cast<char>(0x80 | (point >> 12 & 0x3f));
    }
    out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
  }
  out += static_cast<char>(0x80 | (point & 0x3f));
}

}  // namespace

Encoding encoding_of(std::string_view head) {
  if (head.size() < 4) return Encoding::kUnknown;
  if (head.starts_with("\xfe\xff")) return Encoding::kUtf16Be;
  const bool is_utf32 = head[2] == '\0' && head[3] == '\0';
  return head.starts_with("\xff\xfe") && !is_utf32 ? Encoding::kUtf16Le : Encoding::kBytes;
}

std::size_t find_line_end(std::string_view bytes, Encoding encoding) {
  if (!is_utf16(encoding)) return bytes.find('\n');
  for (std::size_t from = 0; (from = bytes.find('\n', from)) != npos; ++from) {
    const std::size_t at = from & ~std::size_t{1};
    if (at + 1 < bytes.size() && unit_at(bytes, at, encoding) == U'\n') return at;
  }
  return npos;
}

std::size_t find_last_line_end(std::string_view bytes, Encoding encoding) {
  if (!is_utf16(encoding)) return bytes.rfind('\n');
  for (std::size_t to = npos; (to = bytes.rfind('\n', to)) != npos; --to) {
    const std::size_t at = to & ~std::size_t{1};
    if (at + 1 < bytes.size() && unit_at(bytes, at, encoding) == U'\n') return at;
    if (to == 0) return npos;
  }
  return npos;
}

std::size_t size_before_nul(std::string_view bytes, Encoding encoding) {
  if (!is_utf16(encoding)) return std::min(bytes.find('\0'), bytes.size());
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    if (unit_at(bytes, at, encoding) == 0) return at;
  }
  return bytes.size();
}

std::size_t size_without_nuls(std::string_view bytes, Encoding encoding) {
  const std::size_t size = bytes.find_last_not_of('\0') + 1;  // 0: all are
  return std::min(bytes.size(), size + size % unit_bytes(encoding));
}

std::size_t bytes_for(std::size_t utf8_bytes, Encoding encoding) {
  return is_utf16(encoding) ? utf8_bytes / 3 * 2 : utf8_bytes;  // a unit has at most three bytes
}

std::string_view whole_prefix(std::string_view bytes, std::size_t bytes_max, Encoding encoding) {
  std::string_view prefix = bytes.substr(0, bytes_max);
  if (!is_utf16(encoding) || prefix.size() == bytes.size() || prefix.size() < 2) return prefix;
  prefix = prefix.substr(0, prefix.size() & ~std::size_t{1});
  if (is_high(unit_at(prefix, prefix.size() - 2, encoding))) prefix.remove_suffix(2);
  return prefix;
}

std::string utf8_of_utf16(std::string_view bytes, Encoding encoding) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    char32_t point = unit_at(bytes, at, encoding);
    if (point == kMark && at == 0) continue;
    if (is_high(point) && at + 3 < bytes.size() && is_low(unit_at(bytes, at + 2, encoding))) {
      at += 2;
      point = 0x10000 + ((point - 0xd800) << 10) + (unit_at(bytes, at, encoding) - 0xdc00);
    } else if (is_high(point) || is_low(point)) {
      point = kReplacement;
    }
    append_utf8(point, out);
  }
  return out;
}

}  // namespace silt::connectors
