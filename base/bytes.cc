#include "base/bytes.h"

#include <bit>
#include <cstring>

namespace silt {

void ByteWriter::f32(float value) { u32(std::bit_cast<std::uint32_t>(value)); }
void ByteWriter::f64(double value) { u64(std::bit_cast<std::uint64_t>(value)); }

void ByteWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    u8(static_cast<std::uint8_t>(value) | 0x80);
    value >>= 7;
  }
  u8(static_cast<std::uint8_t>(value));
}

void ByteWriter::string(std::string_view value) {
  varint(value.size());
  out_.append(value);
}

void ByteWriter::raw(const void* data, std::size_t size) {
  out_.append(static_cast<const char*>(data), size);
}

std::string_view ByteReader::take(std::size_t size) {
  if (!ok_ || size > bytes_.size()) {
    ok_ = false;
    return {};
  }
  const std::string_view taken = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return taken;
}

float ByteReader::f32() { return std::bit_cast<float>(u32()); }
double ByteReader::f64() { return std::bit_cast<double>(u64()); }

std::uint64_t ByteReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = u8();
    if (!ok_) return 0;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  ok_ = false;
  return 0;
}

std::string_view ByteReader::string() {
  const std::uint64_t size = varint();
  return take(size);
}

bool ByteReader::raw(void* data, std::size_t size) {
  const std::string_view from = take(size);
  if (!ok_) return false;
  if (size > 0) std::memcpy(data, from.data(), size);
  return true;
}

}  // namespace silt
