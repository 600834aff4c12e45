// TicketConnector: reads the tickets of one tracker, each change once.
//
// A thread of its own asks the tracker: one poller never delays another, or poll(). A round asks for what
// changed since the mark, oldest first, by keyset: after each page the list is asked anew behind its last
// change, so that tickets which move to its end while we read hide none. The mark stays `overlap` behind
// the newest change, for changes become visible late; what was told already is known by the rows of
// tickets. A ticket is told as records and its row, the mark moves after all of its page: one queue
// (an Inbox), so every batch has both, in order.
//
// Not every change shows in a tracker's list. A sweep reads recent tickets again, a part of them each
// round, and asks whether the others exist.
//
// Which queues are read may change between two starts. Then the list is read from its beginning, which finds
// the tickets of those that are new, and all known tickets are asked for, which finds those that are no longer read.
//
// A failure is not "nothing new": it stands in stats(), and the tracker is asked again after a pause that it
// names, or that doubles, with jitter. A ticket that cannot be read time and again is left for the sweep.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "connectors/inbox.h"
#include "connectors/tickets/telling.h"
#include "connectors/tickets/ticket_source.h"

namespace silt::connectors {

struct TicketConnectorOptions {
  std::string place;  // "rm"
  std::string scope;  // names what of the tracker is read; kept as a row
  std::int64_t poll_ms = 5'000;
  std::int64_t sweep_ms = 600'000;             // each ticket is swept so often, or as often as sweep_part allows
  std::int64_t recent_ms = 14 * 86'400'000ll;  // tickets that changed since are read again by the sweep
  std::size_t sweep_part = 20;                 // reads of a round
  std::int64_t retry_first_ms = 1'000;         // pause after a failure, doubled up to the last
  std::int64_t retry_last_ms = 300'000;
  int attempts_max = 5;                        // for one ticket
  InboxOptions inbox;
};

class TicketConnector final : public Connector {
 public:
  // `clock` must outlive it.
  TicketConnector(TicketConnectorOptions options, std::unique_ptr<TicketSource> source, const Clock& clock);
  ~TicketConnector() override;  // ends the thread

  Status resume(std::span<const CursorRow> rows) override;
  Result<bool> poll(const ReadLimits& limits, Batch& out) override { return inbox_.poll(limits, out); }
  void confirm() override { inbox_.confirm(); }
  // Also after each round: stats() are as of a poll.
  void notify_when_ready(std::function<void()> wake) override;
  ConnectorStats stats() const override;

 private:
  void run();
  Status round();
  Status take_scope();
  Status catch_up();
  Status read_page(const Listing& listing);
  Status read_ticket(const std::string& id, const std::string& version);
  Status sweep();
  Status sweep_missing();
  Status forget(const std::string& id);
  Status move_mark(Mark mark);
  Status offer(std::vector<Delivery> deliveries);
  std::int64_t pause_after(const Status& status);
  bool wait_ms(std::int64_t ms);  // false: it ends
  bool ending() const;
  void wake();
  void note_error();

  const TicketConnectorOptions options_;
  const std::unique_ptr<TicketSource> source_;
  const Clock& clock_;
  const TellingOptions telling_;
  Inbox inbox_;

  // Of the thread.
  std::map<std::string, TicketRow> rows_;
  Mark mark_ = 0;
  std::optional<std::string> scope_;  // that the rows are of
  bool checked_ = false;
  std::map<std::string, int> attempts_;
  std::set<std::string> unread_;               // tickets that are left for the sweep
  std::map<std::string, std::string> aside_;   // of these, as which the list has them: read again when they change
  std::set<std::string> foreign_;              // listed changes of tickets that are not read
  std::string swept_, census_;  // the last ticket of each
  std::int64_t swept_all_us_ = 0, census_all_us_ = 0;
  std::int64_t retry_ms_ = 0;
  std::mt19937_64 jitter_{std::random_device{}()};

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool ending_ = false;
  std::function<void()> wake_;
  std::string last_error_;
  std::uint64_t errors_ = 0;
  std::uint64_t tickets_ = 0;
  std::int64_t caught_up_us_ = 0;
  std::thread thread_;
};

}  // namespace silt::connectors
