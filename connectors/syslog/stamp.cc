#include "connectors/syslog/stamp.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

namespace silt::connectors {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

// Reads fixed forms from the front of a text; after the first mistake it stays failed.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = peek();
      ok_ = ok_ && c >= '0' && c <= '9';
      value = value * 10 + (c - '0');
      ++at_;
    }
    return ok_ ? value : 0;
  }
  void expect(char c) {
    ok_ = ok_ && peek() == c;
    ++at_;
  }
  bool take(char c) {
    if (!ok_ || peek() != c) return false;
    ++at_;
    return true;
  }
  // Of a second, as microseconds; digits beyond are read over.
  std::int64_t fraction() {
    std::int64_t value = 0, unit = kSecondUs / 10;
    bool any = false;
    for (; peek() >= '0' && peek() <= '9'; ++at_, unit /= 10, any = true) value += unit * (peek() - '0');
    ok_ = ok_ && any;
    return value;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  std::string_view rest() const { return text_.substr(std::min(at_, text_.size())); }
  void skip(std::size_t bytes) { at_ += bytes; }
  std::size_t at() const { return at_; }
  bool ok() const { return ok_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct TimeOfDay {
  int hour = 0, minute = 0, second = 0;
  std::int64_t fraction_us = 0;
};

TimeOfDay time_of_day(Reader& from) {
  TimeOfDay time;
  time.hour = from.digits(2);
  from.expect(':');
  time.minute = from.digits(2);
  from.expect(':');
  time.second = from.digits(2);
  if (from.take('.')) time.fraction_us = from.fraction();
  return time;
}

// As if in UTC; nothing when there is no such day or time.
std::optional<std::int64_t> civil_us(int year, int month, int day, const TimeOfDay& time) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || time.hour > 23 || time.minute > 59 || time.second > 60) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + time.hour) * 60 + time.minute) * 60 + time.second) * kSecondUs + time.fraction_us;
}

int month_of(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::find(kMonths.begin(), kMonths.end(), text.substr(0, 3));
  return found == kMonths.end() ? 0 : static_cast<int>(found - kMonths.begin()) + 1;
}

int year_of(std::int64_t us) {
  const std::chrono::sys_days day = std::chrono::floor<std::chrono::days>(std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(us)));
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

}  // namespace

std::optional<Stamp> parse_bsd_stamp(std::string_view text, std::int64_t now_us, const ZoneOffset& zone) {
  Reader from(text);
  const int month = month_of(text);
  if (month == 0) return std::nullopt;
  from.skip(3);
  from.expect(' ');
  const int day = from.take(' ') ? from.digits(1) : from.digits(2);
  from.expect(' ');
  int year = 0;
  if (from.rest().size() > 5 && from.rest()[4] == ' ') {
    year = from.digits(4);
    from.expect(' ');
  }
  const TimeOfDay time = time_of_day(from);
  if (!from.ok()) return std::nullopt;
  const std::int64_t now_local_us = now_us + zone(now_us) * kSecondUs;
  const int this_year = year_of(now_local_us);
  std::optional<std::int64_t> best;
  for (int each = year != 0 ? year : this_year - 1; each <= (year != 0 ? year : this_year + 1); ++each) {
    const auto us = civil_us(each, month, day, time);
    if (us && (!best || std::abs(*us - now_local_us) < std::abs(*best - now_local_us))) best = us;
  }
  if (!best) return std::nullopt;
  return Stamp{*best - zone(*best) * kSecondUs, from.at()};
}

}  // namespace silt::connectors
