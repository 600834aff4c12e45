// Section: a part of a document, with the headings that it stands under.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace silt::connectors {

struct Section {
  std::string path;  // "Postgres > Replication lag"; empty: before the first heading
  std::string text;  // without the heading
};

// Makes sections out of headings and text as they come. A section without a text of its own is left out; of two
// with one path the second is called "PATH (2)".
class SectionBuilder {
 public:
  void heading(int level, std::string_view title);  // 1: the outermost
  void text(std::string_view text) { text_ += text; }
  void end_line();   // unless at the beginning of one
  std::vector<Section> take();

 private:
  void close();
  std::string path() const;

  struct Heading {
    int level;
    std::string title;
  };
  std::vector<Heading> headings_;
  std::string text_;
  std::vector<Section> sections_;
};

}  // namespace silt::connectors
