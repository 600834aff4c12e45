#include "daemon/answer/copied_text.h"

#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

bool continues_character(char c) {  // UTF-8
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

// Not in words: the marks of U+00A0..BF and U+2000..207F.
CopiedText::CopiedText(std::string_view text) : text_(text), in_word_(text.size()) {
  for (std::size_t i = 0; i < text.size(); ++i)
    in_word_[i] = is_letter(text[i]) || is_digit(text[i]) || (text[i] & 0x80);
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto second = static_cast<unsigned char>(text[i + 1]);
    if (text[i] == '\xc2' && second >= 0xa0 && second <= 0xbf) in_word_[i] = in_word_[i + 1] = false;
    if (i + 2 < text.size() && text[i] == '\xe2' && (second == 0x80 || second == 0x81)) {
      in_word_[i] = in_word_[i + 1] = in_word_[i + 2] = false;
    }
  }
}

bool CopiedText::starts_word(std::size_t at) const {
  return (at == 0 || !in_word_[at - 1]) && !continues_character(text_[at]);
}

bool CopiedText::ends_word(std::size_t end) const {
  return end == text_.size() || (!in_word_[end] && !continues_character(text_[end]));
}

}  // namespace silt::answer
