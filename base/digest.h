// Digest: a fast 128-bit fingerprint of bytes, for detecting divergence and damage.
//
// Used for state digests (megabytes per step) and file fingerprints. It is not cryptographic:
// whoever can choose the bytes can make two inputs collide, so citations and audit use SHA-256.
// The value is a fixed function of the bytes and never changes between builds: it is stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace silt {

struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend bool operator==(const Digest&, const Digest&) = default;
  std::string hex() const;  // 32 lower-case digits
};

// Streaming: digest of the concatenation of all updates, however it is cut into pieces.
class Digester {
 public:
  explicit Digester(std::uint64_t seed = 0);
  void update(const void* data, std::size_t size);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  Digest finish() const;

 private:
  static constexpr std::size_t kLanes = 8;
  static constexpr std::size_t kBlock = kLanes * 8;
  void block(const unsigned char* data);
  std::uint64_t lanes_[kLanes];
  unsigned char tail_[kBlock];
  std::size_t tail_size_ = 0;
  std::uint64_t total_size_ = 0;
};

Digest digest_of(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace silt
