// What arrives over sockets and from the journal, through a whole siltd: sources, attributes, answers, status, kill -9.
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <memory>

#include "tests/e2e/processes.h"

namespace silt::e2e {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;

// A port that nobody had a moment ago.
std::string free_port() {
  asio::io_context io;
  return std::to_string(tcp::acceptor(io, {asio::ip::make_address("127.0.0.1"), 0}).local_endpoint().port());
}

class Streams : public ::testing::Test {
 protected:
  bool has(const std::string& source, std::uint64_t lines) const {
    return until([&] {
      const Outcome outcome = daemon_.silt({"sources", "--json"});
      if (outcome.exit_code != 0) return false;
      const json::value listed = json::parse(outcome.out);
      for (const json::value& each : listed.at("sources").as_array()) {
        if (each.at("source").as_string() == source) return each.at("lines").to_number<std::uint64_t>() >= lines && each.at("backlog").to_number<std::uint64_t>() == 0;
      }
      return false;
    });
  }
  // Of HTTP/1.1; empty: nobody answered.
  static std::string post(const std::string& port, const std::string& body) {
    asio::io_context io;
    tcp::socket socket(io);
    boost::system::error_code failed;
    socket.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(std::stoi(port))}, failed);
    if (failed) return {};
    asio::write(socket, asio::buffer("POST /v1/logs HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body), failed);
    std::string all;
    asio::read(socket, asio::dynamic_buffer(all), failed);
    return all;
  }
  Daemon daemon_;
};

TEST_F(Streams, SyslogIsAskedByWhatItsHeadSays) {
  const std::string socket = daemon_.path("log");
  daemon_.configure("[[source]]\nname = \"net\"\ntype = \"syslog\"\nlisten = [\"unix:" + socket + "\"]\n");
  daemon_.start();
  ASSERT_TRUE(until([&] { return std::filesystem::exists(socket); }));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(run({"/usr/bin/logger", "-u", socket, "-t", "sshd", "-p", "auth.err", "Failed password for root from 10.0.0." + std::to_string(i)}).exit_code, 0);
  ASSERT_EQ(run({"/usr/bin/logger", "-u", socket, "-t", "cron", "job done"}).exit_code, 0);
  ASSERT_TRUE(has("net:local", 4));
  const Outcome asked = daemon_.silt({"ask", "--json", "how many errors were there?"});
  ASSERT_EQ(asked.exit_code, 0) << asked.out << asked.err;
  EXPECT_TRUE(json::parse(asked.out).at("answer").as_string().starts_with("3 records")) << asked.out;
  const std::string status = daemon_.silt({"status"}).out;
  EXPECT_NE(status.find("net (syslog"), std::string::npos) << status;
}

// What was answered is there after a kill, and a request that comes again is stored once.
TEST_F(Streams, WhatOtlpAnsweredSurvivesAKill) {
  const std::string port = free_port();
  daemon_.configure("[[source]]\nname = \"apps\"\ntype = \"otlp\"\nlisten = [\"http:" + port + "\"]\n");
  const std::string body = R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"logRecords":[
      {"severityNumber":17,"body":{"stringValue":"order 17 failed"}},{"severityNumber":9,"body":{"stringValue":"order 18 taken"}}]}]}]})";
  daemon_.start();
  ASSERT_TRUE(until([&] { return post(port, body).starts_with("HTTP/1.1 200"); }));
  daemon_.signal(SIGKILL);
  daemon_.wait();
  daemon_.start();
  ASSERT_TRUE(until([&] { return post(port, body).starts_with("HTTP/1.1 200"); }));
  ASSERT_TRUE(has("apps:shop", 2));
  const Outcome found = daemon_.silt({"search", "order", "--json"});
  EXPECT_NE(found.out.find("order 17 failed"), std::string::npos) << found.out;
  EXPECT_EQ(found.out.find("order 17 failed"), found.out.rfind("order 17 failed")) << found.out;
}

TEST_F(Streams, StatusSaysWhatCannotBeReadThoughNothingElseComes) {
  const std::string port = free_port();
  daemon_.configure("[[source]]\nname = \"apps\"\ntype = \"otlp\"\nlisten = [\"http:" + port + "\"]\n");
  daemon_.start();
  ASSERT_TRUE(until([&] { return post(port, "{").starts_with("HTTP/1.1 400"); }));
  EXPECT_TRUE(until([&] { return daemon_.silt({"status"}).out.find("sent what cannot be read") != std::string::npos; }));
}

TEST_F(Streams, APortThatIsTakenIsSaidWithTheRemedyAndTriedAgain) {
  asio::io_context io;
  auto other = std::make_unique<tcp::acceptor>(io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  const std::string port = std::to_string(other->local_endpoint().port());
  daemon_.configure("[[source]]\nname = \"net\"\ntype = \"syslog\"\nlisten = [\"tcp:" + port + "\"]\n");
  daemon_.start();
  ASSERT_TRUE(until([&] { return daemon_.silt({"status"}).out.find("something else listens there") != std::string::npos; })) << daemon_.silt({"status"}).out;
  other.reset();
  ASSERT_TRUE(until([&] {
    tcp::socket socket(io);
    boost::system::error_code failed;
    socket.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(std::stoi(port))}, failed);
    if (failed) return false;
    asio::write(socket, asio::buffer(std::string("<13>Nov 30 10:00:00 db3 a: at last\n")));
    return true;
  }));
  EXPECT_TRUE(has("net:db3", 1));
}

TEST_F(Streams, ACertificateThatCannotBeReadIsFoundByTheCheck) {
  daemon_.configure("[[source]]\nname = \"net\"\ntype = \"syslog\"\nlisten = [\"tls:6514\"]\ncertificate = \"" + daemon_.path("none.pem") + "\"\n");
  const Outcome checked = run({SILTD_BINARY, "--config", daemon_.path("siltd.toml"), "--check-config"});
  EXPECT_EQ(checked.exit_code, 78) << checked.out;
  EXPECT_NE(checked.err.find("source.certificate: read " + daemon_.path("none.pem")), std::string::npos) << checked.err;
}

}  // namespace
}  // namespace silt::e2e
