// Compares records field by field, so that a failure says which field of which record differs.
#pragma once

#include <gtest/gtest.h>

#include <span>

#include "daemon/store/record.h"

namespace silt::store {

inline void expect_equal(const RecordView& got, const RecordView& wanted) {
  EXPECT_EQ(got.seq, wanted.seq);
  EXPECT_EQ(got.arrival_us, wanted.arrival_us);
  EXPECT_EQ(got.told_us, wanted.told_us);
  EXPECT_EQ(got.text, wanted.text);
  EXPECT_EQ(got.attributes, wanted.attributes);
  EXPECT_EQ(got.origin.place, wanted.origin.place);
  EXPECT_EQ(got.origin.generation, wanted.origin.generation);
  EXPECT_EQ(got.origin.begin, wanted.origin.begin);
  EXPECT_EQ(got.origin.end, wanted.origin.end);
  EXPECT_EQ(got.flags, wanted.flags);
  EXPECT_EQ(got.bytes_cut, wanted.bytes_cut);
}

inline void expect_equal(std::span<const RecordView> got, std::span<const RecordView> wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size() && !::testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(i);
    expect_equal(got[i], wanted[i]);
  }
}

}  // namespace silt::store
