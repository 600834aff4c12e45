#include "connectors/line_head.h"

#include <algorithm>
#include <array>

namespace silt::connectors {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c | 32) >= 'a' && (c | 32) <= 'z';
}

char at(std::string_view text, std::size_t i) {
  return i < text.size() ? text[i] : '\0';
}

bool one_of(char c, std::string_view set) {
  return c != '\0' && set.find(c) != std::string_view::npos;
}

bool is_month(std::string_view text) {
  if (text.size() < 3) return false;
  const std::size_t found = std::string_view("JanFebMarAprMayJunJulAugSepOctNovDec").find(text.substr(0, 3));
  return found != std::string_view::npos && found % 3 == 0;
}

bool is_weekday(std::string_view text) {
  if (text.size() < 3) return false;
  const std::size_t found = std::string_view("MonTueWedThuFriSatSun").find(text.substr(0, 3));
  return found != std::string_view::npos && found % 3 == 0;
}

// 2026-11-21, 20:54:35, 21/Nov/2026, 081109 203615, 1700000000.123, 10.0.0.1
bool digits_begin(std::string_view text) {
  std::size_t run = 0;
  while (is_digit(at(text, run))) ++run;
  const char mark = at(text, run);
  const bool digit_follows = is_digit(at(text, run + 1));
  if (run == 4 || run == 2) {
    if (one_of(mark, "-/:") && digit_follows) return true;
    if (run == 4 && mark == '.' && digit_follows) return true;
  }
  if (run <= 2 && one_of(mark, " -/") && is_month(text.substr(run + 1))) return true;
  if (run <= 3 && mark == '.' && digit_follows) {  // an address, 21.11.2026
    std::size_t end = run + 1;
    while (is_digit(at(text, end))) ++end;
    return at(text, end) == '.' && is_digit(at(text, end + 1));
  }
  if (run == 6 || run == 8) return one_of(mark, " -T_") && digit_follows;
  return (run == 10 || run == 13 || run == 16 || run == 19) && (mark == '\0' || one_of(mark, ". ,;]|\t"));
}

constexpr std::array<std::string_view, 14> kSeverities = {"TRACE",   "DEBUG",  "INFO",  "NOTICE",   "WARN",
                                                          "WARNING", "ERROR",  "ERR",   "CRITICAL", "CRIT",
                                                          "FATAL",   "SEVERE", "ALERT", "EMERG"};

// "ERROR ", "WARN:", "info]" behind a bracket; a word in small letters alone is prose.
bool severity_begins(std::string_view text, bool bracket) {
  std::array<char, 8> upper;
  std::size_t size = 0;
  while (is_letter(at(text, size))) {
    if (size == upper.size()) return false;
    if (!bracket && text[size] >= 'a') return false;
    upper[size] = static_cast<char>(text[size] & ~32);
    ++size;
  }
  const std::string_view word(upper.data(), size);
  return size >= 3 && (size == text.size() || one_of(text[size], " :]|\t[-,)")) &&
         std::find(kSeverities.begin(), kSeverities.end(), word) != kSeverities.end();
}

bool letters_begin(std::string_view text, bool bracket) {
  if (is_month(text) && at(text, 3) == ' ') {
    const std::size_t day = at(text, 4) == ' ' ? 5 : 4;
    if (is_digit(at(text, day))) return true;
  }
  if (is_weekday(text) && one_of(at(text, 3), " ,")) return true;
  if (one_of(text[0], "IWEF") && text.size() > 5 && text[5] == ' ' &&
      std::all_of(text.begin() + 1, text.begin() + 5, is_digit))
    return true;
  for (const std::string_view key : {"time=", "ts=", "level=", "timestamp=", "t=", "lvl="}) {
    if (text.starts_with(key)) return true;
  }
  return severity_begins(text, bracket);
}

}  // namespace

bool has_head(std::string_view line) {
  if (line.starts_with("{\"") || (line.size() > 2 && line[0] == '<' && is_digit(line[1]))) return true;
  std::size_t begin = 0;
  while (begin < 2 && one_of(at(line, begin), "[(\"")) ++begin;
  const bool bracket = begin > 0;
  if (bracket && line[0] == '[') {  // the kernel's seconds: "[    1.234567]"
    while (at(line, begin) == ' ') ++begin;
    std::size_t end = begin;
    while (is_digit(at(line, end))) ++end;
    if (end > begin && at(line, end) == '.' && is_digit(at(line, end + 1))) return true;
  }
  const std::string_view text = line.substr(begin);
  if (text.empty()) return false;
  return is_digit(text[0]) ? digits_begin(text) : is_letter(text[0]) && letters_begin(text, bracket);
}

std::size_t indentation(std::string_view line) {
  return std::min(line.find_first_not_of(" \t\r"), line.size());
}

bool names_exception(std::string_view line) {
  const std::size_t end = std::min(line.find_first_of(" \t:("), line.size());
  // Names of many parts, as in Ruby, have colons inside.
  std::size_t name_end = end;
  while (line.substr(name_end).starts_with("::"))
    name_end = std::min(line.find_first_of(" \t:(", name_end + 2), line.size());
  const std::string_view name = line.substr(0, name_end);
  const char mark = at(line, name_end);
  if (name.empty() || !is_letter(name[0]) ||
      (mark == ' ' && at(line, name_end + 1) != '(' && at(line, name_end + 1) != '['))
    return false;
  for (const std::string_view ending : {"Exception", "Error", "Throwable", "Failure", "Interrupt"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

}  // namespace silt::connectors
