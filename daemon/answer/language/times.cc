#include "daemon/answer/language/times.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <optional>

#include "daemon/answer/language/one_of.h"
#include "daemon/answer/language/time_words.h"
#include "daemon/fold/timestamp.h"

namespace silt::answer::language {
namespace {

// What a phrase covers: days [begin, end), a part of the day, or both.
struct Moment {
  bool has_day = false;
  std::int64_t begin_us = 0;
  std::int64_t end_us = 0;
  std::int32_t from_s = -1;
  std::int32_t to_s = -1;
  std::size_t used = 0;
};

struct DayPart {
  std::string_view name;
  int from_hour;
  int to_hour;
};
constexpr std::array<DayPart, 17> kDayParts = {{{"morning", 5, 12},     {"forenoon", 8, 12},
                                                {"afternoon", 12, 18},  {"evening", 18, 24},
                                                {"night", 22, 6},       {"nighttime", 22, 6},
                                                {"overnight", 22, 6},   {"morgen", 5, 12},
                                                {"vormittag", 8, 12},   {"nachmittag", 12, 18},
                                                {"abend", 18, 24},      {"nacht", 22, 6},
                                                {"matin", 5, 12},       {"soir", 18, 24},
                                                {"nuit", 22, 6},        {"noche", 22, 6},
                                                {"tarde", 12, 20}}};
constexpr std::array<std::array<std::string_view, 3>, 7> kWeekDays = {{{"thursday", "donnerstag", "jeudi"},
                                                                       {"friday", "freitag", "vendredi"},
                                                                       {"saturday", "samstag", "samedi"},
                                                                       {"sunday", "sonntag", "dimanche"},
                                                                       {"monday", "montag", "lundi"},
                                                                       {"tuesday", "dienstag", "mardi"},
                                                                       {"wednesday", "mittwoch", "mercredi"}}};

bool is_date(int year, int month, int day) {
  return month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

class TimeReader {
 public:
  TimeReader(const std::vector<QuestionWord>& words, const TimeContext& context)
      : words_(words), context_(context) {}

  std::optional<Window> expression(std::size_t at, std::size_t& used) const;
  std::optional<std::int64_t> point() const;  // that all words together name

 private:
  std::string_view word(std::size_t at) const {
    return at < words_.size() && !words_[at].quoted ? std::string_view(words_[at].text) : std::string_view();
  }
  std::int64_t day_start(std::int64_t time_us) const {
    const std::int64_t local = time_us + context_.zone_s * kSecond;
    const std::int64_t days = local / kDay - (local % kDay < 0);
    return days * kDay - context_.zone_s * kSecond;
  }
  std::int64_t civil(int year, int month, int day) const {
    return fold::days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) * kDay -
           context_.zone_s * kSecond;
  }
  int year_of(std::int64_t time_us) const {
    const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds(time_us)};
    return int(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(time)).year());
  }
  int year_at(std::size_t at) const {
    const auto value = word(at).size() == 4 ? number(word(at)) : std::nullopt;
    return value && *value >= 1970 && *value < 2200 ? *value : 0;
  }
  // The latest year of the source in which the day lies at or before its end.
  int guess_year(int month, int day) const {
    const std::int64_t anchor = context_.last_us != 0 ? context_.last_us : context_.now_us;
    int year = year_of(anchor);
    while (day > days_in_month(year, month) || civil(year, month, day) > anchor + kDay) --year;
    return year;
  }
  std::size_t skip(std::size_t at, std::initializer_list<std::string_view> list) const {
    while (is_one_of(word(at), list)) ++at;
    return at;
  }
  static Moment days(std::int64_t begin, std::int64_t end, std::size_t used) {
    Moment out;
    out.has_day = true;
    out.begin_us = begin;
    out.end_us = end;
    out.used = used;
    return out;
  }

  std::optional<Moment> moment(std::size_t at) const;
  std::optional<Moment> day(std::size_t at) const;
  std::optional<Moment> day_word(std::size_t at) const;
  std::optional<Moment> written_date(std::size_t at) const;
  std::optional<Moment> month_and_day(std::size_t at) const;
  std::optional<Moment> whole_month(std::size_t at) const;
  std::optional<Moment> clock(std::size_t at) const;
  std::optional<Moment> spoken_clock(std::size_t at) const;
  std::optional<Window> after_midnight(std::size_t at, std::size_t& used) const;
  std::optional<Moment> day_part(std::size_t at) const;
  std::optional<Moment> ago(std::size_t at) const;
  std::optional<Window> last_span(std::size_t at, std::size_t& used) const;
  std::optional<Window> beside_asked(std::size_t at, std::size_t& used) const;
  std::optional<Window> two_moments(std::size_t at, std::size_t& used) const;
  static Window window_of(const Moment& moment);

  const std::vector<QuestionWord>& words_;
  const TimeContext& context_;
};

Window TimeReader::window_of(const Moment& moment) {
  Window out;
  if (moment.has_day) {
    out.since_us = moment.begin_us;
    out.until_us = moment.end_us - 1;
    if (moment.from_s >= 0 && moment.end_us - moment.begin_us == kDay) {
      out.since_us = moment.begin_us + moment.from_s * kSecond;
      out.until_us = moment.begin_us + moment.to_s * kSecond + (moment.to_s <= moment.from_s ? kDay : 0) - 1;
      return out;
    }
  }
  out.day_from_s = moment.from_s;
  out.day_to_s = moment.to_s;
  return out;
}

std::optional<Window> TimeReader::last_span(std::size_t at, std::size_t& used) const {
  std::size_t i = skip(at, {"in", "within", "during", "over", "for", "the", "der", "den", "die", "im", "of"});
  if (!is_one_of(word(i), {"last", "past", "previous", "letzte", "letzten", "letzter"})) return std::nullopt;
  ++i;
  Window out;
  if (word(i) == "night" || word(i) == "nacht") {
    const std::int64_t today = day_start(context_.now_us);
    used = i + 1 - at;
    out.since_us = today - 6 * kHour;
    out.until_us = today + 6 * kHour - 1;
    return out;
  }
  const auto count = number(word(i));
  const std::int64_t each = unit_us(count ? word(i + 1) : word(i));
  if (each == 0 || (!count && word(i).size() < 3)) return std::nullopt;
  used = i + (count ? 2 : 1) - at;
  out.since_us = context_.now_us - (count ? *count : 1) * each;
  return out;
}

// Of a conversation: "the day after", "an hour earlier", "the next day", counted from the time that was asked about
// before. What stands behind is another matter: "the day after the crash".
std::optional<Window> TimeReader::beside_asked(std::size_t at, std::size_t& used) const {
  if (context_.asked.since_us == Window::kMin || context_.asked.until_us == Window::kMax) return std::nullopt;
  std::size_t i = skip(at, {"on", "in", "during", "the", "a", "an", "one", "am", "in", "der", "dem", "die", "le", "la", "el", "al"});
  int side = is_one_of(word(i), {"next", "following", "n\xc3\xa4" "chsten"}) ? 1 : is_one_of(word(i), {"previous", "preceding", "vorigen"}) ? -1 : 0;
  const bool ahead = side != 0;
  const std::int64_t unit = unit_us(word(ahead ? i + 1 : i));
  if (unit == 0) return std::nullopt;
  i += ahead ? 2 : 1;
  if (!ahead) {
    const bool after = is_one_of(word(i), {"after", "later", "danach", "darauf", "suivant", "suivante", "apr\xc3\xa8s", "d'apr\xc3\xa8s", "siguiente", "despu\xc3\xa9s"});
    const bool before = is_one_of(word(i), {"before", "earlier", "davor", "zuvor", "pr\xc3\xa9" "c\xc3\xa9" "dent", "d'avant", "anterior", "antes"});
    side = after ? 1 : before ? -1 : 0;
    i = skip(i + 1, {"that", "this"});
    if (side == 0 || i < words_.size()) return std::nullopt;
  }
  used = i - at;
  Window out = context_.asked;
  if (out.until_us - out.since_us < unit) {  // as much of the next one
    out.since_us += side * unit;
    out.until_us += side * unit;
  } else if (side > 0) {
    out.since_us = out.until_us + 1;
    out.until_us += unit;
  } else {
    out.until_us = out.since_us - 1;
    out.since_us -= unit;
  }
  return out;
}

std::optional<Moment> TimeReader::ago(std::size_t at) const {
  const auto count = number(word(at));
  const std::int64_t each = count ? unit_us(word(at + 1)) : 0;
  if (each == 0 || word(at + 2) != "ago") return std::nullopt;
  return days(context_.now_us - *count * each, context_.now_us, 3);
}

std::optional<Moment> TimeReader::day_word(std::size_t at) const {
  const std::string_view text = word(at);
  const std::int64_t today = day_start(context_.now_us);
  if (is_one_of(text, {"today", "heute", "hoy", "aujourd'hui"})) return days(today, today + kDay, 1);
  if (is_one_of(text, {"yesterday", "gestern", "ayer", "hier"}) && text != "hier") return days(today - kDay, today, 1);
  if (text == "vorgestern") return days(today - 2 * kDay, today - kDay, 1);
  for (std::size_t i = 0; i < kWeekDays.size(); ++i) {
    if (std::find(kWeekDays[i].begin(), kWeekDays[i].end(), text) == kWeekDays[i].end()) continue;
    const std::int64_t last = day_start(context_.last_us != 0 ? context_.last_us : context_.now_us);
    const std::int64_t number_of_day = (last + context_.zone_s * kSecond) / kDay;  // day 0: a Thursday
    const std::int64_t back = ((number_of_day - static_cast<std::int64_t>(i)) % 7 + 7) % 7;
    return days(last - back * kDay, last - (back - 1) * kDay, 1);
  }
  return std::nullopt;
}

// "2026-11-20", "20.11.2026", "2026-11-20T09:00:00Z"
std::optional<Moment> TimeReader::written_date(std::size_t at) const {
  const std::string text(word(at));
  int a = 0, b = 0, c = 0, used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &a, &b, &c, &used) == 3 && used >= 8) {
    if (!is_date(a, b, c)) return std::nullopt;
    const std::int64_t start = civil(a, b, c);
    if (static_cast<std::size_t>(used) == text.size()) return days(start, start + kDay, 1);
    if (const auto exact = fold::parse_timestamp(words_[at].raw, context_.now_us, context_.zone_s))
      return days(exact->time_us, exact->time_us + kSecond, 1);
    return std::nullopt;
  }
  if (std::sscanf(text.c_str(), "%2d.%2d.%4d%n", &a, &b, &c, &used) == 3 &&
      static_cast<std::size_t>(used) == text.size() && c > 1900 && is_date(c, b, a)) {
    return days(civil(c, b, a), civil(c, b, a) + kDay, 1);
  }
  return std::nullopt;
}

// "nov 20", "november 20th 2026", "20 november", "the 29th of march"
std::optional<Moment> TimeReader::month_and_day(std::size_t at) const {
  std::size_t i = at;
  int month = month_of(word(i));
  int day = 0;
  if (month != 0) {
    i = skip(i + 1, {"the"});
    day = day_number(word(i));
  } else {
    i = skip(i, {"the"});
    day = day_number(word(i));
    if (day == 0) return std::nullopt;
    i = skip(i + 1, {"of"});
    month = month_of(word(i));
    if (month == 0) {  // "the 30th", of the source's last month
      const std::string_view ordinal = word(i - 1);
      if (ordinal.size() < 3) return std::nullopt;
      const std::int64_t anchor = context_.last_us != 0 ? context_.last_us : context_.now_us;
      const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds(anchor)};
      const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(time)};
      auto in = date.year() / date.month();
      const auto start = [&] { return civil(int(in.year()), static_cast<int>(unsigned(in.month())), day); };
      while (day > days_in_month(int(in.year()), static_cast<int>(unsigned(in.month()))) || start() > anchor) in -= std::chrono::months(1);
      return days(start(), start() + kDay, i - at);
    }
  }
  if (day == 0) return std::nullopt;
  ++i;
  int year = year_at(skip(i, {"of", "in"}));
  if (day > days_in_month(year, month)) return std::nullopt;  // impossible_times() names it
  if (year != 0) i = skip(i, {"of", "in"}) + 1;
  if (year == 0) year = guess_year(month, day);
  return days(civil(year, month, day), civil(year, month, day) + kDay, i - at);
}

// "june", "end of june", "july 2005", "2005"
std::optional<Moment> TimeReader::whole_month(std::size_t at) const {
  std::size_t i = at;
  int part = 0;
  if (is_one_of(word(i), {"end", "ende", "late"})) part = 2;
  if (is_one_of(word(i), {"early", "beginning", "start", "anfang"})) part = 1;
  if (part != 0) i = skip(i + 1, {"of"});
  const int month = month_of(word(i));
  if (month == 0) {
    const int year = part == 0 ? year_at(i) : 0;
    if (year == 0) return std::nullopt;
    return days(civil(year, 1, 1), civil(year + 1, 1, 1), 1);
  }
  if (word(i) == "may" || word(i) == "mar" || word(i) == "march") {  // also a verb
    if (at == 0 || !is_one_of(word(at - 1), {"in", "of", "since", "during", "until", "till", "to", "and", "from"}))
      return std::nullopt;
  }
  ++i;
  int year = year_at(i);
  if (year != 0) ++i;
  if (year == 0) year = guess_year(month, 1);
  std::int64_t begin = civil(year, month, 1);
  std::int64_t end = month == 12 ? civil(year + 1, 1, 1) : civil(year, month + 1, 1);
  if (part == 2) begin = civil(year, month, 21);
  if (part == 1) end = civil(year, month, 11);
  return days(begin, end, i - at);
}

// "09:00", "9:15:30", "9am", "9 pm", "noon", "20:xx", "8 uhr"
std::optional<Moment> TimeReader::clock(std::size_t at) const {
  const std::string text(word(at));
  Moment out;
  out.used = 1;
  if (is_one_of(text, {"noon", "mittag", "midday"})) {
    out.from_s = 12 * 3600;
    out.to_s = out.from_s + 60;
    return out;
  }
  if (is_one_of(text, {"midnight", "mitternacht"})) {
    out.from_s = 0;
    out.to_s = 60;
    return out;
  }
  int hour = 0, minute = 0, second = 0, used = 0;
  if (text.empty() || text[0] < '0' || text[0] > '9' || std::sscanf(text.c_str(), "%2d%n", &hour, &used) != 1)
    return std::nullopt;
  std::string rest = text.substr(static_cast<std::size_t>(used));
  int length = 3600;
  if (rest == ":xx" || rest == "h" || rest == ":xx:xx") {
    rest.clear();
  } else if (std::sscanf(rest.c_str(), ":%2d%n", &minute, &used) == 1) {
    rest = rest.substr(static_cast<std::size_t>(used));
    length = 60;
    if (std::sscanf(rest.c_str(), ":%2d%n", &second, &used) == 1) {
      rest = rest.substr(static_cast<std::size_t>(used));
      length = 1;
      if (!rest.empty() && (rest[0] == '.' || rest[0] == ',')) rest.clear();
    }
  } else {
    if (rest.empty() && is_one_of(word(at + 1), {"am", "pm", "uhr", "o'clock", "utc"})) {
      rest = word(at + 1);
      ++out.used;
    }
    if (rest.empty()) return std::nullopt;
  }
  if (rest.empty() && is_one_of(word(at + 1), {"am", "pm"}) && out.used == 1) {
    rest = word(at + 1);
    ++out.used;
  }
  if (!rest.empty() && !is_one_of(rest, {"am", "pm", "uhr", "o'clock", "utc"})) return std::nullopt;
  if (rest == "pm" && hour < 12) hour += 12;
  if (rest == "am" && hour == 12) hour = 0;
  if (hour > 24 || minute > 59 || second > 59) return std::nullopt;
  out.from_s = hour * 3600 + minute * 60 + second;
  out.to_s = out.from_s + length;
  return out;
}

// "ten to nine in the evening", "quarter past three", "nine in the evening": about then.
std::optional<Moment> TimeReader::spoken_clock(std::size_t at) const {
  constexpr int kAbout = 10 * 60;
  int minutes = 0;
  std::size_t i = at;
  const std::size_t joint = at + 1;
  if (is_one_of(word(joint), {"to", "past"})) {
    const std::string_view said = word(at);  // digits are hours: "from 5 to 7"
    minutes = said == "five" ? 5 : said == "ten" ? 10 : said == "quarter" ? 15 : said == "twenty" ? 20 : said == "half" ? 30 : 0;
    if (minutes == 0) return std::nullopt;
    if (word(joint) == "to") minutes = -minutes;
    i = joint + 1;
  }
  auto hour = number(word(i));
  if (!hour || *hour < 1 || *hour > 12) return std::nullopt;
  ++i;
  const bool at_night = word(i) == "at" && word(i + 1) == "night";
  const bool in_part = word(i) == "in" && word(i + 1) == "the" && is_one_of(word(i + 2), {"morning", "afternoon", "evening"});
  if (!at_night && !in_part) {
    if (minutes == 0) return std::nullopt;
  } else {
    const bool late = in_part ? word(i + 2) != "morning" : *hour > 5;
    if (late && *hour < 12) *hour += 12;
    i += at_night ? 2 : 3;
  }
  Moment out;
  const int at_s = *hour * 3600 + minutes * 60;
  out.from_s = std::max(0, at_s - kAbout);
  out.to_s = std::min(86400, at_s + kAbout);
  out.used = i - at;
  return out;
}

// Of a source that goes over one midnight that one; else the small hours of each day.
std::optional<Window> TimeReader::after_midnight(std::size_t at, std::size_t& used) const {
  if (!is_one_of(word(at), {"after", "since", "past", "nach"}) || !is_one_of(word(at + 1), {"midnight", "mitternacht"})) return std::nullopt;
  if (day(at + 2) || (is_one_of(word(at + 2), {"on", "of"}) && day(at + 3))) return std::nullopt;  // of the day that is named
  used = 2;
  Window out;
  const std::int64_t midnight = day_start(context_.last_us);
  if (context_.first_us < midnight && context_.first_us >= midnight - kDay) {
    out.since_us = midnight;
  } else {
    out.day_from_s = 0;
    out.day_to_s = 6 * 3600;
  }
  return out;
}

std::optional<Moment> TimeReader::day_part(std::size_t at) const {
  Moment out;
  const std::size_t i = skip(at, {"the"});
  if (is_one_of(word(i), {"small", "wee", "early"}) && is_one_of(word(i + 1), {"hours", "morning"})) {
    out.from_s = 0;
    out.to_s = 6 * 3600;
    out.used = i + 2 - at;
    return out;
  }
  for (const DayPart& part : kDayParts) {
    if (word(i) != part.name) continue;
    if (i == at && at > 0 && !is_one_of(word(at - 1), {"the", "in", "this", "at", "on", "during", "am", "in", "over", "every", "by",
                                                       "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "yesterday"}))
      return std::nullopt;
    out.from_s = part.from_hour * 3600;
    out.to_s = part.to_hour * 3600;
    out.used = i + 1 - at;
    return out;
  }
  return std::nullopt;
}

std::optional<Moment> TimeReader::day(std::size_t at) const {
  if (auto found = written_date(at)) return found;
  if (auto found = month_and_day(at)) return found;
  if (auto found = day_word(at)) return found;
  return whole_month(at);
}

std::optional<Moment> TimeReader::moment(std::size_t at) const {
  const std::size_t start = skip(at, {"the"});
  if (word(start) == "now") return days(context_.now_us, context_.now_us + kSecond, start + 1 - at);
  if (auto found = ago(start)) {
    found->used += start - at;
    return found;
  }
  if (auto on = day(start)) {
    const std::size_t after = skip(start + on->used, {"at", "um", "in", "around", "the"});
    auto part = clock(after);
    if (!part) part = day_part(after);
    if (part) {
      on->from_s = part->from_s;
      on->to_s = part->to_s;
      on->used = after + part->used - start;
    }
    on->used += start - at;
    return on;
  }
  auto part = spoken_clock(start);
  if (!part) part = clock(start);
  if (!part) part = day_part(start);
  if (!part) return std::nullopt;
  const std::size_t after = skip(start + part->used, {"on", "am", "of", "the"});
  const auto on = day(after);
  if (on && on->end_us - on->begin_us <= kDay) {
    part->has_day = true;
    part->begin_us = on->begin_us;
    part->end_us = on->end_us;
    part->used = after + on->used - start;
  }
  part->used += start - at;
  return part;
}

// "between 9:00 and 10:00", "from 9am to 10am", "june till december 2005", "9pm to midnight"
std::optional<Window> TimeReader::two_moments(std::size_t at, std::size_t& used) const {
  const bool named = is_one_of(word(at), {"between", "from", "zwischen", "von", "entre", "de"});
  const std::size_t start = at + (named ? 1 : 0);
  auto first = moment(start);
  std::size_t first_used = first ? first->used : 0;
  std::optional<int> bare;
  if (!first && named) {  // "between 9 and 10 am"
    bare = number(word(start));
    if (!bare || *bare > 24) return std::nullopt;
    first_used = 1;
  }
  if (first_used == 0) return std::nullopt;
  const std::size_t joint = start + first_used;
  if (!is_one_of(word(joint), {"and", "to", "until", "till", "und", "bis", "through", "y", "et", "a"})) return std::nullopt;
  if (!named && is_one_of(word(joint), {"and", "und", "a", "y", "et"})) return std::nullopt;
  auto second = moment(joint + 1);
  if (!second) return std::nullopt;
  used = joint + 1 + second->used - at;
  if (bare) {
    first = Moment{};
    const int half_day = *bare < 12 && second->from_s > (*bare + 12) * 3600 ? 12 : 0;  // "between 9 and 10 pm"
    first->from_s = (*bare + half_day) * 3600;
  }
  Window out;
  if (second->has_day && first->has_day) {
    const Window a = window_of(*first), b = window_of(*second);
    out.since_us = a.since_us;
    out.until_us = b.until_us;
    if (out.since_us > out.until_us) {  // the year stands behind the second only
      while (out.since_us > out.until_us) out.since_us -= 365 * kDay;
    }
    return out;
  }
  const std::int32_t to_s = second->from_s <= 60 && second->from_s >= 0 && first->from_s > 0 ? 86400 : second->from_s;
  const Moment& on = first->has_day ? *first : *second;
  if (on.has_day) {
    out.since_us = on.begin_us + first->from_s * kSecond;
    out.until_us = on.begin_us + to_s * kSecond;
    return out;
  }
  out.day_from_s = first->from_s;
  out.day_to_s = to_s;
  return out;
}

std::optional<Window> TimeReader::expression(std::size_t at, std::size_t& used) const {
  if (auto found = beside_asked(at, used)) return found;
  if (auto found = last_span(at, used)) return found;
  if (auto found = after_midnight(at, used)) return found;
  if (auto found = two_moments(at, used)) return found;
  if (is_one_of(word(at), {"on", "at", "around", "during"})) {  // "as the evening goes on, 9pm to midnight"
    if (auto found = two_moments(at + 1, used)) {
      ++used;
      return found;
    }
  }
  const std::string_view head = word(at);
  const bool since = is_one_of(head, {"since", "after", "from", "seit", "nach", "ab", "depuis", "desde"});
  const bool until = is_one_of(head, {"until", "till", "before", "bis", "vor", "hasta", "avant"});
  const bool up_to = head == "up" && word(at + 1) == "to";
  const bool on = is_one_of(head, {"on", "at", "around", "am", "um", "in", "during", "of", "by", "im", "this"});
  std::size_t start = at + (since || until || on ? 1 : up_to ? 2 : 0);
  if (since) start = skip(start, {"the", "last"});
  if (on) start = skip(start, {"the"});
  if (start == at && word(start) == "now") return std::nullopt;  // "now comes up by itself"
  const auto point = moment(start);
  if (!point) return std::nullopt;
  used = start + point->used - at;
  Window out = window_of(*point);
  if (since) {
    out.until_us = Window::kMax;
    if (out.day_from_s >= 0) out.day_to_s = 86400;
  } else if (until || up_to) {
    const bool clock_only = out.day_from_s >= 0;
    if (!clock_only) {
      const bool whole = point->end_us - point->begin_us == kDay && point->from_s < 0;
      out.until_us = (whole && head != "before" ? point->end_us : out.since_us) - 1;
      out.since_us = Window::kMin;
    } else {
      out.day_to_s = up_to ? out.day_to_s : out.day_from_s;
      out.day_from_s = 0;
    }
  }
  return out;
}

std::optional<std::int64_t> TimeReader::point() const {
  const auto found = moment(0);
  if (!found || found->used != words_.size()) return std::nullopt;
  if (found->has_day) return window_of(*found).since_us;
  const std::int64_t today = day_start(context_.now_us) + found->from_s * kSecond;
  return today > context_.now_us ? today - kDay : today;
}

}  // namespace

std::optional<std::int64_t> point_in_time(std::string_view text, const TimeContext& context) {
  if (const auto exact = fold::parse_timestamp(text, context.now_us, context.zone_s)) return exact->time_us;
  if (context.now_us == 0) return std::nullopt;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = number(text.substr(0, digits));
  if (const std::int64_t unit = text.substr(digits) == "m" ? 60 * kSecond : unit_us(text.substr(digits)); count && unit != 0)
    return context.now_us - *count * unit;
  const std::vector<QuestionWord> words = cut_question(text, "en");
  return TimeReader(words, context).point();
}

std::vector<Window> take_times(std::vector<QuestionWord>& words, const TimeContext& context) {
  const TimeReader reader(words, context);
  std::vector<Window> out;
  for (std::size_t at = 0; at < words.size(); ++at) {
    std::size_t used = 0;
    const auto window = reader.expression(at, used);
    if (!window || used == 0) continue;
    for (std::size_t i = at; i < at + used && i < words.size(); ++i) words[i].taken = Taken::kTime;
    out.push_back(*window);
    at += used - 1;
  }
  return out;
}

Window intersect(const std::vector<Window>& windows) {
  Window all;
  for (const Window& window : windows) {
    all.since_us = std::max(all.since_us, window.since_us);
    all.until_us = std::min(all.until_us, window.until_us);
    if (window.day_from_s >= 0) {
      all.day_from_s = window.day_from_s;
      all.day_to_s = window.day_to_s;
    }
  }
  return all;
}

}  // namespace silt::answer::language
