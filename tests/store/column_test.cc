#include "daemon/store/column.h"

#include <gtest/gtest.h>

#include "daemon/store/bloom.h"
#include "tests/store/random_records.h"

namespace silt::store {
namespace {

struct Values {
  std::string texts = "in front";
  std::vector<ValueRef> refs;

  Values() = default;
  Values(std::initializer_list<std::string_view> values) {
    for (const std::string_view value : values) add(value);
  }
  void add(std::string_view value) {
    refs.push_back({static_cast<std::uint32_t>(texts.size()), static_cast<std::uint32_t>(value.size())});
    texts.append(value);
  }
  std::string_view at(std::size_t row) const { return view_of(texts.data(), refs[row]); }
};

bool splits(const Values& values, Slots slots, Skeleton& skeleton) {
  return split_values(values.texts.data(), values.refs, slots, skeleton);
}

TEST(Skeleton, WhatDiffersIsANumber) {
  Skeleton skeleton;
  ASSERT_TRUE(splits({"10.0.0.1:22", "10.0.7.1:80"}, Slots::kNumbers, skeleton));
  EXPECT_EQ(skeleton.literals, (std::vector<std::string>{"10.0.", ".1:", ""}));
  EXPECT_EQ(skeleton.columns[0], (std::vector<std::int64_t>{0, 7}));
  ASSERT_TRUE(splits({"blk_-12", "blk_7"}, Slots::kNumbers, skeleton));
  EXPECT_EQ(skeleton.columns[0], (std::vector<std::int64_t>{-12, 7}));
  ASSERT_TRUE(splits({"09:05", "10:55"}, Slots::kNumbers, skeleton));
  EXPECT_EQ(skeleton.widths, (std::vector<std::uint8_t>{2, 2}));
  ASSERT_TRUE(splits({"Apr  9 1", "Apr 10 2"}, Slots::kNumbers, skeleton));
  EXPECT_EQ(skeleton.widths, (std::vector<std::uint8_t>{2 + kBlanks, kAnyWidth}));
  ASSERT_TRUE(splits({"-5", "17"}, Slots::kNumbers, skeleton));
  EXPECT_TRUE(skeleton.is_number());
}

TEST(Skeleton, WhatCannotBeRebuiltHasNone) {
  Skeleton skeleton;
  for (const Values& values : {Values{"1", "02"}, Values{"-0", "1"}, Values{"-01", "-02"}, Values{"a", "b"},
                               Values{"1", ""}, Values{"1", "a1"}, Values{"99999999999999999999", "1"},
                               Values{"9223372036854775808", "1"}, Values{"1", "9223372036854775808"},
                               Values{"-0 1", "-0 2"}, Values{"x  1", "x   11"}, Values{"x  1", "x 01"}}) {
    EXPECT_FALSE(splits(values, Slots::kNumbers, skeleton)) << values.at(0) << " and " << values.at(1);
  }
}

TEST(Skeleton, WordsAreSlotsIfAsked) {
  Skeleton skeleton;
  EXPECT_FALSE(splits({"Mar 31", "Apr 30"}, Slots::kNumbers, skeleton));
  ASSERT_TRUE(splits({"Mar 31", "Apr 30"}, Slots::kNumbersAndWords, skeleton));
  EXPECT_TRUE(skeleton.is_word(0));
  EXPECT_FALSE(skeleton.is_word(1));
  ASSERT_TRUE(splits({"Mar 31", "Mar 30"}, Slots::kNumbersAndWords, skeleton));
  EXPECT_EQ(skeleton.literals, (std::vector<std::string>{"Mar ", ""})) << "the same word is no slot";
}

TEST(Skeleton, Classes) {
  EXPECT_EQ(class_of_value("R02-M1-N0-C:J12"), class_of_value("R99-M0-N15-I:J7"));
  EXPECT_EQ(class_of_value("blk_-12"), class_of_value("blk_12"));
  EXPECT_EQ(class_of_value("Apr  9 10:00"), class_of_value("Mar 10 09:01"));
  EXPECT_NE(class_of_value("10.0.0.1"), class_of_value("10.0.0.1:80"));
}

// Writes the columns, and reads each of them alone, the last one first.
void expect_round_trip(const std::vector<Values>& columns) {
  PieceWriter writer;
  SharedWriter shared;
  Skeleton scratch;
  std::vector<Place> places;
  for (const Values& values : columns) {
    ColumnStats stats;
    places.push_back(writer.here());
    write_column(values.texts.data(), values.refs, shared, writer, scratch, stats);
  }
  places.push_back(writer.here());
  shared.write(writer);
  std::vector<Frame> frames;
  std::string bytes, pool;
  writer.finish(frames, bytes);
  std::vector<std::size_t> offsets;
  std::size_t at = 0;
  for (const Frame& frame : frames) {
    offsets.push_back(at);
    at += frame.packed_bytes;
  }
  ASSERT_TRUE(unpack_frame(frames.back(), std::string_view(bytes).substr(offsets.back()), pool).is_ok());
  const Pieces pieces{.pool = pool, .frames = frames, .offsets = offsets, .bytes = bytes};
  SharedReader tables;
  PieceReader in_tables(pieces, places.back());
  ASSERT_TRUE(tables.read(in_tables, 1 << 20).is_ok());
  for (std::size_t c = columns.size(); c-- > 0;) {
    PieceReader in(pieces, places[c]);
    Column column;
    std::uint64_t numbers_left = 1 << 20;
    const Status status = column.read(in, tables, columns[c].refs.size(), numbers_left);
    ASSERT_TRUE(status.is_ok()) << status.to_string();
    for (std::size_t row = 0; row < column.rows(); ++row) {
      std::string value;
      column.append(row, value);
      ASSERT_EQ(value, columns[c].at(row)) << "column " << c << ", row " << row;
      if (column.numeric()) {
        ASSERT_EQ(std::to_string(column.numbers(0)[row]), value);
      }
    }
  }
}

TEST(Column, EveryKindComesBack) {
  std::mt19937_64 random(6);
  const std::string_view hosts[] = {"db1", "db2", "web-7", ""};
  std::vector<Values> columns(9);
  for (std::int64_t i = 0; i < 2000; ++i) {
    const std::string id = std::to_string(static_cast<std::int64_t>(random() % 300) * 0x123456789abcd);
    columns[0].add(std::to_string(static_cast<std::int64_t>(random())));
    columns[1].add(std::string("blk_").append(id));
    columns[2].add(std::string("job-").append(id));
    columns[3].add(std::string("10.1.") + std::to_string(random() % 16) + "." + std::to_string(random() % 9) +
                   ":80");
    columns[4].add(hosts[random() % 4]);
    columns[5].add(random_bytes(random, random() % 30));
    columns[6].add(std::string(i % 700 < 300 ? "Mar " : "Apr ") + (i % 31 < 10 ? " " : "1") +
                   std::to_string(i % 10));
    columns[7].add(std::to_string(i / 3));
    columns[8].add(awkward_line(random));
  }
  expect_round_trip(columns);
}

TEST(Column, RandomMixturesComeBack) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<Values> columns(1 + random() % 4);
    for (Values& values : columns) {
      std::vector<std::string> some;
      for (std::size_t i = 1 + random() % 6; i > 0; --i) some.push_back(awkward_line(random));
      for (std::size_t rows = 1 + random() % 600; rows > 0; --rows) {
        std::string value = some[random() % some.size()];
        for (char& c : value) {
          if (c >= '0' && c <= '9' && round % 3 == 0) c = static_cast<char>('0' + random() % 10);
        }
        values.add(value);
      }
    }
    expect_round_trip(columns);
    if (HasFatalFailure()) return;
  }
}

TEST(Bloom, KnowsItsTermsAndFewOthers) {
  BloomBuilder builder;
  for (int i = 0; i < 10000; ++i) {
    builder.add(std::to_string(i));
    builder.add(std::to_string(i));  // repeats are free
  }
  const std::string bytes = builder.finish();
  EXPECT_LE(bytes.size(), 10000 * 10 / 8 + kBloomBlockBytes);
  int wrong = 0;
  for (int i = 0; i < 10000; ++i) {
    ASSERT_TRUE(bloom_may_contain(bytes, std::to_string(i)));
    wrong += bloom_may_contain(bytes, std::to_string(i + 1000000)) ? 1 : 0;
  }
  EXPECT_LT(wrong, 250);
  EXPECT_FALSE(bloom_may_contain(builder.finish(), "x")) << "the builder is empty again";
}

}  // namespace
}  // namespace silt::store
