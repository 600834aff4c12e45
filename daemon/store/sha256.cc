#include "daemon/store/sha256.h"

#include <openssl/evp.h>

#include <memory>

#include "base/check.h"
#include "base/hex.h"

namespace silt::store {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Looking the algorithm up by name costs more than hashing a line.
const EVP_MD* algorithm() {
  static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

}  // namespace

Sha256 sha256(std::initializer_list<std::string_view> parts) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  SILT_CHECK(context && EVP_DigestInit_ex2(context.get(), algorithm(), nullptr) == 1);
  for (const std::string_view part : parts) {
    SILT_CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  Sha256 hash;
  unsigned int size = 0;
  SILT_CHECK(EVP_DigestFinal_ex(context.get(), hash.data(), &size) == 1 && size == hash.size());
  return hash;
}

Sha256 sha256(std::string_view bytes) {
  return sha256({bytes});
}

std::string hex_of(const Sha256& hash) {
  return to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

std::string sha256_string(std::string_view bytes) {
  const Sha256 hash = sha256(bytes);
  return std::string(hash.begin(), hash.end());
}

Sha256 sha256_of_texts(std::span<const std::uint32_t> lengths, std::string_view joined_texts) {
  const std::string_view length_bytes(reinterpret_cast<const char*>(lengths.data()), lengths.size_bytes());
  return sha256({length_bytes, joined_texts});
}

}  // namespace silt::store
