#include "daemon/fold/redact.h"

#include <gtest/gtest.h>

#include <ctime>

#include "tests/fold/lines.h"

namespace silt::fold {
namespace {

// The line as it would be journalled.
std::string kept(std::string_view line, RedactConfig config = {}) {
  RedactState state;
  RedactCounts counts;
  std::string out;
  return redact(line, config, state, out, counts) ? out : std::string(line);
}

struct Case {
  const char* line;
  const char* kept;
};

class Secrets : public ::testing::TestWithParam<Case> {};
TEST_P(Secrets, AreReplaced) {
  EXPECT_EQ(kept(GetParam().line), GetParam().kept);
}

// Token shapes are put together here so that no scanner of sources takes them for real ones.
INSTANTIATE_TEST_SUITE_P(
    Values, Secrets,
    ::testing::Values(
        Case{"login user=otto password=hunter2 ok", "login user=otto password=<redacted:password> ok"},
        Case{"a=1,password=hun,ter!2,b=2", "a=1,password=<redacted:password>,b=2"},
        Case{"db_password = 'p w' x", "db_password = '<redacted:password>' x"},
        Case{R"({"user":"otto","passWord": "hun\"ter2","n":1})",
             R"({"user":"otto","passWord": "<redacted:password>","n":1})"},
        Case{R"(msg="{\"password\":\"hunter2\",\"n\":1}")",
             R"(msg="{\"password\":\"<redacted:password>\",\"n\":1}")"},
        Case{"passwd: s3cr3t!", "passwd: <redacted:password>"},
        Case{"password:Hunter2", "password:<redacted:password>"},
        Case{"sudo: COMMAND=/usr/bin/dump --password hunter2 --all",
             "sudo: COMMAND=/usr/bin/dump --password <redacted:password> --all"},
        Case{"POST /x?access_token=0123abcd4567&y=1", "POST /x?access_token=<redacted:token>&y=1"},
        Case{"X-Api-Key: 0123abcd4567", "X-Api-Key: <redacted:api-key>"},
        Case{"aws_secret_access_key = abcdEFGH0123/xyz+abcdEFGH0123/xyz+abcdEFG",
             "aws_secret_access_key = <redacted:api-key>"},
        Case{"client_secret=x7 next", "client_secret=<redacted:secret> next"},
        Case{"Authorization: Bearer abc.def-123", "Authorization: Bearer <redacted:authorization>"},
        Case{"\"authorization\": \"Basic b3R0bzpodW50ZXIy\", \"n\": 1",
             "\"authorization\": \"Basic <redacted:authorization>\", \"n\": 1"},
        Case{"sent bearer 0123456789abcdef0123", "sent bearer <redacted:authorization>"},
        Case{"clone https://otto:hunter2@git.example/x.git",
             "clone https://otto:<redacted:url-password>@git.example/x.git"},
        Case{"key "
             "AKIA"
             "ABCDEFGHIJKLMNOP used",
             "key <redacted:cloud-key> used"},
        Case{"key "
             "AIza"
             "0123456789abcdefghijABCDEFGHIJ012345_",
             "key <redacted:cloud-key>"},
        Case{"with "
             "ghp_"
             "0123456789abcdefghijABCDEFGHIJ012345",
             "with <redacted:git-token>"},
        Case{"hook "
             "xoxb"
             "-123456789012-abcdefABCDEF",
             "hook <redacted:slack-token>"},
        Case{"jwt "
             "eyJ"
             "hbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl end",
             "jwt <redacted:jwt> end"},
        Case{"-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY----- done",
             "<redacted:private-key> done"}));

class Harmless : public ::testing::TestWithParam<const char*> {};
TEST_P(Harmless, LinesStayUntouched) {
  RedactState state;
  RedactCounts counts;
  std::string out = "before";
  EXPECT_FALSE(redact(GetParam(), {}, state, out, counts)) << out;
  EXPECT_EQ(out, "before");
}

INSTANTIATE_TEST_SUITE_P(
    Lines, Harmless,
    ::testing::Values(
        "", "Failed password for root from 10.0.0.7 port 22 ssh2", "Accepted password for otto from 10.0.0.7",
        "pam_unix(passwd:chauthtok): password changed for root", "passwd: permission denied",
        "check pass; user unknown", "password: incorrect", "tests: pass=12 fail=0",
        "sudo: otto : TTY=pts/0 ; PWD=/home/otto ; USER=root ; COMMAND=/bin/ls", "'PWD': '/srv/build',",
        "Unexpected token: end of input", "parse error: token: unexpected", "learn_tokens=1500 tokens=7",
        "wtoken = AppWindowToken{9f4ef63 token=Token{a64f992}}", "secret: not found",
        "password=null token=none", "password=***", "password=<redacted:password>",
        "clone ssh://git@host.example/x.git", "GET http://host.example:8080/a@b",
        "authorization: denied by policy", "f(token: CancellationTokenSource)",
        "bearer of bad news arrives at once", "blk_4111111111111111 size 67108864",
        "-----BEGIN CERTIFICATE-----", "if (password == other)", "the eyJ prefix", "AKIA is a prefix"));

TEST(Redact, APrivateKeyOverManyLines) {
  RedactState state;
  RedactCounts counts;
  const auto step = [&](std::string_view line) {
    std::string out;
    return redact(line, {}, state, out, counts) ? out : std::string(line);
  };
  EXPECT_EQ(step("dump: -----BEGIN OPENSSH PRIVATE KEY-----"), "dump: <redacted:private-key>");
  EXPECT_EQ(step("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW"),
            "<redacted:private-key>");
  EXPECT_EQ(step("Nov 21 20:54:35 quartz app: QyNTUxOQAAACDhLzbnbnbnbnbnbnbnbnbnbnbn"),
            "Nov 21 20:54:35 quartz app: <redacted:private-key>");
  EXPECT_EQ(step("Nov 21 20:54:35 quartz other: worker stopped"),
            "Nov 21 20:54:35 quartz other: worker stopped");
  EXPECT_EQ(step("AAAA=="), "<redacted:private-key>");
  EXPECT_EQ(step("-----END OPENSSH PRIVATE KEY-----"), "<redacted:private-key>");
  EXPECT_EQ(state.key_lines_left, 0u);
  EXPECT_EQ(step("b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"), "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU");
}

TEST(Redact, ABlockThatNeverEndsIsGivenUp) {
  RedactState state;
  RedactCounts counts;
  std::string out;
  redact("-----BEGIN PRIVATE KEY-----", {}, state, out, counts);
  for (int i = 0; i < 256; ++i) redact("plain words, nothing else.", {}, state, out, counts);
  EXPECT_EQ(state.key_lines_left, 0u);
}

TEST(Redact, KindsCanBeSwitchedAndAreCounted) {
  RedactState state;
  RedactCounts counts;
  std::string out;
  ASSERT_TRUE(redact("password=a1 password=b2 access_token=0123abcd", {}, state, out, counts));
  EXPECT_EQ(counts.by_kind[static_cast<std::size_t>(SecretKind::kPassword)], 2u);
  EXPECT_EQ(counts.by_kind[static_cast<std::size_t>(SecretKind::kToken)], 1u);
  RedactConfig config;
  config.enabled &= ~(1u << static_cast<unsigned>(SecretKind::kPassword));
  EXPECT_EQ(kept("password=a1 access_token=0123abcd", config), "password=a1 access_token=<redacted:token>");
}

TEST(Redact, CardsOnlyWhenAskedFor) {
  RedactConfig config;
  config.enabled |= 1u << static_cast<unsigned>(SecretKind::kCard);
  const std::string card =
      "41111111"
      "11111111";
  EXPECT_EQ(kept("paid with " + card), "paid with " + card);
  EXPECT_EQ(kept("paid with " + card, config), "paid with <redacted:card>");
  EXPECT_EQ(kept("paid with 4111 1111 1111 1111.", config), "paid with <redacted:card>.");
  EXPECT_EQ(kept("order 4111111111111112", config), "order 4111111111111112");
}

TEST(Redact, RedactedLinesStayAsTheyAre) {
  for (const char* line : {"password=hunter2", "Authorization: Bearer abc.def-123", "u://a:b1@h",
                           "--token 0123abcd4567", "{\"secret\":\"0123abcd4567\"}"}) {
    const std::string once = kept(line);
    EXPECT_NE(once, line);
    EXPECT_EQ(kept(once), once);
  }
}

TEST(Redact, AnyBytesAreSafe) {
  std::mt19937_64 random(7);
  RedactConfig config;
  config.enabled = ~0u;
  RedactState state;
  RedactCounts counts;
  std::string out;
  const char* seeds[] = {"password=", "token: ", "Authorization: Digest ", "-----BEGIN PRIVATE KEY-----",
                         "://a:",     "\\\""};
  for (int i = 0; i < 20000; ++i) {
    std::string line = testing::noise(random, 60);
    line += seeds[random() % 6] + testing::noise(random, 60);
    redact(line, config, state, out, counts);
  }
}

// Lines built to make a careless pass quadratic: each would then take many seconds.
TEST(Redact, HostileLinesTakeLinearTime) {
  RedactConfig none;
  none.enabled = 0;
  const std::clock_t start = std::clock();
  for (const char* unit :
       {"token=(", "token=./", "password=", "eyJ-", "ghp_-", "--.", "--a-", "://", ":", "=", "a:b@",
        "token=\\\"", "pwd=/", "-----BEGIN PRIVATE KEY-----", "AKIA-", "password: ", "token=,"}) {
    std::string line;
    while (line.size() < 300'000) line += unit;
    kept(line);
    kept(line, none);
  }
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC,
            5.0);  // processor time; linear takes a tenth of it
}

}  // namespace
}  // namespace silt::fold
