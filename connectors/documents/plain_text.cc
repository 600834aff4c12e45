#include "connectors/documents/plain_text.h"

#include <algorithm>

namespace silt::connectors {
namespace {

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// A line of one mark, about as long as the title above it.
bool underlines(std::string_view line, std::string_view title) {
  if (line.size() < 3 || title.empty() || title.front() == ' ' || line.size() + 2 < title.size()) return false;
  constexpr std::string_view kMarks = "=-~^*#";
  return kMarks.find(line.front()) != std::string_view::npos && line.find_first_not_of(line.front()) == std::string_view::npos &&
         title.find_first_not_of(line.front()) != std::string_view::npos;
}

}  // namespace

std::vector<Section> plain_sections(std::string_view text) {
  SectionBuilder out;
  std::string marks;  // in the order of their levels
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = next_line(rest);
    std::string_view behind = rest;
    const std::string_view under = next_line(behind);
    if (underlines(under, line)) {
      if (marks.find(under.front()) == std::string::npos) marks += under.front();
      out.heading(static_cast<int>(marks.find(under.front())) + 1, line);
      rest = behind;
      continue;
    }
    out.text(line);
    out.text("\n");
  }
  return out.take();
}

}  // namespace silt::connectors
