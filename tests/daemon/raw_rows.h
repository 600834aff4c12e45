// Looks into a closed store beneath RocksStore, and damages what it holds.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "daemon/store/database.h"
#include "daemon/store/keys.h"
#include "tests/support/power_loss_env.h"

namespace silt::store {

class RawRows {
 public:
  explicit RawRows(const std::string& path) {
    DatabaseOptions options;
    options.path = path;
    options.env = quick_.env();
    auto opened = Database::open(options);
    EXPECT_TRUE(opened.is_ok()) << opened.status().to_string();
    if (opened.is_ok()) database_ = std::move(opened).value();
  }

  std::vector<std::string> keys(Family family, char table) const {
    std::vector<std::string> out;
    const std::string begin = keys::of_table(table);
    EXPECT_TRUE(database_
                    ->scan(family, begin, keys::after(begin),
                           [&](auto key, auto) {
                             out.emplace_back(key);
                             return true;
                           })
                    .is_ok());
    return out;
  }
  std::string value(Family family, const std::string& key) const { return **database_->get(family, key); }
  void put(Family family, const std::string& key, const std::string& value) {
    WriteSet changes = database_->begin();
    changes.put(family, key, value);
    EXPECT_TRUE(database_->write(std::move(changes)).is_ok());
  }
  void erase(Family family, const std::string& key) {
    WriteSet changes = database_->begin();
    changes.erase(family, key);
    EXPECT_TRUE(database_->write(std::move(changes)).is_ok());
  }
  // One bit, in the middle.
  void flip(Family family, const std::string& key) {
    std::string bytes = value(family, key);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
    put(family, key, bytes);
  }

 private:
  testing::PowerLossEnv quick_;
  std::unique_ptr<Database> database_;
};

}  // namespace silt::store
