// The part of RocksStore for what is to be told to destinations outside.
#include "daemon/store/keys.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"

namespace silt::store {

Result<std::vector<OutboxHead>> RocksStore::outbox_heads() const {
  std::vector<OutboxHead> out;
  const std::string begin = keys::of_table(keys::kOutboxHead);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    OutboxHead head;
    // What is damaged begins anew, behind all rows that are there (see below).
    if (!rows::decode(key, value, head).is_ok()) head = OutboxHead();
    head.destination = std::string(key.substr(1));
    out.push_back(std::move(head));
    return true;
  }));
  return out;
}

Result<std::vector<OutboxRow>> RocksStore::outbox(const std::string& destination, std::size_t max) const {
  std::vector<OutboxRow> out;
  const std::string begin = keys::of_outbox(destination);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    OutboxRow row;
    if (!rows::decode(key, value, row).is_ok()) row = OutboxRow();
    row.destination = destination;
    row.number = keys::number_at_end(key, 8);
    out.push_back(std::move(row));
    return out.size() < max;
  }));
  return out;
}

Result<std::optional<WatchCursor>> RocksStore::watch_cursor(SourceRef source) const {
  const std::string key = keys::of_source(keys::kWatchCursor, source);
  std::optional<WatchCursor> out;
  SILT_TRY(database_->scan(Family::kMain, key, keys::after(key), [&](auto found, auto value) {
    WatchCursor cursor;
    if (rows::decode(found, value, cursor).is_ok()) out = cursor;  // else as if it had never been looked at
    return false;
  }));
  if (out) out->source = source;
  return out;
}

Status RocksStore::write_outbox(const OutboxWrite& changed) {
  const std::lock_guard changing(change_mutex_);  // no source is deleted meanwhile
  WriteSet changes = database_->begin();
  if (changed.forget_cursors) changes.erase_range(Family::kMain, keys::of_table(keys::kWatchCursor), keys::after(keys::of_table(keys::kWatchCursor)));
  for (const std::string& destination : changed.forget) {
    const std::string begin = keys::of_outbox(destination);
    changes.erase_range(Family::kMain, begin, keys::after(begin));
    changes.erase(Family::kMain, keys::of_outbox_head(destination));
  }
  for (const OutboxRow& row : changed.remove) changes.erase(Family::kMain, keys::of_outbox(row.destination, row.number));
  for (const OutboxRow& row : changed.put) {
    const std::string key = keys::of_outbox(row.destination, row.number);
    changes.put(Family::kMain, key, rows::encode(key, row));
  }
  for (const OutboxHead& head : changed.heads) {
    const std::string key = keys::of_outbox_head(head.destination);
    changes.put(Family::kMain, key, rows::encode(key, head));
  }
  for (const WatchCursor& cursor : changed.cursors) {
    const std::string key = keys::of_source(keys::kWatchCursor, cursor.source);
    if (known(cursor.source).is_ok()) changes.put(Family::kMain, key, rows::encode(key, cursor));
  }
  return database_->write(std::move(changes));
}

}  // namespace silt::store
