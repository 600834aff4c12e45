// What reaches a destination, over real sockets, and what is made of its answers.
#include "daemon/outbox/destination.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/escape.h"
#include "tests/support/http_server.h"
#include "tests/support/smtp_server.h"
#include "tests/support/temp_dir.h"

namespace silt::outbox {
namespace {

using testing::HttpServer;
using testing::Request;
using testing::Response;

const Message kMessage{"b.7", "[silt db3] louder in a.log", "a line\n", R"({"id":"b.7"})"};

class DestinationTest : public ::testing::Test {
 protected:
  std::string credential(const std::string& secret, mode_t mode = 0600) {
    const std::string path = dir_.path("secret");
    std::ofstream(path) << secret << "\n";
    ::chmod(path.c_str(), mode);
    return path;
  }
  static Sent send(const DestinationOptions& options, const Message& message = kMessage) {
    auto made = make_destination(options);
    if (!made.is_ok()) return {made.status()};
    return (*made)->send(message);
  }
  // What a webhook makes of such an answer.
  static Sent answered(int status, std::vector<std::string> headers = {}) {
    HttpServer server([&](const Request&) { return Response{status, "no", headers, false}; });
    return send({.name = "w", .url = server.url() + "/hook"});
  }
  testing::TempDir dir_;
};

TEST_F(DestinationTest, AWebhookGetsTheJsonAndItsToken) {
  Request got;
  HttpServer server([&](const Request& request) { return got = request, Response{204, "", {}, false}; });
  ASSERT_TRUE(send({.name = "w", .url = server.url() + "/hooks/silt", .credential = credential("s3cret")}).status.is_ok());
  EXPECT_EQ(got.method + " " + got.target, "POST /hooks/silt");
  EXPECT_EQ(got.body, kMessage.json);
  EXPECT_EQ(got.headers["authorization"], "Bearer s3cret");
  EXPECT_EQ(got.headers["idempotency-key"], "b.7");
  EXPECT_EQ(got.headers["content-type"], "application/json");
}

TEST_F(DestinationTest, AChatGetsATextInWhichNothingOfALogTakesEffect) {
  Request got;
  HttpServer server([&](const Request& request) { return got = request, Response{200, "ok", {}, false}; });
  Message message = kMessage;
  message.text = "``` <!channel> @here <https://evil.example|click>\n";
  ASSERT_TRUE(send({.name = "c", .shape = Shape::kChat, .url = server.url() + "/services/", .credential = credential("T0/B0/xyz")}, message).status.is_ok());
  EXPECT_EQ(got.target, "/services/T0/B0/xyz");
  EXPECT_TRUE(got.body.starts_with("{\"text\":\"```\\n[silt db3]")) << got.body;
  EXPECT_TRUE(got.body.ends_with("\\n```\"}")) << got.body;
  EXPECT_EQ(got.body.find_first_of("<>"), std::string::npos) << got.body;
  EXPECT_EQ(got.body.find("```", got.body.find("```") + 3), got.body.rfind("```")) << "the block ends where it should";
  EXPECT_FALSE(got.headers.contains("authorization"));
}

TEST_F(DestinationTest, AnAnswerDecidesWhetherItIsSentAgain) {
  for (const int status : {400, 413, 422}) EXPECT_EQ(answered(status).status.code(), Code::kInvalidArgument) << status;
  for (const int status : {401, 403, 404, 408, 429, 500, 502, 503}) {
    const Status said = answered(status).status;
    EXPECT_FALSE(said.is_ok()) << status;
    EXPECT_NE(said.code(), Code::kInvalidArgument) << status;
    EXPECT_NE(said.message().find("sent again"), std::string::npos) << said.message();
  }
  EXPECT_EQ(answered(503, {"Retry-After: 7"}).retry_after_us, 7'000'000);
  EXPECT_EQ(answered(429, {"Retry-After: 999999"}).retry_after_us, 3'600'000'000) << "not for ever";
  EXPECT_EQ(answered(429, {"Retry-After: tomorrow"}).retry_after_us, 0);
}

TEST_F(DestinationTest, ASecretIsInNoMessageAndNotTakenFromAFileThatOthersRead) {
  HttpServer server([&](const Request&) { return Response{403, "no", {}, false}; });
  const std::string url = server.url();
  for (const Shape shape : {Shape::kWebhook, Shape::kChat}) {
    const Status refused = send({.name = "c", .shape = shape, .url = url + "/", .credential = credential("T0-hidden")}).status;
    EXPECT_EQ(refused.code(), Code::kPermissionDenied);
    EXPECT_EQ(refused.message().find("hidden"), std::string::npos) << refused.message();
  }
  const Status open = send({.name = "c", .url = url, .credential = credential("T0-hidden", 0644)}).status;
  EXPECT_EQ(open.code(), Code::kPermissionDenied);
  EXPECT_NE(open.message().find("chmod 600"), std::string::npos) << open.message();
  EXPECT_EQ(make_destination({.name = "c", .url = "http://127.example.org/"}).status().code(), Code::kInvalidArgument) << "a name of another host";
  EXPECT_EQ(make_destination({.name = "c", .url = "http://hooks.example.org/"}).status().code(), Code::kInvalidArgument) << "in the clear";
}

TEST_F(DestinationTest, AMailReachesAllItsReaders) {
  testing::Mail got;
  testing::SmtpServer server([&](const testing::Mail& mail) { return got = mail, std::string("250 taken"); },
                             base64(std::string("\0eli\0pass:word", 14)));
  Message message = kMessage;
  message.title += "\r\nBcc: everybody@example.org";
  message.text = "Grüße\r\n.\r\nMAIL FROM:<evil@example.org>\n";
  const DestinationOptions options{.name = "m", .shape = Shape::kMail, .url = server.url(), .to = {"a@example.org", "b@example.org"},
                                   .from = "silt@db3.example.org", .credential = credential("eli:pass:word")};
  const Status sent = send(options, message).status;
  ASSERT_TRUE(sent.is_ok()) << sent.message();
  EXPECT_EQ(got.from, "silt@db3.example.org");
  EXPECT_EQ(got.to, (std::vector<std::string>{"a@example.org", "b@example.org"}));
  EXPECT_NE(got.body.find("\r\nMessage-ID: <b.7@db3.example.org>\r\n"), std::string::npos) << got.body;
  EXPECT_EQ(got.body.find("Bcc"), std::string::npos);
  const std::string text = got.body.substr(got.body.find("\r\n\r\n") + 4);
  EXPECT_EQ(text, base64(message.text) + "\r\n");
}

TEST_F(DestinationTest, WhatAMailServerSaysDecidesWhetherItIsSentAgain) {
  std::string says;
  testing::SmtpServer server([&](const testing::Mail&) { return says; });
  DestinationOptions options{.name = "m", .shape = Shape::kMail, .url = server.url(), .to = {"a@example.org"}, .from = "silt@db3"};
  says = "451 later";
  EXPECT_EQ(send(options).status.code(), Code::kUnavailable);
  says = "554 spam";
  EXPECT_EQ(send(options).status.code(), Code::kInvalidArgument);
  options.url = "smtp://127.0.0.1:1";
  EXPECT_EQ(send(options).status.code(), Code::kUnavailable);
  options.to = {"a@example.org>\r\nRCPT TO:<b@example.org"};
  EXPECT_EQ(make_destination(options).status().code(), Code::kInvalidArgument);
}

TEST_F(DestinationTest, LongTitlesAreFoldedBetweenCharacters) {
  Message message = kMessage;
  message.title = std::string(41, 'x') + "\u00fc" + std::string(60, 'y');
  const std::string mail = mail_of(message, "silt@db3", {"a@b.c"}, 1'700'000'000'000'000);
  EXPECT_NE(mail.find("Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"), std::string::npos) << mail;
  EXPECT_NE(mail.find("=?utf-8?B?" + base64(std::string(41, 'x')) + "?=\r\n =?utf-8?B?" + base64("\u00fc" + std::string(40, 'y'))), std::string::npos) << mail;
}

}  // namespace
}  // namespace silt::outbox
