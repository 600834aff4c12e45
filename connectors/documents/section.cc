#include "connectors/documents/section.h"

#include <map>

namespace silt::connectors {
namespace {

constexpr std::size_t kTitleMax = 200;

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= ' ';
    if (!blank) out += c;
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  while (out.ends_with(' ')) out.pop_back();
  return out.substr(0, kTitleMax);
}

}  // namespace

void SectionBuilder::heading(int level, std::string_view title) {
  close();
  while (!headings_.empty() && headings_.back().level >= level) headings_.pop_back();
  headings_.push_back({level, one_line(title)});
}

void SectionBuilder::end_line() {
  if (!text_.empty() && !text_.ends_with('\n')) text_ += '\n';
}

std::string SectionBuilder::path() const {
  std::string out;
  for (const Heading& heading : headings_) {
    if (!heading.title.empty()) out += (out.empty() ? "" : " > ") + heading.title;
  }
  return out;
}

void SectionBuilder::close() {
  const std::size_t begin = text_.find_first_not_of(" \t\r\n");
  const std::size_t end = text_.find_last_not_of(" \t\r\n");
  if (begin != std::string::npos) sections_.push_back({path(), text_.substr(begin, end + 1 - begin)});
  text_.clear();
}

std::vector<Section> SectionBuilder::take() {
  close();
  std::map<std::string, int> seen;
  for (Section& section : sections_) {
    const int times = ++seen[section.path];
    if (times > 1) section.path += " (" + std::to_string(times) + ")";
  }
  return std::move(sections_);
}

}  // namespace silt::connectors
