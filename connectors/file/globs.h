// Globs: a set of compiled path patterns. Which paths?
//
// A component is a Wildcard (*, ?, [...]; a leading dot only by a dot); ** stands for any number of
// components that are not hidden. Matching takes time proportional to the product of the numbers of
// components, however many ** there are. Immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "connectors/file/wildcard.h"

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
  // What each wildcard of the first matching pattern matched, ** with slashes; empty: none matches.
  std::vector<std::string_view> captures(std::string_view path) const;
  // So many captures every match has.
  std::size_t captures_min() const;
  // For each pattern the longest leading part without wildcards, as a directory.
  std::vector<std::string> roots() const;

 private:
  struct Component {
    explicit Component(std::string_view text) : any_depth(text == "**"), name(text) {}
    bool any_depth;
    Wildcard name;  // unless any_depth
  };
  using Pattern = std::vector<Component>;
  class Match;

  static bool match_directory(const Pattern& pattern, std::string_view directory, bool any_depth);

  std::vector<Pattern> patterns_;
};

// "/a/b" of "/a/b/c"; "/" of "/a".
std::string directory_of(std::string_view path);
// The folder itself or anything in it.
bool is_below(std::string_view path, std::string_view folder);
std::string_view name_of(std::string_view path);
std::string join_path(std::string_view directory, std::string_view name);

}  // namespace silt::connectors
