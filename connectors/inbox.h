// Inbox: where pushed input waits for the journal. Servers and pollers offer deliveries from any
// thread; the intake thread polls them like any other connector. Nothing waits: a full inbox says so
// at once, and its caller tells the peer (stop reading, retry later, count a gap).
//
// A delivery is stored as a whole or not at all, in the order of its stream, and acknowledged only
// after the append. A delivery with an id is stored once: one that comes again while its id is still
// known (it is queued, or among the last ids that were stored) is acknowledged and dropped. The ids
// that are known are cursor rows, so they survive a restart. A delivery without an id is stored at
// least once: a peer that missed the acknowledgement will send it again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/status.h"
#include "connectors/connector.h"

namespace silt::connectors {

struct InboxOptions {
  std::uint64_t bytes_max = 16 << 20;  // of all deliveries that are not stored yet, with their overhead
  std::uint64_t delivery_bytes_max = 4 << 20;
  std::uint64_t filling_bytes = 1 << 20;  // so many not polled yet are worth an append; at most half of bytes_max
  std::uint32_t ids_max = 20'000;  // so many of the last stored ids are known, or a batch more
};

// Records of one stream, as the producer built them; they point into the arena. Rows of the producer's own,
// whose keys must not begin with 'i', are stored with them: also without any.
struct Delivery {
  std::string stream;
  std::string id;  // compared within a stream; empty: none
  std::vector<Record> records;
  std::vector<CursorRow> rows;
  Arena arena;
};

// What it takes of an inbox.
std::uint64_t cost_of(const Delivery& delivery);

class Inbox final : public Connector {
 public:
  // Called once for each delivery that was taken, without locks, from any thread, perhaps before
  // offer() returns. OK: it is durable. kUnavailable: the inbox stopped, and it may or may not be.
  using Done = std::function<void(const Status&)>;

  enum class Answer {
    kTaken,
    kFull,      // no room now, or the inbox was not resumed yet
    kTooLarge,  // never: over delivery_bytes_max, or an id of more than kIdBytesMax
    kStopped,
  };
  static constexpr std::size_t kIdBytesMax = 256;

  explicit Inbox(InboxOptions options);
  ~Inbox() override;  // stops; no call may be running any more

  // Any thread. Moves from `delivery` and `done` only when it takes them.
  Answer offer(Delivery&& delivery, Done&& done);
  // Any thread. Calls `room` once, from any thread, when half of the inbox is free or it has stopped:
  // for a caller that was refused. One for each caller at a time.
  void when_room(std::function<void()> room);
  // Any thread. Refuses what comes from now on and ends what is pending with kUnavailable. Intake
  // should stop before, so that the batch that it has in hand is confirmed.
  void stop();

  Status resume(std::span<const CursorRow> rows) override;
  Result<bool> poll(const ReadLimits& limits, Batch& out) override;
  void confirm() override;
  void notify_when_ready(std::function<void()> wake) override;
  void notify_when_filling(std::function<void()> wake) override;
  ConnectorStats stats() const override;

 private:
  using Key = std::string;  // stream and id
  struct Waiting {
    Delivery delivery;
    Key key;  // empty: no id
    std::uint64_t cost_bytes = 0;
    std::vector<Done> done;  // of the delivery and of its repetitions
  };
  using WaitingPtr = std::shared_ptr<Waiting>;
  using Calls = std::vector<std::function<void()>>;

  // With the lock held.
  bool room_for(std::uint64_t bytes);
  bool half_empty() const { return resumed_ && used_bytes_ <= options_.bytes_max / 2; }
  bool is_filling() const { return queued_bytes_ >= std::min(options_.filling_bytes, options_.bytes_max / 2); }
  void add_ids(Batch& out);
  void learn_ids();

  const InboxOptions options_;
  mutable std::mutex mutex_;  // all below
  bool resumed_ = false;
  bool stopped_ = false;
  std::uint64_t used_bytes_ = 0;
  std::deque<WaitingPtr> queue_;
  std::uint64_t queued_bytes_ = 0;  // of used_bytes_, what is in queue_
  std::vector<WaitingPtr> in_batch_;                // polled and not confirmed
  std::unordered_map<Key, WaitingPtr> pending_;     // with an id, queued or in the batch
  std::unordered_set<Key> stored_;                  // the known ids
  std::map<std::uint64_t, std::vector<Key>> rows_;  // by number, the newest last
  std::uint64_t batch_records_cut_ = 0;
  std::vector<Key> batch_keys_;             // that the polled batch stores, in a row of its own
  std::vector<std::uint64_t> batch_drops_;  // rows that it deletes
  std::function<void()> wake_;
  std::function<void()> filling_;
  Calls rooms_;
  ConnectorStats stats_;
};

}  // namespace silt::connectors
