// Conversations: tokens are one caller's, few, and forgotten.
#include "daemon/answer/conversations.h"

#include <gtest/gtest.h>

namespace silt::answer {
namespace {

Query query_of(std::string_view word) {
  Query query;
  query.words = {{std::string(word)}};
  return query;
}

TEST(Conversations, GoOnForTheirCallerAndTenantOnly) {
  const ManualClock clock;
  Conversations all(clock);
  const std::string token = all.keep("uid:1", "default", "", query_of("a"));
  ASSERT_FALSE(token.empty());
  EXPECT_EQ(all.keep("uid:1", "default", token, query_of("b")), token);
  EXPECT_EQ(all.find("uid:1", "default", token), query_of("b"));
  EXPECT_FALSE(all.find("uid:2", "default", token));
  EXPECT_FALSE(all.find("uid:1", "other", token));
  EXPECT_NE(all.keep("uid:2", "default", token, query_of("c")), token);  // another's is not taken over
  EXPECT_EQ(all.find("uid:1", "default", token), query_of("b"));
}

TEST(Conversations, AreBoundedAndExpire) {
  ManualClock clock;
  Conversations all(clock);
  const std::string first = all.keep("uid:1", "", "", query_of("a"));
  const std::string other = all.keep("uid:2", "", "", query_of("a"));
  for (std::size_t i = 0; i < Conversations::kPerCaller; ++i) all.keep("uid:1", "", "", query_of("a"));
  EXPECT_FALSE(all.find("uid:1", "", first));
  EXPECT_TRUE(all.find("uid:2", "", other));
  clock.advance_us(Conversations::kLifeUs + 1);
  EXPECT_FALSE(all.find("uid:2", "", other));
}

}  // namespace
}  // namespace silt::answer
