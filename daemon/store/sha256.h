// SHA-256, for what must not be forged: texts of records, cited lines, exported objects.
//
// Safe for any thread; each keeps one context. A failure of OpenSSL itself ends the process.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace silt::store {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
Sha256 sha256(std::initializer_list<std::string_view> parts);  // of their concatenation
std::string sha256_string(std::string_view bytes);             // the same 32 bytes
std::string hex_of(const Sha256& hash);                        // 64 lower-case digits

// What chunks and segments carry: the hash of all lengths (u32, little-endian), then all texts. Two
// lists of texts have the same one only if they are equal, wherever the texts are cut.
Sha256 sha256_of_texts(std::span<const std::uint32_t> lengths, std::string_view joined_texts);

}  // namespace silt::store
