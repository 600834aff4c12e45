// What the store keeps of the tokens that callers may be given: never a token, only its hash. Safe from any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace silt::store {

struct TokenRow {
  std::string id;             // lower-case hex
  std::string sha256;         // of the token, 32 bytes
  std::string tenant;
  std::uint32_t rights = 0;   // bits, as in daemon/access/caller.h
  std::string note;           // for people: what it is for
  std::string created_by;     // the caller's name
  std::int64_t created_us = 0;
  std::int64_t expires_us = 0;
  std::int64_t revoked_us = 0;  // 0: it was not
  friend bool operator==(const TokenRow&, const TokenRow&) = default;
};

class TokenStore {
 public:
  virtual ~TokenStore() = default;
  virtual Result<std::vector<TokenRow>> tokens() const = 0;  // by id
  // Both are durable on return.
  virtual Status put_token(const TokenRow& row) = 0;  // new, or in place of the one of its id
  virtual Status remove_tokens(const std::vector<std::string>& ids) = 0;
};

}  // namespace silt::store
