// The HTTP door of a siltd that runs: what curl, Prometheus and a browser get.
#include <gtest/gtest.h>

#include <sstream>

#include "base/clock.h"
#include "tests/e2e/processes.h"
#include "tests/support/http_client.h"

namespace silt::e2e {
namespace {

using testing::HttpReply;

class Doors : public ::testing::Test {
 protected:
  HttpReply ask(const testing::HttpRequest& request) {
    testing::UnixStream stream = testing::connect_unix(io_, daemon_.path("http.sock"));
    return testing::round_trip(stream, request);
  }
  void start_with_log() {
    std::string log;
    for (int i = 0; i < 20; ++i) log += "Nov 21 09:00:00 db3 sshd[12]: Failed password for root from 10.0.0." + std::to_string(i) + " port 22\n";
    daemon_.write("auth.log", log);
    daemon_.start();
    ASSERT_TRUE(daemon_.has_learned("auth.log", 20));
  }

  Daemon daemon_;
  boost::asio::io_context io_;
};

TEST_F(Doors, TheSameAnswersAsJson) {
  start_with_log();
  const HttpReply sources = ask(testing::post_request("/silt.v1.SourceService/ListSources", "{}"));
  ASSERT_EQ(sources.status, 200U) << sources.body;
  EXPECT_EQ(sources.json().at("sources").at(0).at("lines").as_string(), "20");
  const HttpReply count = ask(testing::post_request("/silt.v1.QueryService/Query", R"({"text": "count words:failed"})"));
  ASSERT_EQ(count.status, 200U) << count.body;
  EXPECT_EQ(count.json().at("recordsMatched").as_string(), "20");
  const HttpReply asked = ask(testing::post_request("/silt.v1.AskService/Ask", R"({"question": "how many logins failed?"})"));
  EXPECT_EQ(asked.status, 200U);
  EXPECT_TRUE(asked.body.starts_with("{\"plan\":")) << asked.body;
  EXPECT_NE(asked.body.find("\"final\":"), std::string::npos) << asked.body;
}

TEST_F(Doors, ARecordIsShownInItsContext) {
  start_with_log();
  const auto search = [&](const std::string& what) {
    return ask(testing::post_request("/silt.v1.QueryService/Search", "{\"sources\": [\"host:*\"], " + what + "}"));
  };
  const HttpReply found = search(R"("seq": 10, "context": 2)");
  ASSERT_EQ(found.status, 200U) << found.body;
  const boost::json::value match = found.json().at("matches").at(0);
  EXPECT_EQ(match.at("record").at("seq").as_string(), "10");
  EXPECT_EQ(match.at("before").as_array().size(), 2U);
  EXPECT_EQ(match.at("before").at(0).at("seq").as_string(), "8");
  EXPECT_EQ(match.at("after").at(1).at("seq").as_string(), "12");
  EXPECT_EQ(search(R"("seq": 1, "context": 2)").json().at("matches").at(0).at("before").as_array().size(), 0U);
  EXPECT_EQ(search(R"("seq": 21)").status, 404U);
  EXPECT_EQ(search(R"("seq": "18446744073709551615", "context": 9)").status, 404U);
  EXPECT_EQ(search(R"("seq": 3, "pattern": "failed")").status, 400U);
  daemon_.write("other.log", "a line\n");
  ASSERT_TRUE(daemon_.has_learned("other.log", 1));
  EXPECT_EQ(search(R"("seq": 3)").status, 400U);  // of which source?
}

TEST_F(Doors, WhatChangesIsToldToWhoWatches) {
  const std::int64_t now_us = SystemClock().wall_us();
  const auto line = [&](int seconds_ago, const std::string& text) { return rfc3339_utc(now_us - seconds_ago * 1'000'000LL) + " app: " + text + "\n"; };
  std::string log;
  for (int i = 600; i > 0; --i) log += line(4 * i, "request " + std::to_string(i) + " served in 12 ms");
  daemon_.write("app.log", log);
  daemon_.start();
  ASSERT_TRUE(daemon_.has_learned("app.log", 600));
  const auto watch = [&](const std::string& body) { return ask(testing::post_request("/silt.v1.WatchService/Watch", body)).json(); };
  const boost::json::value first = watch("{}");
  daemon_.append("app.log", line(1, "pool exhausted, waiting") + line(0, "request 0 served in 12 ms"));
  // By a process each time: nobody may connect more than 200 times a second.
  ASSERT_TRUE(until([&] { return daemon_.silt({"watch", "--once", "--recent"}).exit_code == 0; }));
  const boost::json::value news = watch("{\"token\": " + boost::json::serialize(first.at("token")) + "}");
  ASSERT_EQ(news.at("incidents").as_array().size(), 1u) << boost::json::serialize(news);
  const boost::json::value cause = news.at("incidents").at(0).at("cause");
  EXPECT_EQ(cause.at("kind").as_string(), "new_pattern");
  EXPECT_EQ(cause.at("seq").as_string(), "601");
  EXPECT_NE(std::string(cause.at("text").as_string()).find("pool exhausted"), std::string::npos) << boost::json::serialize(cause);
  const Outcome shown = daemon_.silt({"watch", "--once", "--recent"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_NE(shown.out.find("app: pool exhausted, waiting\n"), std::string::npos) << shown.out;
  EXPECT_EQ(daemon_.silt({"watch", "--once"}).exit_code, 1);
  EXPECT_EQ(daemon_.silt({"watch", "--once", "--token", "rubbish"}).exit_code, 2);
}

TEST_F(Doors, AModelAsksThroughTools) {
  start_with_log();
  const auto call = [](int id, const std::string& tool, const std::string& arguments) {
    return R"({"jsonrpc": "2.0", "id": )" + std::to_string(id) + R"(, "method": "tools/call", "params": {"name": ")" + tool + R"(", "arguments": )" + arguments + "}}\n";
  };
  const std::vector<std::pair<std::string, std::string>> calls = {
      {"ask", R"({"question": "how many logins failed?"})"}, {"query", R"({"text": "count words:failed"})"},
      {"search", R"({"pattern": "failed", "limit": 3})"},    {"patterns", "{}"},
      {"sources", "{}"},                                     {"explain", "{\"source\": " + boost::json::serialize(boost::json::value(daemon_.source("auth.log"))) + ", \"seq\": 3}"},
      {"changes", "{}"},                                     {"digest", "{}"},
      {"search", R"({"words": "failed"})"}};
  std::string lines = "{\"jsonrpc\": \"2.0\", \"id\": 0, \"method\": \"tools/list\"}\n";
  for (std::size_t i = 0; i < calls.size(); ++i) lines += call(static_cast<int>(i) + 1, calls[i].first, calls[i].second);
  daemon_.write("calls", lines);
  const Outcome outcome = run({"/bin/sh", "-c", "exec \"$0\" --socket \"$1\" mcp <\"$2\"", SILT_BINARY, daemon_.path("query.sock"), daemon_.path("calls")});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  std::vector<boost::json::value> replies;
  std::istringstream text(outcome.out);
  for (std::string line; std::getline(text, line);) replies.push_back(boost::json::parse(line).at("result"));
  ASSERT_EQ(replies.size(), calls.size() + 1);
  EXPECT_EQ(replies[0].at("tools").as_array().size(), calls.size() - 1);
  for (std::size_t i = 1; i < replies.size() - 1; ++i) EXPECT_FALSE(replies[i].at("isError").as_bool()) << calls[i - 1].first << boost::json::serialize(replies[i]);
  EXPECT_EQ(replies[2].at("structuredContent").at("records_matched").as_int64(), 20);
  EXPECT_EQ(replies[3].at("structuredContent").at("matches").as_array().size(), 3U);  // of the 20 that it says there are
  EXPECT_EQ(replies[3].at("structuredContent").at("records_matched").as_int64(), 20);
  EXPECT_TRUE(replies.back().at("isError").as_bool());  // "words" is no argument
}

TEST_F(Doors, MetricsAndHealth) {
  start_with_log();
  const HttpReply metrics = ask(testing::get_request("/metrics"));
  ASSERT_EQ(metrics.status, 200U) << metrics.body;
  EXPECT_NE(metrics.body.find("silt_records_total{input=\"host\",kind=\"file\"} 20\n"), std::string::npos) << metrics.body;
  EXPECT_NE(metrics.body.find("silt_part_ready{part=\"learner\"} 1\n"), std::string::npos) << metrics.body;
  for (const char* path : {"/healthz", "/readyz"}) {
    const HttpReply health = ask(testing::get_request(path));
    EXPECT_EQ(health.status, 200U) << health.body;
    for (const char* part : {"store", "intake", "fold", "learner", "inputs"}) EXPECT_TRUE(health.json().at("parts").at(part).at("ok").as_bool()) << part;
  }
}

}  // namespace
}  // namespace silt::e2e
