#include "daemon/answer/surface_time.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "daemon/answer/plan.h"
#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

constexpr std::array<std::string_view, 7> kWeekdays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
struct Part {
  std::string_view name;
  std::int64_t begin_us, end_us;  // from the start of today
};
constexpr std::array<Part, 4> kParts = {{{"morning", 0, 12 * kHour},
                                         {"afternoon", 12 * kHour, 18 * kHour},
                                         {"evening", 18 * kHour, kDay},
                                         {"night", -6 * kHour, 6 * kHour}}};

// Patterns of points. Y N D: year, month, day of month; H M: hour, minute or second; 1 to 4: that many
// digits, the first not zero; u: a unit; anything else is itself.
constexpr std::array<std::string_view, 2> kDates = {"Y-N-D", "N-D"};
constexpr std::array<std::string_view, 2> kClocks = {"H:M", "H:M:M"};
constexpr std::array<std::string_view, 4> kAgo = {"-1u", "-2u", "-3u", "-4u"};
constexpr std::string_view kUnits = "smhdw";

// Takes a number of `width` digits between low and high from the front of `text`, which may end within it.
bool take_number(std::string_view& text, std::size_t width, int low, int high) {
  int least = 0, most = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const bool there = i < text.size();
    if (there && !is_digit(text[i])) return false;
    least = least * 10 + (there ? text[i] - '0' : 0);
    most = most * 10 + (there ? text[i] - '0' : 9);
  }
  text.remove_prefix(std::min(width, text.size()));
  return most >= low && least <= high;
}

bool take_one(char code, std::string_view& text) {
  switch (code) {
    case 'Y': return take_number(text, 4, 1970, 2999);
    case 'N': return take_number(text, 2, 1, 12);
    case 'D': return take_number(text, 2, 1, 31);
    case 'H': return take_number(text, 2, 0, 23);
    case 'M': return take_number(text, 2, 0, 59);
    case '1': return take_number(text, 1, 1, 9);
    case '2': return take_number(text, 2, 10, 99);
    case '3': return take_number(text, 3, 100, 999);
    case '4': return take_number(text, 4, 1000, 9999);
    default: break;
  }
  const bool fits = code == 'u' ? kUnits.find(text.front()) != std::string_view::npos : code == text.front();
  text.remove_prefix(1);
  return fits;
}

std::size_t width_of(char code) {
  switch (code) {
    case 'Y':
    case '4': return 4;
    case 'N':
    case 'D':
    case 'H':
    case 'M':
    case '2': return 2;
    case '3': return 3;
    default: return 1;
  }
}

PointMatch better(PointMatch a, PointMatch b) {
  return std::max(a, b);
}

// Whether `text`, all of it, starts `pattern` or is it.
PointMatch match_pattern(std::string_view text, std::string_view pattern) {
  for (const char code : pattern) {
    if (text.empty()) return PointMatch::kPrefix;
    const bool cut = text.size() < width_of(code);
    if (!take_one(code, text)) return PointMatch::kNone;
    if (cut) return PointMatch::kPrefix;
  }
  return text.empty() ? PointMatch::kWhole : PointMatch::kNone;
}

// The same for a fixed word.
PointMatch match_word(std::string_view text, std::string_view word) {
  if (text == word) return PointMatch::kWhole;
  return word.starts_with(text) ? PointMatch::kPrefix : PointMatch::kNone;
}

template <std::size_t N>
PointMatch match_any(std::string_view text, const std::array<std::string_view, N>& patterns) {
  PointMatch best = PointMatch::kNone;
  for (const std::string_view pattern : patterns) best = better(best, match_pattern(text, pattern));
  return best;
}

PointMatch match_day(std::string_view text) {
  PointMatch best = better(match_word(text, "today"), match_word(text, "yesterday"));
  for (const std::string_view weekday : kWeekdays) best = better(best, match_word(text, weekday));
  return better(best, match_any(text, kDates));
}

std::int64_t start_of_day(std::int64_t time_us, std::int64_t zone_us) {
  const std::int64_t local = time_us + zone_us;
  return (local / kDay - (local % kDay < 0)) * kDay - zone_us;
}

int number_at(std::string_view text, std::size_t at, std::size_t size) {
  int value = 0;
  for (const char c : text.substr(at, size)) value = value * 10 + (c - '0');
  return value;
}

std::optional<std::int64_t> civil_day(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok()) return std::nullopt;
  return civil_us(year, month, day);
}

// The start of a day that match_day() calls whole.
std::optional<std::int64_t> read_day(std::string_view text, const TimeContext& context) {
  const std::int64_t zone_us = context.zone_s * kSecond;
  const std::int64_t today = start_of_day(context.now_us, zone_us);
  if (text == "today") return today;
  if (text == "yesterday") return today - kDay;
  const auto weekday = std::find(kWeekdays.begin(), kWeekdays.end(), text);
  if (weekday != kWeekdays.end()) {  // the latest one, today included; day 0 was a Thursday
    const std::int64_t now = (((today + zone_us) / kDay + 3) % 7 + 7) % 7;
    return today - ((now - (weekday - kWeekdays.begin())) % 7 + 7) % 7 * kDay;
  }
  const bool dated = text.size() > 5;
  const std::size_t at = dated ? 5 : 0;
  const int month = number_at(text, at, 2), day = number_at(text, at + 3, 2);
  std::optional<std::int64_t> start;
  if (dated) {
    start = civil_day(number_at(text, 0, 4), month, day);
  } else {  // the latest one that is not after now, with a day of grace
    const std::chrono::sys_time<std::chrono::microseconds> now{std::chrono::microseconds(context.now_us)};
    const int year = int(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(now)).year());
    start = civil_day(year, month, day);
    if (start && *start > context.now_us + kDay) start = civil_day(year - 1, month, day);
  }
  if (!start) return std::nullopt;
  return *start - zone_us;
}

std::optional<PointRange> read_clock(std::string_view day, std::string_view clock,
                                     const TimeContext& context) {
  std::int64_t begin = number_at(clock, 0, 2) * kHour + number_at(clock, 3, 2) * kMinute;
  const bool seconds = clock.size() > 5;
  if (seconds) begin += number_at(clock, 6, 2) * kSecond;
  if (day.empty()) {
    begin += start_of_day(context.now_us, context.zone_s * kSecond);
    if (begin > context.now_us) begin -= kDay;
  } else {
    const auto start = read_day(day, context);
    if (!start) return std::nullopt;
    begin += *start;
  }
  return PointRange{begin, begin + (seconds ? kSecond : kMinute), false};
}

std::int64_t unit_us(char unit) {
  constexpr std::array<std::int64_t, 5> kLengths = {kSecond, kMinute, kHour, kDay, 7 * kDay};
  return kLengths[kUnits.find(unit)];
}

}  // namespace

PointMatch match_point(std::string_view text) {
  PointMatch best = better(match_day(text), match_any(text, kClocks));
  best = better(best, better(match_any(text, kAgo), match_word(text, "now")));
  for (const Part& part : kParts) best = better(best, match_word(text, part.name));
  const std::size_t split = text.find('T');
  if (best == PointMatch::kNone && split != std::string_view::npos &&
      match_day(text.substr(0, split)) == PointMatch::kWhole) {
    const std::string_view clock = text.substr(split + 1);
    best = clock.empty() ? PointMatch::kPrefix : match_any(clock, kClocks);
  }
  return best;
}

std::optional<PointRange> read_point(std::string_view text, const TimeContext& context) {
  if (match_point(text) != PointMatch::kWhole) return std::nullopt;
  const std::int64_t now = context.now_us;
  if (text == "now") return PointRange{now, now + kSecond, false};
  if (text.front() == '-') {
    const std::int64_t back = number_at(text, 1, text.size() - 2) * unit_us(text.back());
    return PointRange{now - back, now, false};
  }
  const std::int64_t today = start_of_day(now, context.zone_s * kSecond);
  for (const Part& part : kParts) {
    if (text == part.name) return PointRange{today + part.begin_us, today + part.end_us, false};
  }
  const std::size_t split = text.find('T');
  if (split != std::string_view::npos)
    return read_clock(text.substr(0, split), text.substr(split + 1), context);
  if (text.find(':') != std::string_view::npos) return read_clock({}, text, context);
  const auto day = read_day(text, context);
  if (!day) return std::nullopt;
  return PointRange{*day, *day + kDay, true};
}

}  // namespace silt::answer
