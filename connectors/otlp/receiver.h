// Receiver: takes requests of OTLP on the thread of one server and has them answered when their records are durable.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "connectors/inbox.h"
#include "connectors/otlp/request.h"
#include "connectors/push/parcel.h"
#include "connectors/push/senders.h"
#include "connectors/push/stream_names.h"

namespace silt::connectors::otlp {

struct ReceiverOptions {
  std::string input;                 // its name
  bool per_service = true;           // each service is a stream of its own, "INPUT:SERVICE"
  std::uint32_t services_max = 1000; // that have streams of their own; of one sender a quarter
  SenderLimits senders;
  std::uint64_t request_bytes_max = 16 << 20;  // unpacked
  std::uint64_t work_bytes_max = 64 << 20;     // of all requests that are being read or answered
};

class Receiver {
 public:
  using Reply = std::function<void(const Answer&)>;

  // `inbox` and `clock` must outlive it, and what `post` refers to all calls.
  Receiver(ReceiverOptions options, Inbox& inbox, const Clock& clock, Parcel::Post post);

  const ReceiverOptions& options() const { return options_; }
  const Parcel::Post& post() const { return post_; }
  Senders& senders() { return senders_; }

  // Any thread. Room for a request of so many bytes, until release(); false: there is none now.
  bool reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes) { work_bytes_ -= bytes; }

  // Calls `reply` once, on this thread; perhaps at once. A request that was stored before, as a peer sends it whose
  // answer was lost, is answered as if it were stored now.
  void take(std::string_view body, Format format, const std::string& peer, const Reply& reply);

  // What to tell a peer that there is no room for.
  static Answer busy(std::int64_t retry_ms = 1000);
  void note_error(std::string error);
  void note_connections(bool refused);

  struct Report {
    std::uint64_t connections = 0, errors = 0;
    std::string last_error;
  };
  Report report() const;  // any thread

 private:
  const ReceiverOptions options_;
  Inbox& inbox_;
  const Parcel::Post post_;
  Senders senders_;
  StreamNames names_;
  std::atomic<std::uint64_t> work_bytes_ = 0;
  mutable std::mutex mutex_;  // of the report
  Report report_;
};

}  // namespace silt::connectors::otlp
