#include "daemon/fold/timestamp.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace silt::fold {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_alnum(char c) { return is_digit(c) || is_alpha(c); }

bool is_leap(std::int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

unsigned month_days(unsigned month, bool leap) {
  constexpr std::array<std::uint8_t, 13> kDays = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && leap ? 29 : kDays[month];
}

constexpr std::array<std::string_view, 12> kMonths = {"january januar janvier enero ",
                                                      "february februar f\xc3\xa9vrier febrero ",
                                                      "march m\xc3\xa4rz mars marzo mrz ",
                                                      "april avril abril ",
                                                      "may mai mayo ",
                                                      "june juni juin junio ",
                                                      "july juli juillet julio ",
                                                      "august ao\xc3\xbbt agosto ",
                                                      "september septembre septiembre ",
                                                      "october oktober octobre octubre ",
                                                      "november novembre noviembre ",
                                                      "december dezember d\xc3\xa9" "cembre diciembre "};

constexpr std::uint32_t packed(char a, char b, char c) {
  const auto byte = [](char x) { return static_cast<std::uint32_t>(static_cast<unsigned char>(x)); };
  return byte(a) << 16 | byte(b) << 8 | byte(c);
}

// The month of a name that begins so, in small letters; 0: none does.
int month_of(std::uint32_t begin) {
  constexpr auto is = [](const char(&text)[4]) { return packed(text[0], text[1], text[2]); };
  switch (begin) {
    case is("jan"):
    case is("ene"): return 1;
    case is("feb"):
    case is("f\xc3\xa9"): return 2;
    case is("mar"):
    case is("mrz"):
    case is("m\xc3\xa4"): return 3;
    case is("apr"):
    case is("avr"):
    case is("abr"): return 4;
    case is("may"):
    case is("mai"): return 5;
    case is("jun"): return 6;
    case is("jul"): return 7;
    case is("aug"):
    case is("ago"):
    case is("ao\xc3"): return 8;
    case is("sep"): return 9;
    case is("oct"):
    case is("okt"): return 10;
    case is("nov"): return 11;
    case is("dec"):
    case is("dez"):
    case is("dic"):
    case is("d\xc3\xa9"): return 12;
    case is("jui"): return 7;  // or June
    default: return 0;
  }
}

// Whether `word`, in small letters, is a name of the month or its beginning.
bool names_month(std::string_view word, int month) {
  const std::string_view names = kMonths[static_cast<std::size_t>(month) - 1];
  for (std::size_t at = 0; at < names.size(); at = names.find(' ', at) + 1) {
    if (names.substr(at).starts_with(word)) return true;
  }
  return false;
}

// A reading position. Each member function either reads what it names and returns true, or returns
// false and leaves the position unspecified: callers work on copies.
class Reader {
 public:
  Reader(std::string_view line, std::size_t at) : line_(line), at_(at) {}

  std::size_t at() const { return at_; }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < line_.size() ? line_[at_ + ahead] : '\0'; }
  void skip(std::size_t bytes) { at_ += bytes; }

  bool one_of(std::string_view set) {
    if (at_ >= line_.size() || set.find(line_[at_]) == std::string_view::npos) return false;
    ++at_;
    return true;
  }
  bool spaces() {
    const std::size_t start = at_;
    while (peek() == ' ' && at_ - start < 3) ++at_;
    return at_ > start;
  }
  std::size_t digit_run() const {
    std::size_t run = 0;
    while (run < 20 && is_digit(peek(run))) ++run;
    return run;
  }
  bool number(std::size_t width, int low, int high, int& value) {
    value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      if (!is_digit(peek(i))) return false;
      value = value * 10 + (peek(i) - '0');
    }
    at_ += width;
    return value >= low && value <= high;
  }
  // "Jan" to "Dec", "Januar", "févr.", "diciembre": English, German, French or Spanish, any case; 1..12.
  bool month_name(int& month) {
    month = month_of(packed(small(0), small(1), small(2)));
    if (month == 0) return false;
    std::size_t size = 3;
    if (in_word(size) || small(2) == '\xc3') {
      std::array<char, 12> word;
      for (size = 0; size < word.size() && in_word(size); ++size) word[size] = small(size);
      const std::string_view text(word.data(), size);
      if (text.starts_with("juin")) month = 6;
      if (size < 4 || !names_month(text, month)) return false;
    } else if (small(0) == 'j' && small(1) == 'u' && small(2) == 'i') {
      return false;  // June or July
    }
    at_ += size;
    if (peek() == '.' && peek(1) == ' ') ++at_;
    return true;
  }
  bool weekday() {
    constexpr std::string_view kNames = "montuewedthufrisatsun";
    int day = 0;
    return name(kNames, day) && !is_alpha(peek());
  }

 private:
  bool in_word(std::size_t ahead) const {
    return is_alpha(peek(ahead)) || static_cast<unsigned char>(peek(ahead)) >= 0x80;
  }
  // In small letters, of Latin-1 in UTF-8 too.
  char small(std::size_t ahead) const {
    const char c = peek(ahead);
    return ahead > 0 && peek(ahead - 1) == '\xc3' ? static_cast<char>(c | 0x20) : lower(c);
  }
  bool name(std::string_view names, int& index) {
    for (std::size_t i = 0; i < names.size(); i += 3) {
      if (lower(peek()) == names[i] && lower(peek(1)) == names[i + 1] && lower(peek(2)) == names[i + 2]) {
        index = static_cast<int>(i / 3) + 1;
        at_ += 3;
        return true;
      }
    }
    return false;
  }

  std::string_view line_;
  std::size_t at_;
};

bool set_date(TimeText& out, int year, bool has_year, int month, int day) {
  if (month < 1 || month > 12 || day < 1) return false;
  const bool leap = !has_year || is_leap(year);
  if (day > static_cast<int>(month_days(static_cast<unsigned>(month), leap))) return false;
  out.has_year = has_year;
  out.year = static_cast<std::int16_t>(year);
  out.month = static_cast<std::uint8_t>(month);
  out.day = static_cast<std::uint8_t>(day);
  return true;
}

int four_digit_year(int two_digits) {
  return two_digits < 70 ? 2000 + two_digits : 1900 + two_digits;
}

// ".123", ",123", ":606" after the seconds; digits after the sixth are dropped. Behind ':' stand whole
// milliseconds, which may lack leading zeros.
void read_fraction(Reader& reader, TimeText& out) {
  const char mark = reader.peek();
  if (mark != '.' && mark != ',' && mark != ':') return;
  Reader probe = reader;
  probe.skip(1);
  const std::size_t digits = probe.digit_run();
  if (digits == 0 || digits > 9 || (mark == ':' && digits > 3 && digits != 6)) return;
  std::int32_t micros = 0;
  const std::size_t missing = mark == ':' && digits < 3 ? 3 - digits : 0;
  for (std::size_t i = 0; i + missing < 6; ++i) micros = micros * 10 + (i < digits ? probe.peek(i) - '0' : 0);
  out.micros = micros;
  probe.skip(digits);
  reader = probe;
}

// "Z", "+02:00", "+0200", "+02", " +0200", " UTC", " GMT".
void read_zone(Reader& reader, TimeText& out) {
  Reader probe = reader;
  const bool spaced = probe.peek() == ' ';
  if (spaced) probe.skip(1);
  if (probe.peek() == 'Z' && !spaced && !is_alnum(probe.peek(1))) {
    probe.skip(1);
  } else if ((probe.peek() == 'U' && probe.peek(1) == 'T' && probe.peek(2) == 'C' &&
              !is_alnum(probe.peek(3))) ||
             (probe.peek() == 'G' && probe.peek(1) == 'M' && probe.peek(2) == 'T' &&
              !is_alnum(probe.peek(3)))) {
    probe.skip(3);
  } else {
    const bool west = probe.peek() == '-';
    int hours = 0, minutes = 0;
    if (!probe.one_of("+-") || !probe.number(2, 0, 15, hours)) return;
    const bool colon = !spaced && probe.peek() == ':';
    if (colon) probe.skip(1);
    if (is_digit(probe.peek())) {
      if (!probe.number(2, 0, 59, minutes)) return;
    } else if (colon || spaced) {
      return;
    }
    if (is_digit(probe.peek())) return;
    out.zone_s = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
  }
  out.has_zone = true;
  reader = probe;
}

// "8:54:35 PM", "8:54:35am". False: no such hour.
bool read_half_of_day(Reader& reader, TimeText& out) {
  Reader probe = reader;
  if (probe.peek() == ' ') probe.skip(1);
  const char half = lower(probe.peek());
  if ((half != 'a' && half != 'p') || lower(probe.peek(1)) != 'm' || is_alnum(probe.peek(2))) return true;
  if (out.hour == 0 || out.hour > 12) return false;
  out.hour = static_cast<std::uint8_t>(out.hour % 12 + (half == 'p' ? 12 : 0));
  probe.skip(2);
  reader = probe;
  return true;
}

// After the seconds: nothing that would make them part of a longer number, then fraction and zone.
bool end_clock(Reader& reader, int hour, int minute, int second, TimeText& out) {
  if (is_digit(reader.peek())) return false;
  out.hour = static_cast<std::uint8_t>(hour);
  out.minute = static_cast<std::uint8_t>(minute);
  out.second = static_cast<std::uint8_t>(std::min(second, 59));
  read_fraction(reader, out);
  if (!read_half_of_day(reader, out)) return false;
  read_zone(reader, out);
  return true;
}

// HH:MM:SS with the separator that stands there (':' or, when `dots`, '.'), fraction and zone.
bool read_clock(Reader& reader, TimeText& out, bool dots = false) {
  int hour = 0, minute = 0, second = 0;
  const auto width = [&] { return is_digit(reader.peek(1)) ? std::size_t{2} : std::size_t{1}; };
  if (!reader.number(width(), 0, 23, hour)) return false;
  const char mark = reader.peek();
  if (mark != ':' && !(dots && mark == '.')) return false;
  reader.skip(1);
  if (!reader.number(width(), 0, 59, minute) || reader.peek() != mark) return false;
  reader.skip(1);
  return reader.number(width(), 0, 60, second) && end_clock(reader, hour, minute, second, out);
}

// 203615, the rest of "081109 203615".
bool read_compact_clock(Reader& reader, TimeText& out) {
  int hour = 0, minute = 0, second = 0;
  return reader.number(2, 0, 23, hour) && reader.number(2, 0, 59, minute) &&
         reader.number(2, 0, 60, second) && end_clock(reader, hour, minute, second, out);
}

// 2026-11-21T20:54:35.123Z, 2026/11/21 20:54:35, 2005-06-03-15.42.50.675872
bool year_first(Reader& reader, TimeText& out) {
  int year = 0, month = 0, day = 0;
  if (!reader.number(4, 1970, 2199, year)) return false;
  const char mark = reader.peek();
  if (!reader.one_of("-/.") || !reader.number(2, 1, 12, month) || reader.peek() != mark) return false;
  reader.skip(1);
  if (!reader.number(2, 1, 31, day) || !set_date(out, year, true, month, day)) return false;
  const bool dash = reader.peek() == '-';
  if (reader.peek() == ',') reader.skip(1);
  if (!reader.one_of("Tt-_:") && !reader.spaces()) return false;
  return read_clock(reader, out, dash);
}

// 20171223-22:15:29:606, 20261121T205435Z
bool compact_year_first(Reader& reader, TimeText& out) {
  int year = 0, month = 0, day = 0;
  if (!reader.number(4, 1970, 2199, year) || !reader.number(2, 1, 12, month) || !reader.number(2, 1, 31, day))
    return false;
  if (!set_date(out, year, true, month, day)) return false;
  if (!reader.one_of("Tt-_") && !reader.spaces()) return false;
  const bool colons = reader.peek(1) == ':' || reader.peek(2) == ':';
  return colons ? read_clock(reader, out) : read_compact_clock(reader, out);
}

// 081109 203615 and 081109 20:36:15: only where nothing stands before it.
bool short_year_first(Reader& reader, TimeText& out) {
  int year = 0, month = 0, day = 0;
  if (!reader.number(2, 0, 99, year) || !reader.number(2, 1, 12, month) || !reader.number(2, 1, 31, day))
    return false;
  if (!set_date(out, four_digit_year(year), true, month, day) || !reader.spaces()) return false;
  return reader.digit_run() == 6 ? read_compact_clock(reader, out) : read_clock(reader, out);
}

// 17/06/09 20:10:40 (year first), 21/11/2026 20:54:35 (day first where it must be, else month first),
// 21.11.2026 20:54:35 and 21-11-2026 20:54:35 (month first where it must be, else day first)
bool slashes(Reader& reader, TimeText& out) {
  int first = 0, second = 0, third = 0;
  const auto width_of = [&] { return is_digit(reader.peek(1)) ? std::size_t{2} : std::size_t{1}; };
  const bool short_first = width_of() == 1;
  if (!reader.number(width_of(), 0, 99, first)) return false;
  const char mark = reader.peek();
  if (!reader.one_of("/.-") || !reader.number(width_of(), 1, 31, second) || reader.peek() != mark)
    return false;
  reader.skip(1);
  const std::size_t width = reader.digit_run();
  if ((width != 2 && width != 4) || !reader.number(width, 1, 2199, third)) return false;
  if (width == 2 && (mark != '/' || short_first)) return false;
  const bool day_first = mark == '/' ? first > 12 : second <= 12;
  const bool valid = width == 2  ? set_date(out, four_digit_year(first), true, second, third)
                     : day_first ? set_date(out, third, true, second, first)
                                 : set_date(out, third, true, first, second);
  if (reader.peek() == ',') reader.skip(1);
  return valid && (reader.one_of(":T") || reader.spaces()) && read_clock(reader, out);
}

// 21/Nov/2026:20:54:35 +0000, 21-Nov-2026 20:54:35, 21 Nov 2026 20:54:35, 21. November 2026, 20:54:35,
// 21 Nov 20:54:35
bool day_month_name(Reader& reader, TimeText& out) {
  int day = 0, month = 0, year = 0;
  if (!reader.number(reader.digit_run() == 1 ? 1 : 2, 1, 31, day)) return false;
  if (reader.peek() == '.' && reader.peek(1) == ' ') reader.skip(1);
  if (!reader.one_of("/- ") || !reader.month_name(month)) return false;
  const bool has_year = reader.digit_run() != 2 && reader.peek(2) != ':' && reader.peek(3) != ':';
  if (!reader.one_of("/- ")) return false;
  if (has_year && !reader.number(4, 1970, 2199, year)) return false;
  if (!set_date(out, year, has_year, month, day)) return false;
  if (has_year && reader.peek() == ',') reader.skip(1);
  return (!has_year || reader.one_of(": ")) && read_clock(reader, out);
}

// 03-17 16:13:38.811, 10.30 16:49:06
bool month_day(Reader& reader, TimeText& out) {
  int month = 0, day = 0;
  if (!reader.number(2, 1, 12, month) || !reader.one_of("-./") || !reader.number(2, 1, 31, day)) return false;
  return set_date(out, 0, false, month, day) && reader.spaces() && read_clock(reader, out);
}

// Sec, ms, us or ns since 1970 by the number of digits, 2001 to 2286.
bool epoch(Reader& reader, TimeText& out) {
  const std::size_t digits = reader.digit_run();
  if (digits != 10 && digits != 13 && digits != 16 && digits != 19) return false;
  if (reader.peek() == '0') return false;
  std::uint64_t value = 0;  // 19 digits may be more than a signed one holds
  for (std::size_t i = 0; i < digits; ++i) value = value * 10 + static_cast<unsigned>(reader.peek(i) - '0');
  reader.skip(digits);
  const std::uint64_t micros = digits == 10   ? value * 1'000'000
                               : digits == 13 ? value * 1'000
                               : digits == 16 ? value
                                              : value / 1'000;
  out.epoch_us = static_cast<std::int64_t>(micros);
  if (digits == 10 && reader.peek() == '.') {
    read_fraction(reader, out);
    out.epoch_us += out.micros;
  }
  out.micros = 0;
  out.epoch = true;
  return true;
}

// Nov 21 20:54:35, Nov 21 2026 20:54:35
bool month_name_day(Reader& reader, TimeText& out, bool year_may_follow) {
  int month = 0, day = 0, year = 0;
  if (!reader.month_name(month) || !reader.spaces()) return false;
  if (!reader.number(is_digit(reader.peek(1)) ? 2 : 1, 1, 31, day)) return false;
  if (reader.peek() == ',') reader.skip(1);
  if (!reader.spaces()) return false;
  bool has_year = reader.digit_run() == 4;
  if (has_year && (!reader.number(4, 1970, 2199, year) || !reader.spaces())) return false;
  if (!read_clock(reader, out)) return false;
  Reader probe = reader;
  if (!has_year && year_may_follow && probe.spaces() && probe.digit_run() == 4 &&
      probe.number(4, 1970, 2199, year)) {
    has_year = true;
    reader = probe;
  }
  return set_date(out, year, has_year, month, day);
}

// Sun Dec 04 04:47:44 2005; Sun, 04 Dec 2005 04:47:44 GMT
bool weekday_first(Reader& reader, TimeText& out) {
  if (!reader.weekday()) return false;
  if (reader.peek() == ',') reader.skip(1);
  if (!reader.spaces()) return false;
  return is_digit(reader.peek()) ? day_month_name(reader, out) : month_name_day(reader, out, true);
}

// I1121 20:54:35.123456: the level letter belongs to the line, the rest is the time.
bool klog(Reader& reader, TimeText& out) {
  int month = 0, day = 0;
  if (!reader.one_of("IWEF") || !reader.number(2, 1, 12, month) || !reader.number(2, 1, 31, day))
    return false;
  return set_date(out, 0, false, month, day) && reader.spaces() && read_clock(reader, out);
}

// [   12.345678]
std::optional<TimeText> kernel_time(std::string_view line) {
  Reader reader(line, 0);
  if (!reader.one_of("[")) return std::nullopt;
  while (reader.peek() == ' ' && reader.at() < 12) reader.skip(1);
  const std::size_t begin = reader.at();
  const std::size_t seconds = reader.digit_run();
  reader.skip(seconds);
  if (seconds == 0 || seconds > 9 || !reader.one_of(".")) return std::nullopt;
  const std::size_t fraction = reader.digit_run();
  reader.skip(fraction);
  if (fraction < 3 || reader.peek() != ']') return std::nullopt;
  TimeText out;
  out.begin = static_cast<std::uint32_t>(begin);
  out.end = static_cast<std::uint32_t>(reader.at());
  out.relative = true;
  return out;
}

using Style = bool (*)(Reader&, TimeText&);

bool try_style(Style style, std::string_view line, std::size_t at, TimeText& out) {
  Reader reader(line, at);
  TimeText text;
  if (!style(reader, text) || is_alnum(reader.peek())) return false;
  text.begin = static_cast<std::uint32_t>(at);
  text.end = static_cast<std::uint32_t>(reader.at());
  out = text;
  return true;
}

// The styles that a word starting with a digit may have, by the length of its digit run.
bool digits_at(std::string_view line, std::size_t at, bool first, TimeText& out) {
  const std::size_t run = Reader(line, at).digit_run();
  switch (run) {
    case 1: return try_style(day_month_name, line, at, out) || try_style(slashes, line, at, out);
    case 2:
      return try_style(slashes, line, at, out) || try_style(month_day, line, at, out) ||
             try_style(day_month_name, line, at, out);
    case 4: return try_style(year_first, line, at, out);
    case 6: return first && try_style(short_year_first, line, at, out);
    case 8: return try_style(compact_year_first, line, at, out);
    default: return first && try_style(epoch, line, at, out);
  }
}

bool word_at(std::string_view line, std::size_t at, bool first, TimeText& out) {
  const char c = line[at];
  if (is_digit(c)) return digits_at(line, at, first, out);
  if (!is_alpha(c)) return false;
  if (is_digit(at + 1 < line.size() ? line[at + 1] : '\0')) {
    if (!try_style(klog, line, at, out)) return false;
    ++out.begin;
    return true;
  }
  return try_style([](Reader& r, TimeText& t) { return month_name_day(r, t, false); }, line, at, out) ||
         try_style(weekday_first, line, at, out);
}

// The value of a JSON time key, quoted or a number.
constexpr std::size_t kJsonReach = 2048;  // bytes in which a key is looked for
std::optional<TimeText> json_time(std::string_view line) {
  const std::string_view head = line.substr(0, kJsonReach);
  for (const std::string_view key : {"\"@timestamp\"", "\"timestamp\"", "\"time\"", "\"ts\"", "\"$date\""}) {
    std::size_t at = head.find(key);
    if (at == std::string_view::npos) continue;
    at += key.size();
    while (at < line.size() && (line[at] == ':' || line[at] == ' ')) ++at;
    if (at < line.size() && line[at] == '"') ++at;
    TimeText out;
    if (at < line.size() && word_at(line, at, true, out)) return out;
  }
  return std::nullopt;
}

// "134681 node-246 unix.hw state.unavailable 1077804742 1 Component": seconds in a column between others,
// behind a number and a few names.
bool epoch_column(std::string_view line, std::size_t at, TimeText& out) {
  const std::string_view before = line.substr(0, at);
  const bool alone = line[at - 1] == ' ' && Reader(line, at).digit_run() == 10 && at + 11 < line.size() &&
                     line[at + 10] == ' ' && (is_digit(line[at + 11]) || line[at + 11] == '-');
  if (!alone || before.find_first_of(":=,;()[]\"") != std::string_view::npos) return false;
  if (std::count(before.begin(), before.end(), ' ') > 5) return false;
  return is_digit(before[before.find(' ') - 1]) && try_style(epoch, line, at, out);
}

// "type=AVC msg=audit(1700000000.123:45): avc: ..."
bool audit_time(std::string_view line, std::size_t at, TimeText& out) {
  return line.substr(0, at).ends_with(" msg=audit(") && try_style(epoch, line, at, out);
}

bool starts_word(char before) {
  return std::string_view(" \t[(<\"'=|>,").find(before) != std::string_view::npos;
}

}  // namespace

std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
  // Years are counted from March, so that the leap day is the last one; 400 years have 146097 days.
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

std::optional<TimeText> find_timestamp(std::string_view line) {
  if (line.empty()) return std::nullopt;
  if (line[0] == '{') return json_time(line);
  if (line[0] == '[') {
    if (auto relative = kernel_time(line)) return relative;
  }
  const std::size_t reach = std::min(line.size(), kTimestampReach);
  bool first = true;  // until a letter or digit went by
  const bool numbered = is_digit(line[0]);
  for (std::size_t at = 0; at < reach; ++at) {
    const char c = line[at];
    if (!is_alnum(c)) continue;
    TimeText out;
    if ((at == 0 || starts_word(line[at - 1])) && word_at(line, at, first, out)) return out;
    if (c == '1' && at > 0 && line[at - 1] == '(' && audit_time(line, at, out)) return out;
    if (numbered && c == '1' && at > 0 && epoch_column(line, at, out)) return out;
    while (at + 1 < reach && is_alnum(line[at + 1])) ++at;
    // "<34>" before a syslog line says nothing about what follows it.
    if (!(line[0] == '<' && at < 5)) first = false;
  }
  return std::nullopt;
}

std::size_t time_reach(std::string_view line, const std::optional<TimeText>& found) {
  // Names of weekday and month, date, clock, fraction and zone, each with what may stand between them.
  constexpr std::size_t kTimeMax = 128;
  // What could have belonged to the time: a fraction, a half of the day, a zone, a year.
  constexpr std::size_t kRestMax = 32;
  const std::size_t first = static_cast<std::size_t>(std::find_if(line.begin(), line.end(), is_alnum) - line.begin());
  std::size_t reach = (line.starts_with('{') ? kJsonReach : kTimestampReach) + kTimeMax;
  if (found && found->begin == first) {
    const Reader after(line, found->end);
    const bool ends = after.peek() == ' ' && is_digit(after.peek(1)) && Reader(line, found->end + std::size_t{1}).digit_run() != 4;
    reach = found->end + (ends ? 1 : kRestMax);
  }
  return std::min(reach, line.size());
}

std::optional<std::int64_t> resolve_time(const TimeText& text, std::int64_t arrival_us,
                                         std::int32_t default_zone_s, std::int64_t before_us) {
  if (text.relative) return std::nullopt;
  if (text.epoch) return text.epoch_us;
  constexpr std::int64_t kDayUs = 86'400'000'000;
  const auto at_year = [&](std::int64_t year) {
    const std::int64_t seconds =
        text.hour * 3600 + text.minute * 60 + text.second - (text.has_zone ? text.zone_s : default_zone_s);
    return days_from_civil(year, text.month, text.day) * kDayUs + seconds * 1'000'000 + text.micros;
  };
  if (text.has_year) return at_year(text.year);
  constexpr std::int64_t kFarUs = kDayUs * 365 * 10'000;  // keeps the sums below in range
  const std::int64_t latest_us = std::clamp(arrival_us, -kFarUs, kFarUs) + kClockAheadMaxUs;
  // 365-day years run ahead of the calendar by at most a year until 3430; 29 February may be 8 away.
  const std::int64_t around = 1970 + latest_us / (kDayUs * 365);
  const bool leap_day = text.month == 2 && text.day == 29;
  const std::int64_t reach = leap_day ? 9 : 2;
  std::optional<std::int64_t> best;
  std::optional<std::int64_t> next;  // the year behind it
  for (std::int64_t year = around - reach; year <= around + reach; ++year) {
    if (leap_day && !is_leap(year)) continue;
    const std::int64_t candidate = at_year(year);
    if (!best || candidate <= latest_us) {
      best = candidate;
      next.reset();
    } else if (!next) {
      next = candidate;
    }
  }
  const bool falls_back = before_us != 0 && next && *best < before_us && before_us - *best > *next - before_us;
  if (falls_back && *next <= latest_us - kClockAheadMaxUs + kClockAheadInOrderMaxUs) return next;
  return best;
}

std::optional<EventTime> parse_timestamp(std::string_view line, std::int64_t arrival_us,
                                         std::int32_t default_zone_s) {
  const std::optional<TimeText> text = find_timestamp(line);
  if (!text) return std::nullopt;
  const std::optional<std::int64_t> time_us = resolve_time(*text, arrival_us, default_zone_s);
  if (!time_us) return std::nullopt;
  return EventTime{*time_us, text->begin, text->end};
}

}  // namespace silt::fold
