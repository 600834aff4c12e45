// SigningKey: an Ed25519 key (RFC 8032) in a file of PEM (PKCS #8, as `openssl genpkey -algorithm ed25519` makes
// it). Immutable and safe from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

struct evp_pkey_st;

namespace silt::access {

class SigningKey {
 public:
  static constexpr std::size_t kSignatureBytes = 64;

  // kNotFound when there is no such file; kPermissionDenied when others may read it.
  static Result<SigningKey> load(const std::string& path);
  // A new key, in a new file of mode 0600 that is on disk on return.
  static Result<SigningKey> make(const std::string& path);

  Result<std::string> sign(std::string_view text) const;
  bool verifies(std::string_view text, std::string_view signature) const;

 private:
  explicit SigningKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

// From the operating system's generator; a failure of it ends the process.
std::string random_bytes(std::size_t count);

}  // namespace silt::access
