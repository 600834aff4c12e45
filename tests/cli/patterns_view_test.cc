// A list of patterns on a terminal.
#include "cli/patterns_view.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "cli/json_view.h"

namespace silt::cli {
namespace {

silt::v1::PatternsResponse response() {
  silt::v1::PatternsResponse out;
  auto& pattern = *out.add_patterns();
  pattern.set_source("host:/a.log");
  pattern.set_id(3);
  pattern.set_text("refused badge <num>");
  pattern.set_count(19);
  auto& histogram = *pattern.mutable_histogram();
  histogram.mutable_begin()->set_seconds(1'795'251'600);  // 2026-11-21T09:00:00Z
  histogram.set_bucket_s(1800);
  for (const std::uint64_t count : {16, 0, 1, 2}) histogram.add_counts(count);
  out.set_patterns_total(7);
  out.set_next_page_token("1");
  return out;
}

TEST(PatternsView, HasBarsAsHighAsCountsAndSaysHowManyThereAre) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  const std::string text = render(response(), Style{});
  EXPECT_NE(text.find("      |█ ▁▁|\n"), std::string::npos) << text;
  EXPECT_NE(text.find("1 of 7 patterns; each bar is 30 min, the first from 2026-11-21 09:00:00\n"), std::string::npos) << text;
  EXPECT_NE(text.find("more: --page 1\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("the time was up"), std::string::npos);
  silt::v1::PatternsResponse cut = response();
  cut.set_truncated(true);
  EXPECT_NE(render(cut, Style{}).find("the time was up"), std::string::npos);
}

TEST(PatternsView, JsonHasTheBuckets) {
  const std::string text = to_json(response());
  EXPECT_NE(text.find(R"("histogram":{"begin":"2026-11-21T09:00:00.000000Z","bucket_s":1.8E3,"counts":[16,0,1,2]})"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("truncated":false)"), std::string::npos);
}

}  // namespace
}  // namespace silt::cli
