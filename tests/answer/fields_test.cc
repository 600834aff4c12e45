// Fields in queries and in lists of patterns, from text to figure.
#include <gtest/gtest.h>

#include "daemon/answer/query_text.h"
#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/slot_table.h"
#include "daemon/tools/lines_store.h"

namespace silt::answer {
namespace {

constexpr std::int64_t kNow = 1'795'000'000'000'000;

TEST(QueryText, ATestAndAGroupMayBeTypedAsTheyAreSaid) {
  const auto typed = parse_query("count status>=500 http.method=GET|PUT level!=debug took>1.5s by user");
  ASSERT_TRUE(typed.is_ok()) << typed.status().to_string();
  const auto full = parse_query("count by:user if:status>=500 if:http.method=GET|PUT if:level!=debug if:took>1.5s");
  ASSERT_TRUE(full.is_ok());
  EXPECT_EQ(*typed, *full);
  EXPECT_EQ(print_query(*typed), print_query(*full));
  EXPECT_EQ(parse_query("list path=/a:b").value().tests.at(0).any, std::vector<std::string>{"/a:b"});
}

TEST(QueryText, ANameGivenTwiceOrNotAtAllIsRefused) {
  EXPECT_NE(parse_query("count by status by queue").status().message().find("one already"), std::string::npos);
  EXPECT_FALSE(parse_query("max of:a of:b").is_ok());
  EXPECT_NE(parse_query("top by:").status().message().find("silt patterns"), std::string::npos);
}

search::Outcome run(const LinesStore& store, std::shared_ptr<search::Profile> profile, std::string_view query) {
  auto parsed = parse_query(query);
  EXPECT_TRUE(parsed.is_ok()) << query;
  return search::execute(store, {std::move(profile)}, *parsed, {}).value();
}

TEST(Fields, AreTestedAndGroupedByInQueries) {
  LinesStore store;
  auto profile = std::make_shared<search::Profile>();
  profile->name = "x";
  profile->ref = store.add("x",
                           "{\"level\":\"error\",\"user\":\"anna\",\"http\":{\"status\":503},\"took_ms\":20}\n"
                           "{\"level\":\"error\",\"user\":\"otto\",\"http\":{\"status\":404},\"took_ms\":1500}\n"
                           "{\"level\":\"info\",\"user\":\"otto\",\"http\":{\"status\":500},\"took_ms\":7}\n"
                           "2026-11-21 20:54:35,978 ERROR [main] a.b.C: user=otto http.status=502 took=2s\n",
                           kNow);
  ASSERT_TRUE(search::update_profile(store, store, *profile).is_ok());
  EXPECT_EQ(run(store, profile, "count http.status>=500").matched, 3U);
  EXPECT_EQ(run(store, profile, "count level=error").matched, 3U) << "however it is written";
  EXPECT_EQ(run(store, profile, "count took_ms>1s").matched, 1U) << "by the unit in the name";
  const auto groups = run(store, profile, "count by user").groups;
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].value, "otto");
  EXPECT_EQ(groups[0].count, 3U);
}

TEST(Fields, ASeverityIsOneGroupHoweverItIsWritten) {
  LinesStore store;
  auto profile = std::make_shared<search::Profile>();
  profile->name = "x";
  profile->ref = store.add("x", "{\"level\":\"error\"}\n{\"level\":\"err\"}\n2026-11-21 20:54:35,978 ERROR [main] a.b.C: d\n{\"level\":\"warn\"}\n{\"level\":\"Warning\"}\n", kNow);
  ASSERT_TRUE(search::update_profile(store, store, *profile).is_ok());
  const auto groups = run(store, profile, "count by severity").groups;
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].value, "ERROR");
  EXPECT_EQ(groups[0].count, 3U);
  EXPECT_EQ(groups[1].value, "WARNING");
  EXPECT_EQ(groups[1].count, 2U);
}

TEST(Attributes, OfDottedKeysTheLastPartIsANameToo) {
  using search::Called;
  EXPECT_EQ(search::is_called("host", "host"), Called::kInFull);
  EXPECT_EQ(search::is_called("Host.Name", "host.name"), Called::kInFull);
  EXPECT_EQ(search::is_called("k8s.pod.name", "pod"), Called::kInShort);
  EXPECT_EQ(search::is_called("http.route", "route"), Called::kInShort);
  EXPECT_EQ(search::is_called("meta@1.region", "region"), Called::kInShort);
  EXPECT_EQ(search::is_called("http.route", "http"), Called::kNot);
  EXPECT_EQ(search::is_called("ghost", "host"), Called::kNot);
  EXPECT_EQ(search::is_called(".name", ""), Called::kNot);
}

TEST(Fields, NumbersMayHaveExponentsAndBeginWithAPoint) {
  LinesStore store;
  auto profile = std::make_shared<search::Profile>();
  profile->name = "x";
  profile->ref = store.add("x", "loss=1e-05 temp .5 end\nloss=0.125 temp 1.5 end\nloss=1.5e+3 temp 4 end\n", kNow);
  ASSERT_TRUE(search::update_profile(store, store, *profile).is_ok());
  EXPECT_DOUBLE_EQ(*run(store, profile, "min of:loss").value, 1e-5);
  EXPECT_DOUBLE_EQ(*run(store, profile, "max of:loss").value, 1500);
  EXPECT_EQ(run(store, profile, "count loss<0.01").matched, 1U);
  EXPECT_DOUBLE_EQ(*run(store, profile, "sum of:temp:num").value, 6);
}

TEST(Fields, OfAPatternAreListedWithTypeUnitAndItsOwnValues) {
  LinesStore store;
  auto profile = std::make_shared<search::Profile>();
  profile->name = "x";
  std::string text;
  for (int i = 0; i < 6; ++i) text += "2026-11-21 20:54:35 INFO c.d.Web: served /a/" + std::to_string(i) + " status=" + (i < 4 ? "200" : "503") + " took=" + std::to_string(i + 1) + "ms for user u" + std::to_string(i % 2) + "\n";
  text += "2026-11-21 20:54:35 INFO c.d.Db: opened pool size=12 status=200\n";
  profile->ref = store.add("x", text, kNow);
  ASSERT_TRUE(search::update_profile(store, store, *profile).is_ok());
  std::vector<store::PatternId> ids;
  for (const auto& pattern : profile->patterns) ids.push_back(pattern.id);
  const auto table = search::count_slots(store, *profile, ids, {});
  ASSERT_TRUE(table.is_ok());
  const auto slot = [&](const std::string& word, const std::string& name) -> search::SlotCounts {
    for (const auto& pattern : profile->patterns) {
      if (pattern.text.find(word) == std::string::npos) continue;
      for (const search::SlotCounts& each : table->patterns.at(pattern.id)) {
        if (each.name == name) return each;
      }
    }
    return {};
  };
  EXPECT_EQ(slot("served", "status").values, (std::unordered_map<std::string, std::uint64_t>{{"200", 4}, {"503", 2}}));
  EXPECT_EQ(slot("served", "status").type(), fold::FieldType::kStatus);
  EXPECT_EQ(slot("opened", "status").values, (std::unordered_map<std::string, std::uint64_t>{{"200", 1}}));
  EXPECT_EQ(slot("served", "took").type(), fold::FieldType::kDuration);
  EXPECT_EQ(slot("served", "took").unit, "ms");
  EXPECT_EQ(slot("served", "user").type(), fold::FieldType::kUser);
}

}  // namespace
}  // namespace silt::answer
