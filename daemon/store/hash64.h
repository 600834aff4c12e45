// hash64: a quick hash of a few bytes, for tables in memory and for bloom filters.
//
// A fixed function of the bytes: bloom filters are stored. Not cryptographic; who chooses the bytes can
// make collisions, which cost time or a false "maybe", never a wrong answer.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace silt::store {

inline std::uint64_t mix64(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// At most 8 bytes as a number, little-endian.
inline std::uint64_t load_up_to_8(const char* data, std::size_t size) {
  std::uint64_t word = 0;
  if (size >= 8) {
    std::memcpy(&word, data, 8);
  } else if (size >= 4) {
    std::uint32_t low = 0, high = 0;
    std::memcpy(&low, data, 4);
    std::memcpy(&high, data + size - 4, 4);
    word = low | static_cast<std::uint64_t>(high) << (8 * (size - 4));
  } else {
    for (std::size_t i = 0; i < size; ++i)
      word |= std::uint64_t{static_cast<std::uint8_t>(data[i])} << (8 * i);
  }
  return word;
}

inline std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0) {
  constexpr std::uint64_t kA = 0x9e3779b97f4a7c15, kB = 0xd1b54a32d192ed03;
  std::uint64_t hash = seed ^ kA;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left > 8; at += 8, left -= 8) hash = mix64(hash ^ load_up_to_8(at, 8), kB);
  return mix64(hash ^ load_up_to_8(at, left), mix64(kA ^ bytes.size(), kB) | 1);
}

}  // namespace silt::store
