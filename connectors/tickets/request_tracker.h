// Request Tracker 5, by REST 2. The credential is an authentication token ("1-27-...") or user:password; its account
// needs SeeQueue, ShowTicket, ShowTicketComments and SeeCustomField.
#pragma once

#include <memory>

#include "connectors/tickets/ticket_source.h"
#include "connectors/tickets/tracker_api.h"

namespace silt::connectors {

// `options.queues`: names of queues.
Result<std::unique_ptr<TicketSource>> make_request_tracker(const TrackerOptions& options);

}  // namespace silt::connectors
