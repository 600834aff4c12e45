#include "connectors/tickets/ticket.h"

#include <chrono>
#include <cstdio>
#include <utility>

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

std::optional<std::int64_t> parse_ticket_time(std::string_view text) {
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

std::string ticket_time(std::int64_t us, char separator, std::string_view end) {
  using namespace std::chrono;
  const auto whole = floor<seconds>(sys_time<microseconds>(microseconds(us)));
  const auto days_only = floor<days>(whole);
  const year_month_day date(days_only);
  const hh_mm_ss time(whole - days_only);
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02u%c%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), separator,
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return out + std::string(end);
}

std::string* field_of(TicketFields& fields, std::string_view name) {
  if (name == "subject") return &fields.subject;
  if (name == "queue") return &fields.queue;
  if (name == "state") return &fields.state;
  if (name == "owner") return &fields.owner;
  if (name == "priority") return &fields.priority;
  return nullptr;
}

TicketEvent created_event(std::string_view at, std::string author, std::string text) {
  TicketEvent event;
  event.id = "c";
  event.kind = "created";
  event.at_us = parse_ticket_time(at).value_or(0);
  event.author = std::move(author);
  event.text = std::move(text);
  return event;
}

}  // namespace silt::connectors
