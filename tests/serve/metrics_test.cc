// What Prometheus reads: checked by its own tool where that is installed.
#include "daemon/serve/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/temp_dir.h"

namespace silt::serve {
namespace {

silt::v1::GetStatusResponse status_of(int inputs) {
  silt::v1::GetStatusResponse status;
  status.set_version("1.2");
  status.set_learner_state("learning");
  for (int i = 0; i < inputs; ++i) {
    silt::v1::ConnectorStatus& input = *status.add_connectors();
    input.set_name("input" + std::to_string(i));
    input.set_kind("file");
    input.set_state(i == 0 ? "failing" : "reading");
    input.set_bytes_read(10);
  }
  return status;
}

silt::v1::ListSourcesResponse sources_of(int count, const std::string& input) {
  silt::v1::ListSourcesResponse sources;
  for (int i = 0; i < count; ++i) {
    silt::v1::Source& source = *sources.add_sources();
    source.set_source("host:/var/log/" + std::to_string(i));
    source.set_input(input);
    source.set_lines(5);
    source.set_bytes(100);
    source.set_bits_per_byte(4);
  }
  return sources;
}

const Health kHealth{{{.name = "store", .state = "open"}, {.name = "learner", .alive = false, .state = "silent"}}};

std::set<std::string> lines_of(const std::string& text) {
  std::set<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.insert(line);
  return lines;
}

TEST(Metrics, SourcesAreSummedUpByInput) {
  const auto lines = lines_of(to_metrics(status_of(2), sources_of(1000, "input1"), kHealth, nullptr));
  EXPECT_TRUE(lines.contains("silt_records_total{input=\"input1\",kind=\"file\"} 5000"));
  EXPECT_TRUE(lines.contains("silt_input_sources{input=\"input1\",kind=\"file\"} 1000"));
  EXPECT_TRUE(lines.contains("silt_surprise_ratio{input=\"input1\",kind=\"file\"} 0.5"));
  EXPECT_TRUE(lines.contains("silt_input_up{input=\"input0\",kind=\"file\"} 0"));
  EXPECT_TRUE(lines.contains("silt_records_total{input=\"input0\",kind=\"file\"} 0"));  // the same families for every input
  EXPECT_TRUE(lines.contains("silt_part_ready{part=\"store\"} 1"));
  EXPECT_TRUE(lines.contains("silt_part_ready{part=\"learner\"} 0"));
  EXPECT_LT(lines.size(), 120U);
}

TEST(Metrics, TheNumberOfSeriesIsBounded) {
  silt::v1::ListSourcesResponse sources;
  for (int i = 0; i < 2000; ++i) sources.MergeFrom(sources_of(1, "gone" + std::to_string(i)));
  const std::string text = to_metrics(status_of(100), sources, kHealth, nullptr);
  const auto lines = lines_of(text);
  const auto series = std::count_if(lines.begin(), lines.end(), [](const std::string& line) { return line.starts_with("silt_records_total{"); });
  EXPECT_EQ(static_cast<std::size_t>(series), kInputsShownMax + 1);
  EXPECT_TRUE(lines.contains("silt_records_total{input=\"(others)\",kind=\"\"} 8000"));  // 2000 less the 400 that are shown
}

TEST(Metrics, WhoSeesAPartSeesNothingOfTheWhole) {
  silt::v1::GetStatusResponse status = status_of(1);
  status.clear_learner_state();
  const std::string text = to_metrics(status, {}, kHealth, nullptr);
  EXPECT_EQ(text.find("process_resident_memory_bytes"), std::string::npos);
  EXPECT_EQ(text.find("silt_calls_total"), std::string::npos);
}

TEST(Metrics, ANameCannotEndItsLine) {
  silt::v1::GetStatusResponse status = status_of(1);
  status.mutable_connectors(0)->set_name("a\"} 1\nforged{x=\"\\");
  const std::string text = to_metrics(status, {}, kHealth, nullptr);
  EXPECT_EQ(text.find("\nforged"), std::string::npos) << text;
}

TEST(Metrics, TheDashboardShowsWhatThereIs) {
  CallMeter calls;
  calls.note("/silt.v1.AskService/Ask", Code::kOk, 0.2);
  const std::string text = to_metrics(status_of(1), sources_of(1, "input0"), kHealth, &calls);
  std::ostringstream dashboard;
  dashboard << std::ifstream(SILT_SOURCE_DIR "/docs/grafana-dashboard.json").rdbuf();
  const std::string json = dashboard.str();
  const std::regex name(R"(\b(silt|process)_[a-z_]+)");
  std::size_t names = 0;
  for (std::sregex_iterator at(json.begin(), json.end(), name), end; at != end; ++at, ++names) {
    EXPECT_TRUE(text.find("\n" + at->str() + "{") != std::string::npos || text.find("\n" + at->str() + " ") != std::string::npos) << at->str();
  }
  EXPECT_GT(names, 10U);
}

TEST(Metrics, PromtoolFindsNothingToSay) {
  if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "promtool (Debian's package prometheus) is not installed";
  CallMeter calls;
  calls.note("/silt.v1.AskService/Ask", Code::kOk, 0.2);
  calls.note("/silt.v1.AskService/Ask", Code::kNotFound, 20);
  const testing::TempDir dir;
  std::ofstream(dir.path("metrics")) << to_metrics(status_of(2), sources_of(3, "input1"), kHealth, &calls);
  EXPECT_EQ(std::system(("promtool check metrics <" + dir.path("metrics")).c_str()), 0);
}

}  // namespace
}  // namespace silt::serve
