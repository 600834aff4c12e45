#include "model/default_weights.h"

#include <filesystem>
#include <system_error>
#include <vector>

namespace silt::model {

namespace fs = std::filesystem;

Result<std::string> find_default_weights() {
  constexpr const char* kName = "silt-23m.safetensors";
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  std::vector<fs::path> candidates{program / kName, fs::path("model/weights") / kName};
  for (fs::path folder = program; folder.has_relative_path(); folder = folder.parent_path()) {
    candidates.push_back(folder / "model/weights" / kName);
  }
  const fs::path installed = program.parent_path() / "share/silt" / kName;
  candidates.push_back(installed);
  for (const fs::path& candidate : candidates) {
    if (fs::is_regular_file(candidate, ignored)) return candidate.string();
  }
  return not_found(std::string("no weight file ") + kName +
                   " beside the program, in model/weights/ of a source " + "tree or at " +
                   installed.string() +
                   ": name one with --weights, or make it as model/training/README.md says");
}

}  // namespace silt::model
