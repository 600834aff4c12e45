// StreamName: which stream do the lines of a file belong to? A template that is filled from the path:
// {path}, {dir} (the last folder's name), {file} (the file's name), {stem} (the same without a rotated
// file's count or date and without the last extension), {1} {2} ... (what that wildcard of the
// matching include pattern matched), {container} (namespace, workload and container by the layouts of kubelet and Docker,
// see container_name.h). Files that give the same name share a stream; where all captures
// are empty it is the file's name. Immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "connectors/file/globs.h"

namespace silt::connectors {

class StreamName {
 public:
  StreamName() = default;
  // Fails on a capture that is not known, or that some pattern has no wildcard for.
  static Result<StreamName> compile(std::string_view text, const Globs& include);

  // Empty for the empty template. Any bytes that the path has are in it as they are.
  std::string of(const std::string& path, const Globs& include) const;

 private:
  enum class Kind { kText, kPath, kDirectory, kFile, kStem, kContainer, kWildcard };
  struct Part {
    Kind kind = Kind::kText;
    std::string text;
    std::size_t wildcard = 0;  // from 0
  };
  static Result<Part> capture(std::string_view name, std::string_view text, std::size_t captures_min);

  std::vector<Part> parts_;
};

// "app" of "app.log", "app.log.3" and "app-20261121.log"; "db-1" of "db-1.log".
std::string_view stem_of(std::string_view name);

}  // namespace silt::connectors
