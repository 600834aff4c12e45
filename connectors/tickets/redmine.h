// Redmine, by its REST API. The credential is an API key; its account needs to see issues and private notes.
#pragma once

#include <memory>

#include "connectors/tickets/ticket_source.h"
#include "connectors/tickets/tracker_api.h"

namespace silt::connectors {

// `options.queues`: identifiers of projects.
Result<std::unique_ptr<TicketSource>> make_redmine(const TrackerOptions& options);

}  // namespace silt::connectors
