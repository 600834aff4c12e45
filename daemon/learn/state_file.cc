#include "daemon/learn/state_file.h"

#include "base/bytes.h"
#include "daemon/store/sha256.h"

namespace silt::learn {
namespace {

constexpr std::string_view kMagic = "silt-state 1\n";
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kHashBytes = 32;

Status sign(std::string_view bytes, const StateSigner& signer, std::string& signature) {
  SILT_ASSIGN(signature, signer.sign(bytes));
  return Status::ok();
}

}  // namespace

Result<std::string> encode_state_file(const StateFile& file, const StateSigner* signer) {
  ByteWriter writer;
  for (const std::string* text : {&file.tenant, &file.source, &file.backend, &file.weights}) writer.string(*text);
  writer.varint(file.version);
  writer.varint(file.learned_seq);
  writer.i64(file.written_us);
  writer.string(file.blob);
  std::string out(kMagic);
  out += writer.bytes();
  out += store::sha256_string(out);
  std::string signature;
  if (signer != nullptr) SILT_TRY(sign(out, *signer, signature));
  return out + signature + static_cast<char>(signature.size());
}

Result<StateFile> decode_state_file(std::string_view bytes, const StateSigner* signer) {
  if (!bytes.starts_with(kMagic)) return invalid_argument("this is no state that silt exported");
  const Status damaged = invalid_argument("the file is damaged: it does not match its checksum; export the state again");
  const std::size_t signature_bytes = static_cast<unsigned char>(bytes.back());
  if (signature_bytes != 0 && signature_bytes != kSignatureBytes) return damaged;
  if (bytes.size() < kMagic.size() + kHashBytes + signature_bytes + 1) return damaged;
  const std::string_view signature = bytes.substr(bytes.size() - 1 - signature_bytes, signature_bytes);
  bytes.remove_suffix(1 + signature_bytes);
  const std::string_view body = bytes.substr(0, bytes.size() - kHashBytes);
  if (store::sha256_string(body) != bytes.substr(body.size())) return damaged;
  if (signer != nullptr && !(signature_bytes > 0 && signer->verifies(bytes, signature)))
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
