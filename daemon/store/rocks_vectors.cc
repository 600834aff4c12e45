// RocksStore: vectors of patterns.
#include "base/bytes.h"
#include "daemon/store/keys.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"

namespace silt::store {

Status RocksStore::vectors(SourceRef source, std::uint64_t encoder, std::vector<VectorRow>& out) const {
  out.clear();
  const std::string begin = keys::of_source(keys::kVector, source);
  return database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    const auto payload = rows::open(key, value);
    if (!payload.is_ok()) return true;
    ByteReader reader(*payload);
    const bool same_encoder = reader.u64() == encoder;
    VectorRow row;
    row.pattern = static_cast<PatternId>(keys::number_at_end(key, 4));
    row.text_hash = reader.u64();
    row.bytes = reader.string();
    if (same_encoder && reader.ok()) out.push_back(std::move(row));
    return true;
  });
}

Status RocksStore::put_vectors(SourceRef source, std::uint64_t encoder, std::span<const VectorRow> rows) {
  const std::lock_guard changing(change_mutex_);
  if (!this->source(source).is_ok()) return Status::ok();  // deleted meanwhile
  WriteSet changes = database_->begin();
  for (const VectorRow& row : rows) {
    ByteWriter writer;
    writer.u64(encoder);
    writer.u64(row.text_hash);
    writer.string(row.bytes);
    const std::string key = keys::of_pattern(keys::kVector, source, row.pattern);
    changes.put(Family::kMain, key, rows::seal(key, writer.bytes()));
  }
  return database_->write(std::move(changes));
}

}  // namespace silt::store
