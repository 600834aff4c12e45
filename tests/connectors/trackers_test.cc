// The trackers' dialects, against servers written from their public documentation: pages, refusals, answers that
// are cut, other time zones, edits.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "connectors/http/credential.h"
#include "connectors/tickets/adf.h"
#include "connectors/tickets/github.h"
#include "connectors/tickets/jira.h"
#include "connectors/tickets/redmine.h"
#include "connectors/tickets/request_tracker.h"
#include "connectors/tickets/ticket_connector.h"
#include "tests/connectors/journal_of.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace silt::connectors {
namespace {

using testing::HttpServer;
using testing::Request;
using testing::Response;

constexpr char kDate[] = "Date: Mon, 30 Nov 2026 12:00:00 GMT";  // the trackers' clock

// One that answers `handle`, now and then something bad before, and asks for the key.
class TrackersTest : public ::testing::Test {
 protected:
  using Make = Result<std::unique_ptr<TicketSource>> (*)(const TrackerOptions&);

  TrackersTest() { write_key("secret-7"); }
  ~TrackersTest() override { connector.reset(); }

  void write_key(const std::string& key, mode_t mode = 0600) {
    std::ofstream(dir.path("key")) << key << "\n";
    ::chmod(dir.path("key").c_str(), mode);
  }
  void start(Make make, const std::string& url, std::vector<std::string> queues = {}) {
    TrackerOptions options;
    options.http.url = url;
    options.credential = dir.path("key");
    options.queues = std::move(queues);
    auto source = make(options);
    ASSERT_TRUE(source.is_ok()) << source.status().to_string();
    TicketConnectorOptions tickets;
    tickets.place = "x";
    tickets.poll_ms = tickets.retry_first_ms = tickets.retry_last_ms = 1;
    connector = std::make_unique<TicketConnector>(tickets, std::move(source).value(), clock);
    journal.resume(*connector);
  }
  template <class Condition>
  bool until(const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      if (!journal.take(*connector)) std::this_thread::yield();
    }
    return true;
  }

  SystemClock clock;
  silt::testing::TempDir dir;
  Journal journal;
  std::unique_ptr<TicketConnector> connector;
};

Response ok(std::string body) {
  return {200, std::move(body), {kDate}, false};
}

// --- Jira ---------------------------------------------------------------------------------------------

std::string adf(const std::string& text) {
  return R"({"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":")" + text + R"("}]}]})";
}

// 230 issues, of which all were updated in two minutes; times in the account's zone, New York's.
struct JiraCloud {
  int calls = 0;
  std::vector<std::string> jql;
  std::string comment = "restarted it";

  Response answer(const Request& request) {
    ++calls;
    if (request.headers.at("authorization") != "Basic bWFpbEBleGFtcGxlLm9yZzpzZWNyZXQtNw==") return {401, "", {}, false};
    if (calls == 3) return {429, "", {"Retry-After: 0"}, false};
    if (calls == 5) return {503, "busy", {}, false};
    if (calls == 7) return {200, R"({"issues":[{"id":)", {kDate}, false};
    if (calls == 9) return {200, R"({"issues":[{"id":"1","fields":{}}]})", {kDate}, true};
    const std::string path = request.path();
    if (path == "/rest/api/2/serverInfo") return ok(R"({"deploymentType":"Cloud"})");
    if (path == "/rest/api/3/myself") return ok(R"({"timeZone":"America/New_York"})");
    if (path == "/rest/api/3/status") return ok(R"([{"name":"Done","statusCategory":{"key":"done"}},{"name":"To Do","statusCategory":{"key":"new"}}])");
    if (path == "/rest/api/3/search/jql") return list(request);
    const std::string id = path.substr(path.rfind('/') + 1);
    if (path.ends_with("/comment")) return ok(R"({"startAt":1,"total":2,"comments":[{"id":"m2","created":"2026-11-20T08:00:00.000-0500","author":{"displayName":"Lee"},"body":)" + adf("second page") + "}]}");
    return ok(R"({"id":")" + id + R"(","key":"OPS-)" + id + R"(","fields":{"summary":"Disk )" + id + R"(","description":)" + adf("full") +
              R"(,"status":{"name":"Done","statusCategory":{"key":"done"}},"priority":{"name":"High"},"assignee":null,"reporter":{"displayName":"Kim"},"creator":{"displayName":"Kim"},"project":{"key":"OPS","name":"Ops"},"created":"2026-11-20T07:00:00.000-0500","comment":{"total":2,"comments":[{"id":"m1","created":"2026-11-20T07:30:00.000-0500","author":{"displayName":"Lee"},"body":)" + adf(comment) +
              R"(}]}},"changelog":{"total":1,"histories":[{"id":"h1","created":"2026-11-20T09:00:00.000-0500","author":{"displayName":"Lee"},"items":[{"field":"status","fromString":"To Do","toString":"Done"}]}]}})");
  }

  // Pages of 100 by a token that names where the next one begins.
  Response list(const Request& request) {
    const std::size_t since_at = request.body.find("updated >= ");
    jql.push_back(request.body);
    const long long since_ms = since_at == std::string::npos ? 0 : std::stoll(request.body.substr(since_at + 11));
    const std::size_t token = request.body.find("\"nextPageToken\":\"");
    int skip = token == std::string::npos ? 0 : std::stoi(request.body.substr(token + 17));
    const int skipped = skip;
    std::string issues;
    int shown = 0;
    bool last = true;
    for (int i = 1; i <= 230; ++i) {
      const long long updated_ms = 1'795'176'000'000 + (i > 150 ? 60'000 : 0);  // 2026-11-20T12:00:00Z, and a minute later
      if (updated_ms < since_ms || skip-- > 0) continue;
      if (shown == 100) {
        last = false;
        break;
      }
      issues += (shown++ > 0 ? "," : "") + std::string(R"({"id":")") + std::to_string(i) + R"(","key":"OPS-)" + std::to_string(i) + R"(","fields":{"updated":")" +
                (i > 150 ? "2026-11-20T07:01:00.000-0500" : "2026-11-20T07:00:00.000-0500") + "\"}}";
    }
    return ok("{\"issues\":[" + issues + "],\"isLast\":" + (last ? "true" : "false") + (last ? "" : ",\"nextPageToken\":\"" + std::to_string(skipped + 100) + "\"") + "}");
  }
};

TEST_F(TrackersTest, JiraCloudPagesThroughRefusalsCutAnswersAndAnotherZone) {
  write_key("mail@example.org:secret-7");
  JiraCloud jira;
  HttpServer server([&](const Request& request) { return jira.answer(request); });
  start(make_jira, server.url(), {"OPS"});
  ASSERT_TRUE(until([&] { return journal.records.size() >= 230 * 4; })) << journal.records.size() << " " << connector->stats().last_error;
  for (const auto& [what, times] : journal.told()) EXPECT_EQ(times, 1) << what;
  const auto current = journal.current();
  ASSERT_EQ(current.size(), 230u * 4);
  const Kept& created = current.at("x:OPS-42/1");
  EXPECT_EQ(created.text, "Disk 42\nfull");
  EXPECT_EQ(created.told_us, 1'795'176'000'000'000);
  EXPECT_EQ(created.attributes.at("state"), "To Do");
  EXPECT_EQ(created.attributes.at("open"), "yes");
  EXPECT_EQ(current.at("x:OPS-42/2").text, "restarted it");
  EXPECT_EQ(current.at("x:OPS-42/3").text, "second page");
  EXPECT_EQ(current.at("x:OPS-42/4").text, "state changed from To Do to Done");
  EXPECT_EQ(current.at("x:OPS-42/4").attributes.at("open"), "no");
  EXPECT_NE(jira.jql.front().find("project in (\\\"OPS\\\")"), std::string::npos) << jira.jql.front();
}

// Data Center: pages by startAt, wiki text, a personal token, times that JQL takes as a distance from now. All 130
// issues were updated in one minute, more than a page has; while they are paged, one of the first is updated.
struct JiraDataCenter {
  std::vector<std::string> bodies;
  bool moved = false;

  Response answer(const Request& request) {
    if (request.headers.at("authorization") != "Bearer secret-7") return {401, "", {}, false};
    const std::string path = request.path();
    if (path == "/rest/api/2/serverInfo") return ok(R"({"deploymentType":"Server","version":"9.12.0"})");
    if (path == "/rest/api/2/myself") return ok(R"({"timeZone":"Asia/Tokyo"})");
    if (path == "/rest/api/2/status") return ok(R"([{"name":"Resolved","statusCategory":{"key":"done"}}])");
    if (path == "/rest/api/2/search") return list(request.body);
    if (!path.starts_with("/rest/api/2/issue/")) return {404, "", {}, false};
    const std::string id = path.substr(path.rfind('/') + 1);
    return ok(R"({"id":")" + id + R"(","key":"DC-)" + id + R"(","fields":{"summary":"Lag )" + id + R"(","description":"h2. Seen\n{code}timeout{code}","status":{"name":"Resolved","statusCategory":{"key":"done"}},"reporter":{"name":"kim"},"creator":{"name":"kim"},"project":{"key":"DC","name":"Dc"},"created":"2026-11-20T20:00:00.000+0900","comment":{"total":1,"comments":[{"id":"5","created":"2026-11-20T20:30:00.000+0900","author":{"name":"lee"},"body":"*bold* words"}]}},"changelog":{"total":0,"histories":[]}})");
  }

  Response list(const std::string& body) {
    bodies.push_back(body);
    const std::size_t at = body.find("\"startAt\":");
    const int start = std::stoi(body.substr(at + 10));
    std::vector<int> order;
    for (int i = 1; i <= 130; ++i) order.push_back(i);
    if (moved) std::rotate(order.begin(), order.begin() + 1, order.end());  // the first went to the end
    moved = true;
    std::string issues;
    for (int i = start; i < std::min<int>(start + 100, static_cast<int>(order.size())); ++i)
      issues += (issues.empty() ? "" : ",") + std::string(R"({"id":")") + std::to_string(order[static_cast<std::size_t>(i)]) + R"(","fields":{"updated":"2026-11-20T21:00:00.000+0900"}})";
    return ok(R"({"startAt":)" + std::to_string(start) + R"(,"total":130,"issues":[)" + issues + "]}");
  }
};

TEST_F(TrackersTest, JiraDataCenterPagesInsideOfOneMinute) {
  JiraDataCenter jira;
  HttpServer server([&](const Request& request) { return jira.answer(request); });
  start(make_jira, server.url(), {"DC"});
  ASSERT_TRUE(until([&] { return journal.records.size() >= 130 * 2; })) << journal.records.size() << " " << connector->stats().last_error;
  ASSERT_TRUE(until([&] { return jira.bodies.size() > 8; })) << connector->stats().last_error;
  for (const auto& [what, times] : journal.told()) EXPECT_EQ(times, 1) << what;
  const auto current = journal.current();
  ASSERT_EQ(current.size(), 130u * 2);
  EXPECT_EQ(current.at("x:DC-7/1").text, "Lag 7\nh2. Seen\n{code}timeout{code}");
  EXPECT_EQ(current.at("x:DC-7/1").told_us, 1'795'172'400'000'000);  // 11:00 UTC
  EXPECT_EQ(current.at("x:DC-7/2").text, "*bold* words");
  EXPECT_EQ(current.at("x:DC-7/2").attributes.at("author"), "lee");
  EXPECT_EQ(current.at("x:DC-7/2").attributes.at("open"), "no");
  EXPECT_EQ(jira.bodies.front().find("updated"), jira.bodies.front().find("updated ASC")) << "from the beginning: " << jira.bodies.front();
  const std::string& last = jira.bodies.back();
  EXPECT_NE(last.find("updated >= \\\"-"), std::string::npos) << "a distance from now: " << last;
}

TEST_F(TrackersTest, AnExpiredKeyIsSaidAndANewOneIsTakenWithoutARestart) {
  write_key("mail@example.org:expired");
  JiraCloud jira;
  jira.calls = 100;
  HttpServer server([&](const Request& request) { return jira.answer(request); });
  start(make_jira, server.url());
  ASSERT_TRUE(until([&] { return !connector->stats().last_error.empty(); }));
  const std::string error = connector->stats().last_error;
  EXPECT_NE(error.find("401"), std::string::npos) << error;
  EXPECT_NE(error.find(dir.path("key")), std::string::npos) << error;
  EXPECT_EQ(error.find("expired"), std::string::npos) << "the credential itself: " << error;
  write_key("mail@example.org:secret-7");
  EXPECT_TRUE(until([&] { return journal.records.size() >= 230 * 4; })) << connector->stats().last_error;
}

TEST_F(TrackersTest, AKeyThatOthersCanReadIsNotUsed) {
  write_key("secret-7", 0644);
  HttpServer server([&](const Request&) {
    ADD_FAILURE() << "it was sent";
    return ok("{}");
  });
  start(make_redmine, server.url());
  ASSERT_TRUE(until([&] { return !connector->stats().last_error.empty(); }));
  EXPECT_NE(connector->stats().last_error.find("chmod 600"), std::string::npos) << connector->stats().last_error;
}

// Of systemd's credentials an ACL lets the service's user read, which stat shows as a right of the group.
TEST(Credential, ThoseOfSystemdMayHaveAnAclAndFilesMayNot) {
  testing::TempDir dir;
  std::ofstream(dir.path("rt-token")) << "1-27-secret\nmore\n";
  ASSERT_EQ(::chmod(dir.path("rt-token").c_str(), 0440), 0);
  ASSERT_EQ(::setenv("CREDENTIALS_DIRECTORY", dir.path("").c_str(), 1), 0);
  const auto of_systemd = read_credential("rt-token");
  const auto missing = read_credential("other");
  ASSERT_EQ(::unsetenv("CREDENTIALS_DIRECTORY"), 0);
  ASSERT_TRUE(of_systemd.is_ok()) << of_systemd.status().message();
  EXPECT_EQ(*of_systemd, "1-27-secret");
  EXPECT_NE(missing.status().message().find("LoadCredential=other"), std::string::npos) << missing.status().message();
  EXPECT_EQ(read_credential(dir.path("rt-token")).status().code(), Code::kPermissionDenied);
}

TEST(Adf, IsTextWithoutItsForm) {
  const auto document = JsonDocument::parse(
      R"({"type":"doc","content":[{"type":"heading","content":[{"type":"text","text":"Steps"}]},{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"stop "},{"type":"mention","attrs":{"text":"@kim"}}]}]}]},{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]}]},{"type":"tableCell","content":[{"type":"paragraph","content":[{"type":"text","text":"b"}]}]}]}]},{"type":"codeBlock","content":[{"type":"text","text":"ls\n-l"}]}]})");
  ASSERT_TRUE(document.is_ok());
  EXPECT_EQ(adf_text(document->root()), "Steps\n- stop @kim\na | b\nls\n-l");
}

// --- Redmine ------------------------------------------------------------------------------------------

// Puma alone sends no Date: then the newest stamp tells the tracker's clock.
TEST_F(TrackersTest, WithoutADateOldTicketsAreReadOnce) {
  std::map<std::string, int> reads;
  std::vector<std::string> since;
  HttpServer server([&](const Request& request) {
    const std::string path = request.path();
    if (path == "/issues.json" && request.parameter("issue_id").empty()) {
      since.push_back(request.parameter("v[updated_on][]"));
      std::string issues;
      for (const char* const each : {"1 2026-11-20T12:00:00Z", "2 2026-11-20T12:05:00Z", "3 2026-11-20T12:10:00Z"}) {
        if (since.back() <= each + 2) issues += (issues.empty() ? "" : ",") + std::string(R"({"id":)") + each[0] + R"(,"updated_on":")" + (each + 2) + "\"}";
      }
      return Response{200, "{\"issues\":[" + issues + "]}", {}, false};
    }
    if (!path.starts_with("/issues/")) return Response{200, "{}", {}, false};
    ++reads[path];
    return Response{200, R"({"issue":{"id":1,"subject":"s","created_on":"2026-11-20T12:00:00Z"}})", {}, false};
  });
  start(make_redmine, server.url());
  ASSERT_TRUE(until([&] { return since.size() >= 8; })) << connector->stats().last_error;
  EXPECT_EQ(reads["/issues/1.json"], 1);
  EXPECT_EQ(reads["/issues/2.json"], 1);
  EXPECT_GE(reads["/issues/3.json"], 1) << "it may change within its second";
  EXPECT_EQ(since.back(), "2026-11-20T12:08:00Z");
  EXPECT_EQ(journal.records.size(), 3u);
}

// --- Request Tracker ----------------------------------------------------------------------------------

// Ticket 2 was merged into 1: RT answers for both as for 1, and has the transactions of 2 under 2.
struct Merged {
  static Response answer(const Request& request) {
    const std::string path = request.path();
    const std::string sql = request.parameter("query");
    if (path == "/REST/2.0/ticket/1" || path == "/REST/2.0/ticket/2") return ok(R"({"id":1,"Subject":"Disk full","Status":"open","Queue":{"id":"1"},"Owner":{"id":"kim"},"Requestor":[{"id":"ann"}]})");
    if (path == "/REST/2.0/queue/1") return ok(R"({"Name":"Ops"})");
    if (path.ends_with("/attachments")) return ok(path.find("/12/") != std::string::npos ? R"({"items":[{"Subject":"No room","ContentType":"text/plain","Content":"on db3"}]})" : R"({"items":[{"Subject":"Disk full","ContentType":"text/plain","Content":"on db1"}]})");
    if (path != "/REST/2.0/transactions") return ok("{}");
    if (sql.find("ObjectId=2") != std::string::npos) return ok(R"({"total":3,"items":[{"id":"12","Type":"Create","Created":"2026-11-20T12:00:00Z","Creator":{"id":"lee"},"ObjectId":"2"},{"id":"13","Type":"Status","OldValue":"new","NewValue":"open","Created":"2026-11-20T12:01:00Z","Creator":{"id":"kim"},"ObjectId":"2"},{"id":"14","Type":"AddLink","Field":"MergedInto","NewValue":"fsck.com-rt://example.org/ticket/1","Created":"2026-11-20T12:02:00Z","Creator":{"id":"kim"},"ObjectId":"2"}]})");
    if (sql.find("ObjectId=1") != std::string::npos) return ok(R"({"total":3,"items":[{"id":"11","Type":"Create","Created":"2026-11-20T11:00:00Z","Creator":{"id":"ann"},"ObjectId":"1"},{"id":"15","Type":"AddLink","Field":"MergedInto","NewValue":"fsck.com-rt://example.org/ticket/1","Created":"2026-11-20T12:02:00Z","Creator":{"id":"kim"},"ObjectId":"1"},{"id":"16","Type":"AddLink","Field":"RefersTo","NewValue":"fsck.com-rt://example.org/ticket/7","Created":"2026-11-20T12:03:00Z","Creator":{"id":"kim"},"ObjectId":"1"}]})");
    return ok(R"({"total":2,"items":[{"id":"11","Type":"Create","ObjectId":"1"},{"id":"12","Type":"Create","ObjectId":"2"},{"id":"14","Type":"AddLink","ObjectId":"2"},{"id":"16","Type":"AddLink","ObjectId":"1"}]})");
  }
};

TEST_F(TrackersTest, AMergedTicketOfRtStaysWhatItWas) {
  HttpServer server(&Merged::answer);
  start(make_request_tracker, server.url());
  ASSERT_TRUE(until([&] { return journal.records.size() >= 6; })) << connector->stats().last_error;
  const auto current = journal.current();
  ASSERT_EQ(current.size(), 6u);
  EXPECT_EQ(current.at("x:#1/1").text, "Disk full\non db1");
  EXPECT_EQ(current.at("x:#1/2").text, "link: another ticket was merged into this one");
  EXPECT_EQ(current.at("x:#1/3").text, "link: RefersTo #7");
  EXPECT_EQ(current.at("x:#1/3").attributes.at("open"), "yes");
  EXPECT_EQ(current.at("x:#2/1").text, "No room\non db3");
  EXPECT_EQ(current.at("x:#2/1").attributes.at("reporter"), "lee");
  const Kept& merged = current.at("x:#2/3");
  EXPECT_EQ(merged.text, "state changed from open to merged\nlink: merged into #1");
  EXPECT_EQ(merged.attributes.at("subject"), "No room");
  EXPECT_EQ(merged.attributes.at("state"), "merged");
  EXPECT_EQ(merged.attributes.at("open"), "no");
  EXPECT_FALSE(merged.attributes.contains("owner")) << "of the other ticket";
}

// A ticket of 25 comments, whose bodies come in two pages for all, or one by one where rows are hidden.
struct Bodies {
  bool hides = false;
  int calls = 0;

  Response answer(const Request& request) {
    const std::string path = request.path();
    if (path == "/REST/2.0/ticket/1") return ok(R"({"id":1,"Subject":"s","Status":"open","Queue":{"id":"1"}})");
    if (path == "/REST/2.0/queue/1") return ok(R"({"Name":"Ops"})");
    if (path.ends_with("/attachments")) return ++calls, attachments(request);
    if (path != "/REST/2.0/transactions") return ok("{}");
    std::string items;
    for (int i = 1; i <= 25; ++i)
      items += (i > 1 ? "," : "") + std::string(R"({"id":")") + std::to_string(i) + R"(","Type":"Comment","Created":"2026-11-20T12:00:00Z","ObjectId":"1"})";
    return ok(R"({"total":25,"items":[)" + items + "]}");
  }

  Response attachments(const Request& request) const {
    const std::string path = request.path();
    const bool all = path == "/REST/2.0/ticket/1/attachments";
    const std::string number = path.substr(22, path.find('/', 22) - 22);
    const int first = all ? (request.parameter("page") == "2" ? 21 : 1) : std::stoi(number);
    const int last = !all ? first : first == 1 ? 20 : 25;
    std::string items;
    for (int i = first; i <= last; ++i)
      items += (i > first ? "," : "") + std::string(R"({"TransactionId":")") + std::to_string(i) + R"(","ContentType":"text/plain","Filename":"","Content":"said )" + std::to_string(i) + "\"}";
    return ok((hides ? R"({"pages":null,"items":[)" : R"({"pages":2,"items":[)") + items + "]}");
  }
};

TEST_F(TrackersTest, RtIsAskedOnceForTheBodiesOfAPageOfComments) {
  for (const bool hides : {false, true}) {
    Bodies rt;
    rt.hides = hides;
    HttpServer server([&](const Request& request) { return rt.answer(request); });
    journal = {};
    start(make_request_tracker, server.url());
    ASSERT_TRUE(until([&] { return journal.records.size() == 25; })) << connector->stats().last_error;
    EXPECT_EQ(journal.current().at("x:#1/25").text, "said 25");
    connector.reset();
    EXPECT_EQ(rt.calls, hides ? 26 : 2);
  }
}

// --- GitHub -------------------------------------------------------------------------------------------

struct GitHubApi {
  std::string base;
  int calls = 0, lists = 0, not_modified = 0, limited = 0;
  bool renamed = false;

  Response answer(const Request& request) {
    ++calls;
    if (request.headers.at("authorization") != "Bearer secret-7") return {401, "", {}, false};
    if (calls == 2) return limited++, Response{403, "secondary", {"Retry-After: 0"}, false};
    if (calls == 4) return limited++, Response{403, "primary", {"x-ratelimit-remaining: 0", "x-ratelimit-reset: 1", kDate}, false};
    const std::string path = request.path();
    if (path == "/repos/a/b") return ok("{}");
    if (path == "/repos/a/b/issues") return list(request);
    const std::string number = path.substr(18, path.find('/', 18) - 18);
    if (path.ends_with("/comments")) {
      if (request.parameter("page") == "2") return ok(R"([{"id":2,"created_at":"2026-11-20T12:10:00Z","user":{"login":"lee"},"body":"page two"}])");
      return {200, R"([{"id":1,"created_at":"2026-11-20T12:05:00Z","user":{"login":"lee"},"body":"me, too"}])", {kDate, "Link: <" + base + path + "?page=2>; rel=\"next\""}, false};
    }
    if (path.ends_with("/events")) return ok(R"([{"id":9,"event":"closed","created_at":"2026-11-20T12:20:00Z","actor":{"login":"kim"}},{"id":10,"event":"subscribed","created_at":"2026-11-20T12:21:00Z","actor":{"login":"kim"}}])");
    return ok(R"({"number":)" + number + R"(,"repository_url":")" + base + R"(/repos/a/b","title":"Crash )" + number + R"(","state":"closed","user":{"login":"ann"},"assignee":{"login":"kim"},"created_at":"2026-11-20T12:00:00Z","comments":2,"body":"it crashes"})");
  }

  Response list(const Request& request) {
    ++lists;
    const std::string page = request.parameter("page");
    if (page.empty() && request.headers.contains("if-none-match") && request.headers.at("if-none-match") == "\"e1\"" ) {
      ++not_modified;
      return {304, "", {kDate}, false};
    }
    const bool second = page == "2";
    std::string items;
    for (int i = second ? 4 : 1; i <= (second ? 5 : 3); ++i)
      items += (items.empty() ? "" : ",") + std::string("{\"number\":") + std::to_string(i) + ",\"updated_at\":\"2026-11-20T12:30:00Z\"" + (i == 5 ? ",\"pull_request\":{}" : "") + "}";
    Response out = ok("[" + items + "]");
    if (request.parameter("since") > "2026-11-20T12:30:00Z") out.body = "[]";
    else if (!second) out.headers.push_back("Link: <" + base + "/repos/a/b/issues?page=2>; rel=\"next\"");
    if (page.empty()) out.headers.push_back("ETag: \"e1\"");
    return out;
  }
};

TEST_F(TrackersTest, GitHubFollowsLinksAndWaitsAsItIsTold) {
  GitHubApi api;
  HttpServer server([&](const Request& request) { return api.answer(request); });
  api.base = server.url();
  start(make_github, server.url(), {"a/b"});
  ASSERT_TRUE(until([&] { return journal.records.size() >= 16; })) << connector->stats().last_error;
  ASSERT_TRUE(until([&] { return api.lists > 8; }));
  EXPECT_EQ(api.limited, 2);
  EXPECT_EQ(journal.records.size(), 16u) << "four issues, and no pull request";
  const auto current = journal.current();
  EXPECT_EQ(current.at("x:a/b#3/1").text, "Crash 3\nit crashes");
  EXPECT_EQ(current.at("x:a/b#3/3").text, "page two");
  EXPECT_EQ(current.at("x:a/b#3/4").text, "state changed from open to closed");
  EXPECT_EQ(current.at("x:a/b#3/4").attributes.at("author"), "kim");
  EXPECT_EQ(current.at("x:a/b#3/4").attributes.at("open"), "no");
}

// --- the way there ------------------------------------------------------------------------------------

TEST(HttpClient, ARedirectToAnotherHostGetsNoCredential) {
  HttpServer other([](const Request& request) {
    EXPECT_FALSE(request.headers.contains("authorization")) << "the credential left";
    return ok("{}");
  });
  HttpServer server([&](const Request& request) {
    if (request.path() == "/here") return Response{302, "", {"Location: /there"}, false};
    if (request.path() == "/there") return ok("arrived");
    return Response{302, "", {"Location: " + other.url() + "/x"}, false};
  });
  auto client = HttpClient::create({.url = server.url()});
  ASSERT_TRUE(client.is_ok());
  const auto away = (*client)->send({"/away", {"Authorization: Bearer secret"}, ""});
  EXPECT_EQ(away.status().code(), Code::kFailedPrecondition) << away.status().to_string();
  EXPECT_EQ(other.connections(), 0);
  const auto within = (*client)->send({"/here", {"Authorization: Bearer secret"}, ""});
  ASSERT_TRUE(within.is_ok()) << within.status().to_string();
  EXPECT_EQ(within->body, "arrived");
  EXPECT_EQ(server.connections(), 1) << "a connection is kept";
}

TEST(HttpClient, BoundsWhatItTakesAndIsCancelled) {
  HttpServer server([](const Request&) { return ok(std::string(1 << 20, 'x')); });
  auto client = HttpClient::create({.url = server.url(), .body_bytes_max = 1000});
  EXPECT_EQ((*client)->send({"/", {}, ""}).status().code(), Code::kResourceExhausted);
  (*client)->cancel();
  EXPECT_EQ((*client)->send({"/", {}, ""}).status().code(), Code::kCancelled);
}

TEST(HttpClient, SendsNothingInTheClear) {
  EXPECT_EQ(HttpClient::create({.url = "http://tracker.example.org"}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(HttpClient::create({.url = "https://kim:pass@tracker.example.org"}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(HttpClient::create({.url = "file:///etc/passwd"}).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(HttpClient::create({.url = "https://tracker.example.org/rt/"}).is_ok());
}

}  // namespace
}  // namespace silt::connectors
