#include "connectors/file/globs.h"

#include <fnmatch.h>

#include <algorithm>
#include <span>

namespace silt::connectors {
namespace {

constexpr std::string_view kAnyDepth = "**";

std::vector<std::string> components_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

bool has_wildcard(const std::string& component) {
  return component.find_first_of("*?[\\") != std::string::npos;
}

bool component_matches(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0;
}

using Parts = std::span<const std::string>;

bool match_path(Parts pattern, Parts path) {
  while (!pattern.empty() && pattern[0] != kAnyDepth) {
    if (path.empty() || !component_matches(pattern[0], path[0])) return false;
    pattern = pattern.subspan(1);
    path = path.subspan(1);
  }
  if (pattern.empty()) return path.empty();
  for (std::size_t depth = 0; depth <= path.size(); ++depth) {
    if (match_path(pattern.subspan(1), path.subspan(depth))) return true;
    if (depth < path.size() && path[depth].starts_with('.')) return false;  // ** skips hidden folders
  }
  return false;
}

// Whether `directory` matches a proper beginning of `pattern`.
bool match_directory(Parts pattern, Parts directory, bool any_depth) {
  while (!directory.empty()) {
    if (pattern.empty()) return false;
    if (pattern[0] == kAnyDepth) {
      return any_depth && std::none_of(directory.begin(), directory.end(),
                                       [](const std::string& name) { return name.starts_with('.'); });
    }
    if (!component_matches(pattern[0], directory[0])) return false;
    pattern = pattern.subspan(1);
    directory = directory.subspan(1);
  }
  return !pattern.empty();
}

}  // namespace

Result<Globs> Globs::compile(const std::vector<std::string>& patterns, bool anywhere) {
  Globs globs;
  for (const std::string& text : patterns) {
    const bool absolute = text.starts_with('/');
    Pattern pattern = components_of(text);
    if (pattern.empty() || text.find('\0') != std::string::npos) {
      return invalid_argument("file pattern '" + text + "' names no file");
    }
    if (!absolute && !anywhere) {
      return invalid_argument("file pattern '" + text + "' must be absolute: begin it with /");
    }
    if (!absolute) pattern.insert(pattern.begin(), std::string(kAnyDepth));
    globs.patterns_.push_back(std::move(pattern));
  }
  return globs;
}

bool Globs::matches(std::string_view path) const {
  const std::vector<std::string> parts = components_of(path);
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const Pattern& pattern) { return match_path(pattern, parts); });
}

bool Globs::may_contain(std::string_view directory) const {
  const std::vector<std::string> parts = components_of(directory);
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const Pattern& pattern) { return match_directory(pattern, parts, true); });
}

bool Globs::names_directory(std::string_view directory) const {
  const std::vector<std::string> parts = components_of(directory);
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const Pattern& pattern) { return match_directory(pattern, parts, false); });
}

std::vector<std::string> Globs::roots() const {
  std::vector<std::string> roots;
  for (const Pattern& pattern : patterns_) {
    std::string root;
    for (std::size_t i = 0; i + 1 < pattern.size() && !has_wildcard(pattern[i]); ++i)
      root += "/" + pattern[i];
    if (root.empty()) root.push_back('/');
    if (std::find(roots.begin(), roots.end(), root) == roots.end()) roots.push_back(root);
  }
  return roots;
}

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos || slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string join_path(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

}  // namespace silt::connectors
