// Damage that the fold meets costs itself: it is reported and skipped, or made again.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/fold_fixture.h"

namespace silt::learn {
namespace {

class FoldDamageTest : public FoldLoopTest {
 protected:
  static std::string chunk(SourceRef source, Seq first) {
    return store::keys::of_number(store::keys::kChunk, source, first);
  }
  // All but these records are there, with marks.
  void expect_all_but(Seq first, Seq last, Seq end) {
    const std::vector<std::string> all = contents(source());
    std::size_t at = 0;
    for (Seq seq = 1; seq <= end; ++seq) {
      ASSERT_LT(at, all.size()) << seq;
      if (seq >= first && seq <= last) {
        if (all[at].starts_with("damage") && seq == last) ++at;
        continue;
      }
      EXPECT_TRUE(all[at].starts_with(std::to_string(seq) + " ")) << seq << ": " << all[at];
      EXPECT_NE(all[at].find(" | "), std::string::npos) << all[at];
      ++at;
    }
  }
};

TEST_F(FoldDamageTest, ADamagedChunkIsReportedAndSkipped) {
  for (int i = 0; i < 6; ++i) append(source(), 10);
  with_damage([&](store::RawRows& raw, SourceRef a) { raw.flip(store::Family::kChunk, chunk(a, 21)); });
  append(source(), 10);
  drain();
  EXPECT_EQ(head(source()).folded_seq, 70u);
  EXPECT_TRUE(logged("block_damaged"));
  EXPECT_TRUE(logged("first_seq=21")) << logged_;
  expect_all_but(21, 30, 70);
  for (int i = 0; i < 20; ++i) append(source(), 10);
  drain();
  expect_all_but(21, 30, 270);
  EXPECT_GT(segments(source()).back().last_seq, 70u);
}

// Good when it was folded, bad when it is to be sealed.
TEST_F(FoldDamageTest, AChunkThatGoesBadBeforeItIsSealedCostsItself) {
  for (int i = 0; i < 5; ++i) append(source(), 10);
  drain();
  with_damage([&](store::RawRows& raw, SourceRef a) { raw.flip(store::Family::kChunk, chunk(a, 21)); });
  for (int i = 0; i < 20; ++i) {
    append(source(), 10);
    drain();
  }
  EXPECT_TRUE(logged("first_seq=21")) << logged_;
  expect_all_but(21, 30, 250);
  EXPECT_GT(head(source()).sealed_seq, 50u);  // sealing goes on behind it
  EXPECT_LT(head(source()).open_chunks, 15u);
  // And once more, in front of a block that is found bad while folding.
  append(source(), 10);
  with_damage([&](store::RawRows& raw, SourceRef a) { raw.flip(store::Family::kChunk, chunk(a, 251)); });
  append(source(), 10);
  drain();
  const std::vector<std::string> all = contents(source());
  EXPECT_EQ(
      std::count_if(all.begin(), all.end(), [](const auto& line) { return line.starts_with("damage"); }), 2);
}

TEST_F(FoldDamageTest, ADamagedSegmentIsSkippedByAReset) {
  for (int i = 0; i < 40; ++i) append(source(), 10);
  drain();
  const auto all = segments(source());
  ASSERT_GT(all.size(), 2u);
  with_damage([&](store::RawRows& raw, SourceRef a) {
    raw.flip(store::Family::kSegment, store::keys::of_number(store::keys::kSegment, a, all[1].first_seq));
  });
  ASSERT_TRUE(loop_->reset(source().ref).is_ok());
  drain();
  EXPECT_EQ(head(source()).folded_seq, 400u);
  expect_all_but(all[1].first_seq, all[1].last_seq, 400);
}

TEST_F(FoldDamageTest, DamagedMarksAreMadeAgain) {
  for (int i = 0; i < 5; ++i) append(source(), 10);
  drain();
  const std::vector<std::string> before = contents(source());
  with_damage([&](store::RawRows& raw, SourceRef a) {
    raw.flip(store::Family::kChunk, store::keys::of_number(store::keys::kMarks, a, 1));
  });
  for (int i = 0; i < 20; ++i) {
    append(source(), 10);
    drain();
  }
  std::vector<std::string> after = contents(source());
  ASSERT_EQ(after.size(), 250u);
  after.resize(50);
  EXPECT_EQ(after, before);
  EXPECT_GT(head(source()).sealed_seq, 50u);
}

TEST_F(FoldDamageTest, DamagedPatternsAreMadeAgain) {
  for (int i = 0; i < 30; ++i) append(source(), 10);
  drain();
  const std::string before = digest(source());
  with_damage([&](store::RawRows& raw, SourceRef a) {
    raw.flip(store::Family::kMain, store::keys::of_pattern(store::keys::kPattern, a, 1));
  });
  loop_->ready(std::vector{source().ref});
  drain();
  EXPECT_TRUE(logged("patterns_damaged"));
  EXPECT_EQ(digest(source()), before);
}

}  // namespace
}  // namespace silt::learn
