#include "daemon/store/chunk.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/digest.h"
#include "daemon/store/compress.h"
#include "daemon/store/sha256.h"
#include "tests/store/expect_records.h"
#include "tests/store/random_records.h"

namespace silt::store {
namespace {

void expect_round_trip(std::span<const RecordView> records) {
  const Seq first = records.empty() ? 1 : records[0].seq;
  const std::string bytes = encode_chunk(records);
  const Result<RecordBlock> block = decode_chunk(bytes, first);
  ASSERT_TRUE(block.is_ok()) << block.status().to_string();
  expect_equal(block->records(), records);
  const Result<ChunkInfo> info = peek_chunk(bytes);
  ASSERT_TRUE(info.is_ok());
  EXPECT_EQ(info->records, records.size());
  std::uint64_t text_bytes = 0;
  for (const RecordView& record : records) {
    text_bytes += record.text.size();
    EXPECT_GE(record.arrival_us, info->min_arrival_us);
    EXPECT_LE(record.arrival_us, info->max_arrival_us);
  }
  EXPECT_EQ(info->text_bytes, text_bytes);
}

TEST(Sha256, KnownValues) {
  const std::string_view abc(
      "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
      "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad",
      32);
  EXPECT_EQ(sha256_string("abc"), abc);
  EXPECT_EQ(sha256({"a", "", "bc"}), sha256("abc"));
  EXPECT_EQ(sha256_string("").substr(0, 4), "\xe3\xb0\xc4\x42");
  EXPECT_EQ(sha256_string("abc"), abc);  // the context is as good the second time
}

TEST(Sha256, TextsAreToldApartByWhereTheyEnd) {
  const std::uint32_t one[] = {1, 2};
  const std::uint32_t two[] = {2, 1};
  EXPECT_NE(sha256_of_texts(one, "abc"), sha256_of_texts(two, "abc"));
}

TEST(Attributes, RoundTripAndBounds) {
  const Attribute some[] = {
      {"level", "error"}, {"", ""}, {std::string_view("\0\xff", 2), "x"}, {"level", "b"}};
  const std::string bytes = encode_attributes(some);
  const auto back = decode_attributes(bytes);
  ASSERT_TRUE(back.is_ok());
  EXPECT_TRUE(std::ranges::equal(*back, some));
  EXPECT_EQ(encode_attributes({}), "");
  EXPECT_TRUE(decode_attributes("")->empty());

  const std::string longer(kMaxAttributeValueBytes + 5, 'v');
  const std::vector<Attribute> many(kMaxAttributes + 3, Attribute{longer, longer});
  const std::string bounded = encode_attributes(many);
  const auto kept = decode_attributes(bounded);
  ASSERT_TRUE(kept.is_ok());
  EXPECT_EQ(kept->size(), kMaxAttributes);
  EXPECT_EQ(kept->front().key.size(), kMaxAttributeKeyBytes);
  EXPECT_EQ(kept->front().value.size(), kMaxAttributeValueBytes);
}

TEST(Attributes, DamageIsSaid) {
  const Attribute some[] = {{"level", "error"}};
  const std::string bytes = encode_attributes(some);
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_EQ(decode_attributes(bytes.substr(0, size)).status().code(), Code::kDataLoss) << size;
  }
  EXPECT_EQ(decode_attributes(std::string(2 * kMaxAttributes + 2, '\0')).status().code(), Code::kDataLoss);
}

TEST(Chunk, NothingAndLittle) {
  expect_round_trip({});
  OwnedRecords one;
  one.add("");
  expect_round_trip(one.records);
  OwnedRecords longer;
  longer.add(std::string(1 << 20, 'x'));
  longer.add("");
  longer.add("y");
  expect_round_trip(longer.records);
}

TEST(Chunk, RandomRecords) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 60; ++round) {
    OwnedRecords some;
    random_records(random, random() % 300, some);
    expect_round_trip(some.records);
    if (HasFailure()) return;
  }
}

TEST(Chunk, OneShortRecordCostsLittleBesideItsText) {
  OwnedRecords one;
  RecordView& record = one.add("Failed password for root from 10.0.0.1 port 22 ssh2");
  record.arrival_us = 1795000000000000;
  record.origin = {"/var/log/auth.log", 0x123456789abcdef, 1000000, 1000000 + record.text.size()};
  EXPECT_LE(encode_chunk(one.records).size(), record.text.size() + 100);
}

TEST(Chunk, PlainLinesCostThreeBytesEach) {
  OwnedRecords lines;
  for (int i = 0; i < 20; ++i) lines.add(std::string(20, 'x'));
  const std::size_t twenty = encode_chunk(lines.records).size();
  for (int i = 0; i < 10; ++i) lines.add(std::string(20, 'x'));
  EXPECT_LE(encode_chunk(lines.records).size() - twenty, 10 * (20 + 3));
}

TEST(Chunk, AnyDamageIsSaid) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 20; ++round) {
    OwnedRecords some;
    random_records(random, random() % 100, some);
    const std::string bytes = encode_chunk(some.records);
    for (int times = 0; times < 500; ++times) {
      const std::string bad = damage(random, bytes);
      if (bad == bytes) continue;
      const Result<RecordBlock> block = decode_chunk(bad, 1);
      ASSERT_EQ(block.status().code(), Code::kDataLoss);
      ASSERT_FALSE(block.status().message().empty());
      (void)peek_chunk(bad);
    }
    for (std::size_t size = 0; size < std::min<std::size_t>(bytes.size(), 200); ++size) {
      ASSERT_EQ(decode_chunk(bytes.substr(0, size), 1).status().code(), Code::kDataLoss);
    }
  }
}

// An enemy makes the checksums fit: then only the reader's own bounds are left.
std::string with_checksums(std::string bytes, std::size_t header_size) {
  const std::uint64_t body = digest_of(std::string_view(bytes).substr(header_size)).low;
  std::memcpy(&bytes[header_size - 12], &body, 8);
  const auto header =
      static_cast<std::uint32_t>(digest_of(std::string_view(bytes).substr(0, header_size - 4)).low);
  std::memcpy(&bytes[header_size - 4], &header, 4);
  return bytes;
}

TEST(Chunk, HostileBytesWithRightChecksumsAreBounded) {
  std::mt19937_64 random(3);
  OwnedRecords some;
  random_records(random, 12, some);
  const std::string bytes = encode_chunk(some.records);
  const std::size_t header_size = bytes.size() - [&] {
    std::size_t size = 0;  // the body is the longest end whose digest stands before it
    for (std::size_t at = 44; at < 100; ++at) {
      std::uint64_t sum = 0;
      std::memcpy(&sum, &bytes[at - 12], 8);
      if (digest_of(std::string_view(bytes).substr(at)).low == sum) size = bytes.size() - at;
    }
    return size;
  }();
  ASSERT_EQ(with_checksums(bytes, header_size), bytes);
  for (int times = 0; times < 20000; ++times) {
    std::string bad = damage(random, bytes);
    if (bad.size() <= header_size) continue;
    bad = with_checksums(std::move(bad), header_size);
    const Result<RecordBlock> block = decode_chunk(bad, 1);
    ASSERT_TRUE(block.is_ok() || block.status().code() == Code::kDataLoss);
  }
}

}  // namespace
}  // namespace silt::store
