// Makes the connector that a [[source]] asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "connectors/connector.h"
#include "connectors/waiter.h"
#include "daemon/config.h"
#include "daemon/intake/feeds.h"

namespace silt::daemon {

struct ConnectorContext {
  const Clock& clock;             // these outlive the connector
  connectors::Waiter& waiter;
  std::vector<std::string> never_enter;  // folders of which nothing is read
  std::vector<std::string> never_read;   // files
  std::string time_zone = "local";       // of sources that name none
  std::uint32_t open_files_max = 0;
  std::uint32_t record_bytes_max = connectors::ReadLimits().record_bytes_max;
  intake::Feeds& feeds;  // outlive the connector, too
};

// The message names the key and a remedy.
Result<std::unique_ptr<connectors::Connector>> make_connector(const SourceConfig& source, const ConnectorContext& context);

// What can be seen of the source without reading it: its credential is there and only ours, its certificates can
// be read. The message begins with its line.
Status check_surroundings(const SourceConfig& source);

}  // namespace silt::daemon
