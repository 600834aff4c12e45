// TicketSource: what is particular to one kind of tracker: how changed tickets are found, and how one is
// read. Everything else (what was told before, edits, deletions, order, pauses) is TicketConnector's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "connectors/tickets/ticket.h"

namespace silt::connectors {

// Where a tracker's list of changes stands: a time in microseconds, or a number that only grows.
using Mark = std::int64_t;

// By the tracker's clock: a stamp so old stands for one state of a ticket. A younger one, of whole seconds, may stay
// while the ticket changes once more; what commits later still with it, the sweep finds.
inline constexpr Mark kStampSettledUs = 10'000'000;

struct TicketRef {
  std::string id;
  Mark mark = 0;        // of its last change
  std::string version;  // the ticket need not be read while it is this one; empty: it must
  std::string event;    // instead: it need not be read if this event was told
};

struct Listing {
  std::vector<TicketRef> refs;  // by ascending marks
  Mark until = 0;               // all changes up to here are among them
  bool more = false;            // the list goes on behind it
  std::string next;             // how, when all of these have one mark
  Mark settled = 0;             // no change will appear before it
};

// When `now_us` by the tracker's clock, whose changes may become visible `overlap_us` late.
inline void settle(std::int64_t now_us, Mark overlap_us, Listing& out) {
  out.settled = now_us - overlap_us;
  for (TicketRef& ref : out.refs) {
    if (ref.mark >= now_us - kStampSettledUs) ref.version.clear();
  }
}

class TicketSource {
 public:
  virtual ~TicketSource() = default;

  // Whether the credential is known; a tracker may answer without one, with what is public.
  virtual Status check() = 0;
  // Changes at or behind `since`. `next`: of the listing before, else empty.
  virtual Result<Listing> list(Mark since, const std::string& next) = 0;
  // `told`: whether an event was told already. Nothing: there is no such ticket any more.
  using Told = std::function<bool(const std::string& event)>;
  virtual Result<std::optional<Ticket>> read(const std::string& id, const Told& told) = 0;
  // Those of `ids` that exist, in any order.
  virtual Result<std::vector<std::string>> existing(std::span<const std::string> ids) = 0;
  // Whether a state of this name is an open one.
  virtual bool is_open(const std::string& state) const = 0;
  // So much of the list is looked at again each time, for changes that become visible late.
  virtual Mark overlap() const = 0;
  virtual Mark precision() const = 0;  // of marks in list()'s `since`
  virtual std::size_t existing_max() const = 0;  // of ids that may be asked for in one round

  // So long the tracker wants to be left alone, as its last refusal said; 0: it did not.
  virtual std::int64_t pause_ms() const = 0;

  // Ends a request under way. Any thread.
  virtual void cancel() = 0;
};

}  // namespace silt::connectors
