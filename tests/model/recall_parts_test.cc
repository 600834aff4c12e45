// RecallMemory and RecallGate on their own.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "model/recall.h"

namespace silt::model {
namespace {

constexpr std::size_t kLongestSpan = 4;  // the hint of the last 8 tokens
constexpr std::size_t kField = 5;        // the hint of the field so far
constexpr std::size_t kAbove = 7;        // the hint of the token above
constexpr int kLineTokens = 512;         // a longer line counts as several

TEST(RecallMemory, KnowsAnIdentifierThousandsOfTokensLater) {
  RecallMemory memory(16);
  std::mt19937 random(3);
  const std::vector<Token> id = {1001, 17, 901, 444, 23};
  memory.read(5, kBlank);
  for (const Token token : id) memory.read(token, 0);
  for (int i = 0; i < 3000; ++i)
    memory.read(static_cast<Token>(random() % 7), random() % 3 == 0 ? kBlank : 0);
  memory.read(5, kBlank);
  memory.read(id[0], 0);
  for (std::size_t i = 1; i < id.size(); ++i) {
    EXPECT_EQ(memory.read(id[i], 0)[kField].newest, id[i]) << i;
  }
}

TEST(RecallMemory, KeepsTheLastTwoAndTheRecordOfTheNewest) {
  RecallMemory memory(12);
  const auto next_after_7 = [&](Token token) {
    memory.read(7, 0);
    return memory.read(token, 0)[0];
  };
  EXPECT_EQ(next_after_7(1).newest, -1);
  RecallHint hint = next_after_7(1);
  EXPECT_EQ(hint.newest, 1);
  EXPECT_EQ(hint.older, -1);
  const int once = hint.record;
  hint = next_after_7(2);
  EXPECT_NE(hint.record, once) << "it has been right since";
  hint = next_after_7(2);
  EXPECT_EQ(hint.newest, 2);
  EXPECT_EQ(hint.older, 1);
  for (int i = 0; i < 1000; ++i) {
    const int record = next_after_7(2).record;
    ASSERT_TRUE(record >= 0 && record < kRecallRecords) << record;
  }
}

TEST(RecallMemory, SeesTheSamePlaceOneLineAbove) {
  RecallMemory memory(12);
  // Two fields a line; in the second the token depends on the one above only: 30 -> 31 -> 30.
  RecallHint hint;
  for (int line = 0; line < 40; ++line) {
    memory.read(100 + line, 0);  // never twice
    memory.read(3, kBlank);
    memory.read(200 + line, 0);
    hint = memory.read(30 + line % 2, 0)[kAbove];
    if (line > 3) {
      ASSERT_EQ(hint.newest, 30 + line % 2) << line;
    }
    memory.read(1, kEndsLine);
  }
}

TEST(RecallMemory, ForgetsWithinItsSizeAndSavesWhatItIs) {
  RecallMemory memory(6);
  RecallMemory copy(6);
  std::mt19937 random(9);
  const auto token = [&] { return static_cast<Token>(random() % 900); };
  for (int i = 0; i < 5000; ++i) memory.read(token(), static_cast<std::uint8_t>(random() % 40 == 0));
  ByteWriter writer;
  memory.encode(writer);
  ByteReader reader(writer.bytes());
  ASSERT_TRUE(copy.decode(reader, 1000));
  EXPECT_EQ(reader.remaining(), 0u);
  for (int i = 0; i < 500; ++i) {
    const Token next = token();
    const RecallHints a = memory.read(next, 0);
    const RecallHints b = copy.read(next, 0);
    for (std::size_t k = 0; k < a.size(); ++k) {
      ASSERT_EQ(a[k].newest, b[k].newest);
      ASSERT_EQ(a[k].older, b[k].older);
      ASSERT_EQ(a[k].record, b[k].record);
    }
  }
  Digester one, other;
  memory.digest(one);
  copy.digest(other);
  EXPECT_EQ(one.finish(), other.finish());
}

TEST(RecallMemory, GrowsWithWhatItKeeps) {
  RecallMemory memory(17);
  memory.read(1, 0);
  const std::uint64_t empty = memory.bytes();
  EXPECT_LT(empty, 4096u);
  std::mt19937 random(5);
  for (int i = 0; i < 100; ++i) memory.read(static_cast<Token>(random() % 5000), 0);
  EXPECT_LT(memory.bytes(), 200'000u);
  ByteWriter small;
  memory.encode(small);
  EXPECT_LT(small.bytes().size(), 15'000u);
  for (int i = 0; i < 60'000; ++i) memory.read(static_cast<Token>(random() % 5000), 0);
  EXPECT_GT(memory.bytes(), std::uint64_t{8} << 17) << "every bucket is in use";
  EXPECT_LT(memory.bytes(), std::uint64_t{10} << 17);
}

TEST(RecallMemory, WhatCameUpAgainOutlivesAnyNumberThatCameOnce) {
  RecallMemory memory(7);
  const auto hint_after_7 = [&](Token token) {
    memory.read(7, 0);
    return memory.read(token, 0)[0].newest;
  };
  hint_after_7(9);
  EXPECT_EQ(hint_after_7(9), 9);
  for (Token once = 100; once < 3000; ++once) memory.read(once, 0);
  EXPECT_EQ(hint_after_7(9), 9);
  for (Token twice = 100; twice < 3000; ++twice) {
    for (int i = 0; i < 2; ++i) memory.read(50, 0), memory.read(twice, 0), memory.read(60, 0);
  }
  EXPECT_EQ(hint_after_7(9), -1) << "what comes up again and again takes its place";
}

TEST(RecallMemory, RefusesBytesThatAreNoMemory) {
  RecallMemory memory(6);
  for (int i = 0; i < 700; ++i) memory.read(i % 200, 0);  // lines longer than a line may be
  ByteWriter writer;
  memory.encode(writer);
  const std::string bytes = writer.bytes();
  RecallMemory to(6);
  ByteReader small_vocabulary(bytes);
  EXPECT_FALSE(to.decode(small_vocabulary, 100));
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    ByteReader cut(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(to.decode(cut, 200)) << size;
  }
  ByteWriter long_line;  // a line that should have ended: it never would
  long_line.u64(kLineTokens);
  for (int i = 0; i < 8; ++i) long_line.u32(1);
  for (int i = 0; i < 3; ++i) long_line.u64(1);
  long_line.varint(kLineTokens);
  for (int i = 0; i < kLineTokens; ++i) long_line.u16(0);
  for (const int value : {1, 0, 0, 0, 0}) long_line.u8(static_cast<std::uint8_t>(value));
  long_line.u32(8);  // buckets, of which none is taken
  long_line.varint(0);
  ByteReader endless(long_line.bytes());
  EXPECT_FALSE(to.decode(endless, 200));
  RecallMemory larger(7);
  ByteReader of_another_size(bytes);
  EXPECT_FALSE(larger.decode(of_another_size, 200));

  std::mt19937 random(4);
  for (int i = 0; i < 300; ++i) {  // whatever it takes must be safe to use
    std::string damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    ByteReader reader(damaged);
    if (!to.decode(reader, 200)) continue;
    for (int t = 0; t < 300; ++t) to.read(t % 200, t % 9 == 0 ? kBlank : 0);
  }
}

// A gate whose memory is always, or never, right about one candidate that the net finds unlikely.
float surprise_after(bool right, int tokens) {
  RecallGate gate;
  RecallHints hints;
  hints[kLongestSpan] = {.newest = 4, .older = -1, .record = 1};
  const Token candidates[] = {4};
  const float candidate_nats[] = {5.0F};
  const float rest_nats = -std::log1p(-std::exp(-5.0F));
  float surprise = 0;
  for (int i = 0; i < tokens; ++i) {
    surprise = gate.score(
        hints, candidates,
        {.candidate_nats = candidate_nats, .rest_nats = rest_nats, .target_nats = right ? 5.0F : 2.0F},
        right ? 4 : 9);
  }
  return surprise;
}

TEST(RecallGate, LearnsWhetherToTrustTheMemory) {
  EXPECT_LT(surprise_after(true, 1), 5.0F);
  EXPECT_LT(surprise_after(true, 300), 0.02F);
  EXPECT_LT(surprise_after(false, 300), 2.02F);
  EXPECT_GT(surprise_after(false, 300), 1.9F);
}

TEST(RecallGate, RanksDifferentTokensOnce) {
  const RecallGate gate;
  RecallHints hints;
  hints[0] = {.newest = 3, .older = 8, .record = 1};
  hints[2] = {.newest = 8, .older = 3, .record = 1};
  hints[5] = {.newest = 6, .older = -1, .record = 1};
  std::array<Token, kRecallCandidates> candidates;
  gate.rank(hints, candidates);
  EXPECT_EQ(candidates, (std::array<Token, kRecallCandidates>{3, 8, 6, -1, -1, -1}));
}

TEST(RecallGate, PassesOnWhatIsNotFinite) {
  RecallGate gate;
  const std::vector<float> before = gate.values();
  RecallHints hints;
  hints[0] = {.newest = 4, .older = -1, .record = 1};
  const Token candidates[] = {4};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float candidate_nats[] = {nan};
  EXPECT_TRUE(std::isnan(gate.score(
      hints, candidates, {.candidate_nats = candidate_nats, .rest_nats = nan, .target_nats = nan}, 4)));
  EXPECT_EQ(gate.values(), before);
}

TEST(RecallGate, KnowsItsOwnValues) {
  std::vector<float> values = RecallGate().values();
  EXPECT_TRUE(RecallGate::valid(values));
  for (const std::size_t at : {std::size_t{0}, values.size() / 2, values.size() - 1}) {
    for (const float wrong :
         {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::quiet_NaN()}) {
      std::vector<float> changed = values;
      changed[at] = wrong;
      EXPECT_FALSE(RecallGate::valid(changed)) << at;
    }
  }
  values.back() = -1;
  EXPECT_FALSE(RecallGate::valid(values)) << "a negative count";
  values.pop_back();
  EXPECT_FALSE(RecallGate::valid(values));
}

}  // namespace
}  // namespace silt::model
