// Ledger: where the monitor's news go so that they outlive the process: incidents with new changes, and how far sources
// were looked at when they were noticed, together. Called by the monitor's thread.
#pragma once

#include <optional>
#include <span>

#include "daemon/store/outbox_store.h"
#include "daemon/watch/board.h"

namespace silt::watch {

class Ledger {
 public:
  virtual ~Ledger() = default;
  // Nothing: the source was never looked at.
  virtual std::optional<store::WatchCursor> cursor(store::SourceRef source) const = 0;
  // Durable on return, all or nothing. Incidents have all their changes that are known.
  virtual void keep(std::span<const Incident> incidents, std::span<const store::WatchCursor> cursors) = 0;
};

}  // namespace silt::watch
