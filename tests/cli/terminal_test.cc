#include "cli/terminal.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace silt::cli {
namespace {

TEST(Escape, ControlBytesCannotReachTheTerminal) {
  EXPECT_EQ(escape("a\x1b[31mred\x07"), "a\\x1b[31mred\\x07");
  EXPECT_EQ(escape("one\r\ntwo"), "one\\x0d\\x0atwo");
  EXPECT_EQ(escape(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(escape("a\tb"), "a\tb");
}

TEST(Escape, NoByteBelowSpaceOrAboveAsciiPassesUnlessItIsValidUtf8) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = escape(std::string(1, static_cast<char>(byte)));
    for (const char c : text) {
      EXPECT_TRUE((c >= 0x20 && c < 0x7f) || c == '\t') << byte;
    }
  }
}

TEST(Escape, ForeignLettersPassAndDeceptiveMarksDoNot) {
  EXPECT_EQ(escape("Grüße 日本 😀"), "Grüße 日本 😀");
  EXPECT_EQ(escape("user\u202egnp.exe"), "user\\u202egnp.exe");
  EXPECT_EQ(escape("a\u200bb\u0085c\ufeff"), "a\\u200bb\\u0085c\\ufeff");
}

TEST(Escape, InvalidUtf8IsShownByteByByte) {
  EXPECT_EQ(escape("\xff\xc3(\xe2\x82"), "\\xff\\xc3(\\xe2\\x82");
  EXPECT_EQ(escape("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(escape("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(escape("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Utf8, ReplacesEachInvalidByte) {
  EXPECT_EQ(to_utf8("a\xff"
                    "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_TRUE(is_utf8("Grüße"));
  EXPECT_FALSE(is_utf8("Gr\xfc"));
  EXPECT_TRUE(is_utf8(to_utf8("\xe2\x82\xff\xf0")));
}

TEST(Table, AlignsTextLeftAndNumbersRight) {
  Table table({{"NAME"}, {"LINES", true}});
  table.add({"é", "5"});
  table.add({"longer", "1,000"});
  EXPECT_EQ(table.render(Style{}), "NAME    LINES\né           5\nlonger  1,000\n");
}

TEST(Style, PaintsOnlyWhenAsked) {
  EXPECT_EQ(Style{}.bold("x"), "x");
  EXPECT_EQ(Style{true}.bold("x"), "\x1b[1mx\x1b[0m");
}

}  // namespace
}  // namespace silt::cli
