#include "base/digest.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace silt {
namespace {

// Odd constants with well-mixed bits: the fractional parts of sqrt(2), sqrt(3) and sqrt(5).
constexpr std::uint64_t kLaneMultiplier = 0x6a09e667f3bcc909;
constexpr std::uint64_t kWordMultiplier = 0xbb67ae8584caa73b;
constexpr std::uint64_t kFinalMultiplier = 0x3c6ef372fe94f82b;

// Reads native order: silt is little-endian only, as the weight files are.
std::uint64_t load_word(const unsigned char* data) {
  std::uint64_t word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

std::uint64_t avalanche(std::uint64_t value) {
  value ^= value >> 32;
  value *= kFinalMultiplier;
  value ^= value >> 29;
  value *= kLaneMultiplier;
  value ^= value >> 32;
  return value;
}

}  // namespace

std::string Digest::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t word : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[(word >> shift) & 15]);
  }
  return text;
}

Digester::Digester(std::uint64_t seed) {
  for (std::size_t i = 0; i < kLanes; ++i) lanes_[i] = avalanche(seed + (i + 1) * kWordMultiplier);
}

void Digester::block(const unsigned char* data) {
  for (std::size_t i = 0; i < kLanes; ++i) {
    const std::uint64_t mixed = (lanes_[i] ^ load_word(data + 8 * i)) * kLaneMultiplier;
    lanes_[i] = std::rotl(mixed, 29) * kWordMultiplier;
  }
}

void Digester::update(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  total_size_ += size;
  if (tail_size_ > 0) {
    const std::size_t taken = std::min(size, kBlock - tail_size_);
    std::memcpy(tail_ + tail_size_, bytes, taken);
    tail_size_ += taken;
    bytes += taken;
    size -= taken;
    if (tail_size_ < kBlock) return;
    block(tail_);
    tail_size_ = 0;
  }
  for (; size >= kBlock; bytes += kBlock, size -= kBlock) block(bytes);
  if (size > 0) std::memcpy(tail_, bytes, size);
  tail_size_ = size;
}

Digest Digester::finish() const {
  Digester last = *this;
  if (last.tail_size_ > 0) {
    std::memset(last.tail_ + last.tail_size_, 0, kBlock - last.tail_size_);
    last.block(last.tail_);
  }
  Digest digest{avalanche(total_size_ + 1), avalanche(total_size_ + 2)};
  for (const std::uint64_t lane : last.lanes_) {
    digest.high = avalanche(digest.high ^ lane);
    digest.low = avalanche(digest.low + std::rotl(lane, 23) * kWordMultiplier);
  }
  return digest;
}

Digest digest_of(std::string_view bytes, std::uint64_t seed) {
  Digester digester(seed);
  digester.update(bytes);
  return digester.finish();
}

}  // namespace silt
