// Digests are stored in every head row and weight fingerprint: these values may never change.
#include "base/digest.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace silt {
namespace {

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

TEST(Digest, HasItsFixedValues) {
  EXPECT_EQ(digest_of("").hex(), "8653b5055a9e5ab7f3da2edc1ff4f6e5");
  EXPECT_EQ(digest_of("a").hex(), "38b94d4e035028ac4e88bbaa45d2bde5");
  EXPECT_EQ(digest_of("silt").hex(), "e8eac66208e3c99a2b1b0172e23e795e");
  EXPECT_EQ(digest_of("silt", 1).hex(), "32c9b8608c28f98930893cbe8a2842b2");
  EXPECT_EQ(digest_of(all_bytes()).hex(), "82dbf4cdb5d08b9a97b2c02281739437");
  EXPECT_EQ(digest_of(std::string(1000, 'x')).hex(), "d03736ab1cceb553f5f8d38091ba17a1");
  EXPECT_EQ(digest_of(std::string(64, '\0')).hex(), "a4fad540769c53c1f284fc343c1a4ba1");
  EXPECT_EQ(digest_of(std::string(63, '\0')).hex(), "db02e203945dbf61a9fa6b7e3c9fbc82");
}

TEST(Digest, DoesNotDependOnThePieces) {
  std::string bytes;
  for (int i = 0; i < 700; ++i) bytes.push_back(static_cast<char>(i * 37 + i / 11));
  for (std::size_t size = 0; size <= bytes.size(); size += 7) {
    const std::string_view text(bytes.data(), size);
    const Digest whole = digest_of(text);
    for (const std::size_t piece : {1, 3, 63, 64, 65, 200}) {
      Digester digester;
      for (std::size_t at = 0; at < size; at += piece) digester.update(text.substr(at, piece));
      digester.update("");
      EXPECT_EQ(digester.finish(), whole) << size << " bytes in pieces of " << piece;
    }
  }
}

TEST(Digest, FinishIsNotTheEnd) {
  Digester digester;
  digester.update("si");
  EXPECT_EQ(digester.finish(), digest_of("si"));
  digester.update("lt");
  EXPECT_EQ(digester.finish(), digest_of("silt"));
}

TEST(Digest, EveryBitAndTheLengthCount) {
  const std::string zeros(200, '\0');
  std::set<std::string> seen = {digest_of(zeros).hex()};
  for (std::size_t i = 0; i < zeros.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = zeros;
      flipped[i] = static_cast<char>(1 << bit);
      EXPECT_TRUE(seen.insert(digest_of(flipped).hex()).second) << i << " " << bit;
    }
    EXPECT_TRUE(seen.insert(digest_of(zeros.substr(0, i)).hex()).second) << i;
  }
}

}  // namespace
}  // namespace silt
