#include "cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/escape.h"
#include "base/utf8.h"

namespace silt::cli {
namespace {

std::string hex(const char* format, unsigned value) {
  char text[16];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char next = decode_utf8(text.substr(at));
    if (!next.valid) {
      out += hex("\\x%02x", static_cast<unsigned char>(text[at]));
    } else if ((next.point < 0x20 && next.point != '\t') || next.point == 0x7f) {
      out += hex("\\x%02x", static_cast<unsigned>(next.point));
    } else if (is_deceptive(next.point)) {
      out += hex("\\u%04x", static_cast<unsigned>(next.point));
    } else {
      out += text.substr(at, next.size);
    }
    at += next.size;
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return width;
}

Style Style::of_stdout() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool wanted =
      (no_color == nullptr || *no_color == '\0') && term != nullptr && std::string_view(term) != "dumb";
  return {wanted && ::isatty(STDOUT_FILENO) == 1};
}

std::string Style::paint(std::string_view code, std::string_view text) const {
  if (!colour || text.empty()) return std::string(text);
  std::string out("\x1b[");
  out.append(code).append("m").append(text).append("\x1b[0m");
  return out;
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const {
  std::string out;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out += "  ";
    const std::string padding(widths[i] - std::min(widths[i], width_of(cells[i])), ' ');
    const bool last = i + 1 == columns_.size();
    out += columns_[i].number ? padding + cells[i] : cells[i] + (last ? "" : padding);
  }
  return out;
}

std::string Table::render(const Style& style) const {
  std::vector<std::size_t> widths;
  std::vector<std::string> titles;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(width_of(columns_[i].title));
    titles.push_back(columns_[i].title);
    for (const auto& row : rows_) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out = style.bold(line(titles, widths)) + "\n";
  for (const auto& row : rows_) out += line(row, widths) + "\n";
  return out;
}

}  // namespace silt::cli
