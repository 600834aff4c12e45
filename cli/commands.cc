#include "cli/commands.h"

#include <cstdio>
#include <random>

#include "cli/terminal.h"

namespace silt::cli {

int fail(const Status& status) {
  std::fprintf(stderr, "silt: %s\n", escape(status.message()).c_str());
  return exit_code(status);
}

std::string request_id_or_new(const std::string& given) {
  if (!given.empty()) return given;
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    char word[9];
    std::snprintf(word, sizeof word, "%08x", static_cast<unsigned>(random()));
    id += word;
  }
  return id;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace silt::cli
