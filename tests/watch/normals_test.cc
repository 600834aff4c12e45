#include "daemon/watch/normals.h"

#include <gtest/gtest.h>

#include "tests/daemon/fold_fixture.h"

namespace silt::watch {
namespace {

constexpr std::int64_t kHour = 3'600LL * 1'000'000;

// Over a real store.
class NormalsTest : public learn::FoldLoopTest {
 protected:
  void SetUp() override {
    FoldLoopTest::SetUp();
    info_ = source();
    append_lines(info_, {"it began"}, "/var/log/a.log");
    drain();
    normals_ = std::make_unique<Normals>(*store_, clock_);
  }
  store::NormalRow row(store::PatternId pattern, Kind kind, std::int64_t for_us = kHour) const {
    return {info_.ref, pattern, static_cast<std::uint32_t>(kind), clock_.wall_us() + for_us, clock_.wall_us(), "uid:7", "backup"};
  }
  Change change(store::PatternId pattern, Kind kind) const { return {.kind = kind, .source = info_.ref, .pattern = pattern}; }

  store::SourceInfo info_;
  std::unique_ptr<Normals> normals_;
};

TEST_F(NormalsTest, CoversItsKindOfItsPatternAlone) {
  ASSERT_TRUE(normals_->add({row(7, Kind::kLouder)}).is_ok());
  EXPECT_TRUE(normals_->covers(change(7, Kind::kLouder)));
  EXPECT_FALSE(normals_->covers(change(7, Kind::kGone)));
  EXPECT_FALSE(normals_->covers(change(8, Kind::kLouder)));
  Change other = change(7, Kind::kLouder);
  other.source.tenant = store::TenantId{99};
  EXPECT_FALSE(normals_->covers(other));
}

TEST_F(NormalsTest, ARestartKeepsIt) {
  const store::NormalRow wanted = row(7, Kind::kLouder);
  ASSERT_TRUE(normals_->add({wanted}).is_ok());
  reopen();
  normals_ = std::make_unique<Normals>(*store_, clock_);
  EXPECT_TRUE(normals_->covers(change(7, Kind::kLouder)));
  EXPECT_EQ(normals_->list().value(), std::vector{wanted});
}

TEST_F(NormalsTest, ItEndsAtItsTimeAndLeavesTheStore) {
  ASSERT_TRUE(normals_->add({row(7, Kind::kLouder), row(8, Kind::kLouder, 3 * kHour)}).is_ok());
  clock_.advance_us(2 * kHour);
  EXPECT_FALSE(normals_->covers(change(7, Kind::kLouder)));
  EXPECT_TRUE(normals_->covers(change(8, Kind::kLouder)));
  EXPECT_EQ(store_->normals().value().size(), 1U);
}

TEST_F(NormalsTest, TheSameAgainIsReplacedAndRemovedIsNews) {
  ASSERT_TRUE(normals_->add({row(7, Kind::kLouder)}).is_ok());
  ASSERT_TRUE(normals_->add({row(7, Kind::kLouder, 5 * kHour)}).is_ok());
  ASSERT_EQ(normals_->list().value().size(), 1U);
  ASSERT_TRUE(normals_->remove(normals_->list().value()).is_ok());
  EXPECT_FALSE(normals_->covers(change(7, Kind::kLouder)));
  EXPECT_TRUE(store_->normals().value().empty());
}

TEST_F(NormalsTest, ItGoesWithItsSourceAndWithItsPatterns) {
  ASSERT_TRUE(normals_->add({row(7, Kind::kLouder)}).is_ok());
  ASSERT_TRUE(store_->reset_fold(info_.ref).is_ok());
  normals_->reload();
  EXPECT_FALSE(normals_->covers(change(7, Kind::kLouder)));
  ASSERT_TRUE(normals_->add({row(7, Kind::kLouder)}).is_ok());
  ASSERT_TRUE(store_->delete_source(info_.ref, {}).is_ok());
  EXPECT_TRUE(store_->normals().value().empty());
  EXPECT_TRUE(normals_->add({row(7, Kind::kLouder)}).is_ok());
  EXPECT_TRUE(store_->normals().value().empty()) << "the source is not there any more";
}

TEST_F(NormalsTest, ATenantHasABound) {
  std::vector<store::NormalRow> rows;
  for (std::size_t i = 0; i <= Normals::kPerTenantMax; ++i) rows.push_back(row(static_cast<store::PatternId>(i + 1), Kind::kLouder));
  EXPECT_EQ(normals_->add(rows).code(), Code::kResourceExhausted);
  EXPECT_TRUE(store_->normals().value().empty());
}

}  // namespace
}  // namespace silt::watch
