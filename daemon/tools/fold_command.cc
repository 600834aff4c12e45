// silt-eval fold FILE: the pattern of each line, as siltd would find it.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "daemon/fold/miner.h"
#include "daemon/tools/commands.h"

namespace silt::tools {

// Prints one pattern id per line of the file. With --patterns: the patterns, their ids and counts.
int fold_file(std::span<const std::string_view> arguments) {
  const bool show_patterns = arguments.size() == 2 && arguments[0] == "--patterns";
  if (arguments.size() != (show_patterns ? 2u : 1u)) {
    std::fprintf(stderr, "silt-eval: which file? Write: silt-eval fold [--patterns] FILE\n");
    return 2;
  }
  const std::string path(arguments.back());
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "silt-eval: cannot read %s\n", path.c_str());
    return 2;
  }
  fold::Miner miner;
  std::vector<fold::PatternId> ids;
  for (std::string line; std::getline(file, line);)
    ids.push_back(miner.fold(line, ids.size() + 1, 0).pattern);
  if (!show_patterns) {
    for (const fold::PatternId id : ids) std::printf("%u\n", miner.resolve(id));
    return 0;
  }
  for (fold::PatternId id = 0; id <= miner.size(); ++id) {
    const fold::Pattern* pattern = miner.find(id);
    if (pattern == nullptr) continue;
    std::printf("%6u %8llu %s\n", id, static_cast<unsigned long long>(pattern->count), pattern->text.c_str());
  }
  return 0;
}

}  // namespace silt::tools
