#include "tests/tidy/tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

namespace silt::tidy {
namespace {

namespace fs = std::filesystem;

std::vector<SourceFile> collect(const std::function<bool(const std::string&)>& wanted) {
  const fs::path root = SILT_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory() && (name == ".git" || name.rfind("build", 0) == 0 || name[0] == '.')) {
      it.disable_recursion_pending();
      continue;
    }
    const std::string path = fs::relative(it->path(), root).string();
    if (!it->is_regular_file() || !wanted(path)) continue;
    std::ostringstream text;
    text << std::ifstream(it->path(), std::ios::binary).rdbuf();
    files.push_back({path, text.str()});
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

// Walks over a text and says of each character whether it is code.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text), out_(text) {}
  std::string run() {
    while (at_ < text_.size()) {
      if (starts("//")) {
        blank_until("\n", false);
      } else if (starts("/*")) {
        blank_until("*/", true);
      } else if (starts("R\"")) {
        raw_string();
      } else if (text_[at_] == '"' || (text_[at_] == '\'' && !in_number())) {
        literal(text_[at_]);
      } else {
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  bool in_number() const { return at_ > 0 && std::isxdigit(static_cast<unsigned char>(text_[at_ - 1])) != 0; }
  void blank(std::size_t end) {
    for (; at_ < std::min(end, text_.size()); ++at_) {
      if (out_[at_] != '\n') out_[at_] = ' ';
    }
  }
  void blank_until(std::string_view stop, bool with_it) {
    const std::size_t found = text_.find(stop, at_ + 2);
    blank(found == std::string_view::npos ? text_.size() : found + (with_it ? stop.size() : 0));
  }
  void raw_string() {
    const std::size_t open = text_.find('(', at_);
    const std::string stop = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    blank_until(stop, true);
  }
  void literal(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    blank(end + 1);
  }

  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;
};

}  // namespace

std::string SourceFile::part() const {
  const std::size_t first = path.find('/');
  const std::size_t second = path.find('/', first + 1);
  return second == std::string::npos ? path.substr(0, first) : path.substr(0, second);
}

std::vector<SourceFile> source_files() {
  return collect([](const std::string& path) {
    return path.ends_with(".h") || path.ends_with(".cc") || path.ends_with(".inc");
  });
}

std::vector<SourceFile> files_named(std::string_view name) {
  return collect([&](const std::string& path) { return path.ends_with(name); });
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string code_of(std::string_view text) {
  return Scanner(text).run();
}

std::vector<Include> includes_of(std::string_view text) {
  std::vector<Include> includes;
  for (const std::string_view line : lines_of(text)) {
    if (!line.starts_with("#include ") || line.size() < 12) continue;
    const char close = line[9] == '"' ? '"' : '>';
    const std::size_t end = line.find(close, 10);
    includes.push_back({std::string(line.substr(10, end - 10)), line[9] == '"'});
  }
  return includes;
}

}  // namespace silt::tidy
