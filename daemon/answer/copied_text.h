// CopiedText: a text whose whole words a reader may copy, and nothing else. Immutable.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace silt::answer {

class CopiedText {
 public:
  explicit CopiedText(std::string_view text);

  const std::string& text() const { return text_; }
  // Letters, digits and most of what is not ASCII are in words; no copy begins or ends within a character.
  bool starts_word(std::size_t at) const;
  bool ends_word(std::size_t end) const;

  // Whether `fits(begin, end)` of some place where the text has `item` from the start of a word on; with
  // `whole`, also to the end of one.
  template <class Fits>
  bool has(std::string_view item, bool whole, Fits fits) const {
    for (std::size_t at = text_.find(item); at < text_.size(); at = text_.find(item, at + 1)) {
      const std::size_t end = at + item.size();
      if (starts_word(at) && (!whole || ends_word(end)) && fits(at, end)) return true;
    }
    return false;
  }
  bool has(std::string_view item, bool whole) const {
    return has(item, whole, [](std::size_t, std::size_t) { return true; });
  }

 private:
  std::string text_;
  std::vector<bool> in_word_;  // of each byte
};

}  // namespace silt::answer
