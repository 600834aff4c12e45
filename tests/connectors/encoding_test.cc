// UTF-16 with a byte order mark, however it is written; and what is left as it is.
#include "connectors/encoding.h"

#include "tests/connectors/tail_fixture.h"

namespace silt::connectors {
namespace {

// 0a in both bytes of units, a pair of surrogates, and lengths in UTF-8 from one to four.
const std::u16string kLines[] = {u"start", u"ਊ਀ plain a\r", u"", u"smile \xd83d\xde00 ü €", u"end"};
const char* const kTexts[] = {"start", "ਊ਀ plain a\r", "", "smile 😀 ü €", "end"};

std::string encoded(std::u16string_view text, Encoding encoding) {
  std::string out;
  for (const char16_t unit : text) {
    const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xff);
    out += encoding == Encoding::kUtf16Le ? low : high;
    out += encoding == Encoding::kUtf16Le ? high : low;
  }
  return out;
}

class EncodingTest : public TailTest, public ::testing::WithParamInterface<Encoding> {
 protected:
  std::string units(std::u16string_view text) const { return encoded(text, GetParam()); }
  std::string all() const {
    std::u16string text = u"\xfeff";
    for (const std::u16string& line : kLines) text += line + u"\n";
    return units(text);
  }
  void expect_lines() const { EXPECT_EQ(texts(), std::vector<std::string>(std::begin(kTexts), std::end(kTexts))); }
};
INSTANTIATE_TEST_SUITE_P(Both, EncodingTest, ::testing::Values(Encoding::kUtf16Le, Encoding::kUtf16Be));

TEST_P(EncodingTest, LinesAreUtf8AndOffsetsAreTheFiles) {
  const std::string bytes = all();
  append("a.log", bytes);
  start();
  drain();
  expect_lines();
  std::uint64_t begin = 0;
  for (std::size_t i = 0; i < std::size(kLines); ++i) {
    const std::uint64_t size = 2 * (kLines[i].size() + (i == 0 ? 1 : 0));
    EXPECT_EQ(journal.records[i].origin.begin, begin);
    EXPECT_EQ(journal.records[i].origin.end, begin + size);
    begin += size + 2;
  }
  EXPECT_EQ(begin, bytes.size());
  EXPECT_EQ(connector->stats().backlog_bytes, 0u);
}

TEST_P(EncodingTest, ItMayBeCutAnywhereBetweenPollsAndRestarts) {
  const std::string bytes = all();
  start();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    append("a.log", bytes.substr(i, 1));
    drain();
    if (i % 7 != 3) continue;
    stop();
    start();
  }
  reconcile();
  expect_lines();
  EXPECT_TRUE(gaps().empty());
}

TEST_P(EncodingTest, ItMayBeFoundWithHalfAUnitAtItsEnd) {
  const std::string bytes = all();
  append("a.log", bytes.substr(0, 7));
  start();
  drain();
  append("a.log", bytes.substr(7));
  reconcile();
  expect_lines();
  EXPECT_TRUE(gaps().empty());
}

TEST_P(EncodingTest, ManySmallBatches) {
  std::u16string text = u"\xfeff";
  for (int i = 0; i < 2000; ++i) {
    const std::string number = std::to_string(i);
    text += u"line " + std::u16string(number.begin(), number.end()) + u"\n";
    expected.push_back("line " + number);
  }
  append("a.log", units(text));
  limits.batch_bytes_max = 700;
  limits.record_bytes_max = 100;
  start();
  drain();
  expect_all_once_in_order();
}

TEST_P(EncodingTest, ALongLineIsCutWithinItsLimit) {
  limits.record_bytes_max = 300;
  append("a.log", units(u"\xfeff" + std::u16string(5000, u'€') + u"\nshort\n"));
  start();
  drain();
  ASSERT_EQ(journal.records.size(), 2u);
  const StoredRecord& cut = journal.records[0];
  EXPECT_EQ(cut.flags, kRecordCut);
  EXPECT_LE(cut.text.size(), 300u);
  EXPECT_GT(cut.text.size(), 250u);
  EXPECT_EQ(cut.text.find_first_not_of("\xe2\x82\xac"), std::string::npos);
  EXPECT_EQ(cut.origin.end, 10002u);
  EXPECT_EQ(journal.records[1].text, "short");
}

TEST_P(EncodingTest, AnOpenLineOfARotatedFileIsItsLastRecord) {
  append("a.log", units(u"\xfeffone\ntwo"));
  start();
  drain();
  rename("a.log", "a.log.1");
  settle();
  EXPECT_EQ(texts(), (std::vector<std::string>{"one", "two"}));
}

TEST_P(EncodingTest, ItMayBeginAtTheEnd) {
  append("a.log", units(u"\xfeffold\nopen"));
  options.start = FileStart::kEnd;
  start();
  drain();
  append("a.log", units(u" line\nnew\n"));
  reconcile();
  EXPECT_EQ(texts(), (std::vector<std::string>{"open line", "new"}));
}

TEST_P(EncodingTest, WhatIsNoCodePointIsReplaced) {
  append("a.log", units(u"\xfeff" u"a\xd83d" u"b\xde00\n"));
  start();
  drain();
  EXPECT_EQ(texts(), std::vector<std::string>{"a\xef\xbf\xbd" "b\xef\xbf\xbd"});
}

using OtherEncodings = TailTest;

TEST_F(OtherEncodings, AreBytes) {
  using namespace std::string_literals;
  append("utf8.log", "\xef\xbb\xbfüber\n");
  append("latin1.log", "\xfc" "ber\n");
  append("utf32.log", "\xff\xfe\0\0a\0\0\0\n"s);
  append("unmarked.log", "a\0\n"s);
  append("short.log", "\xff\xfe");
  start();
  drain();
  std::vector<std::string> have = texts();
  std::sort(have.begin(), have.end());
  std::vector<std::string> want = {"\xef\xbb\xbfüber", "\xfc" "ber", "\xff\xfe\0\0a\0\0\0"s, "a\0"s};
  std::sort(want.begin(), want.end());
  EXPECT_EQ(have, want);
}

}  // namespace
}  // namespace silt::connectors
