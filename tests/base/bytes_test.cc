#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>

namespace silt {
namespace {

TEST(Bytes, IntegersAreLittleEndianAndVarintsShort) {
  ByteWriter out;
  out.u16(0x0102);
  out.u32(0x03040506);
  out.varint(300);
  out.string("ab");
  EXPECT_EQ(out.bytes(), std::string("\x02\x01\x06\x05\x04\x03\xac\x02\x02"
                                     "ab"));
}

TEST(Bytes, ReadsBackWhatWasWritten) {
  ByteWriter out;
  out.u8(200);
  out.u64(std::numeric_limits<std::uint64_t>::max() - 1);
  out.i64(-5);
  out.f32(1.5F);
  out.f64(-0.1);
  for (int shift = 0; shift < 64; ++shift) out.varint(std::uint64_t{1} << shift);
  out.varint(std::numeric_limits<std::uint64_t>::max());
  out.string(std::string("\0x", 2));
  out.raw("raw", 3);
  const std::string bytes = out.take();

  ByteReader in(bytes);
  EXPECT_EQ(in.u8(), 200);
  EXPECT_EQ(in.u64(), std::numeric_limits<std::uint64_t>::max() - 1);
  EXPECT_EQ(in.i64(), -5);
  EXPECT_EQ(in.f32(), 1.5F);
  EXPECT_EQ(in.f64(), -0.1);
  for (int shift = 0; shift < 64; ++shift) EXPECT_EQ(in.varint(), std::uint64_t{1} << shift);
  EXPECT_EQ(in.varint(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(in.string(), std::string("\0x", 2));
  char raw[3];
  EXPECT_TRUE(in.raw(raw, 3));
  EXPECT_EQ(std::string(raw, 3), "raw");
  EXPECT_EQ(in.remaining(), 0U);
  EXPECT_TRUE(in.ok());
}

TEST(Bytes, AShortReadFailsForGood) {
  ByteReader in(std::string_view("\x01\x02\x03", 3));
  EXPECT_EQ(in.u32(), 0U);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0);  // three bytes are there, but what they mean is not known any more
  EXPECT_FALSE(in.ok());
}

TEST(Bytes, ALengthBeyondTheEndIsRefused) {
  ByteWriter out;
  out.varint(std::numeric_limits<std::uint64_t>::max());
  ByteReader in(out.bytes());
  EXPECT_EQ(in.string(), "");
  EXPECT_FALSE(in.ok());
}

TEST(Bytes, AVarintThatDoesNotEndIsRefused) {
  const std::string endless(11, '\xff');
  ByteReader in(endless);
  EXPECT_EQ(in.varint(), 0U);
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace silt
