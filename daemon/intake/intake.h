// Intake: the thread that carries what connectors read into the journal.
//
// One round: poll every input that is ready -> redact and stamp -> one synced append of all their records
// and cursor rows -> confirm -> wake the fold. Nothing is acknowledged before it is durable, and a slow
// fold or learner never slows intake: overload changes what is learned, never what is stored. Only a
// full disk stops polling; the inputs wait. A connector that fails is asked again after a growing pause
// while the others go on; a store that fails is final: on_fatal is called once, and the thread ends.
// Each connector works on a thread of its own (input_worker.h): one that does not answer, for its file
// system hangs, is left to itself, and status() says what it is at.
//
// start() and stop() from one thread; add(), remove() and status() from any.
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
#include "daemon/intake/input_worker.h"
#include "daemon/store/record_log.h"

namespace silt::intake {

struct IntakeOptions {
  connectors::ReadLimits limits;
  std::int64_t group_ms = 200;  // small rounds are at least so far apart, unless an input is filling
  std::int64_t retry_first_ms = 100;  // pause after a connector's failure, doubled up to the last
  std::int64_t retry_last_ms = 30'000;
  std::int64_t answer_ms = 100;       // so long a round waits for polls; what comes later is taken by the next
  std::int64_t hung_after_ms = 5000;  // an input that is at one place so long is said to hang
  std::int64_t end_ms = 2000;         // so long stop() waits for inputs that are at something
  std::uint64_t append_bytes_max = 4 << 20;  // of texts in one append; a batch more at most
  std::function<bool()> has_room = [] { return true; };  // on the store's disk; else polling stops
  // Of a tenant: whether more may be read for it now (else its inputs wait, a second at a time), what was, and
  // whether it may have one source more than `count` says (0: the source is there). What would be a source too many becomes part of one.
  std::function<bool(const std::string& tenant)> may_read = [](const auto&) { return true; };
  std::function<void(const std::string& tenant, std::uint64_t bytes)> have_read = [](const auto&, auto) {};
  std::function<bool(const std::string& tenant, const std::function<std::uint64_t()>& count)> may_open =
      [](const auto&, const auto&) { return true; };
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
  std::string state;  // reading, waiting, failing, paused, hung
};

struct InputOptions {
  std::string tenant;
  std::string name;  // scope of the cursor rows, and the source of a stream without a name
  std::string kind;  // for people
  std::shared_ptr<void> holds;  // what the connector refers to; lives as long as it does
};

class Intake {
 public:
  // `clock` stamps records: its wall time is asked once for each record, in journal order.
  Intake(store::RecordLog& log, const Clock& clock, IntakeOptions options);
  ~Intake();  // stops

  // With the next round. An input that is removed and added again under its name, even between two rounds,
  // goes on where it stood.
  void add(InputOptions options, std::unique_ptr<connectors::Connector> connector);
  void remove(const std::string& name);

  void start();
  void stop();  // finishes the round in hand, ends the threads, waits for those that answer
  // One round without a thread, for tests: true when more is waiting.
  Result<bool> round();

  std::vector<InputStatus> status() const;
  const IntakeCounters& counters() const { return counters_; }
  std::int64_t last_progress_us() const { return last_progress_us_.load(std::memory_order_relaxed); }

 private:
  struct Input {
    Input(InputOptions its_options, std::unique_ptr<connectors::Connector> connector,
          std::function<void()> on_polled)
        : options(std::move(its_options)), worker(std::move(connector), options.holds, std::move(on_polled)) {}
    const InputOptions options;
    InputWorker worker;
    bool resumed = false;
    std::shared_ptr<std::atomic<bool>> ready = std::make_shared<std::atomic<bool>>(true);
    std::shared_ptr<std::atomic<bool>> filling = std::make_shared<std::atomic<bool>>(false);
    std::int64_t grouped_until_us = 0;  // monotonic; no longer when it is filling
    std::int64_t not_before_us = 0;     // monotonic
    std::int64_t retry_ms = 0;
    std::string at;  // what it is at while its poll is awaited, and since when
    std::int64_t at_since_us = 0;
    bool hung = false;
  };
  struct Change {
    std::string remove;          // the name; empty: add
    std::unique_ptr<Input> add;
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
    std::map<std::string, std::uint64_t> bytes_of;  // by tenant
    connectors::Arena arena;  // texts that redaction changed, and encoded attributes
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
  };

  void run();
  Status poll_all(bool& more);
  void take_changes();
  std::int64_t due_us(const Input& input) const;
  Status start_poll(Input& input);
  Status take_poll(Input& input, Group& group, bool& more);
  void await(Input& input);
  Status gather(Input& input, Group& group);
  Status append(Group& group);
  Result<Stream*> stream_of(const Input& input, const std::string& name);
  std::string source_for(const Input& input, const std::string& wanted) const;
  store::RecordView view_of(const connectors::Record& record, fold::RedactState& redaction, Group& group,
                            store::IntakeHead& delta);
  std::string_view redacted(std::string_view text, fold::RedactState& state, Group& group,
                            store::IntakeHead& delta);
  std::string_view attributes_of(const connectors::Record& record, Group& group, store::IntakeHead& delta);
  void connector_failed(Input& input, const Status& status);
  void end_inputs(std::span<const std::unique_ptr<Input>> inputs) const;
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
  std::vector<Change> changes_;  // to inputs_
  std::map<std::string, InputStatus> status_;
  std::thread thread_;
};

}  // namespace silt::intake
