#include "cli/commands.h"

#include <cstdio>

#include "cli/terminal.h"

namespace silt::cli {

int fail(const Status& status) {
  std::fprintf(stderr, "silt: %s\n", escape(status.message()).c_str());
  return exit_code(status);
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace silt::cli
