// Told: what was told of a ticket, so that nothing is told twice: one cursor row for each ticket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "connectors/connector.h"

namespace silt::connectors {

struct ToldEvent {
  std::string id;
  std::uint64_t hash = 0;      // of what it said
  std::uint32_t number = 0;    // within the ticket, from 1, in the order of telling
  std::uint32_t version = 1;   // how often it was told
};

struct TicketRow {
  std::string id;       // for the tracker
  std::string place;
  std::string version;  // of the reading; empty: it must be read again
  std::int64_t changed_us = 0;  // time of its last event
  std::uint32_t numbers = 0;    // that were given
  std::vector<ToldEvent> events;

  ToldEvent* find(std::string_view event);
  const ToldEvent* find(std::string_view event) const { return const_cast<TicketRow*>(this)->find(event); }
};

inline constexpr std::string_view kTicketRowPrefix = "t:";

CursorRow encode_told(const TicketRow& row);
CursorRow deleted_row(const std::string& id);
// kDataLoss: damaged. kFailedPrecondition: of a newer siltd.
Result<TicketRow> decode_told(const CursorRow& row);

}  // namespace silt::connectors
