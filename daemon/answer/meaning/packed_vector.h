// Packed vectors: a byte a number, with one scale. A cosine changes by less than a hundredth.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace silt::answer::meaning {

std::string pack(std::span<const float> vector);
// Whether the bytes are a vector of `width` numbers.
bool is_packed(std::string_view bytes, std::size_t width);
// With a vector of as many numbers.
float dot(std::string_view packed, std::span<const float> other);

}  // namespace silt::answer::meaning
