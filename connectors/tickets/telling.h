// Telling: from a ticket as it was read, and what was told of it, to the records that are new.
//
// A record is one event as it stands: a comment that was edited is told again, in place of the one before;
// one that is gone is told to be. Its text is what people wrote; who, where and what the ticket was then are
// attributes: ticket, kind, author, subject, queue, state, open, owner, priority, reporter, version.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "connectors/inbox.h"
#include "connectors/tickets/ticket.h"
#include "connectors/tickets/told.h"

namespace silt::connectors {

struct TellingOptions {
  std::string place;  // "rm": places are "rm:#42/3"
  std::function<bool(const std::string& state)> is_open;
  std::size_t records_max = 64;  // of one delivery
};

// Deliveries in order, each with the row as of it; `row` is brought up to the present. Only the last row has the
// `version` that was read: who comes to a stop before it reads again. None when nothing is new and the row stays
// as it was.
std::vector<Delivery> tell(const Ticket& ticket, const std::string& version, const TellingOptions& options, TicketRow& row);
// All that was told of the ticket is gone; its row, too.
std::vector<Delivery> tell_deleted(const TellingOptions& options, std::int64_t at_us, const TicketRow& row);

}  // namespace silt::connectors
