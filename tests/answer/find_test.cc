// Plain search over several sources: newest first, page by page.
#include <gtest/gtest.h>

#include "daemon/answer/search/find.h"
#include "daemon/tools/lines_store.h"

namespace silt::answer::search {
namespace {

constexpr std::int64_t kNow = 1'796'000'000'000'000;

class Find : public ::testing::Test {
 protected:
  void add(const std::string& name, const std::string& text) {
    auto profile = std::make_shared<Profile>();
    profile->name = name;
    profile->ref = lines_.add(name, text, kNow);
    ASSERT_TRUE(update_profile(lines_, lines_, *profile).is_ok());
    sources_.push_back(std::move(profile));
  }
  Found find(std::size_t limit, std::optional<MatchPlace> after = std::nullopt) {
    const auto matcher = TextMatcher::create("lost").value();
    FindRequest request;
    request.matcher = matcher.get();
    request.limit = limit;
    request.after = after;
    return search::find(lines_, sources_, request, {}).value();
  }
  static std::string minutes(const Found& found) {
    std::string out;
    for (const Hit& hit : found.hits) out += hit.text.substr(14, 2) + " ";
    return out;
  }

  LinesStore lines_;
  Profiles sources_;
};

TEST_F(Find, GivesTheNewestOfAllSourcesFirst) {
  add("a", "2026-08-20T09:01:00Z link lost\n2026-08-20T09:04:00Z link lost\n2026-08-20T09:05:00Z link up\n");
  add("b", "2026-08-20T09:02:00Z link lost\n2026-08-20T09:03:00Z link lost\n2026-08-20T09:04:00Z link lost\n");
  const Found all = find(10);
  EXPECT_EQ(minutes(all), "04 04 03 02 01 ");
  EXPECT_EQ(all.matched, 5U);
  EXPECT_FALSE(all.more);
}

TEST_F(Find, PagesHaveNeitherGapsNorRepeats) {
  std::string a, b;
  for (int i = 0; i < 25; ++i) {
    const std::string line = "2026-08-20T09:" + std::to_string(10 + i) + ":00Z link lost\n";
    (i % 3 == 0 ? a : b) += line + (i % 5 == 0 ? line : "");
  }
  add("a", a);
  add("b", b);
  const std::string all = minutes(find(100));
  std::string pages;
  std::optional<MatchPlace> after;
  for (bool more = true; more;) {
    const Found page = find(4, after);
    pages += minutes(page);
    more = page.more;
    ASSERT_FALSE(page.hits.empty());
    after = MatchPlace{page.hits.back().event_us, page.hits.back().source, page.hits.back().seq};
  }
  EXPECT_EQ(pages, all);
}

}  // namespace
}  // namespace silt::answer::search
