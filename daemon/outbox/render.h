// Render: what a row of the outbox says, made when it is sent: from the records that are there then, so that what was
// forgotten meanwhile is not told. Safe from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "daemon/outbox/destination.h"
#include "daemon/store/outbox_store.h"
#include "daemon/watch/board.h"
#include "daemon/watch/digest.h"
#include "daemon/watch/shown_sources.h"

namespace silt::outbox {

inline constexpr std::size_t kChangesShown = 5;

// A row about an incident, without destination, number and times of its own.
store::OutboxRow row_of(const watch::Incident& incident, const std::string& id);

class Renderer {
 public:
  using ZoneOf = std::function<std::int32_t(std::int64_t wall_us)>;  // seconds east of UTC

  // The stores must outlive it.
  Renderer(const watch::DigestStores& stores, std::string host, ZoneOf zone_of)
      : stores_(stores), host_(std::move(host)), zone_of_(std::move(zone_of)) {}

  // Of sources of `tenant` only. Nothing: all that it told of is gone. kUnavailable: `cancelled`.
  Result<std::optional<Message>> render(const store::OutboxRow& row, const std::string& tenant, const std::atomic<bool>& cancelled) const;
  // The latest time of day, in minutes of the zone's day, that is not after `now_us`.
  std::int64_t last_time_of_day(std::int64_t now_us, std::int32_t minute) const;

 private:
  Result<std::optional<Message>> incident(const store::OutboxRow& row, const watch::Sources& sources) const;
  Result<std::optional<Message>> digest(const store::OutboxRow& row, const watch::Sources& sources, const std::atomic<bool>& cancelled) const;
  std::string local_time(std::int64_t time_us) const;

  const watch::DigestStores stores_;
  const std::string host_;
  const ZoneOf zone_of_;
};

}  // namespace silt::outbox
