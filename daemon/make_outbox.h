// The outbox that [[alert]] sections of the configuration ask for.
#pragma once

#include <memory>

#include "base/status.h"
#include "daemon/config.h"
#include "daemon/outbox/outbox.h"

namespace silt::daemon {

// kInvalidArgument: "FILE:LINE: alert.KEY: ...". A credential that is a file is looked at.
Status check_alerts(const Config& config);

// Nothing waits in it yet: load() comes next. What is in `parts` must outlive it.
Result<std::unique_ptr<outbox::Outbox>> make_outbox(const Config& config, outbox::Outbox::Parts parts);
// What makes its messages.
outbox::Renderer make_renderer(const Config& config, const watch::DigestStores& stores);

}  // namespace silt::daemon
