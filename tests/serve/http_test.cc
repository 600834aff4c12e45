// The HTTP door over its real sockets, with a real HTTP client, and with bytes that are no HTTP.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "base/log.h"
#include "daemon/serve/method.h"
#include "tests/serve/fakes.h"
#include "tests/support/http_client.h"

namespace silt::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace json = boost::json;
using boost::system::error_code;
using testing::UnixStream;
using beast::http::field;

using Request = testing::HttpRequest;
using Reply = testing::HttpReply;
using testing::round_trip;
using testing::get_request;
using testing::post_request;

class HttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    options_.socket = dir_.path("query.sock");
    options_.admin_socket = dir_.path("admin.sock");
    options_.http_socket = dir_.path("http.sock");
  }
  void start() {
    ServerDependencies dependencies = parts_.dependencies();
    dependencies.fill_status = [this](const access::Tenants&, silt::v1::GetStatusResponse& status) { status = status_; };
    dependencies.health = [this] { return health_; };
    Result<std::unique_ptr<Server>> server = Server::start(dependencies, options_);
    ASSERT_TRUE(server.is_ok()) << server.status().to_string();
    server_ = std::move(*server);
  }
  UnixStream connect() { return testing::connect_unix(io_, options_.http_socket); }
  static std::string ask_path() { return "/silt.v1.AskService/Ask"; }

  Reply post(const std::string& path, const std::string& body, const std::string& type = "application/json") {
    UnixStream stream = connect();
    return round_trip(stream, post_request(path, body, type));
  }
  Reply get(const std::string& path) {
    UnixStream stream = connect();
    return round_trip(stream, get_request(path));
  }
  // What comes back for bytes that need not be a request, until the server closes.
  std::string raw(const std::string& bytes) {
    UnixStream stream = connect();
    error_code ignored;
    asio::write(stream, asio::buffer(bytes), ignored);
    stream.shutdown(UnixStream::shutdown_send, ignored);
    std::string reply;
    asio::read(stream, asio::dynamic_buffer(reply), ignored);
    return reply;
  }

  testing::TempDir dir_;
  ServerOptions options_;
  FakeParts parts_;
  silt::v1::GetStatusResponse status_;
  Health health_;
  asio::io_context io_;
  std::unique_ptr<Server> server_;
};

std::string envelope(const std::string& text) {
  return std::string("\0\0\0\0", 4) + static_cast<char>(text.size()) + text;
}

TEST_F(HttpTest, AUnaryMethodTakesAndGivesJson) {
  start();
  const Reply reply = post("/silt.v1.QueryService/Query", R"({"text": "count words:failed"})");
  EXPECT_EQ(reply.status, 200U) << reply.body;
  EXPECT_EQ(reply.type, "application/json");
  EXPECT_EQ(reply.json().at("text").as_string(), "count words:failed");
  EXPECT_EQ(reply.json().at("recordsMatched").as_string(), "0");  // a count of 0 is there
  const Reply typed = post("/silt.v1.QueryService/Query", R"({})", "application/json; charset=utf-8");
  EXPECT_EQ(typed.status, 200U) << typed.body;
}

TEST_F(HttpTest, AUnaryMethodTakesAndGivesProtobuf) {
  start();
  silt::v1::QueryRequest request;
  request.set_text("count");
  const Reply reply = post("/silt.v1.QueryService/Query", request.SerializeAsString(), "application/proto");
  silt::v1::QueryResponse response;
  EXPECT_EQ(reply.type, "application/proto");
  ASSERT_TRUE(response.ParseFromString(reply.body));
  EXPECT_EQ(response.text(), "count");
}

TEST_F(HttpTest, AStreamIsALineOfJsonForEachMessage) {
  start();
  const Reply reply = post(ask_path(), R"({"question": "who?"})");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.type, "application/x-ndjson");
  std::vector<json::value> lines;
  std::istringstream text(reply.body);
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  ASSERT_EQ(lines.size(), 4U) << reply.body;
  EXPECT_EQ(lines[0].at("plan").at("kind").as_string(), "find");
  EXPECT_EQ(lines[3].at("final").at("answer").as_string(), "answer to who?");
}

TEST_F(HttpTest, AStreamInEnvelopesEndsWithItsEnd) {
  start();
  const Reply reply = post(ask_path(), envelope(R"({"question": "who?"})"), "application/connect+json");
  EXPECT_EQ(reply.type, "application/connect+json");
  std::vector<std::pair<int, std::string>> messages;
  for (std::size_t at = 0; at + 5 <= reply.body.size();) {
    const auto size = static_cast<unsigned char>(reply.body[at + 3]) * 256U + static_cast<unsigned char>(reply.body[at + 4]);
    messages.emplace_back(reply.body[at], reply.body.substr(at + 5, size));
    at += 5 + size;
  }
  ASSERT_EQ(messages.size(), 5U);
  EXPECT_EQ(messages[0].first, 0);
  EXPECT_EQ(json::parse(messages[3].second).at("final").at("answer").as_string(), "answer to who?");
  EXPECT_EQ(messages[4], std::make_pair(2, std::string("{}")));

  const Reply failed = post(ask_path(), envelope(R"({"question": " "})"), "application/connect+json");
  EXPECT_EQ(failed.status, 200U);  // as Connect has it: the end says how it ended
  EXPECT_EQ(failed.body[0], 2);
  EXPECT_EQ(json::parse(failed.body.substr(5)).at("error").at("code").as_string(), "invalid_argument");
}

TEST_F(HttpTest, ErrorsHaveACodeAMessageAndAStatus) {
  start();
  const Reply empty = post(ask_path(), R"({"question": " "})");
  EXPECT_EQ(empty.status, 400U);
  EXPECT_EQ(empty.json().at("code").as_string(), "invalid_argument");
  EXPECT_EQ(empty.json().at("message").as_string(), "the question is empty");
  const Reply absent = post("/silt.v1.AskService/Explain", R"({"source": "absent", "seq": 3})");
  EXPECT_EQ(absent.status, 404U);
  const Reply broken = post(ask_path(), R"({"question": "broken"})");
  EXPECT_EQ(broken.status, 500U);
  EXPECT_EQ(broken.body.find("hunter2"), std::string::npos) << broken.body;
}

TEST_F(HttpTest, RefusesWhatIsNoRequestOfTheMethod) {
  start();
  const std::string query = "/silt.v1.QueryService/Query";
  EXPECT_EQ(post(query, "{").status, 400U);
  EXPECT_EQ(post(query, "").status, 400U);
  EXPECT_EQ(post(query, "[1]").status, 400U);
  const Reply slip = post(query, R"({"text": "count", "sinse": "09:00"})");
  EXPECT_EQ(slip.status, 400U);
  EXPECT_NE(slip.body.find("sinse"), std::string::npos) << slip.body;
  EXPECT_EQ(post(query, R"({"text": ")" "\xff\xfe" R"("})").status, 400U);
  EXPECT_EQ(post(query, std::string(100'000, '[')).status, 400U);
  EXPECT_EQ(post(query, R"({"query": )" + std::string(100'000, '{') + "}").status, 400U);
  EXPECT_EQ(post(query, "\x08\x80", "application/proto").status, 400U);
  EXPECT_EQ(post(query, "text=count", "application/x-www-form-urlencoded").status, 415U);  // what a form could send
  EXPECT_EQ(post(query, "{}", "text/plain").status, 415U);
  EXPECT_EQ(post(query, "{}", "").status, 415U);
  for (const std::string body : {std::string(), std::string("\0\0\0\0", 4), std::string("\1\0\0\0\2{}", 7), std::string("\0\xff\xff\xff\xff{}", 7)}) {
    const Reply reply = post(ask_path(), body, "application/connect+json");
    EXPECT_NE(reply.body.find("invalid_argument"), std::string::npos) << reply.body;
  }
}

TEST_F(HttpTest, PathsAndMethodsThatAreNotThere) {
  start();
  EXPECT_EQ(post("/silt.v1.QueryService/Nothing", "{}").status, 404U);
  EXPECT_EQ(get("/../etc/passwd").status, 404U);
  const Reply wrong = get("/silt.v1.QueryService/Query");
  EXPECT_EQ(wrong.status, 405U);
  EXPECT_EQ(wrong.headers[field::allow], "POST");
  EXPECT_EQ(wrong.body, "this path is asked by POST\n");  // not JSON: Connect has no code for it
  EXPECT_EQ(post("/metrics", "{}").status, 405U);
}

TEST_F(HttpTest, EveryMethodIsThereWithTheRightsOfItsCaller) {
  start();
  for (const Method& method : methods()) {
    const Reply reply = post(std::string(method.path), "{}");
    EXPECT_TRUE(reply.status != 404U || reply.body.find("nothing at this path") == std::string::npos) << method.path << reply.body;
    EXPECT_NE(reply.status, 401U) << method.path;
    EXPECT_NE(reply.status, 403U) << method.path;  // the test's user is siltd's own
  }
}

TEST_F(HttpTest, TheDescriptionHasEveryMethodAndNoLooseEnd) {
  start();
  const Reply reply = get("/openapi.json");
  const json::value document = reply.json();
  for (const Method& method : methods()) EXPECT_TRUE(document.at("paths").as_object().contains(method.path)) << method.path;
  const std::string reference = "\"#/components/schemas/";
  for (std::size_t at = 0; (at = reply.body.find(reference, at)) != std::string::npos;) {
    at += reference.size();
    const std::string name = reply.body.substr(at, reply.body.find('"', at) - at);
    EXPECT_TRUE(document.at("components").at("schemas").as_object().contains(name)) << name;
  }
  EXPECT_EQ(document.at("components").at("schemas").at("silt.v1.Citation").at("properties").at("time").at("format").as_string(), "date-time");
}

TEST_F(HttpTest, OnLoopbackWithoutACredentialOnlyHealthIsTold) {
  options_.http_listen = "127.0.0.1:0";
  health_.parts = {{.name = "store", .state = "open"}};
  start();
  const auto over_tcp = [&](const Request& request) {
    asio::ip::tcp::socket stream(io_);
    stream.connect({asio::ip::make_address("127.0.0.1"), server_->http_port()});
    return round_trip(stream, request);
  };
  EXPECT_EQ(over_tcp(get_request("/healthz")).status, 200U);
  EXPECT_EQ(over_tcp(get_request("/metrics")).status, 401U);
  for (const Method& method : methods()) {
    const Reply reply = over_tcp(post_request(std::string(method.path), "{}"));
    EXPECT_EQ(reply.status, 401U) << method.path << reply.body;
  }
}

TEST_F(HttpTest, ATokenSaysWhoAsks) {
  options_.http_listen = "127.0.0.1:0";
  start();
  const std::string token = parts_.tokens.make("default", {access::Right::kAsk});
  const auto asked = [&](const std::string& authorization, const std::string& path) {
    asio::ip::tcp::socket stream(io_);
    stream.connect({asio::ip::make_address("127.0.0.1"), server_->http_port()});
    Request request = post_request(path, "{}");
    request.set(field::authorization, authorization);
    return round_trip(stream, request).status;
  };
  const std::string list = "/silt.v1.SourceService/ListSources";
  EXPECT_EQ(asked("Bearer " + token, list), 200U);
  EXPECT_EQ(asked("Bearer " + token, "/silt.v1.AuditService/ListAudit"), 403U);
  EXPECT_EQ(asked("Bearer " + token + "0", list), 401U);
  EXPECT_EQ(asked("Basic eDp5", list), 401U);
  ASSERT_TRUE(parts_.tokens.tokens->revoke("default", parts_.tokens.tokens->list()[0].id).is_ok());
  EXPECT_EQ(asked("Bearer " + token, list), 401U);
}

TEST_F(HttpTest, ListensOnLoopbackAlone) {
  for (const char* address : {"0.0.0.0:0", "192.0.2.1:80", "127.0.0.1", "127.0.0.1:99999", "localhost:1", "[::]:0", "x:1"}) {
    options_.http_listen = address;
    const auto server = Server::start(parts_.dependencies(), options_);
    ASSERT_FALSE(server.is_ok()) << address;
    EXPECT_NE(server.status().message().find("loopback"), std::string::npos) << server.status().message();
  }
}

TEST_F(HttpTest, RefusesWhatABrowserSendsForAnotherSite) {
  start();
  const auto with = [&](field name, const std::string& value) {
    Request request = post_request("/silt.v1.QueryService/Query", "{}");
    request.set(name, value);
    UnixStream stream = connect();
    return round_trip(stream, request).status;
  };
  EXPECT_EQ(with(field::host, "localhost:8484"), 200U);
  EXPECT_EQ(with(field::host, "[::1]:8484"), 200U);
  EXPECT_EQ(with(field::host, "evil.example:8484"), 403U);  // its name was made to resolve to here
  EXPECT_EQ(with(field::host, "localhost.evil.example"), 403U);
  EXPECT_EQ(with(field::origin, "http://silt"), 200U);
  EXPECT_EQ(with(field::origin, "http://evil.example"), 403U);
  EXPECT_EQ(with(field::origin, "null"), 403U);
}

TEST_F(HttpTest, EveryReplyForbidsWhatAPageNeedNotDo) {
  start();
  for (const Reply& reply : {get("/healthz"), get("/absent"), post("/silt.v1.QueryService/Query", "{}")}) {
    EXPECT_TRUE(std::string(reply.headers["Content-Security-Policy"]).starts_with("default-src 'none'"));
    EXPECT_EQ(reply.headers["X-Content-Type-Options"], "nosniff");
    EXPECT_EQ(reply.headers[field::access_control_allow_origin], "");
  }
}

TEST_F(HttpTest, LargeAndBrokenRequestsEndTheirConnectionAlone) {
  start();
  const std::string head = "POST /silt.v1.QueryService/Query HTTP/1.1\r\nHost: silt\r\nContent-Type: application/json\r\n";
  EXPECT_NE(raw(head + "Content-Length: 99999999999\r\n\r\n{}").find("HTTP/1.1 413"), std::string::npos);
  EXPECT_NE(raw(head + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + std::string(0x200000, 'x') + "\r\n0\r\n\r\n").find("HTTP/1.1 413"), std::string::npos);
  EXPECT_NE(raw(head + "X: " + std::string(9000, 'x') + "\r\n\r\n").find("HTTP/1.1 431"), std::string::npos);
  EXPECT_NE(raw("\x16\x03\x01\x02\r\n\r\n").find("HTTP/1.1 400"), std::string::npos);
  EXPECT_NE(raw("GET / HTTP/9.9\r\n\r\n").find("HTTP/1.1 400"), std::string::npos);
  EXPECT_NE(raw(head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}").find("HTTP/1.1 400"), std::string::npos);
  EXPECT_NE(raw("GET /healthz HTTP/1.1\r\nHost: silt\r\nHost: evil.example\r\n\r\n").find("HTTP/1.1 400"), std::string::npos);
  EXPECT_EQ(raw("GET /healthz HT"), "");
  EXPECT_EQ(raw(""), "");
  EXPECT_EQ(get("/healthz").status, 200U);
}

TEST_F(HttpTest, AConnectionIsUsedAgain) {
  start();
  UnixStream stream = connect();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(round_trip(stream, get_request("/healthz")).status, 200U);
    EXPECT_EQ(round_trip(stream, post_request(ask_path(), R"({"question": "who?"})")).status, 200U);
  }
  // Two requests at once are answered in turn.
  std::ostringstream both;
  both << get_request("/healthz") << post_request("/silt.v1.QueryService/Query", "{}");
  asio::write(stream, asio::buffer(both.str()));
  beast::flat_buffer buffer;
  for (const std::string expected : {"parts", "recordsMatched"}) {
    beast::http::response<beast::http::string_body> response;
    beast::http::read(stream, buffer, response);
    EXPECT_NE(response.body().find(expected), std::string::npos) << response.body();
  }
}

TEST_F(HttpTest, AClientThatLeavesCancelsItsQuestion) {
  start();
  {
    UnixStream stream = connect();
    beast::http::write(stream, post_request(ask_path(), R"({"question": "hold"})"));
    parts_.answerer.wait_until_held(1);
  }
  parts_.answerer.wait_until_released();
}

TEST_F(HttpTest, ADeadlineEndsTheWork) {
  start();
  Request request = post_request(ask_path(), R"({"question": "hold"})");
  request.set("Connect-Timeout-Ms", "50");
  UnixStream stream = connect();
  const Reply reply = round_trip(stream, request);
  EXPECT_EQ(reply.status, 504U);
  EXPECT_EQ(reply.json().at("code").as_string(), "deadline_exceeded");
  parts_.answerer.wait_until_released();
  request.set("Connect-Timeout-Ms", "soon");
  EXPECT_EQ(round_trip(stream, request).status, 400U);
}

TEST_F(HttpTest, AFullQueueIsRefusedWithARetryHint) {
  options_.reader_threads = 1;
  options_.queue_max = 1;
  start();
  std::vector<UnixStream> held;
  for (int i = 0; i < 2; ++i) {
    held.push_back(connect());
    beast::http::write(held.back(), post_request(ask_path(), R"({"question": "hold"})"));
    if (i == 0) parts_.answerer.wait_until_held(1);
  }
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  Reply reply;
  do {  // the second may not have come to its queue yet
    Request request = post_request(ask_path(), R"({"question": "hold"})");
    request.set("Connect-Timeout-Ms", "20");
    UnixStream stream = connect();
    reply = round_trip(stream, request);
  } while (reply.status != 429U && std::chrono::steady_clock::now() < limit);
  EXPECT_EQ(reply.status, 429U) << reply.body;
  EXPECT_EQ(reply.headers[field::retry_after], "1");
  EXPECT_EQ(post("/silt.v1.DaemonService/GetStatus", "{}").status, 200U);
}

TEST_F(HttpTest, StopFinishesCallsWithAReply) {
  start();
  UnixStream stream = connect();
  beast::http::write(stream, post_request(ask_path(), R"({"question": "hold"})"));
  parts_.answerer.wait_until_held(1);
  UnixStream silent = connect();  // keeps nobody
  server_->stop();
  beast::flat_buffer buffer;
  beast::http::response<beast::http::string_body> response;
  beast::http::read(stream, buffer, response);
  EXPECT_EQ(response.result_int(), 503U);
  EXPECT_NE(response.body().find("siltd is stopping"), std::string::npos) << response.body();
}

TEST_F(HttpTest, HealthTellsThePartsApart) {
  health_.parts = {{.name = "store", .state = "open"},
                   {.name = "learner", .ready = false, .state = "paused", .detail = "the disk is full"},
                   {.name = "inputs", .ready = false, .decides = false, .state = "failing"}};
  start();
  EXPECT_EQ(get("/healthz").status, 200U);
  const Reply ready = get("/readyz");
  EXPECT_EQ(ready.status, 503U);
  EXPECT_EQ(ready.json().at("parts").at("store").at("ok").as_bool(), true);
  EXPECT_EQ(ready.json().at("parts").at("learner").at("detail").as_string(), "the disk is full");
  EXPECT_EQ(get("/readyz/store").status, 200U);
  EXPECT_EQ(get("/readyz/learner").status, 503U);
  EXPECT_EQ(get("/readyz/inputs").status, 503U);
  EXPECT_EQ(get("/readyz/heart").status, 404U);
  health_.parts[1].ready = true;
  EXPECT_EQ(get("/readyz").status, 200U);  // an input that fails does not decide
  health_.parts[1].alive = false;
  EXPECT_EQ(get("/healthz").status, 503U);
}

}  // namespace
}  // namespace silt::serve
