#include "model/default_weights.h"

#include <filesystem>
#include <system_error>
#include <vector>

namespace silt::model {

namespace fs = std::filesystem;

Result<std::string> find_default_weights(std::string_view name) {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  std::vector<fs::path> candidates{program / name, fs::path("model/weights") / name};
  for (fs::path folder = program; folder.has_relative_path(); folder = folder.parent_path()) {
    candidates.push_back(folder / "model/weights" / name);
  }
  const fs::path installed = program.parent_path() / "share/silt" / name;
  candidates.push_back(installed);
  for (const fs::path& candidate : candidates) {
    if (fs::is_regular_file(candidate, ignored)) return candidate.string();
  }
  return not_found("no weight file " + std::string(name) +
                   " beside the program, in model/weights/ of a source " + "tree or at " +
                   installed.string() +
                   ": name one with --weights, or make it as model/training/README.md says");
}

}  // namespace silt::model
