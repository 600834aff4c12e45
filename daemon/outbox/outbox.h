// Outbox: what is to be told outside, durable in the store until the destination took it: at least once, and in order for
// each destination. Each has a thread, so a slow or dead one delays nobody. What fails is tried again, later and later, with
// jitter; what may wait is bounded, and what came beyond is counted and told of with the next.
//
// An incident is told once, a little after it is worth it, with what belongs to it till then. Rows are written in one batch
// with how far sources were looked at, so after a kill all is told that was not, and nothing of a row anew.
//
// add(), start() and stop() from one thread; all else from any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/outbox/destination.h"
#include "daemon/outbox/render.h"
#include "daemon/store/outbox_store.h"
#include "daemon/store/record_log.h"
#include "daemon/watch/ledger.h"
#include "proto/silt/v1/admin.pb.h"

namespace silt::outbox {

class Outbox final : public watch::Ledger {
 public:
  static constexpr std::size_t kWaitingMax = 1'000;           // rows of a destination
  static constexpr std::int64_t kFirstWaitUs = 1'000'000;     // after a failure; doubled by each
  static constexpr std::int64_t kLongestWaitUs = 600'000'000;
  static constexpr std::int64_t kDigestMaxUs = 7LL * 86'400 * 1'000'000;  // of its span, after siltd was down for long

  struct Parts {
    store::OutboxStore& rows;
    const store::RecordLog& log;
    const Renderer& renderer;
    const Clock& clock;
    std::string board;  // what tells this process's incidents from those of others
    std::function<void(const Status&)> on_fatal;  // the store failed
  };

  explicit Outbox(Parts parts) : parts_(std::move(parts)) {}  // all must outlive it
  ~Outbox() override { stop(); }

  void add(DestinationOptions options, std::unique_ptr<Destination> destination);
  // Reads what waits. What waits for destinations that are not there any more is dropped. Before all that follows.
  Status load();
  void start();
  void stop();
  // One step of a destination without its thread, for tests: what came of it. kNotFound: there is nothing to send now.
  Status step(const std::string& name);

  std::optional<store::WatchCursor> cursor(store::SourceRef source) const override;
  void keep(std::span<const watch::Incident> incidents, std::span<const store::WatchCursor> cursors) override;

  // Of destinations whose tenant `sees`.
  std::vector<silt::v1::AlertStatus> status(const std::function<bool(const std::string& tenant)>& sees) const;

  // How long to wait after so many failures in a row; `draw` in [0, 1).
  static std::int64_t wait_us(std::uint64_t failures, double draw);

 private:
  struct Lane {
    DestinationOptions options;
    std::unique_ptr<Destination> destination;
    std::thread thread;
    std::uint64_t failed_in_row = 0;      // the thread's
    // Under mutex_:
    store::OutboxHead head;
    std::deque<store::OutboxRow> waiting;  // as in the store
    bool sending = false;                  // the first of them: it stays as it is
    std::uint64_t told = 0;                // the newest incident that has a row, or was left out
    bool has_news = false;                 // since its last step
    std::int64_t again_us = 0;             // monotonic: no attempt before
    silt::v1::AlertStatus counts;
  };

  void run(Lane& lane);
  // What came of it, and after how long to come again.
  std::pair<Status, std::int64_t> step(Lane& lane, double draw);
  Status attempt(Lane& lane, const store::OutboxRow& row, std::int64_t& retry_after_us);
  void plan_digest(Lane& lane);
  void put_incident(Lane& lane, const watch::Incident& incident, store::OutboxWrite& changes);
  void put(Lane& lane, store::OutboxRow row, store::OutboxWrite& changes);
  void write(const store::OutboxWrite& changes);
  std::int64_t until_next(const Lane& lane) const;

  const Parts parts_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  mutable std::mutex mutex_;
  std::condition_variable wake_up_;
  std::atomic<bool> stopping_{false};
};

}  // namespace silt::outbox
