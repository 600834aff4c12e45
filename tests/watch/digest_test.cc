#include "daemon/watch/digest.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/fold_fixture.h"

namespace silt::watch {
namespace {

// Two hours of lines, one a minute of each kind, over a real store; the digest is of the second hour.
class DigestTest : public learn::FoldLoopTest {
 protected:
  void SetUp() override {
    FoldLoopTest::SetUp();
    info_ = source();
  }
  static std::string at(int minute) {
    char text[32];
    std::snprintf(text, sizeof text, "2026-11-20T%02d:%02d:00Z ", 10 + minute / 60, minute % 60);
    return text;
  }
  void add(int from, int to, const std::string& message, int a_minute = 1) {
    std::vector<std::string> lines;
    for (int minute = from; minute < to; ++minute) {
      for (int i = 0; i < a_minute; ++i) lines.push_back(at(minute) + message);
    }
    append_lines(info_, lines, "/var/log/" + message.substr(0, 5));
  }
  Digest digest() {
    drain();
    constexpr std::int64_t kEleven = 1'795'172'400LL * 1'000'000;  // 2026-11-20T11:00:00Z
    const store::SourceRef refs[] = {info_.ref};
    const std::atomic<bool> cancelled{false};
    return make_digest({*store_, *store_, *store_}, refs, {kEleven, kEleven + 3'600LL * 1'000'000}, cancelled).value();
  }
  static const DigestLine* find(const Digest& digest, Trend trend) {
    const auto found = std::find_if(digest.lines.begin(), digest.lines.end(), [trend](const auto& line) { return line.trend == trend; });
    return found == digest.lines.end() ? nullptr : &*found;
  }

  store::SourceInfo info_;
};

TEST_F(DigestTest, SaysWhatIsNewGoneLouderQuieterAndSlower) {
  add(0, 120, "the worker did its usual step");
  add(0, 60, "the cache was filled as planned");
  add(0, 60, "login of a guest refused");
  add(60, 120, "login of a guest refused", 9);
  add(0, 60, "mail for the printer queued", 6);
  add(60, 120, "mail for the printer queued");
  add(0, 60, "query answered in 20 ms");
  add(60, 120, "query answered in 90 ms");
  add(70, 75, "disk of the archive is full");
  const Digest found = digest();
  ASSERT_NE(find(found, Trend::kNew), nullptr);
  EXPECT_EQ(find(found, Trend::kNew)->pattern, "disk of the archive is full");
  EXPECT_EQ(find(found, Trend::kNew)->after, 5);
  ASSERT_NE(find(found, Trend::kGone), nullptr);
  EXPECT_EQ(find(found, Trend::kGone)->pattern, "the cache was filled as planned");
  ASSERT_NE(find(found, Trend::kLouder), nullptr);
  EXPECT_EQ(find(found, Trend::kLouder)->after, 540);
  ASSERT_NE(find(found, Trend::kQuieter), nullptr);
  EXPECT_EQ(find(found, Trend::kQuieter)->before, 360);
  ASSERT_NE(find(found, Trend::kSlower), nullptr);
  EXPECT_EQ(find(found, Trend::kSlower)->before, 20);
  EXPECT_EQ(find(found, Trend::kSlower)->after, 90);
  EXPECT_EQ(found.lines_total, 5U) << "what goes on as usual is none";
}

TEST_F(DigestTest, ASourceThatIsNewItselfIsNotCompared) {
  add(65, 120, "the worker did its usual step");
  EXPECT_TRUE(digest().lines.empty());
}

TEST_F(DigestTest, ASilentSourceIsOneLine) {
  add(0, 55, "the worker did its usual step");
  add(0, 55, "the cache was filled as planned");
  const Digest found = digest();
  ASSERT_EQ(found.lines.size(), 1U);
  EXPECT_EQ(found.lines[0].trend, Trend::kGone);
  EXPECT_EQ(found.lines[0].pattern, "");
}

TEST_F(DigestTest, NoiseIsCountedAndLinesAreBounded) {
  add(0, 120, "the worker did its usual step");
  add(70, 71, "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ");
  for (int i = 0; i < 30; ++i) add(70, 71, std::string(static_cast<std::size_t>(i + 3), static_cast<char>('a' + i % 26)) + " came to visit room" + std::string(1, static_cast<char>('a' + i % 26)));
  const Digest found = digest();
  EXPECT_EQ(found.noise, 1U);
  EXPECT_EQ(found.lines.size(), kDigestLines);
  EXPECT_GT(found.lines_total, kDigestLines);
}

TEST(DigestText, ReadsDurations) {
  EXPECT_EQ(duration_ms("request took 250ms"), 250);
  EXPECT_EQ(duration_ms("request took 1.5 s"), 1500);
  EXPECT_LT(duration_ms("request took long, 17 times"), 0);
}

TEST(DigestText, KnowsNoise) {
  EXPECT_TRUE(is_noise("<time> <hex> <id>"));
  EXPECT_TRUE(is_noise("MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa"));
  EXPECT_FALSE(is_noise("user <*> logged in"));
}

}  // namespace
}  // namespace silt::watch
