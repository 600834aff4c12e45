// A source's state as a file: what exports write and imports read. docs/formats.md has its bytes.
//
// A checksum tells damage, a signature (Ed25519) who made it. Whatever the bytes, reading ends with a state or a reason.
#pragma once

#include <cstdint>
#include <functional>
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

// Who signs and whose signature counts; 64 bytes each.
struct StateSigner {
  std::function<Result<std::string>(std::string_view bytes)> sign;
  std::function<bool(std::string_view bytes, std::string_view signature)> verifies;
};

// `signer` null: nobody signs.
Result<std::string> encode_state_file(const StateFile& file, const StateSigner* signer);

// With a signer only what it signed is taken: kPermissionDenied. kDataLoss: damaged. kInvalidArgument: no such file.
Result<StateFile> decode_state_file(std::string_view bytes, const StateSigner* signer);

}  // namespace silt::learn
