// The source tree as text, for the tests that keep it tidy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace silt::tidy {

struct SourceFile {
  std::string path;  // from the root: "daemon/store/keys.cc"
  std::string text;

  bool is_header() const { return path.ends_with(".h"); }
  std::string_view top() const { return std::string_view(path).substr(0, path.find('/')); }
  // "daemon/store" of "daemon/store/keys.cc", "daemon" of "daemon/app.cc", else the top folder.
  std::string part() const;
};

// Every hand-written .h, .cc and .inc file.
std::vector<SourceFile> source_files();
// Every file below the root whose name is `name` or ends with it, e.g. "CMakeLists.txt" or ".sh".
std::vector<SourceFile> files_named(std::string_view name);

std::vector<std::string_view> lines_of(std::string_view text);

// The text with comments and literals replaced by blanks, line by line the same.
std::string code_of(std::string_view text);

struct Include {
  std::string path;
  bool quoted = false;
};
std::vector<Include> includes_of(std::string_view text);

struct Function {
  std::string head;  // the line that opens it
  int first_line = 0;
  int lines = 0;
};
// By the form that clang-format gives them: a line at a namespace's or class's level that ends in
// an opening brace and is no namespace, class or initialiser.
std::vector<Function> functions_of(std::string_view text);

}  // namespace silt::tidy
