#include "daemon/store/rows.h"

#include <gtest/gtest.h>

#include "daemon/store/index_rows.h"
#include "daemon/store/keys.h"

namespace silt::daemon {
namespace {

constexpr SourceRef kSource{TenantId{7}, SourceId{300}};

Head full_head() {
  Head head;
  head.learned_seq = 12;
  head.state_version = 5;
  head.state_digest = {0xfedcba9876543210, 17};
  head.steps = 4;
  head.learned_lines = 9;
  head.scored_lines = 2;
  head.counted_lines = 1;
  head.skipped_by_reason = {0, 3, 1};
  head.scored_tokens = 512;
  head.scored_bytes = 1500;
  head.scored_nats = 1234.5;
  head.window_bits = {2.5f, 0.25f};
  head.backend = "ref-f32";
  head.model_fingerprint = "ab";
  head.base_seq = 3;
  head.base_version = 1;
  head.processed_bytes = 999;
  return head;
}

TEST(Keys, OrderOfBytesIsOrderOfValues) {
  EXPECT_LT(keys::of_number(keys::kJournal, kSource, 255), keys::of_number(keys::kJournal, kSource, 256));
  EXPECT_LT(keys::of_number(keys::kJournal, kSource, 1ull << 40),
            keys::of_number(keys::kJournal, {TenantId{7}, SourceId{301}}, 0));
  EXPECT_LT(keys::of_number(keys::kJournal, {TenantId{7}, SourceId{~0u}}, 0),
            keys::of_source(keys::kJournal, {TenantId{8}, SourceId{0}}));
  // A term's blocks stay together: "ab" and all its blocks come before "abc".
  EXPECT_LT(keys::of_posting(kSource, "ab", ~Seq{0}), keys::of_posting(kSource, "abc", 0));
}

TEST(Keys, PartsComeBack) {
  const std::string key = keys::of_number(keys::kJournal, kSource, 0x0102030405060708);
  EXPECT_EQ(keys::source_of(key), kSource);
  EXPECT_EQ(keys::number_at_end(key, 8), 0x0102030405060708u);
}

TEST(Keys, AfterSkipsFullBytes) {
  EXPECT_EQ(keys::after("a"), "b");
  EXPECT_EQ(keys::after(std::string("a\xff\xff")), "b");
}

TEST(Rows, HeadRoundTrip) {
  const Head head = full_head();
  const std::string value = rows::encode("hkey", head);
  Head back;
  ASSERT_TRUE(rows::decode("hkey", value, back).is_ok());
  EXPECT_EQ(rows::encode("hkey", back), value);
  EXPECT_EQ(back.skipped_by_reason, head.skipped_by_reason);
  EXPECT_EQ(back.state_digest, head.state_digest);
  EXPECT_EQ(back.window_bits, head.window_bits);
  EXPECT_EQ(back.base_seq, 3u);
  EXPECT_EQ(back.processed_bytes, 999u);
}

TEST(Rows, JournalRecordKeepsAnyBytes) {
  JournalRecord record;
  record.arrival_us = -5;
  record.text = std::string("\0\xff\r\n\x1b[31m", 9);
  record.origin = {std::string("/var/log/\xff"), 3, 10, 19};
  record.flags = 5;
  record.bytes_cut = 1 << 20;
  record.sha256 = std::string(32, '\x80');
  JournalRecord back;
  ASSERT_TRUE(rows::decode("k", rows::encode("k", record), back).is_ok());
  EXPECT_EQ(back.text, record.text);
  EXPECT_EQ(back.origin.path, record.origin.path);
  EXPECT_EQ(back.origin.end, 19u);
  EXPECT_EQ(back.arrival_us, -5);
  EXPECT_EQ(back.sha256, record.sha256);
}

// Each flipped bit and each cut of a row is noticed, and so is a row under a foreign key.
TEST(Rows, DamageIsNoticed) {
  const std::string value = rows::encode("key", full_head());
  Head out;
  for (std::size_t i = 0; i < value.size() * 8; ++i) {
    std::string bad = value;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    EXPECT_EQ(rows::decode("key", bad, out).code(), Code::kDataLoss) << "bit " << i;
  }
  for (std::size_t size = 0; size < value.size(); ++size) {
    EXPECT_EQ(rows::decode("key", value.substr(0, size), out).code(), Code::kDataLoss) << size;
  }
  EXPECT_EQ(rows::decode("kez", value, out).code(), Code::kDataLoss);
}

TEST(IndexRows, ContentDoesNotDependOnCommitBoundaries) {
  const std::string key = keys::of_posting(kSource, "term", 1);
  std::string one_by_one, merged;
  for (const std::uint16_t seq : {1, 2, 700}) {
    ASSERT_TRUE(merge_index_row(key, one_by_one, encode_posting(seq), merged));
    one_by_one = merged;
  }
  ASSERT_TRUE(merge_index_row(key, encode_posting(1), encode_posting(2) + encode_posting(700), merged));
  EXPECT_EQ(merged, one_by_one);
}

TEST(IndexRows, TimesWiden) {
  const std::string key = keys::of_number(keys::kTime, kSource, 0);
  std::string merged;
  ASSERT_TRUE(merge_index_row(key, encode_time_span({5, 5}), encode_time_span({-3, 4}), merged));
  const auto span = decode_time_span(merged);
  ASSERT_TRUE(span);
  EXPECT_EQ(span->first_us, -3);
  EXPECT_EQ(span->last_us, 5);
  EXPECT_FALSE(merge_index_row(key, "short", encode_time_span({1, 1}), merged));
  EXPECT_FALSE(merge_index_row("unknown", std::nullopt, "xx", merged));
}

}  // namespace
}  // namespace silt::daemon
