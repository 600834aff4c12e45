#include "connectors/file/globs.h"

#include <algorithm>

namespace silt::connectors {
namespace {

using Parts = std::vector<std::string_view>;

Parts components_of(std::string_view path) {
  Parts parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

bool is_hidden(std::string_view name) {
  return name.starts_with('.');
}

// From the first to the last of them, as they stand in the path.
std::string_view span_of(const Parts& parts, std::size_t begin, std::size_t end) {
  if (begin == end) return {};
  const char* const first = parts[begin].data();
  return {first, static_cast<std::size_t>(parts[end - 1].data() + parts[end - 1].size() - first)};
}

}  // namespace

// One pattern against one path.
class Globs::Match {
 public:
  using Captures = std::vector<std::string_view>;
  Match(const Pattern& pattern, const Parts& path, Captures* captures)
      : pattern_(pattern), path_(path), captures_(captures) {}

  bool run() { return from(0, 0); }

 private:
  bool from(std::size_t component, std::size_t depth) {
    const std::size_t captured = captures_ != nullptr ? captures_->size() : 0;
    for (; component < pattern_.size() && !pattern_[component].any_depth; ++component, ++depth) {
      if (depth == path_.size() || !pattern_[component].name.matches(path_[depth], captures_))
        return undo(captured);
    }
    if (component == pattern_.size()) return depth == path_.size() || undo(captured);
    if (failed_.empty()) failed_.resize(pattern_.size() * (path_.size() + 1));
    for (std::size_t end = depth; end <= path_.size(); ++end) {
      if (captures_ != nullptr) captures_->push_back(span_of(path_, depth, end));
      // What follows this ** depends only on where it ends: no place is tried twice.
      const std::size_t place = component * (path_.size() + 1) + end;
      if (!failed_[place] && from(component + 1, end)) return true;
      failed_[place] = true;
      if (captures_ != nullptr) captures_->pop_back();
      if (end < path_.size() && is_hidden(path_[end])) break;
    }
    return undo(captured);
  }

  bool undo(std::size_t captured) {
    if (captures_ != nullptr) captures_->resize(captured);
    return false;
  }

  const Pattern& pattern_;
  const Parts& path_;
  Captures* const captures_;
  std::vector<bool> failed_;
};

// Whether `directory` matches a proper beginning of `pattern`.
bool Globs::match_directory(const Pattern& pattern, std::string_view directory, bool any_depth) {
  const Parts parts = components_of(directory);
  for (std::size_t depth = 0; depth < parts.size(); ++depth) {
    if (depth == pattern.size()) return false;
    if (pattern[depth].any_depth)
      return any_depth &&
             std::none_of(parts.begin() + static_cast<std::ptrdiff_t>(depth), parts.end(), is_hidden);
    if (!pattern[depth].name.matches(parts[depth])) return false;
  }
  return parts.size() < pattern.size();
}

Result<Globs> Globs::compile(const std::vector<std::string>& patterns, bool anywhere) {
  Globs globs;
  for (const std::string& text : patterns) {
    const bool absolute = text.starts_with('/');
    Pattern pattern;
    for (const std::string_view part : components_of(text)) pattern.emplace_back(part);
    if (pattern.empty() || text.find('\0') != std::string::npos) {
      return invalid_argument("file pattern '" + text + "' names no file");
    }
    if (!absolute && !anywhere) {
      return invalid_argument("file pattern '" + text + "' must be absolute: begin it with /");
    }
    if (!absolute) pattern.insert(pattern.begin(), Component("**"));
    globs.patterns_.push_back(std::move(pattern));
  }
  return globs;
}

bool Globs::matches(std::string_view path) const {
  const Parts parts = components_of(path);
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const Pattern& pattern) { return Match(pattern, parts, nullptr).run(); });
}

std::vector<std::string_view> Globs::captures(std::string_view path) const {
  const Parts parts = components_of(path);
  std::vector<std::string_view> captures;
  for (const Pattern& pattern : patterns_) {
    if (Match(pattern, parts, &captures).run()) break;
  }
  return captures;
}

std::size_t Globs::captures_min() const {
  std::size_t least = patterns_.empty() ? 0 : ~std::size_t{0};
  for (const Pattern& pattern : patterns_) {
    std::size_t count = 0;
    for (const Component& component : pattern) count += component.any_depth ? 1 : component.name.wildcards();
    least = std::min(least, count);
  }
  return least;
}

bool Globs::may_contain(std::string_view directory) const {
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const Pattern& pattern) { return match_directory(pattern, directory, true); });
}

bool Globs::names_directory(std::string_view directory) const {
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const Pattern& pattern) { return match_directory(pattern, directory, false); });
}

std::vector<std::string> Globs::roots() const {
  std::vector<std::string> roots;
  for (const Pattern& pattern : patterns_) {
    std::string root;
    for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
      if (pattern[i].any_depth || !pattern[i].name.is_literal()) break;
      root.append("/").append(pattern[i].name.literal());
    }
    if (root.empty()) root.push_back('/');
    if (std::find(roots.begin(), roots.end(), root) == roots.end()) roots.push_back(root);
  }
  return roots;
}

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos || slash == 0 ? "/" : std::string(path.substr(0, slash));
}

bool is_below(std::string_view path, std::string_view folder) {
  if (!path.starts_with(folder)) return false;
  return path.size() == folder.size() || folder.ends_with('/') || path[folder.size()] == '/';
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
