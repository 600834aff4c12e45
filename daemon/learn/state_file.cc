#include "daemon/learn/state_file.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdio>

#include "base/bytes.h"
#include "base/check.h"
#include "daemon/store/sha256.h"

namespace silt::learn {
namespace {

constexpr std::string_view kMagic = "silt-state 1\n";
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kHashBytes = 32;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

EVP_PKEY* of(const std::shared_ptr<void>& key) {
  return static_cast<EVP_PKEY*>(key.get());
}
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int no_password(char*, int, int, void*) {
  return -1;  // nobody is there to be asked
}

}  // namespace

Result<StateKey> StateKey::load(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  if (!file) return not_found(path + ": cannot be read");
  EVP_PKEY* key = PEM_read_PrivateKey(file.get(), nullptr, no_password, nullptr);
  const bool is_private = key != nullptr;
  if (key == nullptr) {
    std::rewind(file.get());
    key = PEM_read_PUBKEY(file.get(), nullptr, no_password, nullptr);
  }
  std::shared_ptr<void> owned(key, [](void* each) { EVP_PKEY_free(static_cast<EVP_PKEY*>(each)); });
  if (key == nullptr || EVP_PKEY_id(key) != EVP_PKEY_ED25519)
    return invalid_argument(path + ": holds no Ed25519 key in PEM; make one with openssl genpkey -algorithm ed25519");
  return StateKey(std::move(owned), is_private);
}

std::string StateKey::sign(std::string_view bytes) const {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  const bool made = context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, of(key_)) == 1 &&
                    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(bytes), bytes.size()) == 1;
  SILT_CHECK(made && size == kSignatureBytes);
  return signature;
}

bool StateKey::verifies(std::string_view bytes, std::string_view signature) const {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, of(key_)) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(bytes), bytes.size()) == 1;
}

std::string encode_state_file(const StateFile& file, const StateKey* key) {
  ByteWriter writer;
  for (const std::string* text : {&file.tenant, &file.source, &file.backend, &file.weights}) writer.string(*text);
  writer.varint(file.version);
  writer.varint(file.learned_seq);
  writer.i64(file.written_us);
  writer.string(file.blob);
  std::string out(kMagic);
  out += writer.bytes();
  out += store::sha256_string(out);
  const bool is_signed = key != nullptr && key->can_sign();
  const std::string signature = is_signed ? key->sign(out) : std::string();
  return out + signature + static_cast<char>(signature.size());
}

Result<StateFile> decode_state_file(std::string_view bytes, const StateKey* key) {
  if (!bytes.starts_with(kMagic)) return invalid_argument("this is no state that silt exported");
  const Status damaged = data_loss("the file is damaged: it does not match its checksum");
  const std::size_t signature_bytes = static_cast<unsigned char>(bytes.back());
  if (signature_bytes != 0 && signature_bytes != kSignatureBytes) return damaged;
  if (bytes.size() < kMagic.size() + kHashBytes + signature_bytes + 1) return damaged;
  const std::string_view signature = bytes.substr(bytes.size() - 1 - signature_bytes, signature_bytes);
  bytes.remove_suffix(1 + signature_bytes);
  const std::string_view body = bytes.substr(0, bytes.size() - kHashBytes);
  if (store::sha256_string(body) != bytes.substr(body.size())) return damaged;
  if (key != nullptr && !(signature_bytes > 0 && key->verifies(bytes, signature)))
    return permission_denied(signature_bytes == 0 ? "the file is not signed, and learn.state_key asks for that"
                                                  : "the file is signed by another key than learn.state_key");
  ByteReader reader(body.substr(kMagic.size()));
  StateFile file;
  for (std::string* text : {&file.tenant, &file.source, &file.backend, &file.weights}) *text = reader.string();
  file.version = reader.varint();
  file.learned_seq = reader.varint();
  file.written_us = reader.i64();
  file.blob = reader.string();
  if (!reader.ok() || reader.remaining() != 0) return damaged;
  return file;
}

}  // namespace silt::learn
