// The outbox: what is to be told to destinations outside, in order, until it was taken there, and how far sources have been
// looked at for it. Rows name changes and records and hold no text of logs, so what is forgotten is not in them.
// Safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::store {

struct OutboxChange {
  std::uint32_t kind = 0;  // watch::Kind
  SourceRef source;
  PatternId pattern = 0;
  std::int64_t time_us = 0;
  Seq seq = 0;
  double value = 0, most_before = 0, score = 0;
  friend bool operator==(const OutboxChange&, const OutboxChange&) = default;
};

struct OutboxRow {
  std::string destination;
  std::uint64_t number = 0;  // of the destination, ascending
  std::int64_t created_us = 0;
  std::int64_t due_us = 0;   // not before
  std::string id;            // the same each time that it is sent
  // Of an alert.
  OutboxChange cause;
  std::int64_t last_us = 0;
  std::vector<SourceRef> sources;
  std::uint64_t changes_total = 0;
  std::vector<OutboxChange> changes;  // the most telling first
  // Of a digest: its span. 0: it is an alert.
  std::int64_t digest_since_us = 0, digest_until_us = 0;
  std::uint64_t left_out = 0;  // alerts before it that were too many
  friend bool operator==(const OutboxRow&, const OutboxRow&) = default;
};

struct OutboxHead {
  std::string destination;
  std::uint64_t next_number = 1;
  std::int64_t day = 0;  // since 1970, of the count that follows
  std::uint64_t alerts_of_day = 0;
  std::uint64_t left_out = 0;   // since the last row
  std::int64_t digest_us = 0;   // until when the last digest reached; 0: there was none
  friend bool operator==(const OutboxHead&, const OutboxHead&) = default;
};

// What was looked at: up to here nothing is news any more.
struct WatchCursor {
  SourceRef source;
  Seq folded_seq = 0, learned_seq = 0, gap_seq = 0;
  std::int64_t news_from_us = 0;  // event time
  bool silent = false;            // and that is told
  friend bool operator==(const WatchCursor&, const WatchCursor&) = default;
};

struct OutboxWrite {
  std::vector<OutboxRow> put;
  std::vector<OutboxRow> remove;  // by destination and number
  std::vector<OutboxHead> heads;
  std::vector<std::string> forget;   // destinations, with all that waits for them
  std::vector<WatchCursor> cursors;  // those of sources that are not there are left out
  bool forget_cursors = false;       // all of them
};

class OutboxStore {
 public:
  virtual ~OutboxStore() = default;
  // Of each destination that ever had a row.
  virtual Result<std::vector<OutboxHead>> outbox_heads() const = 0;
  // The first `max` of the destination, in order. One that is damaged is there without what it told.
  virtual Result<std::vector<OutboxRow>> outbox(const std::string& destination, std::size_t max) const = 0;
  // Nothing: the source was never looked at, or its fold has begun again since.
  virtual Result<std::optional<WatchCursor>> watch_cursor(SourceRef source) const = 0;
  // All or nothing, durable on return.
  virtual Status write_outbox(const OutboxWrite& changes) = 0;
};

}  // namespace silt::store
