#include "connectors/inbox.h"

#include <cinttypes>
#include <cstdio>
#include <utility>

#include "base/bytes.h"
#include "connectors/batch_builder.h"

namespace silt::connectors {
namespace {

constexpr std::uint8_t kRowVersion = 1;
constexpr std::uint64_t kDeliveryBytes = 256;  // what a delivery takes beside its records
constexpr std::uint64_t kRepeatBytes = 128;    // what one more callback takes

std::string key_of(const Delivery& delivery) {
  if (delivery.id.empty()) return {};
  ByteWriter to;
  to.string(delivery.stream);
  to.string(delivery.id);
  return to.take();
}

std::uint64_t text_bytes(const Delivery& delivery) {
  std::uint64_t bytes = 0;
  for (const Record& record : delivery.records) bytes += record.text.size();
  return bytes;
}

// Fixed width, so that the journal lists rows in order.
std::string row_key(std::uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "i%016" PRIx64, number);
  return text;
}

CursorRow encode_ids(std::uint64_t number, const std::vector<std::string>& keys) {
  ByteWriter to;
  to.u8(kRowVersion);
  to.u64(number);
  to.varint(keys.size());
  for (const std::string& key : keys) to.string(key);
  return {row_key(number), to.take(), false};
}

Status decode_ids(const CursorRow& row, std::uint64_t& number, std::vector<std::string>& keys) {
  ByteReader from(row.value);
  if (const std::uint8_t version = from.u8(); version != kRowVersion) {
    return failed_precondition("inbox cursor " + row.key + " has version " + std::to_string(version) +
                               ", this siltd reads version 1: run the newer siltd that wrote it");
  }
  number = from.u64();
  for (std::uint64_t left = from.varint(); left > 0 && from.ok(); --left) keys.emplace_back(from.string());
  if (from.ok() && from.remaining() == 0 && row.key == row_key(number)) return Status::ok();
  return data_loss("inbox cursor " + row.key + " is damaged: restore the journal or delete the row");
}

// Returns how many records had to be cut.
std::uint64_t append(const Delivery& delivery, BatchBuilder& builder) {
  StreamWriter out(builder, delivery.stream);
  out.expect(delivery.records.size());
  const std::size_t bytes_max = builder.limits().record_bytes_max;
  std::uint64_t cut = 0;
  for (Record record : delivery.records) {
    if (record.text.size() > bytes_max) {
      ++cut;
      record.bytes_cut += record.text.size() - bytes_max;
      record.text = record.text.substr(0, bytes_max);
      record.flags |= kRecordCut;
    }
    out.add(record);
  }
  return cut;
}

bool fits(const Delivery& delivery, const BatchBuilder& builder) {
  return delivery.records.size() <= builder.records_left() && text_bytes(delivery) <= builder.bytes_left();
}

void call(std::vector<std::function<void()>>& calls) {
  for (auto& each : calls) each();
}

}  // namespace

std::uint64_t cost_of(const Delivery& delivery) {
  std::uint64_t bytes = kDeliveryBytes + delivery.arena.allocated_bytes() + delivery.records.capacity() * sizeof(Record);
  for (const CursorRow& row : delivery.rows) bytes += sizeof row + row.key.size() + row.value.size();
  return bytes;
}

Inbox::Inbox(InboxOptions options) : options_(options) {}

Inbox::~Inbox() {
  stop();
}

bool Inbox::room_for(std::uint64_t bytes) {
  if (resumed_ && used_bytes_ + bytes <= options_.bytes_max) return true;
  ++stats_.refused;
  return false;
}

Inbox::Answer Inbox::offer(Delivery&& delivery, Done&& done) {
  const std::uint64_t cost_bytes = cost_of(delivery);
  const std::uint64_t most = std::min(options_.delivery_bytes_max, options_.bytes_max);
  if (cost_bytes > most || delivery.id.size() > kIdBytesMax) return Answer::kTooLarge;
  std::function<void()> wake, filling;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Answer::kStopped;
    Key key = key_of(delivery);
    const auto pending = key.empty() ? pending_.end() : pending_.find(key);
    if (!room_for(pending != pending_.end() ? kRepeatBytes : cost_bytes)) return Answer::kFull;
    if (pending != pending_.end()) {
      ++stats_.repeated;
      used_bytes_ += kRepeatBytes;
      pending->second->cost_bytes += kRepeatBytes;
      pending->second->done.push_back(std::move(done));
      return Answer::kTaken;
    }
    const bool repeated = !key.empty() && stored_.contains(key);
    stats_.repeated += repeated ? 1 : 0;
    if (!repeated && !(delivery.records.empty() && delivery.rows.empty())) {
      auto waiting = std::make_shared<Waiting>(Waiting{std::move(delivery), std::move(key), cost_bytes});
      waiting->done.push_back(std::exchange(done, nullptr));
      if (!waiting->key.empty()) pending_.emplace(waiting->key, waiting);
      used_bytes_ += cost_bytes;
      queued_bytes_ += cost_bytes;
      queue_.push_back(std::move(waiting));
      wake = std::exchange(wake_, nullptr);
      if (is_filling()) filling = std::exchange(filling_, nullptr);
    }
  }
  if (wake) wake();
  if (filling) filling();
  if (done) done(Status::ok());  // nothing to store
  return Answer::kTaken;
}

void Inbox::when_room(std::function<void()> room) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_ && !half_empty()) {
      rooms_.push_back(std::move(room));
      return;
    }
  }
  room();
}

void Inbox::stop() {
  std::vector<WaitingPtr> ended;
  Calls rooms;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    ended = std::exchange(in_batch_, {});
    ended.insert(ended.end(), queue_.begin(), queue_.end());
    queue_.clear();
    pending_.clear();
    used_bytes_ = queued_bytes_ = 0;
    wake_ = nullptr;
    filling_ = nullptr;
    rooms.swap(rooms_);
  }
  const Status stopped = unavailable("siltd is stopping: send it again");
  for (const WaitingPtr& waiting : ended) {
    for (const Done& done : waiting->done) done(stopped);
  }
  call(rooms);
}

Status Inbox::resume(std::span<const CursorRow> rows) {
  std::map<std::uint64_t, std::vector<Key>> decoded;
  for (const CursorRow& row : rows) {
    std::uint64_t number = 0;
    std::vector<Key> keys;
    SILT_TRY(decode_ids(row, number, keys));
    decoded[number] = std::move(keys);
  }
  Calls rooms;
  {
    const std::lock_guard lock(mutex_);
    rows_ = std::move(decoded);
    for (const auto& [number, keys] : rows_) stored_.insert(keys.begin(), keys.end());
    resumed_ = true;
    rooms.swap(rooms_);
  }
  call(rooms);
  return Status::ok();
}

Result<bool> Inbox::poll(const ReadLimits& limits, Batch& out) {
  BatchBuilder builder(limits, out);
  const std::lock_guard lock(mutex_);
  if (!resumed_) return failed_precondition("resume() comes before the first poll()");
  queue_.insert(queue_.begin(), in_batch_.begin(), in_batch_.end());
  in_batch_.clear();
  batch_records_cut_ = 0;
  while (!queue_.empty() && !builder.full() &&
         (out.records == 0 || fits(queue_.front()->delivery, builder))) {
    batch_records_cut_ += append(queue_.front()->delivery, builder);
    const std::vector<CursorRow>& rows = queue_.front()->delivery.rows;
    out.cursors.insert(out.cursors.end(), rows.begin(), rows.end());
    out.shared.push_back(queue_.front());
    in_batch_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_bytes_ = used_bytes_;
  for (const WaitingPtr& waiting : in_batch_) queued_bytes_ -= waiting->cost_bytes;
  add_ids(out);
  return !queue_.empty();
}

void Inbox::add_ids(Batch& out) {
  batch_keys_.clear();
  batch_drops_.clear();
  for (const WaitingPtr& waiting : in_batch_) {
    if (!waiting->key.empty()) batch_keys_.push_back(waiting->key);
  }
  if (batch_keys_.empty()) return;
  out.cursors.push_back(encode_ids(rows_.empty() ? 1 : rows_.rbegin()->first + 1, batch_keys_));
  std::size_t known = stored_.size() + batch_keys_.size();
  for (const auto& [number, keys] : rows_) {
    if (known - keys.size() < options_.ids_max) break;
    known -= keys.size();
    batch_drops_.push_back(number);
    out.cursors.push_back({row_key(number), {}, true});
  }
}

void Inbox::learn_ids() {
  if (!batch_keys_.empty()) {
    stored_.insert(batch_keys_.begin(), batch_keys_.end());
    rows_.emplace(rows_.empty() ? 1 : rows_.rbegin()->first + 1, std::exchange(batch_keys_, {}));
  }
  for (const std::uint64_t number : std::exchange(batch_drops_, {})) {
    const auto row = rows_.find(number);
    for (const Key& key : row->second) stored_.erase(key);
    rows_.erase(row);
  }
}

void Inbox::confirm() {
  std::vector<WaitingPtr> stored;
  Calls rooms;
  {
    const std::lock_guard lock(mutex_);
    stored.swap(in_batch_);
    for (const WaitingPtr& waiting : stored) {
      used_bytes_ -= waiting->cost_bytes;
      if (!waiting->key.empty()) pending_.erase(waiting->key);
      stats_.bytes_read += text_bytes(waiting->delivery);
    }
    stats_.records_cut += std::exchange(batch_records_cut_, 0);
    learn_ids();
    if (half_empty()) rooms.swap(rooms_);
  }
  for (const WaitingPtr& waiting : stored) {
    for (const Done& done : waiting->done) done(Status::ok());
  }
  call(rooms);
}

void Inbox::notify_when_ready(std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty() && in_batch_.empty()) {
      wake_ = std::move(wake);
      return;
    }
  }
  wake();
}

void Inbox::notify_when_filling(std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_filling()) {
      filling_ = std::move(wake);
      return;
    }
  }
  wake();
}

ConnectorStats Inbox::stats() const {
  const std::lock_guard lock(mutex_);
  ConnectorStats stats = stats_;
  stats.backlog_bytes = used_bytes_;
  return stats;
}

}  // namespace silt::connectors
