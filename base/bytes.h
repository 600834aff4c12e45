// ByteWriter and ByteReader: little-endian integers, varints and length-prefixed strings.
//
// The reader checks every bound: after the first short read it stays failed and returns zeros, so
// a decoder reads all fields and asks ok() once at the end. Neither is safe for concurrent use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace silt {

// Signed numbers as unsigned ones that are small when the number is near zero: 0, -1, 1, -2, ...
constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

class ByteWriter {
 public:
  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value) { fixed(value); }
  void u32(std::uint32_t value) { fixed(value); }
  void u64(std::uint64_t value) { fixed(value); }
  void i64(std::int64_t value) { fixed(static_cast<std::uint64_t>(value)); }
  void f32(float value);
  void f64(double value);
  void varint(std::uint64_t value);
  void string(std::string_view value);  // varint length, then the bytes
  void raw(const void* data, std::size_t size);

  const std::string& bytes() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  template <class T>
  void fixed(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) out_.push_back(static_cast<char>(value >> (8 * i)));
  }
  std::string out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return fixed<std::uint8_t>(); }
  std::uint16_t u16() { return fixed<std::uint16_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  std::int64_t i64() { return static_cast<std::int64_t>(fixed<std::uint64_t>()); }
  float f32();
  double f64();
  std::uint64_t varint();
  std::string_view string();  // a view into the input
  bool raw(void* data, std::size_t size);

  bool ok() const { return ok_; }
  std::size_t remaining() const { return bytes_.size(); }

 private:
  std::string_view take(std::size_t size);
  template <class T>
  T fixed() {
    const std::string_view from = take(sizeof(T));
    T value = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(static_cast<std::uint8_t>(from[i])) << (8 * i)));
    }
    return value;
  }
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace silt
