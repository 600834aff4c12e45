// InputWorker: the thread of one input. All calls of its connector are made here, so that a file system that
// hangs stops this input and nothing else.
//
// One poll at a time: start_poll(), then take() until its result is there. Nothing here waits for the
// connector longer than it is told to. A thread that does not come back is abandoned: it keeps what it uses,
// and ends by itself if its call ever returns, without touching anything else.
//
// Used by one thread, except where it says otherwise.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/status.h"
#include "connectors/connector.h"

namespace silt::intake {

class InputWorker {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  struct Polled {
    Status status;
    bool resumed = false;  // what was to be resumed was
    bool more = false;
  };

  // `holds` is what the connector refers to; it lives as long. `on_polled` is called by the worker when a
  // poll has ended, and not any more once this is destroyed.
  InputWorker(std::unique_ptr<connectors::Connector> connector, std::shared_ptr<void> holds,
              std::function<void()> on_polled);
  ~InputWorker();  // as end(), at once

  // True from start_poll() until take() gave its result.
  bool polling() const { return polling_; }
  // With rows: resumes first.
  void start_poll(const connectors::ReadLimits& limits,
                  std::optional<std::vector<connectors::CursorRow>> resume_from);
  // Waits for the poll in hand; true when it has ended.
  bool wait_until(Deadline deadline);
  std::optional<Polled> take();
  // Of the poll that was taken, until the next one is started.
  connectors::Batch& batch();

  // Carried out behind what is under way, in order.
  void confirm();
  void notify_when_ready(std::function<void()> wake);
  void notify_when_filling(std::function<void()> wake);

  // As of the last call that ended, and what is under way; not after end().
  connectors::ConnectorStats stats() const;
  std::string doing() const;

  // No call after the one under way. Does not wait.
  void ask_to_end();
  // Asks, and waits until then; false when the call under way did not come back: then it is abandoned.
  bool end(Deadline deadline);

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared);
  void post(std::function<void(Shared&)> call);

  std::shared_ptr<Shared> shared_;
  bool polling_ = false;
  std::thread thread_;
};

}  // namespace silt::intake
