#include "daemon/answer/language/time_words.h"

#include <array>
#include <charconv>
#include <chrono>

#include "daemon/answer/language/one_of.h"

namespace silt::answer::language {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"january", "february", "march",     "april",
                                                      "may",     "june",     "july",      "august",
                                                      "september", "october", "november", "december"};

}  // namespace

std::optional<int> number(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kNumbers = {
      "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"};
  for (std::size_t i = 0; i < kNumbers.size(); ++i) {
    if (text == kNumbers[i]) return static_cast<int>(i) + 1;
  }
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::int64_t unit_us(std::string_view text) {
  if (is_one_of(text, {"s", "sec", "secs", "second", "seconds", "sekunden"})) return kSecond;
  if (is_one_of(text, {"min", "mins", "minute", "minutes", "minuten"})) return 60 * kSecond;
  if (is_one_of(text, {"h", "hr", "hrs", "hour", "hours", "stunde", "stunden", "heure", "heures", "hora", "horas"}))
    return kHour;
  if (is_one_of(text, {"d", "day", "days", "tag", "tage", "tagen", "jour", "jours", "dias", "d\xc3\xad" "a", "d\xc3\xad" "as"})) return kDay;
  if (is_one_of(text, {"w", "week", "weeks", "woche", "wochen"})) return 7 * kDay;
  if (is_one_of(text, {"month", "months", "monat", "monate", "monaten"})) return 30 * kDay;
  return 0;
}

int month_of(std::string_view text) {
  if (text.size() < 3) return 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (text == kMonths[i] || (text.size() <= 4 && kMonths[i].starts_with(text.substr(0, 3)) &&
                               (text.size() == 3 || text == "sept")))
      return static_cast<int>(i) + 1;
  }
  if (text == "januar") return 1;
  if (text == "februar") return 2;
  if (is_one_of(text, {"m\xc3\xa4rz", "maerz"})) return 3;
  if (text == "mai") return 5;
  if (text == "juni") return 6;
  if (text == "juli") return 7;
  if (text == "oktober") return 10;
  if (text == "dezember") return 12;
  return 0;
}

int day_number(std::string_view token) {
  if (token.ends_with("th") || token.ends_with("st") || token.ends_with("nd") || token.ends_with("rd"))
    token.remove_suffix(2);
  if (token.empty() || token.size() > 2 || token.front() > '9' || token.front() < '0') return 0;
  const auto value = number(token);
  return value && *value >= 1 && *value <= 31 ? *value : 0;
}

int days_in_month(int year, int month) {
  constexpr int kLeapYear = 2000;
  const auto last = std::chrono::year(year == 0 ? kLeapYear : year) / month / std::chrono::last;
  return static_cast<int>(unsigned(last.day()));
}

}  // namespace silt::answer::language
