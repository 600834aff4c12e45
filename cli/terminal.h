// What is printed for people: text that cannot act on the terminal, colours only where they are
// wanted, and tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace silt::cli {

// Log text is hostile. Control bytes become \x1b, invalid UTF-8 becomes \xff, and code points that
// reorder or hide text (C1 controls, directional marks) become \u202e. Tabs stay.
std::string escape(std::string_view text);

// Columns that a terminal uses for escaped text: code points, wide ones not considered.
std::size_t width_of(std::string_view text);

struct Style {
  bool colour = false;

  // Colours when standard output is a terminal that wants them: NO_COLOR and TERM=dumb do not.
  static Style of_stdout();

  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string dim(std::string_view text) const { return paint("2", text); }
  std::string highlight(std::string_view text) const { return paint("1;33", text); }

 private:
  std::string paint(std::string_view code, std::string_view text) const;
};

// Left-aligned text columns and right-aligned number columns, two blanks apart.
class Table {
 public:
  struct Column {
    std::string title;
    bool number = false;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string render(const Style& style) const;

 private:
  std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace silt::cli
