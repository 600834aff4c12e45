#include "daemon/answer/language/frames.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "daemon/answer/language/words.h"
#include "daemon/answer/tables.h"

namespace silt::answer::language {
namespace {

std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(mark, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

bool is_vowel(char c) {
  return std::string_view("aeiouy").find(c) != std::string_view::npos;
}

// "manny" for "many": a letter too many or too few, where the same one stands beside it.
bool is_doubling(std::string_view longer, std::string_view shorter) {
  if (longer.size() != shorter.size() + 1) return false;
  for (std::size_t i = 1; i < longer.size(); ++i) {
    if (longer[i] == longer[i - 1] && std::string(longer).erase(i, 1) == shorter) return true;
  }
  return false;
}

// Only slips inside of a word: another first letter makes mostly another word (last, least), another
// ending an inflection (exceptions, exceptional), and a changed consonant another word, too: leaking,
// leading.
bool is_slip(const std::string& frame_word, const std::string& text) {
  constexpr std::size_t kShort = 4;
  if (frame_word.size() < kShort || text.size() < kShort || text[0] != frame_word[0]) return false;
  const bool is_short = std::min(frame_word.size(), text.size()) == kShort;
  const int limit = frame_word.size() < 8 ? 1 : 2;
  if (text.size() == frame_word.size()) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool swapped = i + 1 < text.size() && text[i] == frame_word[i + 1] && text[i + 1] == frame_word[i];
      if (swapped) ++i;
      else if (text[i] != frame_word[i] && (!is_vowel(text[i]) || !is_vowel(frame_word[i]))) return false;
    }
  } else if (is_short && !is_doubling(text, frame_word) && !is_doubling(frame_word, text)) {
    return false;
  }
  return edits(text, frame_word, limit) <= limit && stem(text) != stem(frame_word);
}

}  // namespace

const Frames& Frames::standard() {
  static const Frames frames(kFramesTsv);
  return frames;
}

Frames::Frames(std::string_view tsv) {
  for (const std::string_view line : split(tsv, '\n')) {
    const auto columns = split(line, '\t');
    if (line.starts_with('#') || columns.size() < 4) continue;
    int strength = 0;
    std::from_chars(columns[1].data(), columns[1].data() + columns[1].size(), strength);
    for (const std::string_view phrase : split(columns[3], '|')) {
      Frame frame{std::string(columns[0]), strength, std::string(columns[2]), {}};
      for (const std::string_view word : split(phrase, ' ')) frame.words.emplace_back(word);
      frames_.push_back(std::move(frame));
    }
  }
  for (const Frame& frame : frames_) known_.insert(frame.words.begin(), frame.words.end());
  for (std::uint32_t i = 0; i < frames_.size(); ++i) by_first_letter_[frames_[i].words[0].substr(0, 1)].push_back(i);
}

std::string Frames::language_of(const std::vector<QuestionWord>& words) const {
  std::map<std::string, int> hits;
  for (const QuestionWord& word : words) {
    std::map<std::string, bool> seen;
    const auto found = by_first_letter_.find(word.text.substr(0, 1));
    if (found == by_first_letter_.end()) continue;
    for (const std::uint32_t i : found->second) {
      if (frames_[i].words.size() == 1 && frames_[i].words[0] == word.text) seen[frames_[i].language] = true;
    }
    for (const auto& [language, yes] : seen) hits[language] += 1;
  }
  std::string best = "en";
  for (const auto& [language, count] : hits) {
    if (count > hits[best]) best = language;
  }
  return best;
}

bool Frames::is_operation_word(const std::string& word) const {
  const auto found = by_first_letter_.find(word.substr(0, 1));
  return found != by_first_letter_.end() && std::any_of(found->second.begin(), found->second.end(), [&](std::uint32_t i) {
           return frames_[i].words[0] == word && frames_[i].strength > 75;
         });
}

bool Frames::stands_at(const Frame& frame, const std::vector<QuestionWord>& words, std::size_t at) const {
  if (at + frame.words.size() > words.size()) return false;
  for (std::size_t i = 0; i < frame.words.size(); ++i) {
    if (i > 0 && words[at + i].clause_start) return false;
    const QuestionWord& word = words[at + i];
    if (word.taken == Taken::kTime) return false;
    if (word.text == frame.words[i]) continue;
    if (frame.what == "light" || frame.what == "decisive" || frame.what == "known" || word.quoted || known_.contains(word.text) || !is_slip(frame.words[i], word.text)) return false;
  }
  return true;
}

std::vector<FrameMatch> Frames::match(const std::vector<QuestionWord>& words, std::string_view language) const {
  std::vector<FrameMatch> out;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const auto found = by_first_letter_.find(words[at].text.substr(0, 1));
    if (found == by_first_letter_.end()) continue;
    for (const std::uint32_t i : found->second) {
      if (frames_[i].language != language) continue;
      if (stands_at(frames_[i], words, at)) out.push_back({&frames_[i], at, at + frames_[i].words.size()});
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const FrameMatch& a, const FrameMatch& b) {
    return a.end - a.begin > b.end - b.begin;
  });
  return out;
}

}  // namespace silt::answer::language
