// Issues of one GitHub repository, by the REST API. The credential is a token that may read issues.
#pragma once

#include <memory>

#include "connectors/tickets/ticket_source.h"
#include "connectors/tickets/tracker_api.h"

namespace silt::connectors {

// `options.queues`: one repository, "owner/name".
Result<std::unique_ptr<TicketSource>> make_github(const TrackerOptions& options);

}  // namespace silt::connectors
