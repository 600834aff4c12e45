#include "base/escape.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace silt {
namespace {

TEST(EscapeBytes, WhatIsNoTextOrCouldActIsWrittenInHex) {
  EXPECT_EQ(escape_bytes("host:/var/log/a b.log"), "host:/var/log/a b.log");
  EXPECT_EQ(escape_bytes("Grüße 日本 😀"), "Grüße 日本 😀");
  EXPECT_EQ(escape_bytes("bad\xff\xfe.log"), "bad\\xff\\xfe.log");
  EXPECT_EQ(escape_bytes("a\tb\x1b[1m\r\n\x7f"), "a\\x09b\\x1b[1m\\x0d\\x0a\\x7f");
  EXPECT_EQ(escape_bytes("a\xc2\x85\xe2\x80\xae"), "a\\xc2\\x85\\xe2\\x80\\xae");
  EXPECT_EQ(escape_bytes("C:\\logs"), "C:\\\\logs");
  EXPECT_EQ(escape_bytes(std::string_view("\0", 1)), "\\x00");
}

TEST(EscapeBytes, EveryPairOfBytesIsValidTextAndComesBack) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string bytes = {'x', static_cast<char>(first), static_cast<char>(second), '4', '1'};
      const std::string text = escape_bytes(bytes);
      EXPECT_TRUE(is_utf8(text));
      EXPECT_EQ(unescape_bytes(text), bytes) << text;
    }
  }
}

// The escaped form of one name must not be that of another.
TEST(EscapeBytes, TextThatLooksEscapedIsToldApart) {
  EXPECT_EQ(escape_bytes("\\xff"), "\\\\xff");
  EXPECT_EQ(unescape_bytes("\\\\xff"), "\\xff");
  EXPECT_EQ(unescape_bytes("\\xff"), "\xff");
  EXPECT_EQ(unescape_bytes("\\XFF \\q \\x4 \\"), "\\XFF \\q \\x4 \\");  // as someone may type a name
}

TEST(Base64, IsThatOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

}  // namespace
}  // namespace silt
