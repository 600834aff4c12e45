#include "daemon/answer/time_words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/answer/names.h"

namespace silt::answer {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kDay = 24 * kHour;

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// [begin, end): what a point in time covers as it was written: a minute, a day.
struct Moment {
  std::int64_t begin_us = 0;
  std::int64_t end_us = 0;
  std::size_t tokens = 0;
};

class TimeReader {
 public:
  TimeReader(std::span<QuestionToken> tokens, const TimeContext& context)
      : tokens_(tokens), context_(context) {}

  // A whole expression that starts at token `at`, or nothing.
  std::optional<TimeRange> expression(std::size_t at, std::size_t& used) const;

 private:
  std::string_view word(std::size_t at) const {
    return at < tokens_.size() && tokens_[at].kind != QuestionTokenKind::kQuoted
               ? std::string_view(tokens_[at].lower)
               : std::string_view();
  }
  std::int64_t day_start(std::int64_t time_us) const {
    const std::int64_t local = time_us + context_.zone_s * kSecond;
    const std::int64_t days = local / kDay - (local % kDay < 0);
    return days * kDay - context_.zone_s * kSecond;
  }
  Moment day(std::int64_t days_back, std::size_t used) const {
    const std::int64_t start = day_start(context_.now_us) - days_back * kDay;
    return {start, start + kDay, used};
  }

  std::size_t skip(std::size_t at, std::initializer_list<std::string_view> words) const {
    while (is_one_of(word(at), words)) ++at;
    return at;
  }
  std::optional<Moment> moment(std::size_t at) const;
  std::optional<Moment> bare_moment(std::size_t at) const;
  std::optional<Moment> day_word(std::size_t at) const;
  std::optional<Moment> date(std::size_t at) const;
  std::optional<Moment> time_of_day(std::size_t at) const;  // offset from the day's start
  std::optional<Moment> ago(std::size_t at) const;
  std::optional<std::int64_t> unit(std::string_view text) const;
  std::optional<std::int64_t> span(std::size_t at, std::size_t& used) const;  // "24h", "5 minutes"
  std::optional<TimeRange> last_span(std::size_t at, std::size_t& used) const;
  std::optional<TimeRange> range_of_two(std::size_t at, std::size_t& used) const;

  std::span<QuestionToken> tokens_;
  TimeContext context_;
};

std::optional<std::int64_t> number(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kNumbers = {
      "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"};
  for (std::size_t i = 0; i < kNumbers.size(); ++i) {
    if (text == kNumbers[i]) return static_cast<std::int64_t>(i) + 1;
  }
  if (is_one_of(text, {"a", "an", "einer", "eine", "einem"})) return 1;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > 1'000'000)
    return std::nullopt;
  return value;
}

std::optional<std::int64_t> TimeReader::unit(std::string_view text) const {
  if (is_one_of(text, {"s", "sec", "secs", "second", "seconds", "sekunde", "sekunden"})) return kSecond;
  if (is_one_of(text, {"m", "min", "mins", "minute", "minutes", "minuten"})) return 60 * kSecond;
  if (is_one_of(text, {"h", "hr", "hrs", "hour", "hours", "stunde", "stunden"})) return kHour;
  if (is_one_of(text, {"d", "day", "days", "tag", "tage", "tagen"})) return kDay;
  if (is_one_of(text, {"w", "week", "weeks", "woche", "wochen"})) return 7 * kDay;
  if (is_one_of(text, {"month", "months", "monat", "monate", "monaten"})) return 30 * kDay;
  return std::nullopt;
}

std::optional<std::int64_t> TimeReader::span(std::size_t at, std::size_t& used) const {
  const std::string_view text = word(at);
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits > 0 && digits < text.size()) {  // 24h
    const auto count = number(text.substr(0, digits));
    const auto each = unit(text.substr(digits));
    if (!count || !each) return std::nullopt;
    used = 1;
    return *count * *each;
  }
  const auto count = number(text);
  const auto each = unit(word(at + 1));
  if (!count || !each) return std::nullopt;
  used = 2;
  return *count * *each;
}

// "last hour", "past 5 minutes", "letzten 24 Stunden", "last week", "last night"
std::optional<TimeRange> TimeReader::last_span(std::size_t at, std::size_t& used) const {
  std::size_t i = skip(at, {"in", "within", "during", "over", "for", "the", "der", "den", "die", "im", "of"});
  if (!is_one_of(word(i), {"last", "past", "previous", "letzte", "letzten", "letzter", "letztem"}))
    return std::nullopt;
  ++i;
  if (word(i) == "night" || word(i) == "nacht") {
    const std::int64_t today = day_start(context_.now_us);
    used = i + 1 - at;
    return TimeRange{today - 6 * kHour, today + 6 * kHour - 1};
  }
  std::size_t more = 0;
  if (const auto length = span(i, more)) {
    used = i + more - at;
    return TimeRange{context_.now_us - *length, TimeRange::kMax};
  }
  if (const auto length = unit(word(i)); length && word(i).size() > 2) {
    used = i + 1 - at;
    return TimeRange{context_.now_us - *length, TimeRange::kMax};
  }
  return std::nullopt;
}

std::optional<Moment> TimeReader::ago(std::size_t at) const {
  const bool german = word(at) == "vor";
  std::size_t used = 0;
  const auto length = span(at + (german ? 1 : 0), used);
  if (!length) return std::nullopt;
  if (german) return Moment{context_.now_us - *length, context_.now_us, used + 1};
  if (word(at + used) != "ago") return std::nullopt;
  return Moment{context_.now_us - *length, context_.now_us, used + 1};
}

std::optional<Moment> TimeReader::day_word(std::size_t at) const {
  const std::string_view text = word(at);
  if (text == "today" || text == "heute") return day(0, 1);
  if (text == "yesterday" || text == "gestern") return day(1, 1);
  if (text == "vorgestern") return day(2, 1);
  if (text == "tonight") {
    const std::int64_t start = day_start(context_.now_us);
    return Moment{start + 18 * kHour, start + 30 * kHour, 1};
  }
  if (text == "this") {
    const std::int64_t start = day_start(context_.now_us);
    if (word(at + 1) == "morning") return Moment{start, start + 12 * kHour, 2};
    if (word(at + 1) == "afternoon") return Moment{start + 12 * kHour, start + 18 * kHour, 2};
    if (word(at + 1) == "evening") return Moment{start + 18 * kHour, start + 24 * kHour, 2};
    if (word(at + 1) == "week") return Moment{context_.now_us - 7 * kDay, context_.now_us + kSecond, 2};
    if (word(at + 1) == "hour") return Moment{context_.now_us - kHour, context_.now_us + kSecond, 2};
  }
  static constexpr std::array<std::string_view, 14> kWeek = {
      "thursday",   "friday",  "saturday", "sunday",  "monday", "tuesday",  "wednesday",
      "donnerstag", "freitag", "samstag",  "sonntag", "montag", "dienstag", "mittwoch"};
  for (std::size_t i = 0; i < kWeek.size(); ++i) {
    if (text != kWeek[i]) continue;
    const std::int64_t today =
        (day_start(context_.now_us) + context_.zone_s * kSecond) / kDay;  // day 0: a Thursday
    const std::int64_t back = ((today - static_cast<std::int64_t>(i % 7)) % 7 + 7) % 7;
    return day(back, 1);
  }
  return std::nullopt;
}

int month_number(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                               "jul", "aug", "sep", "oct", "nov", "dec"};
  if (text.size() < 3 || (text.size() > 3 && text.size() < 4)) return 0;
  static constexpr std::array<std::string_view, 12> kFull = {"january",   "february", "march",    "april",
                                                             "may",       "june",     "july",     "august",
                                                             "september", "october",  "november", "december"};
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (text == kMonths[i] || text == kFull[i]) return static_cast<int>(i) + 1;
  }
  return 0;
}

// "2026-11-20", "2026-11-20T09:00:00Z", "nov 20", "20 november 2026", "20.11.2026"
std::optional<Moment> TimeReader::date(std::size_t at) const {
  const std::string text(word(at));
  int a = 0, b = 0, c = 0, used = 0;
  const auto whole_day = [this](int year, int month, int number_of_day,
                                std::size_t tokens) -> std::optional<Moment> {
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || number_of_day < 1 || number_of_day > 31)
      return std::nullopt;
    const std::int64_t start = civil_us(year, month, number_of_day) - context_.zone_s * kSecond;
    return Moment{start, start + kDay, tokens};
  };
  if (text.size() == 10 && std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &a, &b, &c, &used) == 3 && used == 10) {
    return whole_day(a, b, c, 1);
  }
  if (std::sscanf(text.c_str(), "%2d.%2d.%4d%n", &a, &b, &c, &used) == 3 && used == int(text.size())) {
    return whole_day(c, b, a, 1);
  }
  if (text.size() > 15 && text[4] == '-') {
    if (const auto exact = parse_timestamp(tokens_[at].raw, context_.now_us, context_.zone_s)) {
      return Moment{exact->time_us, exact->time_us + kSecond, 1};
    }
  }
  const auto day_number = [](std::string_view token) -> int {
    if (token.ends_with("th") || token.ends_with("st") || token.ends_with("nd") || token.ends_with("rd"))
      token.remove_suffix(2);
    const auto value = number(token);
    return value && *value >= 1 && *value <= 31 && token.size() <= 2 && token.front() <= '9' ? int(*value)
                                                                                             : 0;
  };
  int month = month_number(text), number_of_day = month ? day_number(word(at + 1)) : day_number(text);
  if (!month && number_of_day) month = month_number(word(at + 1));
  if (!month || !number_of_day) return std::nullopt;
  std::size_t tokens = 2;
  const auto written = number(word(at + 2));
  const std::chrono::sys_time<std::chrono::microseconds> now{std::chrono::microseconds(context_.now_us)};
  int year = int(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(now)).year());
  if (written && *written >= 1970 && *written < 10'000) {
    year = static_cast<int>(*written);
    ++tokens;
  } else if (civil_us(year, month, number_of_day) > context_.now_us + kDay) {
    --year;
  }
  return whole_day(year, month, number_of_day, tokens);
}

// "09:00", "9:15:30", "9am", "9 pm", "noon", "midnight", "8 uhr"; begin and end from the day's start
std::optional<Moment> TimeReader::time_of_day(std::size_t at) const {
  std::string text(word(at));
  if (text == "noon" || text == "mittag") return Moment{12 * kHour, 12 * kHour + 60 * kSecond, 1};
  if (text == "midnight" || text == "mitternacht") return Moment{0, 60 * kSecond, 1};
  int hour = 0, minute = 0, second = 0, used = 0;
  std::size_t tokens = 1;
  std::string_view rest;
  bool minutes = false, seconds = false;
  if (std::sscanf(text.c_str(), "%2d%n", &hour, &used) != 1) return std::nullopt;
  rest = std::string_view(text).substr(static_cast<std::size_t>(used));
  if (std::sscanf(std::string(rest).c_str(), ":%2d%n", &minute, &used) == 1) {
    minutes = true;
    rest.remove_prefix(static_cast<std::size_t>(used));
    if (std::sscanf(std::string(rest).c_str(), ":%2d%n", &second, &used) == 1) {
      seconds = true;
      rest.remove_prefix(static_cast<std::size_t>(used));
    }
  }
  std::string_view half = rest;
  if (half.empty() && is_one_of(word(at + 1), {"am", "pm", "uhr", "o'clock"})) {
    half = word(at + 1);
    ++tokens;
  }
  if (half == "pm" && hour < 12) hour += 12;
  if (half == "am" && hour == 12) hour = 0;
  const bool marked = minutes || !half.empty();
  if (!marked || (!half.empty() && !is_one_of(half, {"am", "pm", "uhr", "o'clock"}))) return std::nullopt;
  if (hour > 24 || minute > 59 || second > 59) return std::nullopt;
  const std::int64_t begin = hour * kHour + minute * 60 * kSecond + second * kSecond;
  return Moment{begin, begin + (seconds ? kSecond : minutes ? 60 * kSecond : kHour), tokens};
}

std::optional<Moment> TimeReader::moment(std::size_t at) const {
  const std::size_t start = skip(at, {"the"});
  auto found = bare_moment(start);
  if (found) found->tokens += start - at;
  return found;
}

std::optional<Moment> TimeReader::bare_moment(std::size_t at) const {
  if (word(at) == "now" || word(at) == "jetzt") return Moment{context_.now_us, context_.now_us + kSecond, 1};
  if (const auto found = ago(at)) return found;
  auto on = date(at);
  if (!on) on = day_word(at);
  if (on) {  // a day, perhaps with a time
    if (on->end_us - on->begin_us < kDay) return on;
    const std::size_t after = skip(at + on->tokens, {"at", "um"});
    if (const auto clock = time_of_day(after)) {
      return Moment{on->begin_us + clock->begin_us, on->begin_us + clock->end_us, after + clock->tokens - at};
    }
    return on;
  }
  auto clock = time_of_day(at);
  if (!clock) return std::nullopt;
  const std::size_t after = skip(at + clock->tokens, {"on", "am"});
  std::optional<Moment> day_after = date(after);
  if (!day_after) day_after = day_word(after);
  if (day_after && day_after->end_us - day_after->begin_us == kDay) {
    return Moment{day_after->begin_us + clock->begin_us, day_after->begin_us + clock->end_us,
                  after + day_after->tokens - at};
  }
  std::int64_t start = day_start(context_.now_us);
  if (start + clock->begin_us > context_.now_us) start -= kDay;
  return Moment{start + clock->begin_us, start + clock->end_us, clock->tokens};
}

// "between 9:00 and 10:00", "from 9am to 10am", "zwischen 8 und 9 uhr"
std::optional<TimeRange> TimeReader::range_of_two(std::size_t at, std::size_t& used) const {
  if (!is_one_of(word(at), {"between", "from", "zwischen", "von"})) return std::nullopt;
  auto first = moment(at + 1);
  std::size_t first_tokens = first ? first->tokens : 0;
  std::optional<std::int64_t> bare_hour;
  if (!first) {  // "between 9 and 10 am"
    bare_hour = number(word(at + 1));
    if (!bare_hour || *bare_hour > 24) return std::nullopt;
    first_tokens = 1;
  }
  const std::size_t joint = at + 1 + first_tokens;
  if (!is_one_of(word(joint), {"and", "to", "until", "till", "und", "bis", "-"})) return std::nullopt;
  const auto second = moment(joint + 1);
  if (!second) return std::nullopt;
  std::int64_t begin = bare_hour ? day_start(second->begin_us) + *bare_hour * kHour : first->begin_us;
  if (begin > second->begin_us) begin -= kDay;
  used = joint + 1 + second->tokens - at;
  const bool whole_day = second->end_us - second->begin_us == kDay;
  return TimeRange{begin, whole_day ? second->end_us - 1 : second->begin_us};
}

std::optional<TimeRange> TimeReader::expression(std::size_t at, std::size_t& used) const {
  if (auto found = range_of_two(at, used)) return found;
  if (auto found = last_span(at, used)) return found;
  const std::string_view head = word(at);
  const bool since = is_one_of(head, {"since", "after", "from", "seit", "nach", "ab"});
  const bool until = is_one_of(head, {"until", "till", "before", "bis", "vor"});
  const bool on = is_one_of(head, {"on", "at", "around", "am", "um", "in", "during", "of"});
  if (until && head == "vor") {
    if (const auto back = ago(at)) {
      used = back->tokens;
      return TimeRange{back->begin_us, back->end_us - 1};
    }
  }
  std::size_t start = at + (since || until || on ? 1 : 0);
  if (since) start = skip(start, {"the", "last"});
  const auto point = moment(start);
  if (!point) return std::nullopt;
  used = start + point->tokens - at;
  if (since) return TimeRange{point->begin_us, TimeRange::kMax};
  // "until yesterday" takes that day in, "before yesterday" and "until 09:30" end where it begins.
  const bool whole_day = point->end_us - point->begin_us == kDay;
  if (until)
    return TimeRange{TimeRange::kMin, (whole_day && head != "before" ? point->end_us : point->begin_us) - 1};
  return TimeRange{point->begin_us, point->end_us - 1};
}

}  // namespace

std::vector<TimeRange> take_time_list(std::span<QuestionToken> tokens, const TimeContext& context) {
  const TimeReader reader(tokens, context);
  std::vector<TimeRange> out;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    std::size_t used = 0;
    const auto range = reader.expression(at, used);
    if (!range) continue;
    for (std::size_t i = at; i < at + used && i < tokens.size(); ++i) tokens[i].used = true;
    out.push_back(*range);
    at += used - 1;
  }
  return out;
}

TimeRange take_times(std::span<QuestionToken> tokens, const TimeContext& context) {
  TimeRange all;
  for (const TimeRange& range : take_time_list(tokens, context)) {
    all.first_us = std::max(all.first_us, range.first_us);
    all.last_us = std::min(all.last_us, range.last_us);
  }
  return all;
}

}  // namespace silt::answer
