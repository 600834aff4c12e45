// Frames: how people say what they want, as data (frames.tsv), matched word by word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "daemon/answer/language/token.h"

namespace silt::answer::language {

struct Frame {
  std::string what;
  int strength = 0;
  std::string language;
  std::vector<std::string> words;
};

struct FrameMatch {
  const Frame* frame = nullptr;
  std::size_t begin = 0;
  std::size_t end = 0;
};

class Frames {
 public:
  // The frames compiled in.
  static const Frames& standard();
  explicit Frames(std::string_view tsv);

  // en, de, fr or es: the language with most words of the question.
  std::string language_of(const std::vector<QuestionWord>& words) const;
  // Whether a phrase for an operation starts with the word.
  bool is_operation_word(const std::string& word) const;
  // All phrases that stand in the question, longest first, then by place.
  std::vector<FrameMatch> match(const std::vector<QuestionWord>& words, std::string_view language) const;

 private:
  bool stands_at(const Frame& frame, const std::vector<QuestionWord>& words, std::size_t at) const;

  std::vector<Frame> frames_;
  std::unordered_set<std::string> known_;  // words of frames: these are no slips of others
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_first_letter_;
};

}  // namespace silt::answer::language
