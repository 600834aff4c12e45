// Tokens: credentials that siltd gives out. A token is a text, "silt_CLAIMS.SIGNATURE" (base64url): who holds it
// may do what its claims say (one tenant, rights, until when) over any door. siltd signs the claims with an
// Ed25519 key of its own and remembers a hash of each token, never the token. What counts is the signed claim,
// so who can write to the store cannot widen a token; and a token that the store does not know, or knows as
// revoked, is refused, so revoking is in force with the next call.
//
// Time only goes on here: a clock that was set back makes no token valid again while siltd runs.
// Safe from any thread. The key's file and the claims are described in docs/formats.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/access/signing_key.h"
#include "daemon/store/token_store.h"

namespace silt::access {

struct TokenRequest {
  std::string tenant;
  Rights rights;
  std::int64_t ttl_us = 0;
  std::string note;
};

struct NewToken {
  store::TokenRow row;
  std::string token;  // told once, and kept nowhere
};

class Tokens {
 public:
  static constexpr std::int64_t kTtlMaxUs = 366LL * 86'400 * 1'000'000;
  static constexpr std::size_t kPerTenantMax = 1'000;  // that have not expired
  static constexpr std::int64_t kKeptUs = 30LL * 86'400 * 1'000'000;  // in the list, after they expired

  // `key_path`: the key is made with the first token. `rows` and `clock` must outlive it.
  static Result<std::unique_ptr<Tokens>> open(std::string key_path, store::TokenStore& rows, const Clock& clock);

  // `by` may give away only what it has: kPermissionDenied otherwise, and for a caller who came with a token.
  Result<NewToken> create(const Caller& by, const TokenRequest& request);
  // Again is no failure. kNotFound: `tenant` has no such token.
  Result<store::TokenRow> revoke(const std::string& tenant, const std::string& id);
  // By tenant and time of making; expired ones for a while, too.
  std::vector<store::TokenRow> list() const;

  // The caller that a token stands for, "token:ID"; kUnauthenticated with the reason.
  Result<Caller> verify(std::string_view token) const;
  bool is_valid(const store::TokenRow& row) const;  // not revoked, and not at its end
  // Whether what made `caller` would still be accepted; true for those that came without a token.
  bool still_valid(const Caller& caller) const;

 private:
  Tokens(std::string key_path, store::TokenStore& rows, const Clock& clock)
      : key_path_(std::move(key_path)), rows_(rows), clock_(clock) {}
  Status start();
  Result<const SigningKey*> key_to_sign();
  Status forget_old(std::int64_t now_us);
  // With the lock.
  std::int64_t now_us() const;
  bool lives(const store::TokenRow& row) const { return row.revoked_us == 0 && now_us() < row.expires_us; }

  const std::string key_path_;
  store::TokenStore& rows_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // of what follows
  mutable std::int64_t latest_us_ = 0;
  std::optional<SigningKey> key_;
  std::map<std::string, store::TokenRow> by_id_;
};

}  // namespace silt::access
