#include <algorithm>

#include "tests/tidy/tree.h"

namespace silt::tidy {
namespace {

bool opens_scope(std::string_view code) {
  for (const std::string_view word :
       {"namespace", "class ", "struct ", "enum ", "union ", "extern ", "concept "}) {
    const std::size_t at = code.find(word);
    // "struct stat info_of(...) {" is a function that returns a struct.
    if (at != std::string_view::npos && code.find('(') == std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

std::vector<Function> functions_of(std::string_view text) {
  const std::string code = code_of(text);
  const std::vector<std::string_view> lines = lines_of(code);
  const std::vector<std::string_view> original = lines_of(text);
  std::vector<Function> functions;
  int depth = 0;      // braces open
  int scope = 0;      // of them, of namespaces and classes
  int function = -1;  // depth at which the present function began
  std::string head;   // of a head that goes over several lines
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].starts_with("#")) continue;
    head += lines[i];
    const int before = depth;
    for (const char c : lines[i]) depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (function >= 0 && depth <= function) {
      functions.back().lines = static_cast<int>(i) - functions.back().first_line + 2;
      function = -1;
    } else if (function < 0 && depth > before) {
      if (opens_scope(head)) {
        scope = depth;
      } else if (before == scope && head.find('(') != std::string::npos) {
        function = before;
        functions.push_back({std::string(original[i]), static_cast<int>(i) + 1, 0});
      }
    }
    scope = std::min(scope, depth);
    if (lines[i].find_first_of(";{}") != std::string_view::npos) head.clear();
  }
  return functions;
}

}  // namespace silt::tidy
