// Feeds: the inputs that callers push lines into, by name. Each is an Inbox that intake polls; what is fed is
// answered when it is durable.
//
// Any thread. A feed may be opened again under its name (the configuration was read again): who waits for the
// old one is told to try again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/status.h"
#include "connectors/connector.h"
#include "connectors/record_rules.h"

namespace silt::connectors {
class Inbox;
}

namespace silt::intake {

struct FeedOptions {
  std::string name;
  std::string tenant;
  std::shared_ptr<const connectors::RecordRules> rules;  // null: each line is a record
  std::uint32_t record_bytes_max = connectors::ReadLimits().record_bytes_max;  // intake cuts what is longer
};

struct FedLines {
  std::string_view source;  // the feed's name, or "NAME:..."
  std::string_view id;
  std::string_view text;
  bool all = false;  // also the last lines, whose record may go on
  std::string_view place;
  std::uint64_t begin = 0;
  std::int64_t modified_us = 0;  // of the place; 0: not told
};

struct Fed {
  std::uint64_t bytes = 0;  // of the text that were taken
  std::uint64_t records = 0;
  std::uint64_t records_cut = 0;  // of them
};

class Feeds {
 public:
  // Until the connector ends.
  std::unique_ptr<connectors::Connector> open(FeedOptions options);

  // Waits until what was taken is durable, or as long as it is `wanted`: kCancelled then, and it may be stored all the same.
  // kNotFound: the tenant has no such feed. kUnavailable: no room, or the feed ended; try again, with the same id.
  Result<Fed> feed(std::string_view tenant, const FedLines& lines, const std::function<bool()>& wanted);

 private:
  class Input;
  struct Entry {
    FeedOptions options;
    std::shared_ptr<connectors::Inbox> inbox;
  };
  struct State {
    std::mutex mutex;
    std::map<std::string, Entry, std::less<>> entries;
  };

  Result<Entry> find(std::string_view tenant, std::string_view source) const;

  const std::shared_ptr<State> state_ = std::make_shared<State>();  // inputs may outlive us
};

}  // namespace silt::intake
