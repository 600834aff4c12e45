#include "connectors/journald/journald_connector.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace silt::connectors {
namespace {

constexpr std::string_view kRow = "position";
constexpr std::uint8_t kRowVersion = 1;

CursorRow encode(const JournalPosition& position) {
  ByteWriter to;
  to.u8(kRowVersion);
  to.string(position.cursor);
  to.i64(position.realtime_us);
  return {std::string(kRow), to.take(), false};
}

Result<JournalPosition> decode(const CursorRow& row) {
  ByteReader from(row.value);
  if (const std::uint8_t version = from.u8(); version != kRowVersion)
    return failed_precondition("journald cursor has version " + std::to_string(version) +
                               ", this siltd reads version 1: run the newer siltd that wrote it");
  JournalPosition position;
  position.cursor = from.string();
  position.realtime_us = from.i64();
  if (from.ok() && from.remaining() == 0) return position;
  return data_loss("journald cursor is damaged: restore the store, or give the source another name to read the journal anew");
}

}  // namespace

JournaldConnector::JournaldConnector(JournaldOptions options, const Clock& clock, Waiter& waiter)
    : options_(std::move(options)), clock_(clock), waiter_(waiter),
      names_(options_.input, options_.per_unit ? options_.units_max : 0, options_.units_max) {}

Status JournaldConnector::resume(std::span<const CursorRow> rows) {
  started_ = !rows.empty();
  if (started_) {
    SILT_ASSIGN(confirmed_, decode(rows.front()));
  }
  journal_.reset();
  return Status::ok();
}

Status JournaldConnector::open() {
  SILT_ASSIGN(journal_, SystemdJournal::open(options_.place));
  stats_.last_error = journal_files(options_.place).complaint();
  return seek();
}

Status JournaldConnector::seek() {
  read_to_ = confirmed_;
  may_lack_ = gone_ = false;
  if (!started_ && options_.from_end) {
    SILT_TRY(journal_->seek_end());
    read_to_ = journal_->position();
    return Status::ok();
  }
  SILT_ASSIGN(const SystemdJournal::Seek found, journal_->seek(confirmed_));
  may_lack_ = gone_ = found == SystemdJournal::Seek::kGone;
  return Status::ok();
}

Result<bool> JournaldConnector::poll(const ReadLimits& limits, Batch& out) {
  BatchBuilder builder(limits, out);
  if (!journal_) SILT_TRY(open());
  else if (unconfirmed_) SILT_TRY(seek());
  unconfirmed_ = false;
  batch_bytes_ = batch_cut_ = 0;
  bool more = false;
  const Status done = read(builder, more);
  if (!done.is_ok()) {
    // Opened anew the next time, at the same entry: a damaged file may have been set aside by then.
    journal_.reset();
    ++stats_.read_errors;
    return done;
  }
  if (read_to_.cursor != confirmed_.cursor) {
    out.cursors.push_back(encode(read_to_));
    unconfirmed_ = true;
  }
  stats_.lag_ms = more ? std::max<std::int64_t>(0, (clock_.wall_us() - read_to_.realtime_us) / 1000) : 0;
  return more;
}

Status JournaldConnector::read(BatchBuilder& builder, bool& more) {
  bool looked = false, any = false;
  while (!builder.full()) {
    SILT_ASSIGN(const bool there, journal_->next());
    if (there) {
      if (may_lack_) check_gap(builder);
      take_entry(builder);
      any = true;
      continue;
    }
    if (std::exchange(any, false)) read_to_ = journal_->position();
    if (std::exchange(looked, true)) break;
    may_lack_ = journal_->take_changes() || may_lack_;  // and once more, with the files that are there now
  }
  if (any) read_to_ = journal_->position();
  more = builder.full();
  return Status::ok();
}

// Where the journal does not number its entries, only one that we stood at and that is gone tells of a loss.
void JournaldConnector::check_gap(BatchBuilder& builder) {
  const std::int64_t missing = entries_between(read_to_.cursor, journal_->position().cursor);
  const bool lost = missing > 0 ? stats_.last_error.empty() : missing < 0 && gone_;
  may_lack_ = gone_ = false;
  if (!lost) return;
  const std::string text = (missing > 0 ? std::to_string(missing) + " entries" : std::string("entries")) +
                           " of the journal are missing here: they were removed before they were read";
  Record record;
  record.text = builder.arena().copy(text);
  record.origin.place = "journald";
  record.told_us = journal_->realtime_us();
  record.flags = kRecordGap;
  const Attribute cause[] = {{kGapCause, "removed before it was read"}};
  attach(cause, record, builder.arena());
  StreamWriter(builder, {}).add(record);
}

// Entries without a message (bare core dumps) say nothing that can be read.
void JournaldConnector::take_entry(BatchBuilder& builder) {
  entry_.clear();
  journal_->each_field([this](std::string_view key, std::string_view value) { entry_.add(key, value); });
  if (!entry_.has_message()) return;
  const std::string source = entry_.source();
  const std::string_view text = entry_.message().substr(0, builder.limits().record_bytes_max);
  Record record;
  record.text = builder.arena().copy(text);
  record.origin.place = builder.arena().copy("journald:" + source);
  record.told_us = journal_->realtime_us();
  if (text.size() < entry_.message().size()) {
    record.flags |= kRecordCut;
    record.bytes_cut = entry_.message().size() - text.size();
    ++batch_cut_;
  }
  attach(entry_.attributes(), record, builder.arena());
  StreamWriter(builder, names_.stream(source, units_)).add(record);
  batch_bytes_ += text.size();
}

void JournaldConnector::confirm() {
  if (!std::exchange(unconfirmed_, false)) return;
  confirmed_ = read_to_;
  started_ = true;
  stats_.bytes_read += std::exchange(batch_bytes_, 0);
  stats_.records_cut += std::exchange(batch_cut_, 0);
}

void JournaldConnector::notify_when_ready(std::function<void()> wake) {
  if (!journal_) return waiter_.wait(-1, std::chrono::seconds(1), std::move(wake));
  waiter_.wait(journal_->fd(), journal_->timeout(), std::move(wake));
}

}  // namespace silt::connectors
