#include "connectors/file/stream_name.h"

#include <algorithm>
#include <charconv>

#include "connectors/container/container_name.h"
#include "connectors/file/rotated_name.h"

namespace silt::connectors {
namespace {

// A number of so many digits is a date; a shorter one may tell hosts or jobs apart.
constexpr std::ptrdiff_t kDateDigits = 6;

std::ptrdiff_t digits_in(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string_view stem_of(std::string_view name) {
  for (const LiveName& live : live_names_of(name)) {
    const bool date = digits_in(name) - digits_in(live.name) >= kDateDigits;
    const bool count = live.suffix && name[live.name.size()] == '.';
    if (!date && !count) continue;
    if (!live.suffix) return name.substr(0, live.name.rfind('.'));  // the date stood before the extension
    name = name.substr(0, live.name.size());
    break;
  }
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

Result<StreamName::Part> StreamName::capture(std::string_view name, std::string_view text,
                                             std::size_t captures_min) {
  if (name == "path") return Part{.kind = Kind::kPath};
  if (name == "dir") return Part{.kind = Kind::kDirectory};
  if (name == "file") return Part{.kind = Kind::kFile};
  if (name == "stem") return Part{.kind = Kind::kStem};
  if (name == "container") return Part{.kind = Kind::kContainer};
  std::size_t number = 0;
  const char* const end = name.data() + name.size();
  std::string shown = "'{";
  shown.append(name).append("}' in '").append(text).append("'");
  if (const auto [rest, error] = std::from_chars(name.data(), end, number);
      name.empty() || rest != end || error != std::errc() || number == 0) {
    return invalid_argument("unknown capture " + shown +
                            ": known are {path}, {dir}, {file}, {stem}, {container} and {1}, {2} ... for the wildcards");
  }
  if (number > captures_min) {
    return invalid_argument("capture " + shown + ": a pattern of include has only " +
                            std::to_string(captures_min) + " wildcards");
  }
  return Part{.kind = Kind::kWildcard, .wildcard = number - 1};
}

Result<StreamName> StreamName::compile(std::string_view text, const Globs& include) {
  StreamName name;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t open = std::min(rest.find_first_of("{}"), rest.size());
    if (open > 0) name.parts_.push_back({.kind = Kind::kText, .text = std::string(rest.substr(0, open))});
    rest.remove_prefix(open);
    if (rest.empty()) break;
    const std::size_t close = rest.find('}');
    if (close == 0 || close == std::string_view::npos) {
      return invalid_argument(std::string(text) + ": a { or } has no partner");
    }
    SILT_ASSIGN(Part part, capture(rest.substr(1, close - 1), text, include.captures_min()));
    name.parts_.push_back(std::move(part));
    rest.remove_prefix(close + 1);
  }
  return name;
}

std::string StreamName::of(const std::string& path, const Globs& include) const {
  std::string name;
  std::vector<std::string_view> captures;
  const std::string directory = directory_of(path);
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Kind::kText: name += part.text; break;
      case Kind::kPath: name += path; break;
      case Kind::kDirectory: name += name_of(directory); break;
      case Kind::kFile: name += name_of(path); break;
      case Kind::kStem: name += stem_of(name_of(path)); break;
      case Kind::kContainer: name += container_of(path).source(); break;
      case Kind::kWildcard:
        if (captures.empty()) captures = include.captures(path);
        if (part.wildcard < captures.size()) name += captures[part.wildcard];
        break;
    }
  }
  return name.empty() && !parts_.empty() ? std::string(name_of(path)) : name;
}

}  // namespace silt::connectors
