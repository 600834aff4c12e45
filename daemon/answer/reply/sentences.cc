#include "daemon/answer/reply/sentences.h"

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/answer/language/words.h"

namespace silt::answer::reply {
namespace {

constexpr std::size_t kSentenceBytesMax = 400;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Numbers that are written out. "One" is as often no number.
constexpr std::array<std::pair<std::string_view, std::string_view>, 27> kNumberWords = {{
    {"two", "2"},       {"three", "3"},     {"four", "4"},     {"five", "5"},      {"six", "6"},       {"seven", "7"},    {"eight", "8"},
    {"nine", "9"},      {"ten", "10"},      {"eleven", "11"},  {"twelve", "12"},   {"thirteen", "13"}, {"fourteen", "14"}, {"fifteen", "15"},
    {"sixteen", "16"},  {"seventeen", "17"}, {"eighteen", "18"}, {"nineteen", "19"}, {"twenty", "20"},  {"thirty", "30"},  {"forty", "40"},
    {"fifty", "50"},    {"dozen", "12"},    {"hundred", "100"}, {"thousand", "1000"}, {"million", "1000000"}, {"twice", "2"}}};

// "1,234" is 1234.
std::string without_commas(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool comma = text[i] == ',' && i > 0 && is_digit(text[i - 1]) && i + 3 < text.size() && is_digit(text[i + 1]) && is_digit(text[i + 2]) &&
                       is_digit(text[i + 3]) && (i + 4 == text.size() || !is_digit(text[i + 4]));
    if (!comma) out += text[i];
  }
  return out;
}

bool is_alnum(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z');
}

// "3.5", "10.0.0.7", "09:14:02", "db3": what has a digit, with what joins it. Lower case.
std::vector<std::string> numbers_of(std::string_view text) {
  constexpr std::string_view kJoins = ".:-/_@";
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!is_alnum(text[at])) continue;
    std::size_t end = at;
    while (end < text.size() && (is_alnum(text[end]) || (kJoins.find(text[end]) != std::string_view::npos && end + 1 < text.size() && is_alnum(text[end + 1])))) ++end;
    std::string token(text.substr(at, end - at));
    if (std::any_of(token.begin(), token.end(), is_digit)) out.push_back(std::move(token));
    at = end;
  }
  return out;
}

// By itself: 5 is neither in "15" nor in "1.5" nor in "db5", but 09:14 is in "09:14:02".
bool says_number(std::string_view text, std::string_view number) {
  for (std::size_t at = text.find(number); at != std::string_view::npos; at = text.find(number, at + 1)) {
    const std::size_t end = at + number.size();
    const bool before = at > 0 && (is_alnum(text[at - 1]) || (at > 1 && text[at - 1] == '.' && is_digit(text[at - 2])));
    const bool after = end < text.size() && (is_alnum(text[end]) || (end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])));
    if (!before && !after) return true;
  }
  return false;
}

// Takes "[2]" out of the text; false: there is no such record.
bool take_citations(std::string& sentence, std::size_t records, std::vector<std::size_t>& cited) {
  bool good = true;
  for (std::size_t at = sentence.find('['); at != std::string::npos; at = sentence.find('[', at)) {
    const std::size_t end = sentence.find(']', at);
    const std::string inside = end == std::string::npos ? std::string() : sentence.substr(at + 1, end - at - 1);
    if (inside.empty() || inside.size() > 3 || !std::all_of(inside.begin(), inside.end(), is_digit)) {
      ++at;
      continue;
    }
    const auto number = static_cast<std::size_t>(std::stoul(inside));
    good = good && number > 0 && number <= records;
    cited.push_back(number - 1);
    sentence.erase(at, end - at + 1);
  }
  return good;
}

class Support {
 public:
  Support(std::string_view answer, const std::vector<std::string>& evidence) {
    std::string text(answer);
    std::vector<std::size_t> marks;  // are no numbers that it says
    take_citations(text, evidence.size(), marks);
    answer_ = plain(text);
    for (const std::string& record : evidence) records_.push_back(plain(record));
  }

  bool holds(std::string sentence) const {
    std::vector<std::size_t> cited;
    if (!take_citations(sentence, records_.size(), cited)) return false;
    const std::string said = plain(sentence);
    for (const std::string& number : numbers_of(said)) {
      if (!is_supported(cited, [&](const std::string& text) { return says_number(text, number); })) return false;
    }
    for (const auto& [word, digits] : kNumberWords) {
      if (!language::has_word(said, word)) continue;
      if (!is_supported(cited, [&, spelled = word, number = digits](const std::string& text) { return says_number(text, number) || language::has_word(text, spelled); }))
        return false;
    }
    return said.find("://") == std::string::npos && said.find("www.") == std::string::npos;  // nobody is sent anywhere
  }

 private:
  static std::string plain(std::string_view text) { return without_commas(language::lower(text)); }

  // By the answer, or by the records that the sentence cites; one that cites none may rest on any.
  template <class Says>
  bool is_supported(const std::vector<std::size_t>& cited, const Says& says) const {
    if (says(answer_)) return true;
    if (cited.empty()) return std::any_of(records_.begin(), records_.end(), says);
    return std::any_of(cited.begin(), cited.end(), [&](std::size_t i) { return says(records_[i]); });
  }

  std::string answer_;
  std::vector<std::string> records_;
};

// At "." and the like with a blank behind, and at line ends.
std::vector<std::string> sentences_of(std::string_view told) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < told.size(); ++i) {
    const auto c = static_cast<unsigned char>(told[i]);
    const bool line = told[i] == '\n';
    if (c >= 0x20 && c != 0x7f) out.back() += told[i];
    const bool stop = (told[i] == '.' || told[i] == '!' || told[i] == '?') && (i + 1 == told.size() || told[i + 1] == ' ' || told[i + 1] == '\n');
    if (line || stop) out.emplace_back();
  }
  for (std::string& sentence : out) sentence.erase(0, std::min(sentence.find_first_not_of(' '), sentence.size()));
  std::erase_if(out, [](const std::string& sentence) { return sentence.empty(); });
  return out;
}

}  // namespace

std::string keep_supported(std::string_view told, std::string_view answer, const std::vector<std::string>& evidence) {
  const Support support(answer, evidence);
  std::string out;
  std::size_t kept = 0;
  for (const std::string& sentence : sentences_of(told)) {
    if (kept == kSentencesMax) break;
    if (sentence.size() > kSentenceBytesMax || !support.holds(sentence)) continue;
    out += (out.empty() ? "" : " ") + sentence;
    ++kept;
  }
  return out;
}

}  // namespace silt::answer::reply
