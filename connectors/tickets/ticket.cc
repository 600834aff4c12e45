#include "connectors/tickets/ticket.h"

#include <chrono>
#include <cstdio>
#include <utility>

#include "connectors/timestamp.h"

namespace silt::connectors {
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
  event.at_us = parse_timestamp(at).value_or(0);
  event.author = std::move(author);
  event.text = std::move(text);
  return event;
}

}  // namespace silt::connectors
