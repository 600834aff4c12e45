#include "base/escape.h"

#include <algorithm>
#include <cstdint>

#include "base/utf8.h"

namespace silt {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool is_deceptive(char32_t point) {
  return (point >= 0x80 && point <= 0x9f) || (point >= 0x200b && point <= 0x200f) ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
         (point >= 0xe0000 && point <= 0xe007f);
}

void escape_front(std::string_view& bytes, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const Utf8Char next = decode_utf8(bytes);
  const std::string_view character = bytes.substr(0, next.size);
  bytes.remove_prefix(next.size);
  if (next.valid && next.point == '\\') {
    out += "\\\\";
  } else if (next.valid && next.point >= 0x20 && next.point != 0x7f && !is_deceptive(next.point)) {
    out += character;
  } else {
    for (const char c : character) {
      const auto byte = static_cast<unsigned char>(c);
      out.append("\\x").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    }
  }
}

std::string escape_bytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) escape_front(bytes, out);
  return out;
}

std::string escape_lines(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t end = text.find('\n');
    out += escape_bytes(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string unescape_bytes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("\\\\")) {
      out += '\\';
      at += 1;
    } else if (rest.size() >= 4 && rest.starts_with("\\x") && hex_value(rest[2]) >= 0 &&
               hex_value(rest[3]) >= 0) {
      out += static_cast<char>(hex_value(rest[2]) * 16 + hex_value(rest[3]));
      at += 3;
    } else {
      out += rest.front();
    }
  }
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < have ? static_cast<unsigned char>(bytes[at + i]) : 0);
    }
    for (std::size_t i = 0; i < 4; ++i) out += i <= have ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

}  // namespace silt
