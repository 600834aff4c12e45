#include "daemon/answer/language/words.h"

#include <libstemmer.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

namespace silt::answer::language {
namespace {

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || is_upper(c) || static_cast<unsigned char>(c) >= 0x80;
}
bool is_alnum(char c) {
  return is_letter(c) || is_digit(c);
}
char to_lower(char c) {
  return is_upper(c) ? static_cast<char>(c + 32) : c;
}

// Whether a part of a word may start at `at`: "allocate|Block", "HTTP|Server", "node|3".
bool is_border(std::string_view text, std::size_t at) {
  if (at == 0 || at >= text.size()) return true;
  const char before = text[at - 1], here = text[at];
  if (!is_alnum(before) || !is_alnum(here)) return true;
  if (is_digit(before) != is_digit(here)) return true;
  if (is_upper(here) && !is_upper(before)) return true;
  return is_upper(here) && at + 1 < text.size() && is_letter(text[at + 1]) && !is_upper(text[at + 1]);
}

// "half-|installed|", "non-|existent|": the part behind says something else than the whole.
bool is_negated(std::string_view text, std::size_t at) {
  if (at < 3 || text[at - 1] != '-') return false;
  std::size_t begin = at - 1;
  while (begin > 0 && is_letter(text[begin - 1])) --begin;
  std::string before(text.substr(begin, at - 1 - begin));
  std::transform(before.begin(), before.end(), before.begin(), to_lower);
  return before == "half" || before == "non" || before == "un" || before == "not";
}

// Forms that no ending tells. What logs mean by one form only (broken pipe, took 5 ms, left) stays apart.
std::string_view base_form(std::string_view word) {
  static const std::map<std::string_view, std::string_view> kForms = {
      {"began", "begin"},     {"begun", "begin"},     {"bought", "buy"},          {"brought", "bring"},        {"built", "build"},       {"rebuilt", "rebuild"},
      {"caught", "catch"},    {"chose", "choose"},    {"chosen", "choose"},       {"drew", "draw"},            {"froze", "freeze"},      {"frozen", "freeze"},
      {"grew", "grow"},       {"grown", "grow"},      {"held", "hold"},           {"hung", "hang"},            {"kept", "keep"},         {"lost", "lose"},
      {"losing", "lose"},     {"overwrote", "overwrite"}, {"overwritten", "overwrite"}, {"paid", "pay"},       {"ran", "run"},           {"rose", "rise"},
      {"risen", "rise"},      {"sent", "send"},       {"resent", "resend"},       {"shrank", "shrink"},        {"shrunk", "shrink"},     {"slept", "sleep"},
      {"stole", "steal"},     {"stolen", "steal"},    {"swept", "sweep"},         {"threw", "throw"},          {"thrown", "throw"},      {"woke", "wake"},
      {"woken", "wake"},      {"withdrew", "withdraw"}, {"withdrawn", "withdraw"}, {"wrote", "write"},         {"written", "write"},     {"rewrote", "rewrite"},
      {"rewritten", "rewrite"}};
  const auto found = kForms.find(word);
  return found == kForms.end() ? word : found->second;
}

struct StemmerDeleter {
  void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
};

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

void for_each_word(std::string_view text, const std::function<void(std::string_view, std::size_t)>& word) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (!is_alnum(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_alnum(text[end])) ++end;
    if (is_negated(text, at)) {
      at = end;
      continue;
    }
    word(text.substr(at, end - at), at);
    std::size_t part = at;
    for (std::size_t i = at + 1; i <= end; ++i) {
      if (i < end && !is_border(text, i)) continue;
      if (part != at || i != end) word(text.substr(part, i - part), part);
      part = i;
    }
    at = end;
  }
}

std::string stem(std::string_view word, std::string_view language) {
  if (word.size() < 3 || is_digit(word.front())) return std::string(word);
  thread_local std::map<std::string, std::unique_ptr<sb_stemmer, StemmerDeleter>, std::less<>> stemmers;
  auto found = stemmers.find(language);
  if (found == stemmers.end()) {
    const std::string name(language);
    found = stemmers.emplace(name, sb_stemmer_new(name.c_str(), nullptr)).first;
  }
  if (!found->second) return std::string(word);
  if (language == "en") word = base_form(word);
  const auto* bytes = reinterpret_cast<const sb_symbol*>(word.data());
  const sb_symbol* out = sb_stemmer_stem(found->second.get(), bytes, static_cast<int>(word.size()));
  if (out == nullptr) return std::string(word);
  return {reinterpret_cast<const char*>(out),
          static_cast<std::size_t>(sb_stemmer_length(found->second.get()))};
}

std::size_t find_word(std::string_view text, std::string_view word, std::size_t from) {
  if (word.empty()) return std::string_view::npos;
  const char first = word.front();
  const char other = first >= 'a' && first <= 'z' ? static_cast<char>(first - 32) : first;
  for (std::size_t at = from; at + word.size() <= text.size(); ++at) {
    if (text[at] != first && text[at] != other) continue;
    std::size_t same = 1;
    while (same < word.size() && to_lower(text[at + same]) == word[same]) ++same;
    if (same == word.size() && is_border(text, at) && is_border(text, at + same) && !is_negated(text, at)) return at;
  }
  return std::string_view::npos;
}

bool has_word(std::string_view text, std::string_view word) {
  const std::size_t space = word.find(' ');
  if (space == std::string_view::npos) return find_word(text, word) != std::string_view::npos;
  const std::string_view head = word.substr(0, space), rest = word.substr(space + 1);
  for (std::size_t at = find_word(text, head); at != std::string_view::npos; at = find_word(text, head, at + 1)) {
    std::size_t next = at + head.size();
    const std::size_t most = next + 3;
    while (next < text.size() && next < most && !is_alnum(text[next])) ++next;
    const std::size_t first_end = std::min(rest.find(' '), rest.size());
    if (find_word(text.substr(0, std::min(text.size(), next + first_end + 1)), rest.substr(0, first_end), next) == next &&
        (first_end == rest.size() || has_word(text.substr(next), rest)))
      return true;
  }
  return false;
}

int edits(std::string_view a, std::string_view b, int limit) {
  const std::size_t n = a.size(), m = b.size();
  if (std::max(n, m) > 40 || std::max(n, m) - std::min(n, m) > static_cast<std::size_t>(limit)) return limit + 1;
  std::array<std::array<int, 41>, 3> rows{};
  for (std::size_t j = 0; j <= m; ++j) rows[0][j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= n; ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    row[0] = static_cast<int>(i);
    int least = row[0];
    for (std::size_t j = 1; j <= m; ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
  }
  return std::min(rows[n % 3][m], limit + 1);
}

int typo_limit(std::size_t length) {
  return length < 4 ? 0 : length < 8 ? 1 : 2;
}

}  // namespace silt::answer::language
