// A source's state as a file: what exports write and imports read. docs/formats.md has its bytes.
//
// A checksum tells damage, a signature (Ed25519) who made it. Whatever the bytes, reading ends with a state or a reason.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace silt::learn {

struct StateFile {
  std::string tenant;
  std::string source;
  std::uint64_t version = 0;
  std::uint64_t learned_seq = 0;
  std::int64_t written_us = 0;
  std::string backend;
  std::string weights;  // fingerprint of the weight file
  std::string blob;     // net_state.h
};

// An Ed25519 key, private or public, from a PEM file. Safe from any thread.
class StateKey {
 public:
  static Result<StateKey> load(const std::string& path);
  bool can_sign() const { return private_; }
  std::string sign(std::string_view bytes) const;  // 64 bytes; only if can_sign()
  bool verifies(std::string_view bytes, std::string_view signature) const;

 private:
  explicit StateKey(std::shared_ptr<void> key, bool is_private) : key_(std::move(key)), private_(is_private) {}
  std::shared_ptr<void> key_;  // OpenSSL's
  bool private_ = false;
};

// `key`: signs if it can; null: nobody does.
std::string encode_state_file(const StateFile& file, const StateKey* key);

// With a key only what it signed is taken: kPermissionDenied. kDataLoss: damaged. kInvalidArgument: no such file.
Result<StateFile> decode_state_file(std::string_view bytes, const StateKey* key);

}  // namespace silt::learn
