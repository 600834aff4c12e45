// Intake: the thread that carries what connectors read into the journal.
//
// poll -> redact -> hash and stamp -> one synced batch of records and cursor rows -> confirm -> wake
// the learner. Nothing is acknowledged before it is durable, and a slow learner never slows intake:
// overload changes what is learned, never what is stored. Only a full disk stops polling; the files
// wait. A connector that fails is asked again after a growing pause while the others go on; a store
// that fails is final: on_fatal is called once, and the thread ends.
//
// add() before start(); stop() from one thread; status() from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "connectors/connector.h"
#include "daemon/fold/redact.h"
#include "daemon/store/record_log.h"

namespace silt::daemon {

struct IntakeOptions {
  connectors::ReadLimits limits;
  std::int64_t group_ms = 200;        // small batches of a connector are at least so far apart
  std::int64_t retry_first_ms = 100;  // pause after a connector's failure, doubled up to the last
  std::int64_t retry_last_ms = 30'000;
  std::uint64_t free_bytes_min = 256 << 20;  // of the store's file system; below it polling stops
  std::string store_path;                    // empty: free space is not looked at
  std::function<void()> on_journalled = [] {};
  std::function<void(const Status&)> on_fatal = [](const Status&) {};
  std::function<void(std::string_view point)> at_point;  // tests die here
};

struct IntakeCounters {
  std::atomic<std::uint64_t> records{0}, bytes{0}, batches{0}, redactions{0}, connector_failures{0};
};

struct InputStatus {
  std::string name;
  std::string kind;
  connectors::ConnectorStats stats;
  std::string state;  // reading, waiting, failing, paused
};

class Intake {
 public:
  // `clock` stamps records: its wall time is asked once for each record, in journal order.
  Intake(RecordLog& log, const Clock& clock, IntakeOptions options);
  ~Intake();  // stops

  // `name` scopes the cursor rows and names the source of the stream without a name; `kind` is for
  // people.
  void add(std::string tenant, std::string name, std::string kind,
           std::unique_ptr<connectors::Connector> connector);

  void start();
  void stop();  // finishes the batch in hand, ends the thread, waits for it
  // One round over all inputs without a thread, for tests: true when more is waiting.
  Result<bool> round();

  std::vector<InputStatus> status() const;
  const IntakeCounters& counters() const { return counters_; }
  std::int64_t last_progress_us() const { return last_progress_us_.load(std::memory_order_relaxed); }

 private:
  // A source, and what redaction must remember between its lines: stored with each batch.
  struct Stream {
    SourceInfo info;
    RedactState redaction;
  };
  struct Input {
    std::string tenant, name, kind;
    std::unique_ptr<connectors::Connector> connector;
    bool resumed = false;
    bool asked = false;  // notify_when_ready is pending
    std::atomic<bool> ready{true};
    std::int64_t not_before_us = 0;  // monotonic
    std::int64_t retry_ms = 0;
    std::map<std::string, Stream> streams;
  };

  void run();
  Status poll_all(bool& more);
  Status poll_input(Input& input, bool& more);
  Status journal(Input& input, const connectors::Batch& batch);
  Status make_records(Input& input, const connectors::StreamBatch& from, JournalBatch& journal);
  Result<Stream*> stream_of(Input& input, const std::string& name);
  JournalRecord make_record(const connectors::Record& record, RedactState& redaction, IntakeHead& delta);
  void connector_failed(Input& input, const Status& status);
  bool disk_has_room();
  void wait(bool more);
  void wake();
  void note_status(const Input& input, std::string_view state);
  void point(std::string_view name) const;

  RecordLog& log_;
  const Clock& clock_;
  const IntakeOptions options_;
  IntakeCounters counters_;
  std::vector<std::unique_ptr<Input>> inputs_;
  std::int64_t disk_checked_us_ = 0;
  bool disk_full_ = false;

  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> last_progress_us_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_up_;
  bool woken_ = false;
  std::map<std::string, InputStatus> status_;
  std::thread thread_;
};

}  // namespace silt::daemon
