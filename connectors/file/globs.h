// Globs: a set of compiled path patterns. Which paths?
//
// Components are matched by fnmatch(3) (*, ?, [...]; a leading dot only by a dot); ** stands for
// any number of components. Immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace silt::connectors {

class Globs {
 public:
  Globs() = default;
  // Absolute patterns only; or, with `anywhere`, relative ones too, which match at any depth.
  static Result<Globs> compile(const std::vector<std::string>& patterns, bool anywhere);

  bool matches(std::string_view path) const;
  // Something below this directory could match.
  bool may_contain(std::string_view directory) const;
  // The same without counting **: such a directory may be entered through a link.
  bool names_directory(std::string_view directory) const;
  // For each pattern the longest leading part without wildcards, as a directory.
  std::vector<std::string> roots() const;

 private:
  using Pattern = std::vector<std::string>;  // components
  std::vector<Pattern> patterns_;
};

// "/a/b" of "/a/b/c"; "/" of "/a".
std::string directory_of(std::string_view path);
std::string_view name_of(std::string_view path);
std::string join_path(std::string_view directory, std::string_view name);

}  // namespace silt::connectors
