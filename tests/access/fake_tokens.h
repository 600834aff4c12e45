// Tokens over a store that is a map, and a clock of the test's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "daemon/access/tokens.h"
#include "tests/support/temp_dir.h"

namespace silt::access {

class FakeTokenStore final : public store::TokenStore {
 public:
  Result<std::vector<store::TokenRow>> tokens() const override {
    std::vector<store::TokenRow> out;
    for (const auto& [id, row] : rows) out.push_back(row);
    return out;
  }
  Status put_token(const store::TokenRow& row) override {
    rows[row.id] = row;
    return Status::ok();
  }
  Status remove_tokens(const std::vector<std::string>& ids) override {
    for (const std::string& id : ids) rows.erase(id);
    return Status::ok();
  }
  std::map<std::string, store::TokenRow> rows;
};

struct FakeTokens {
  static constexpr std::int64_t kHourUs = 3'600'000'000;

  testing::TempDir dir;
  FakeTokenStore store;
  ManualClock clock{1'700'000'000'000'000};
  std::unique_ptr<Tokens> tokens = Tokens::open(dir.path("TOKEN_KEY"), store, clock).value();

  std::string make(const std::string& tenant, Rights rights, std::int64_t ttl_us = kHourUs) {
    return tokens->create({"uid:0", Tenants::all(), Rights::all()}, {tenant, rights, ttl_us, ""}).value().token;
  }
};

}  // namespace silt::access
