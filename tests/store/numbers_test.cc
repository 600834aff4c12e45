#include "daemon/store/numbers.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace silt::store {
namespace {

// What a writer wrote, ready to be read.
struct Written {
  std::vector<Frame> frames;
  std::vector<std::size_t> offsets;
  std::string bytes;
  std::string pool;
  Pieces pieces;

  explicit Written(PieceWriter& writer) {
    writer.finish(frames, bytes);
    std::size_t at = 0;
    for (const Frame& frame : frames) {
      offsets.push_back(at);
      at += frame.packed_bytes;
    }
    EXPECT_TRUE(unpack_frame(frames.back(), std::string_view(bytes).substr(offsets.back()), pool).is_ok());
    pieces = {.pool = pool, .frames = frames, .offsets = offsets, .bytes = bytes};
  }
};

// Returns the bytes that they took.
std::size_t expect_round_trip(const std::vector<std::int64_t>& numbers) {
  PieceWriter writer;
  write_numbers(numbers, writer);
  const Written written(writer);
  std::vector<std::int64_t> back(numbers.size(), 77);
  PieceReader in(written.pieces, {});
  const Status status = read_numbers(in, back);
  EXPECT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_EQ(back, numbers);
  EXPECT_TRUE(in.pool().ok());
  EXPECT_EQ(in.pool().remaining(), 0U);
  return written.bytes.size();
}

TEST(Numbers, EveryKindComesBack) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kGreatest = std::numeric_limits<std::int64_t>::max();
  expect_round_trip({});
  expect_round_trip({5});
  expect_round_trip({kLeast});
  expect_round_trip({kLeast, kGreatest});
  expect_round_trip({kGreatest, kLeast, 0, -1, 1});
  expect_round_trip({kLeast, kLeast + 1, kLeast + 2});
  expect_round_trip({0, 1000, 5000, 4000});
  expect_round_trip({254, 255, 256, 0, 1, 70000});
}

TEST(Numbers, RandomColumnsComeBack) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 400; ++round) {
    std::vector<std::int64_t> numbers(random() % 1500);
    const auto bits = random() % 64;
    const auto divisor = static_cast<std::int64_t>(random() % 3 == 0 ? random() % 1000 + 1 : 1);
    std::int64_t walk = 0;
    for (std::int64_t& number : numbers) {
      const auto step = static_cast<std::int64_t>(random() >> bits) / divisor * divisor;
      walk = static_cast<std::int64_t>(static_cast<std::uint64_t>(walk) + static_cast<std::uint64_t>(step));
      number = round % 2 == 0 ? walk : step;
      if (round % 5 == 0 && random() % 50 == 0) number = static_cast<std::int64_t>(random());
    }
    expect_round_trip(numbers);
    if (HasFailure()) return;
  }
}

TEST(Numbers, WhatIsRegularIsShort) {
  std::vector<std::int64_t> same(10000, 42), even, ticks, ids;
  std::mt19937_64 random(5);
  for (std::int64_t i = 0; i < 10000; ++i) {
    even.push_back(1000 + 7 * i);
    ticks.push_back((ticks.empty() ? 1795000000000000 : ticks.back()) + (random() % 10 == 0 ? 1000000 : 0));
    ids.push_back(static_cast<std::int64_t>(random() % 200));
  }
  EXPECT_LT(expect_round_trip(same), 8U);
  EXPECT_LT(expect_round_trip(even), 10U);
  EXPECT_LT(expect_round_trip(ticks), 1500U);
  EXPECT_LT(expect_round_trip(ids), 10100U);
}

TEST(Numbers, OneThatIsCutIsDamage) {
  std::vector<std::int64_t> numbers;
  for (std::int64_t i = 0; i < 100; ++i) numbers.push_back(i * i * i);
  PieceWriter writer;
  write_numbers(numbers, writer);
  Written written(writer);
  for (std::size_t size = 0; size < written.pool.size(); ++size) {
    written.pieces.pool = std::string_view(written.pool).substr(0, size);
    PieceReader in(written.pieces, {});
    EXPECT_EQ(read_numbers(in, numbers).code(), Code::kDataLoss) << size;
  }
}

}  // namespace
}  // namespace silt::store
