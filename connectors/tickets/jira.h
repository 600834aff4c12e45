// Jira Cloud and Data Center, by their REST APIs; which one it is, the server says. The credential is
// "mail:token" for Cloud and a personal access token for Data Center.
#pragma once

#include <memory>

#include "connectors/tickets/ticket_source.h"
#include "connectors/tickets/tracker_api.h"

namespace silt::connectors {

// `options.queues`: keys of projects.
Result<std::unique_ptr<TicketSource>> make_jira(const TrackerOptions& options);

}  // namespace silt::connectors
