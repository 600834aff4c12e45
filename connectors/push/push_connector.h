// PushConnector: a connector whose records are pushed by peers: an Inbox, and the servers that fill it. The servers are
// opened by resume(): a port that is taken is tried again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "connectors/inbox.h"
#include "connectors/push/endpoint.h"

namespace silt::connectors {

struct PushReport {
  std::uint64_t connections = 0;
  std::uint64_t errors = 0;
  std::uint64_t bytes_lost = 0;
  std::string last_error;  // one line, with the remedy
  // What Listeners says of places that are not open; empty: nothing.
  void note_unopened(std::string error) {
    if (error.empty()) return;
    ++errors;
    last_error = std::move(error);
  }
};

class PushServers {
 public:
  // The inbox has stopped. No call into it is running any more afterwards.
  virtual ~PushServers() = default;
  virtual PushReport report() const = 0;
  // Where they listen: with the ports that were chosen for 0.
  virtual std::vector<Endpoint> endpoints() const = 0;
};

class PushConnector final : public Connector {
 public:
  using Open = std::function<Result<std::unique_ptr<PushServers>>(Inbox& inbox)>;

  // `clock` must outlive it. The process ignores SIGPIPE from the first one on: TLS writes to those who have gone.
  PushConnector(const InboxOptions& inbox, const Clock& clock, Open open);
  ~PushConnector() override;  // ends what is pending, then the servers

  Status resume(std::span<const CursorRow> rows) override;
  Result<bool> poll(const ReadLimits& limits, Batch& out) override;
  void confirm() override { inbox_.confirm(); }
  void notify_when_ready(std::function<void()> wake) override { inbox_.notify_when_ready(std::move(wake)); }
  void notify_when_filling(std::function<void()> wake) override { inbox_.notify_when_filling(std::move(wake)); }
  ConnectorStats stats() const override;

  std::vector<Endpoint> endpoints() const;  // since resume()

 private:
  const Clock& clock_;
  const Open open_;
  Inbox inbox_;
  std::unique_ptr<PushServers> servers_;
  mutable std::int64_t caught_up_us_;
};

}  // namespace silt::connectors
