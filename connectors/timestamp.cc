#include "connectors/timestamp.h"

#include <chrono>

namespace silt::connectors {
namespace {

bool read_digits(std::string_view text, std::size_t& at, std::size_t count, int& out) {
  out = 0;
  for (std::size_t i = 0; i < count; ++i, ++at) {
    if (at >= text.size() || text[at] < '0' || text[at] > '9') return false;
    out = out * 10 + (text[at] - '0');
  }
  return true;
}

bool read_char(std::string_view text, std::size_t& at, std::string_view any) {
  if (at >= text.size() || any.find(text[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  using namespace std::chrono;
  std::size_t at = 0;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  const bool whole = read_digits(text, at, 4, y) && read_char(text, at, "-") && read_digits(text, at, 2, mo) &&
                     read_char(text, at, "-") && read_digits(text, at, 2, d) && read_char(text, at, "T ") &&
                     read_digits(text, at, 2, h) && read_char(text, at, ":") && read_digits(text, at, 2, mi) &&
                     read_char(text, at, ":") && read_digits(text, at, 2, s);
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  if (!whole || !date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;
  std::int64_t us = duration_cast<microseconds>(sys_days(date).time_since_epoch()).count();
  us += (h * 3600LL + mi * 60 + s) * 1'000'000;
  if (read_char(text, at, ".")) {
    for (std::int64_t unit = 100'000; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
      us += (text[at] - '0') * unit;
  }
  if (at == text.size() || text.substr(at) == "Z") return us;
  const bool east = text[at] == '+';
  int zone_h = 0, zone_m = 0;
  if (!read_char(text, at, "+-") || !read_digits(text, at, 2, zone_h)) return std::nullopt;
  read_char(text, at, ":");
  if (!read_digits(text, at, 2, zone_m) || at != text.size()) return std::nullopt;
  return us + (east ? -1 : 1) * (zone_h * 3600LL + zone_m * 60) * 1'000'000;
}

}  // namespace silt::connectors
