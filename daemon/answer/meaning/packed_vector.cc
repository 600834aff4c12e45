#include "daemon/answer/meaning/packed_vector.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/bytes.h"

namespace silt::answer::meaning {

std::string pack(std::span<const float> vector) {
  float largest = 0;
  for (const float number : vector) largest = std::max(largest, std::abs(number));
  const float scale = largest > 0 ? largest / 127 : 1;
  ByteWriter writer;
  writer.f32(scale);
  for (const float number : vector) writer.u8(static_cast<std::uint8_t>(static_cast<std::int8_t>(std::lround(number / scale))));
  return writer.take();
}

bool is_packed(std::string_view bytes, std::size_t width) {
  return bytes.size() == sizeof(float) + width && std::isfinite(ByteReader(bytes).f32());
}

float dot(std::string_view packed, std::span<const float> other) {
  constexpr std::size_t kLanes = 16;  // sums that do not wait for each other
  const float scale = ByteReader(packed).f32();
  const char* numbers = packed.data() + sizeof(float);
  std::array<float, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= other.size(); i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) sums[k] += static_cast<float>(static_cast<std::int8_t>(numbers[i + k])) * other[i + k];
  }
  for (; i < other.size(); ++i) sums[0] += static_cast<float>(static_cast<std::int8_t>(numbers[i])) * other[i];
  return scale * std::accumulate(sums.begin(), sums.end(), 0.0F);
}

}  // namespace silt::answer::meaning
