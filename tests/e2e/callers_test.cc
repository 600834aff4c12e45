// Who may ask siltd, as its operators and callers have it: tokens, TLS, rights that change.
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <fstream>
#include <sstream>

#include "tests/e2e/processes.h"
#include "tests/support/pki.h"

namespace silt::e2e {
namespace {

class Callers : public ::testing::Test {
 protected:
  std::string printed() const {
    std::ifstream err(daemon_.path("err"));
    return std::string(std::istreambuf_iterator<char>(err), {});
  }
  void start_with(const std::string& serve, const std::string& more) {
    std::stringstream text;
    text << std::ifstream(daemon_.path("siltd.toml")).rdbuf();
    std::string config = text.str();
    const std::size_t sources = config.find("[[source]]");
    daemon_.write("siltd.toml", config.substr(0, sources) + serve + more + config.substr(sources));
    daemon_.start();
    ASSERT_TRUE(until([&] { return daemon_.silt({"status"}).exit_code == 0; })) << printed();
  }
  // The token's text, in a file; what `silt` says of it comes back.
  Outcome create(const std::string& file, std::vector<std::string> more) const {
    more.insert(more.begin(), {"token", "create"});
    Outcome made = daemon_.silt(more);
    daemon_.write(file, made.out);
    return made;
  }
  Outcome with_token(const std::string& file, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--token-file", daemon_.path(file)});
    return daemon_.silt(arguments);
  }
  Daemon daemon_;
};

// Its bytes are a secret, whatever else is in the file.
TEST_F(Callers, AFileWithoutATokenIsNamedAndNotShown) {
  for (const char* text : {"", "hush-7f\nextra", "\xef\xbb\xbfhush-7f", "hush-7f\x01"}) {
    daemon_.write("token", text);
    const Outcome outcome = daemon_.silt({"--token-file", daemon_.path("token"), "sources"});
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_NE(outcome.err.find("holds no token"), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find("hush"), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(daemon_.silt({"--token-file", daemon_.path("none"), "sources"}).exit_code, 2);
}

TEST_F(Callers, TokensAreMadeUsedListedAndRevoked) {
  daemon_.write("a.log", "a1\n");
  start_with("", "");
  const Outcome made = create("token", {"--tenant", "shop", "--ttl", "15m", "--note", "wall"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_NE(made.err.find("may ask in shop until"), std::string::npos) << made.err;
  EXPECT_EQ(with_token("token", {"sources", "--tenant", "shop"}).exit_code, 0);
  EXPECT_EQ(with_token("token", {"sources", "--tenant", "default"}).exit_code, 77);
  EXPECT_EQ(with_token("token", {"token", "list"}).exit_code, 77);
  EXPECT_EQ(daemon_.silt({"token", "create", "--ttl", "2y"}).exit_code, 2);
  EXPECT_EQ(daemon_.silt({"token", "create", "--rights", "asks"}).exit_code, 2);

  const Outcome listed = daemon_.silt({"token", "list"});
  EXPECT_NE(listed.out.find("wall"), std::string::npos) << listed.out;
  EXPECT_EQ(listed.out.find(made.out.substr(0, 40)), std::string::npos);
  const std::size_t at = made.err.find("token ") + 6;
  const std::string id = made.err.substr(at, made.err.find(' ', at) - at);
  EXPECT_EQ(daemon_.silt({"token", "revoke", id}).exit_code, 1);  // of another tenant
  EXPECT_EQ(daemon_.silt({"token", "revoke", id, "--tenant", "shop"}).exit_code, 0);
  EXPECT_EQ(with_token("token", {"sources", "--tenant", "shop"}).exit_code, 77);
  daemon_.signal(SIGTERM);
  daemon_.wait();
  daemon_.start();
  ASSERT_TRUE(until([&] { return daemon_.silt({"status"}).exit_code == 0; }));
  EXPECT_EQ(with_token("token", {"sources", "--tenant", "shop"}).exit_code, 77);
  const Outcome audit = daemon_.silt({"audit"});
  EXPECT_EQ(audit.exit_code, 0) << audit.out;
  EXPECT_NE(audit.out.find("CreateToken"), std::string::npos);
  EXPECT_NE(audit.out.find("RevokeToken"), std::string::npos);
}

TEST_F(Callers, TheCommandLineGoesOverTlsToo) {
  const testing::Authority authority(daemon_.path(), "authority");
  const auto server = authority.issue("server", "DNS:localhost,IP:127.0.0.1", "serverAuth");
  const auto client = authority.issue("me", "DNS:me.example", "clientAuth");
  start_with("listen = \"127.0.0.1:0\"\ncertificate = \"" + server.certificate + "\"\nkey = \"" + server.key + "\"\nclient_ca = \"" +
                 authority.certificate() + "\"\n",
             "[[access]]\ncertificate = \"me.example\"\ntenants = [\"default\"]\n");
  const std::string log = printed();
  const std::size_t at = log.find(" port=") + 6;
  const std::string place = "127.0.0.1:" + log.substr(at, log.find_first_of(" \n", at) - at);
  const auto over_tls = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--server", place, "--ca", authority.certificate(), "--timeout-s", "10"});
    return daemon_.silt(more);
  };
  const std::vector<std::string> own = {"--cert", client.certificate, "--key", client.key};
  const auto as_me = [&](std::vector<std::string> more) {
    more.insert(more.begin(), own.begin(), own.end());
    return over_tls(more);
  };
  EXPECT_EQ(as_me({"sources", "--tenant", "default"}).exit_code, 0) << as_me({"sources"}).err;
  EXPECT_EQ(as_me({"audit"}).exit_code, 77);
  const Outcome stranger = over_tls({"sources"});
  EXPECT_EQ(stranger.exit_code, 69) << stranger.err;
  EXPECT_NE(stranger.err.find("cannot reach siltd at " + place), std::string::npos) << stranger.err;
  ASSERT_EQ(create("token", {"--tenant", "shop", "--rights", "ask,audit"}).exit_code, 0);
  EXPECT_EQ(as_me({"--token-file", daemon_.path("token"), "audit", "--tenant", "shop"}).exit_code, 0);
  EXPECT_EQ(daemon_.silt({"--cert", client.certificate, "status"}).exit_code, 2);  // without a server, or a key
}

TEST_F(Callers, AReloadChangesRightsOrSaysWhyNot) {
  start_with("", "[[access]]\nuser = \"12345\"\n");
  std::stringstream text;
  text << std::ifstream(daemon_.path("siltd.toml")).rdbuf();
  const std::string config = text.str();
  daemon_.write("siltd.toml", config + "[[access]]\nuser = \"no-such-user-of-silt\"\n");
  daemon_.signal(SIGHUP);
  ASSERT_TRUE(until([&] { return printed().find("rights stay as they were") != std::string::npos; })) << printed();
  EXPECT_NE(printed().find("siltd.toml:"), std::string::npos);
  daemon_.write("siltd.toml", config + "[[access]]\nuser = \"54321\"\n");
  daemon_.signal(SIGHUP);
  const auto times = [&](const std::string& words) {
    const std::string log = printed();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = log.find(words, at)) != std::string::npos; ++at) ++count;
    return count;
  };
  ASSERT_TRUE(until([&] { return times("inputs_reloaded") == 2; })) << printed();
  EXPECT_EQ(times("not_applied=access"), 1u);  // of the first alone
}

TEST_F(Callers, WhatAQuotaRefusesIsToldAndLosesNothing) {
  daemon_.write("a.log", "a1\na2\n");
  daemon_.write("b.log", "b1\n");
  daemon_.write("c.log", "c1\n");
  start_with("", "[[quota]]\ntenant = \"default\"\nquestions_per_minute = 1\nsources_max = 1\n");
  ASSERT_TRUE(until([&] {
    const std::string out = daemon_.silt({"search", "1"}).out;
    return out.find("b1") != std::string::npos && out.find("c1") != std::string::npos;
  }));
  const std::string sources = daemon_.silt({"sources"}).out;
  EXPECT_NE(sources.find("host:others"), std::string::npos) << sources;
  ASSERT_EQ(create("token", {"--ttl", "15m"}).exit_code, 0);
  EXPECT_NE(with_token("token", {"search", "a1"}).exit_code, 75);
  const Outcome refused = with_token("token", {"search", "a1"});
  EXPECT_EQ(refused.exit_code, 75);
  EXPECT_NE(refused.err.find("try again in"), std::string::npos) << refused.err;
  const std::string status = with_token("token", {"status"}).out;
  EXPECT_NE(status.find("(at most 1 a minute, 1 refused), at most 1 sources (2 became part of others)"), std::string::npos) << status;
}

TEST_F(Callers, CheckConfigRefusesWhatCannotBe) {
  const auto check = [&](const std::string& serve, const std::string& more) {
    daemon_.write("check.toml", "[serve]\n" + serve + more + "[[source]]\nname = \"host\"\ninclude = [\"/var/log/*.log\"]\n");
    return run({SILTD_BINARY, "--check-config", "--config", daemon_.path("check.toml")});
  };
  EXPECT_EQ(check("", "").exit_code, 0);
  for (const auto& [serve, more, words] : std::vector<std::array<std::string, 3>>{
           {"socket = \"query.sock\"\n", "", "serve.socket: must be an absolute path"},
           {"admin_socket = \"run/admin.sock\"\n", "", "serve.admin_socket: must be an absolute path"},
           {"change_group = \"no-such-group-of-silt\"\n", "", "serve.change_group: there is no group"},
           {"", "[[access]]\nuser = \"no-such-user-of-silt\"\n", "check.toml:2: access.user: there is no user"},
           {"", "[[access]]\ngroup = \"no-such-group-of-silt\"\n", "check.toml:2: access.group: there is no group"},
           {"", "[[access]]\nuser = \"root\"\ncertificate = \"x\"\n", "one of them"},
           {"listen = \"127.0.0.1:0\"\n", "", "needs certificate, key and client_ca"},
           {"listen = \"127.0.0.1:0\"\ncertificate = \"/absent.pem\"\nkey = \"/absent.pem\"\nclient_ca = \"/absent.pem\"\n", "", "/absent.pem"}}) {
    const Outcome outcome = check(serve, more);
    EXPECT_EQ(outcome.exit_code, 78) << words;
    EXPECT_NE(outcome.err.find(words), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace silt::e2e
