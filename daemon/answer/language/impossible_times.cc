// Dates that no calendar has, and times that no clock shows.
#include <algorithm>
#include <cstdio>

#include "daemon/answer/language/one_of.h"
#include "daemon/answer/language/time_words.h"
#include "daemon/answer/language/times.h"

namespace silt::answer::language {
namespace {

// "2026-02-30", "30.2.2026"
bool is_impossible_date(const std::string& text) {
  int a = 0, b = 0, c = 0, used = 0;
  const auto whole = [&] { return static_cast<std::size_t>(used) == text.size(); };
  const bool iso = std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &a, &b, &c, &used) == 3 && whole() && a >= 1970 && a < 2200;
  if (!iso) {
    if (std::sscanf(text.c_str(), "%2d.%2d.%4d%n", &c, &b, &a, &used) != 3 || !whole() || a < 1970 || a >= 2200) return false;
  }
  return b < 1 || b > 12 || c < 1 || c > days_in_month(a, b);
}

// "25:99", where a time is due: such numbers are also settings and ratios.
bool is_impossible_clock(const std::string& text) {
  int hour = 0, minute = 0, used = 0;
  const bool clock = std::sscanf(text.c_str(), "%2d:%2d%n", &hour, &minute, &used) == 2 && static_cast<std::size_t>(used) == text.size();
  return clock && (hour > 24 || minute > 59 || (hour == 24 && minute > 0));
}

}  // namespace

std::vector<std::string> impossible_times(const std::vector<QuestionWord>& words) {
  std::vector<std::string> out;
  const auto text = [&](std::size_t i) { return i < words.size() && !words[i].quoted ? words[i].text : std::string(); };
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (is_impossible_date(text(i))) out.push_back(words[i].raw);
    const bool due = i > 0 && is_one_of(text(i - 1), {"at", "since", "after", "before", "until", "till", "around", "from", "between", "to", "and", "um", "seit", "nach", "vor", "bis", "\xc3\xa0", "depuis", "las", "desde"});
    if (due && is_impossible_clock(text(i))) out.push_back(words[i].raw);
    const int month = month_of(text(i));
    if (month == 0) continue;
    int year = 0;
    for (std::size_t at = i + 1; at < i + 4; ++at) {
      const auto value = number(text(at));
      if (value && *value >= 1970 && *value < 2200) year = *value;
    }
    const std::size_t before = i > 1 && is_one_of(text(i - 1), {"of", "de"}) ? i - 2 : i - 1;  // "the 30th |of| february"
    for (const std::size_t at : {before, i + 1}) {
      const int day = at < words.size() ? day_number(text(at)) : 0;
      if (day <= days_in_month(year, month)) continue;
      out.push_back(words[std::min(at, i)].raw + " " + words[std::max(at, i)].raw);
      break;
    }
  }
  return out;
}

}  // namespace silt::answer::language
