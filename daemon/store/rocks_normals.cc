// The part of RocksStore for what people have said is normal.
#include "daemon/store/keys.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"

namespace silt::store {
namespace {

// 'r' tenant source, then pattern and kind as one number.
std::string key_of(const NormalRow& row) {
  return keys::of_number(keys::kNormal, row.source, std::uint64_t{row.pattern} << 8 | (row.kind & 0xff));
}

}  // namespace

// A row that is damaged costs what it said.
Result<std::vector<NormalRow>> RocksStore::normals() const {
  std::vector<NormalRow> out;
  const std::string begin = keys::of_table(keys::kNormal);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    NormalRow row;
    if (!rows::decode(key, value, row).is_ok()) return true;
    row.source = keys::source_of(key);
    const std::uint64_t number = keys::number_at_end(key, 8);
    row.pattern = static_cast<PatternId>(number >> 8);
    row.kind = static_cast<std::uint32_t>(number & 0xff);
    out.push_back(std::move(row));
    return true;
  }));
  return out;
}

Status RocksStore::put_normals(const std::vector<NormalRow>& rows) {
  const std::lock_guard changing(change_mutex_);  // no source is deleted meanwhile
  WriteSet changes = database_->begin();
  for (const NormalRow& row : rows) {
    const std::string key = key_of(row);
    if (known(row.source).is_ok()) changes.put(Family::kMain, key, rows::encode(key, row));
  }
  return database_->write(std::move(changes));
}

Status RocksStore::remove_normals(const std::vector<NormalRow>& rows) {
  WriteSet changes = database_->begin();
  for (const NormalRow& row : rows) changes.erase(Family::kMain, key_of(row));
  return database_->write(std::move(changes));
}

}  // namespace silt::store
