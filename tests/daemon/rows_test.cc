#include "daemon/store/rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "daemon/store/keys.h"
#include "daemon/store/marks.h"
#include "tests/store/random_records.h"

namespace silt::store {
namespace {

constexpr SourceRef kSource{TenantId{7}, SourceId{300}};

NetHead full_head() {
  NetHead head;
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
  EXPECT_LT(keys::of_number(keys::kChunk, kSource, 255), keys::of_number(keys::kChunk, kSource, 256));
  EXPECT_LT(keys::of_number(keys::kChunk, kSource, 1ull << 40),
            keys::of_number(keys::kChunk, {TenantId{7}, SourceId{301}}, 0));
  EXPECT_LT(keys::of_number(keys::kChunk, {TenantId{7}, SourceId{~0u}}, 0),
            keys::of_source(keys::kChunk, {TenantId{8}, SourceId{0}}));
}

TEST(Keys, PartsComeBack) {
  const std::string key = keys::of_number(keys::kChunk, kSource, 0x0102030405060708);
  EXPECT_EQ(keys::source_of(key), kSource);
  EXPECT_EQ(keys::number_at_end(key, 8), 0x0102030405060708u);
}

TEST(Keys, AfterSkipsFullBytes) {
  EXPECT_EQ(keys::after("a"), "b");
  EXPECT_EQ(keys::after(std::string("a\xff\xff")), "b");
}

TEST(Rows, HeadRoundTrip) {
  const NetHead head = full_head();
  const std::string value = rows::encode("hkey", head);
  NetHead back;
  ASSERT_TRUE(rows::decode("hkey", value, back).is_ok());
  EXPECT_EQ(rows::encode("hkey", back), value);
  EXPECT_EQ(back.skipped_by_reason, head.skipped_by_reason);
  EXPECT_EQ(back.state_digest, head.state_digest);
  EXPECT_EQ(back.window_bits, head.window_bits);
  EXPECT_EQ(back.base_seq, 3u);
  EXPECT_EQ(back.processed_bytes, 999u);
}

TEST(Rows, FoldHeadAndSegmentRoundTrip) {
  const FoldHead head{9, 8, 7, 6, 5, 4, 3, 2};
  FoldHead head_back;
  ASSERT_TRUE(rows::decode("o", rows::encode("o", head), head_back).is_ok());
  EXPECT_EQ(rows::encode("o", head_back), rows::encode("o", head));
  EXPECT_EQ(head_back.floor_seq, 7u);
  EXPECT_EQ(head_back.patterns, 2u);
  const SegmentInfo info{1, 9, 8, 7, -6, -5, 4};
  SegmentInfo info_back;
  ASSERT_TRUE(rows::decode("g", rows::encode("g", info), info_back).is_ok());
  EXPECT_EQ(info_back.last_seq, 9u);
  EXPECT_EQ(info_back.last_arrival_us, -6);
  EXPECT_EQ(info_back.first_event_us, -5);
  EXPECT_EQ(info_back.last_event_us, 4);
}

TEST(Rows, NamesAreBytes) {
  const std::string bytes("\0\xff\r\n\x1b[31m\xc3", 11);
  const SourceInfo info{{}, bytes + "tenant", bytes + "name", bytes + "stream", bytes + "connector"};
  SourceInfo back;
  ASSERT_TRUE(rows::decode("n", rows::encode("n", info), back).is_ok());
  EXPECT_EQ(back.tenant, info.tenant);
  EXPECT_EQ(back.name, info.name);
  EXPECT_EQ(back.stream, info.stream);
  EXPECT_EQ(back.connector, info.connector);
  IntakeHead head;
  head.redaction = bytes;
  IntakeHead head_back;
  ASSERT_TRUE(rows::decode("i", rows::encode("i", head), head_back).is_ok());
  EXPECT_EQ(head_back.redaction, bytes);
}

// Each flipped bit and each cut of a row is noticed, and so is a row under a foreign key.
TEST(Rows, DamageIsNoticed) {
  const std::string value = rows::encode("key", full_head());
  NetHead out;
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

TEST(Marks, RoundTrip) {
  std::vector<FoldMark> marks = {{1, 5, true}, {0, -3, false}, {~0u, INT64_MAX, false}, {7, INT64_MIN, true}};
  for (int i = 0; i < 300; ++i) marks.push_back({static_cast<PatternId>(i % 4), i * 1000, false});
  const auto back = decode_marks(encode_marks(marks)).value();
  ASSERT_EQ(back.size(), marks.size());
  for (std::size_t i = 0; i < marks.size(); ++i) {
    EXPECT_EQ(back[i].pattern, marks[i].pattern);
    EXPECT_EQ(back[i].event_us, marks[i].event_us);
    EXPECT_EQ(back[i].new_pattern, marks[i].new_pattern);
  }
  EXPECT_TRUE(decode_marks(encode_marks({}))->empty());
}

TEST(Scores, AreKeptToA64th) {
  std::vector<Score> scores;
  for (Seq seq = 3; seq < 300; seq += 1 + seq % 3) {
    Score score;
    score.seq = seq;
    score.decision = static_cast<Decision>(seq % 3);
    score.reason = static_cast<std::uint8_t>(seq % 64);
    score.tokens = static_cast<std::uint32_t>(seq % 2 * seq);
    score.adapted_nats = score.tokens == 0 ? 0 : static_cast<float>(seq) + 0.75f;
    score.frozen_nats = score.tokens == 0 ? 0 : 0.3f;
    scores.push_back(score);
  }
  const auto back = decode_scores(encode_scores(scores)).value();
  ASSERT_EQ(back.size(), scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    EXPECT_EQ(back[i].seq, scores[i].seq);
    EXPECT_EQ(back[i].decision, scores[i].decision);
    EXPECT_EQ(back[i].reason, scores[i].reason);
    EXPECT_EQ(back[i].tokens, scores[i].tokens);
    EXPECT_EQ(back[i].adapted_nats, scores[i].adapted_nats);
    EXPECT_NEAR(back[i].frozen_nats, scores[i].frozen_nats, 1.0 / 128);
  }
}

TEST(Scores, NoNumberIsTooOddToBeKept) {
  Score score;
  score.seq = 1;
  score.tokens = 1;
  for (const float nats : {NAN, INFINITY, -INFINITY, -1.0f, 1e30f}) {
    score.adapted_nats = nats;
    const auto back = decode_scores(encode_scores(std::span(&score, 1)));
    ASSERT_TRUE(back.is_ok());
    EXPECT_GE((*back)[0].adapted_nats, 0);
    EXPECT_LE((*back)[0].adapted_nats, 1e6f);
  }
}

// The envelope of rows.h checks what these were encoded to; they themselves only never crash.
TEST(Marks, AnyBytesAreMarksOrDamage) {
  std::mt19937_64 random(1);
  std::vector<FoldMark> marks(40, {3, 1'000'000, false});
  std::vector<Score> scores(40);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i].seq = i + 1;
  for (int i = 0; i < 2000; ++i) {
    (void)decode_marks(damage(random, encode_marks(marks)));
    (void)decode_scores(damage(random, encode_scores(scores)));
  }
}

}  // namespace
}  // namespace silt::store
