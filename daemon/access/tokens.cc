#include "daemon/access/tokens.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/escape.h"
#include "base/hex.h"
#include "base/log.h"
#include "daemon/store/sha256.h"

namespace silt::access {
namespace {

constexpr std::string_view kPrefix = "silt_";
constexpr std::string_view kCallerPrefix = "token:";
constexpr std::string_view kSigned = "silt token\n";  // in front of the claims: the key signs nothing else so
constexpr std::uint8_t kForm = 1;
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kTokenCharsMax = 4096;

struct Claims {
  std::string id;
  std::string tenant;
  Rights rights;
  std::int64_t expires_us = 0;
};

std::string encode(const store::TokenRow& row) {
  ByteWriter out;
  out.u8(kForm);
  out.string(row.id);
  out.string(row.tenant);
  out.u32(row.rights);
  out.i64(row.expires_us);
  return out.take();
}

std::optional<Claims> decode(std::string_view bytes) {
  ByteReader in(bytes);
  Claims claims;
  const bool known = in.u8() == kForm;
  claims.id = in.string();
  claims.tenant = in.string();
  claims.rights = Rights::of_bits(in.u32());
  claims.expires_us = in.i64();
  return known && in.ok() && in.remaining() == 0 ? std::optional(std::move(claims)) : std::nullopt;
}

Status refused(std::string what) {
  return {Code::kUnauthenticated, std::move(what) + "; make another with: silt token create"};
}

Status check(const Caller& by, const TokenRequest& request) {
  if (by.by_token) return permission_denied(by.name + " came with a token, which cannot make others");
  if (request.tenant.empty()) return invalid_argument("tenant is missing");
  if (request.rights == Rights()) return invalid_argument("rights are missing: some of ask, change, audit, feed");
  if (request.ttl_us <= 0 || request.ttl_us > Tokens::kTtlMaxUs)
    return invalid_argument("ttl must be more than nothing, and 366 days at most");
  const Rights own = by.rights_in(request.tenant);
  if ((request.rights.bits() & ~own.bits()) == 0) return Status::ok();
  return permission_denied(by.name + " cannot give away rights that it does not have in tenant '" + escape_bytes(request.tenant) + "'");
}

}  // namespace

Result<std::unique_ptr<Tokens>> Tokens::open(std::string key_path, store::TokenStore& rows, const Clock& clock) {
  std::unique_ptr<Tokens> tokens(new Tokens(std::move(key_path), rows, clock));
  SILT_TRY(tokens->start());
  return tokens;
}

// Without a key that can be read no token is good, but siltd is.
Status Tokens::start() {
  SILT_ASSIGN(const std::vector<store::TokenRow> rows, rows_.tokens());
  for (const store::TokenRow& row : rows) by_id_[row.id] = row;
  Result<SigningKey> key = SigningKey::load(key_path_);
  if (key.is_ok()) {
    key_ = std::move(*key);
  } else if (key.status().code() != Code::kNotFound || !by_id_.empty()) {
    log::error("token_key_unusable", {{"error", key.status().message()},
                                      {"effect", "all tokens are refused"},
                                      {"remedy", "put the key back, or remove it and make new tokens"}});
  }
  return Status::ok();
}

std::int64_t Tokens::now_us() const {
  return latest_us_ = std::max(latest_us_, clock_.wall_us());
}

Result<const SigningKey*> Tokens::key_to_sign() {
  if (!key_) {
    Result<SigningKey> key = SigningKey::load(key_path_);
    if (key.status().code() == Code::kNotFound) key = SigningKey::make(key_path_);
    SILT_TRY(key.status());
    key_ = std::move(*key);
  }
  return &*key_;
}

Status Tokens::forget_old(std::int64_t now_us) {
  std::vector<std::string> old;
  for (const auto& [id, row] : by_id_) {
    if (row.expires_us + kKeptUs < now_us) old.push_back(id);
  }
  if (old.empty()) return Status::ok();
  SILT_TRY(rows_.remove_tokens(old));
  for (const std::string& id : old) by_id_.erase(id);
  return Status::ok();
}

Result<NewToken> Tokens::create(const Caller& by, const TokenRequest& request) {
  SILT_TRY(check(by, request));
  const std::lock_guard lock(mutex_);
  const std::int64_t now = now_us();
  SILT_TRY(forget_old(now));
  const auto counts = [&](const auto& entry) { return entry.second.tenant == request.tenant && entry.second.expires_us > now; };
  if (static_cast<std::size_t>(std::count_if(by_id_.begin(), by_id_.end(), counts)) >= kPerTenantMax)
    return failed_precondition("there are " + std::to_string(kPerTenantMax) + " tokens of this tenant already; wait until some expire");
  SILT_ASSIGN(const SigningKey* const key, key_to_sign());
  NewToken made;
  made.row = {.id = to_hex(random_bytes(kIdBytes)),
              .sha256 = {},
              .tenant = request.tenant,
              .rights = request.rights.bits(),
              .note = request.note,
              .created_by = by.name,
              .created_us = now,
              .expires_us = now + request.ttl_us};
  const std::string claims = encode(made.row);
  SILT_ASSIGN(const std::string signature, key->sign(std::string(kSigned) + claims));
  made.token = std::string(kPrefix) + to_hex(claims + signature);
  made.row.sha256 = store::sha256_string(made.token);
  SILT_TRY(rows_.put_token(made.row));
  by_id_[made.row.id] = made.row;
  return made;
}

Result<store::TokenRow> Tokens::revoke(const std::string& tenant, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second.tenant != tenant)
    return not_found("no token '" + escape_bytes(id) + "' in tenant '" + escape_bytes(tenant) + "'; list them with: silt token list");
  if (found->second.revoked_us != 0) return found->second;
  store::TokenRow row = found->second;
  row.revoked_us = now_us();
  SILT_TRY(rows_.put_token(row));
  return found->second = row;
}

std::vector<store::TokenRow> Tokens::list() const {
  std::vector<store::TokenRow> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, row] : by_id_) out.push_back(row);
  }
  std::sort(out.begin(), out.end(), [](const store::TokenRow& a, const store::TokenRow& b) {
    return std::tie(a.tenant, a.created_us, a.id) < std::tie(b.tenant, b.created_us, b.id);
  });
  return out;
}

Result<Caller> Tokens::verify(std::string_view token) const {
  if (!token.starts_with(kPrefix) || token.size() > kTokenCharsMax) return refused("this is no token of silt");
  const std::optional<std::string> bytes = from_hex(token.substr(kPrefix.size()));
  if (!bytes || bytes->size() <= SigningKey::kSignatureBytes) return refused("this is no token of silt");
  const std::string_view claimed(bytes->data(), bytes->size() - SigningKey::kSignatureBytes);
  const std::string_view signature = std::string_view(*bytes).substr(claimed.size());
  const std::string hash = store::sha256_string(token);
  const std::lock_guard lock(mutex_);
  const bool ours = key_ && key_->verifies(std::string(kSigned).append(claimed), signature);
  const std::optional<Claims> claims = ours ? decode(claimed) : std::nullopt;
  if (!claims) return refused("this token is not of this siltd");
  const auto found = by_id_.find(claims->id);
  const bool known = found != by_id_.end() && found->second.sha256.size() == hash.size() &&
                     CRYPTO_memcmp(found->second.sha256.data(), hash.data(), hash.size()) == 0;
  if (!known) return refused("this token is not known here any more");
  if (found->second.revoked_us != 0) return refused("this token was revoked");
  if (now_us() >= claims->expires_us) return refused("this token expired at " + rfc3339_utc(claims->expires_us));
  Caller caller(std::string(kCallerPrefix) + claims->id, Tenants({claims->tenant}), claims->rights);
  caller.by_token = true;
  return caller;
}

bool Tokens::still_valid(const Caller& caller) const {
  if (!caller.by_token) return true;
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(caller.name.substr(kCallerPrefix.size()));
  return found != by_id_.end() && lives(found->second);
}

bool Tokens::is_valid(const store::TokenRow& row) const {
  const std::lock_guard lock(mutex_);
  return lives(row);
}

}  // namespace silt::access
