// Intake: the thread that carries what connectors read into the journal.
//
// One round: poll every input that is ready -> redact and stamp -> one synced append of all their records
// and cursor rows -> confirm -> wake the fold. Nothing is acknowledged before it is durable, and a slow
// fold or learner never slows intake: overload changes what is learned, never what is stored. Only a
// full disk stops polling; the inputs wait. A connector that fails is asked again after a growing pause
// while the others go on; a store that fails is final: on_fatal is called once, and the thread ends.
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
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "connectors/connector.h"
#include "daemon/fold/redact.h"
#include "daemon/store/record_log.h"

namespace silt::intake {

struct IntakeOptions {
  connectors::ReadLimits limits;
  std::int64_t group_ms = 200;  // small rounds are at least so far apart
  std::int64_t retry_first_ms = 100;  // pause after a connector's failure, doubled up to the last
  std::int64_t retry_last_ms = 30'000;
  std::uint64_t append_bytes_max = 4 << 20;  // of texts in one append; a batch more at most
  std::function<bool()> has_room = [] { return true; };  // on the store's disk; else polling stops
  std::function<void(std::span<const store::SourceRef>)> on_journalled = [](auto) {};
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

struct InputOptions {
  std::string tenant;
  std::string name;  // scope of the cursor rows, and the source of a stream without a name
  std::string kind;  // for people
};

class Intake {
 public:
  // `clock` stamps records: its wall time is asked once for each record, in journal order.
  Intake(store::RecordLog& log, const Clock& clock, IntakeOptions options);
  ~Intake();  // stops

  void add(InputOptions options, std::unique_ptr<connectors::Connector> connector);

  void start();
  void stop();  // finishes the round in hand, ends the thread, waits for it
  // One round without a thread, for tests: true when more is waiting.
  Result<bool> round();

  std::vector<InputStatus> status() const;
  const IntakeCounters& counters() const { return counters_; }
  std::int64_t last_progress_us() const { return last_progress_us_.load(std::memory_order_relaxed); }

 private:
  struct Input {
    InputOptions options;
    std::unique_ptr<connectors::Connector> connector;
    connectors::Batch batch;  // polled, not yet confirmed
    bool resumed = false;
    std::atomic<bool> ready{true};
    std::int64_t not_before_us = 0;  // monotonic
    std::int64_t retry_ms = 0;
  };
  // A source, and what redaction remembers between its lines: stored with each append.
  struct Stream {
    store::SourceRef source;
    fold::RedactState redaction;
  };
  // What the inputs of a round have given so far.
  struct Group {
    store::GroupAppend append;
    std::unordered_map<store::SourceRef, std::size_t> at;  // index in append.streams
    std::vector<Input*> inputs;
    connectors::Arena arena;  // texts that redaction changed, and encoded attributes
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
  };

  void run();
  Status poll_all(bool& more);
  Status poll_input(Input& input, Group& group, bool& more);
  Status gather(Input& input, Group& group);
  Status append(Group& group);
  Result<Stream*> stream_of(const Input& input, const std::string& name);
  store::RecordView view_of(const connectors::Record& record, fold::RedactState& redaction, Group& group,
                            store::IntakeHead& delta);
  std::string_view redacted(std::string_view text, fold::RedactState& state, Group& group,
                            store::IntakeHead& delta);
  std::string_view attributes_of(const connectors::Record& record, Group& group, store::IntakeHead& delta);
  void connector_failed(Input& input, const Status& status);
  void wait();
  void wake();
  void note_status(const Input& input, std::string_view state);
  void point(std::string_view name) const;

  store::RecordLog& log_;
  const Clock& clock_;
  const IntakeOptions options_;
  IntakeCounters counters_;
  std::vector<std::unique_ptr<Input>> inputs_;
  std::unordered_map<std::string, Stream> streams_;  // by tenant 0x00 name
  std::string redacted_;                             // scratch
  bool disk_full_ = false;

  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> last_progress_us_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_up_;
  bool woken_ = false;
  std::map<std::string, InputStatus> status_;
  std::thread thread_;
};

}  // namespace silt::intake
