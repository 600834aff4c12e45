// JournaldConnector: reads systemd's journal, each entry once.
//
// An entry becomes a record: its MESSAGE, its fields as attributes (see entry.h), its time; each unit is a stream,
// "INPUT:UNIT". The position is one cursor row, stored with the records before it. Entries that were vacuumed before
// they were read, while siltd ran or while it did not, are a gap record, and reading goes on behind them: never from
// the beginning again. Files that rotation renames or vacuuming deletes are read to their end first, for they are open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "connectors/batch_builder.h"
#include "connectors/connector.h"
#include "connectors/journald/entry.h"
#include "connectors/journald/systemd_journal.h"
#include "connectors/push/stream_names.h"
#include "connectors/waiter.h"

namespace silt::connectors {

struct JournaldOptions {
  std::string input;  // its name
  JournalPlace place;
  bool from_end = false;  // at the first start: only what is written from then on
  bool per_unit = true;
  std::uint32_t units_max = 1000;  // that have streams of their own
};

class JournaldConnector final : public Connector {
 public:
  // Both must outlive it.
  JournaldConnector(JournaldOptions options, const Clock& clock, Waiter& waiter);

  Status resume(std::span<const CursorRow> rows) override;
  Result<bool> poll(const ReadLimits& limits, Batch& out) override;
  void confirm() override;
  void notify_when_ready(std::function<void()> wake) override;
  ConnectorStats stats() const override { return stats_; }

 private:
  Status open();
  Status seek();
  Status read(BatchBuilder& builder, bool& more);
  void take_entry(BatchBuilder& builder);
  void check_gap(BatchBuilder& builder);

  const JournaldOptions options_;
  const Clock& clock_;
  Waiter& waiter_;
  StreamNames names_;
  std::unique_ptr<SystemdJournal> journal_;
  JournalPosition confirmed_, read_to_;  // of the batch before, of the one polled
  bool started_ = false;                 // confirmed_ holds
  bool unconfirmed_ = false;
  bool may_lack_ = false;  // entries may be gone between read_to_ and the next one
  bool gone_ = false;      // the one at read_to_ is
  std::uint32_t units_ = 0;
  JournalEntry entry_;
  ConnectorStats stats_;
  std::uint64_t batch_bytes_ = 0, batch_cut_ = 0;
};

}  // namespace silt::connectors
