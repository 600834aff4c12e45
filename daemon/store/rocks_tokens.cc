// The part of RocksStore for callers' tokens.
#include "daemon/store/keys.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"

namespace silt::store {

// A row that is damaged costs its token, which is then not known.
Result<std::vector<TokenRow>> RocksStore::tokens() const {
  std::vector<TokenRow> out;
  const std::string begin = keys::of_table(keys::kToken);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    TokenRow row;
    if (!rows::decode(key, value, row).is_ok()) return true;
    row.id = key.substr(begin.size());
    out.push_back(std::move(row));
    return true;
  }));
  return out;
}

Status RocksStore::put_token(const TokenRow& row) {
  const std::string key = keys::of_token(row.id);
  WriteSet changes = database_->begin();
  changes.put(Family::kMain, key, rows::encode(key, row));
  return database_->write(std::move(changes));
}

Status RocksStore::remove_tokens(const std::vector<std::string>& ids) {
  WriteSet changes = database_->begin();
  for (const std::string& id : ids) changes.erase(Family::kMain, keys::of_token(id));
  return database_->write(std::move(changes));
}

}  // namespace silt::store
