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

// What once passed, by sort. "~" joins the halves of tokens, so that no scanner of sources takes them
// for real ones.
constexpr const char* kMissed[][2] = {
    // vendors' tokens
    {"key sk_live~_51HabcdefGhijklmnop used", "key <redacted:vendor-token> used"},
    {"key sk-~abcdEFGH0123abcdEFGH0123 used", "key <redacted:vendor-token> used"},
    {"key sk-ant-~api03-abcdEFGH0123_abcd-EFGH0123", "key <redacted:vendor-token>"},
    {"login hf_~abcdefGHIJKL0123456789abcd", "login <redacted:vendor-token>"},
    {"with silt_~011034316632630000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
     "with <redacted:vendor-token>"},
    {"with npm_~abcdefghijABCDEFGHIJ0123456789abcdef", "with <redacted:vendor-token>"},
    {"with pypi-~AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDA", "with <redacted:vendor-token>"},
    {"mail SG.~abcdefghijkl0123456789.abcdefghij_ABCDEF-0123456789", "mail <redacted:vendor-token>"},
    {"vault hvs.~CAESIJabcdefghijklmnop0123", "vault <redacted:vendor-token>"},
    {"do dop_v1~_0123456789abcdef0123456789abcdef0123456789abcdef", "do <redacted:vendor-token>"},
    {"id GOCSPX-~abcdefghij0123456789ABCD", "id <redacted:cloud-key>"},
    {"runner glrt-~abcdefghij0123456789", "runner <redacted:git-token>"},
    {"app xapp-~1-A0123456789-0123456789-abcdef", "app <redacted:slack-token>"},
    {"POST https://hooks.slack.com/services/~T0123/B0123/abcdefGHIJKL",
     "POST https://hooks.slack.com/services/<redacted:slack-token>"},
    // separators
    {"AccountName=x;AccountKey=abcd0123EFGH4567+/abcd==;EndpointSuffix=core",
     "AccountName=x;AccountKey=<redacted:api-key>;EndpointSuffix=core"},
    {"password:\thunter2", "password:\t<redacted:password>"},
    {"password\t= hunter2", "password\t= <redacted:password>"},
    {"password   =hunter2", "password   =<redacted:password>"},
    {"q=password%3Dhunter2%26next%3D1", "q=password%3D<redacted:password>%26next%3D1"},
    {"%22password%22%3A%22hunter2%22", "%22password%22%3A%22<redacted:password>%22"},
    // urls
    {"clone https://a0b1c2d3e4f5a6b7c8d9@github.com/x", "clone https://<redacted:url-password>@github.com/x"},
    {"postgres://otto:hun/ter2@db.example/x", "postgres://otto:<redacted:url-password>@db.example/x"},
    {"redis://:hunter2@cache:6379/0", "redis://:<redacted:url-password>@cache:6379/0"},
    {"GET /c?sv=2021&sig=abc%2Fdef0123%3D&se=1", "GET /c?sv=2021&sig=<redacted:secret>&se=1"},
    {"GET /o?X-Amz-Signature=0123456789abcdef0123&x=1", "GET /o?X-Amz-Signature=<redacted:secret>&x=1"},
    {"GET /o?access_token=0123456789abcdef0123&x=1", "GET /o?access_token=<redacted:token>&x=1"},
    // command lines and SQL
    {"COMMAND=/usr/bin/mysql -u root -phunter2 shop",
     "COMMAND=/usr/bin/mysql -u root -p<redacted:password> shop"},
    {"sshpass -p hunter2 ssh otto@h", "sshpass -p <redacted:password> ssh otto@h"},
    {"sshpass -p'hun ter2' ssh otto@h", "sshpass -p'<redacted:password>' ssh otto@h"},
    {"curl -s -u otto:hunter2 https://h/x", "curl -s -u otto:<redacted:password> https://h/x"},
    {"curl --user 'otto:hunter2' https://h/x", "curl --user 'otto:<redacted:password>' https://h/x"},
    {"sh -c echo root:hunter2|chpasswd", "sh -c echo root:<redacted:password>|chpasswd"},
    {"sh -c 'echo \"root:hunter2\" | chpasswd'", "sh -c 'echo \"root:<redacted:password>\" | chpasswd'"},
    {"CREATE USER u IDENTIFIED BY 'hunter2'", "CREATE USER u IDENTIFIED BY '<redacted:password>'"},
    {"identified with caching_sha2_password by 'hunter2';",
     "identified with caching_sha2_password by '<redacted:password>';"},
    {"CREATE ROLE u WITH PASSWORD 'hunter2'", "CREATE ROLE u WITH PASSWORD '<redacted:password>'"},
    {"keytool -storepass hunter2 -v", "keytool -storepass <redacted:password> -v"},
    // structures
    {"<user>otto</user><password>hunter2</password>",
     "<user>otto</user><password><redacted:password></password>"},
    {"<wsse:Password>hunter2</wsse:Password>", "<wsse:Password><redacted:password></wsse:Password>"},
    {R"({"name":"DB_PASSWORD","value":"hunter2"})",
     R"({"name":"DB_PASSWORD","value":"<redacted:password>"})"},
    {R"(<add key="DbPassword" value="hunter2"/>)", R"(<add key="DbPassword" value="<redacted:password>"/>)"},
    {R"({"kind":"Secret","data":{"db":"aHVudGVyMg==","k":"x"}})",
     R"({"kind":"Secret","data":{"db":"<redacted:secret>","k":"<redacted:secret>"}})"},
    {R"({"value":"hunter2","name":"DB_PASSWORD"})",
     R"({"value":"<redacted:password>","name":"DB_PASSWORD"})"},
    {R"(<password id="1">hunter2</password>)", R"(<password id="1"><redacted:password></password>)"},
    {R"(<property name="db.password">hunter2</property>)",
     R"(<property name="db.password"><redacted:password></property>)"},
    {"data:{db:aHVudGVyMg==}", "data:{db:<redacted:secret>}"},
    {R"(m="{\\\"password\\\":\\\"hunter2\\\",\\\"n\\\":1}")",
     R"(m="{\\\"password\\\":\\\"<redacted:password>\\\",\\\"n\\\":1}")"},
    {"Parameters: {\"user\"=>{\"password\"=>\"hunter2\"}}",
     "Parameters: {\"user\"=>{\"password\"=>\"<redacted:password>\"}}"},
    {"map[password:[hunter2] user:[otto]]", "map[password:[<redacted:password>] user:[otto]]"},
    {"user[password]=hunter2&x=1", "user[password]=<redacted:password>&x=1"},
    // sessions
    {"Set-Cookie: sid=a1b2c3; Path=/; HttpOnly", "Set-Cookie: sid=<redacted:session>; Path=/; HttpOnly"},
    {"Cookie: PHPSESSID=a1b2c3; lang=de", "Cookie: PHPSESSID=<redacted:session>; lang=<redacted:session>"},
    {R"("cookie":"a=b1c2d3","n":1)", R"("cookie":"a=<redacted:session>","n":1)"},
    {"session_id=a1b2c3d4e5f6 ok", "session_id=<redacted:session> ok"},
    {"auth Basic b3R0bzpodW50ZXIy sent", "auth Basic <redacted:authorization> sent"},
    // words
    {"pw=hunter2", "pw=<redacted:password>"},
    {"user otto pass: hunter2", "user otto pass: <redacted:password>"},
    {"Passwort=hunter2", "Passwort=<redacted:password>"},
    {"contrase\xc3\xb1"
     "a=hunter2",
     "contrase\xc3\xb1"
     "a=<redacted:password>"},
    {"mot de passe : hunter2", "mot de passe : <redacted:password>"},
    {"API key: 0123abcd4567efgh", "API key: <redacted:api-key>"},
    {"SECRET_KEY_BASE=0123abcd4567efgh", "SECRET_KEY_BASE=<redacted:api-key>"},
    {"ENCRYPTION_KEY=0123abcd4567efgh", "ENCRYPTION_KEY=<redacted:api-key>"},
    {"your password is: hunter2", "your password is: <redacted:password>"},
    {"Enter passphrase for key: hunter2", "Enter passphrase for key: <redacted:password>"},
    {"passphrase for key '/root/.ssh/id': hunter2", "passphrase for key '/root/.ssh/id': <redacted:password>"},
    {"password for user otto: hunter2", "password for user otto: <redacted:password>"},
    {"root password - hunter2", "root password - <redacted:password>"},
    {"log in as otto and password hunter2 then", "log in as otto and password <redacted:password> then"},
    {"with password h!nter", "with password <redacted:password>"},
    {"mit Passwort hunter2", "mit Passwort <redacted:password>"},
    {"card=1 pin=4711 ok", "card=1 pin=<redacted:password> ok"},
    {R"({"pin":"471100","n":1})", R"({"pin":"<redacted:password>","n":1})"},
    {"otp=123456&cvv=123", "otp=<redacted:password>&cvv=<redacted:password>"},
    {"credentials=otto:hunter2 ok", "credentials=otto:<redacted:password> ok"},
    {"credentials: otto:hunter2", "credentials: otto:<redacted:password>"},
    {"creds=a1b2c3d4e5", "creds=<redacted:password>"},
    {"password -> hunter2", "password -> <redacted:password>"},
    {"new password \"hunter2\" set", "new password \"<redacted:password>\" set"},
    {"WIFI_PSK=hunter2", "WIFI_PSK=<redacted:password>"},
    {"the password is hunter2", "the password is <redacted:password>"},
    {"password=\"correct horse battery\" x", "password=\"<redacted:password>\" x"},
    {"password: Sommer for bob", "password: <redacted:password> for bob"},
    {"password:correcthorse", "password:<redacted:password>"},
    {"password:4711", "password:<redacted:password>"},
    {"dbPass=hunter2", "dbPass=<redacted:password>"},
    // keys
    {"x -----BEGIN RSA PRIVATE KEY----- MIIEabcdefgh0123ABCDefgh0123 and more",
     "x <redacted:private-key> and more"},
    {"blob LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=", "blob <redacted:private-key>"},
    {"MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun more", "<redacted:private-key> more"},
    // accounts
    {"paid to DE89 3704 0044 0532 0130 00.", "paid to <redacted:iban>."},
    {"paid to GB82WEST12345698765432 today", "paid to <redacted:iban> today"},
    // tags that are not ours
    {"password=<hunter2> x", "password=<redacted:password> x"},
    {"password=<redacted:hunter2>", "password=<redacted:password>"},
    {"password=<redacted:password>hunter2", "password=<redacted:password>"},
    {"\"password\":\"<redacted:hunter2>\"", "\"password\":\"<redacted:password>\""},
};

TEST(Redact, FindsWhatOncePassed) {
  for (const auto& [marked, expected] : kMissed) {
    std::string line = marked;
    std::erase(line, '~');
    EXPECT_EQ(kept(line), expected) << marked;
    EXPECT_EQ(kept(expected), expected) << "a second time";
  }
}

TEST(Redact, ReadsLettersWithNulsBetween) {
  std::string wide;
  for (const char c : std::string_view("x password=hunter2 y")) (wide += c) += '\0';
  const std::string found = kept(wide);
  EXPECT_EQ(found.find('h'), std::string::npos) << found;
  EXPECT_NE(found.find("<redacted:password>"), std::string::npos);
  using namespace std::string_view_literals;
  EXPECT_EQ(kept("A=1\0PASSWORD=hunter2\0B=2"sv), "A=1\0PASSWORD=<redacted:password>\0B=2"sv);
}

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
        "", "Failed password for root from 10.0.0.7 port 22 ssh2",
        "password for otto: authentication failed", "password - please change it", "reset password - done",
        "with password authentication", "and password expired", "gpio pin=17", "pin=left", "spin=123456",
        "credentials: invalid", "credentials=/etc/x:ro", "using password: YES", "user and password 2 of 3",
        "and password 2026-11-21", "Accepted password for otto from 10.0.0.7",
        "pam_unix(passwd:chauthtok): password changed for root", "passwd: permission denied",
        "check pass; user unknown", "password: incorrect", "tests: pass=12 fail=0",
        "sudo: otto : TTY=pts/0 ; PWD=/home/otto ; USER=root ; COMMAND=/bin/ls", "'PWD': '/srv/build',",
        "Unexpected token: end of input", "parse error: token: unexpected", "learn_tokens=1500 tokens=7",
        "wtoken = AppWindowToken{9f4ef63 token=Token{a64f992}}", "secret: not found",
        "password=null token=none", "password=***", "password=<redacted:password>",
        "clone ssh://git@host.example/x.git", "GET http://host.example:8080/a@b",
        "authorization: denied by policy", "f(token: CancellationTokenSource)",
        "bearer of bad news arrives at once", "blk_4111111111111111 size 67108864",
        "-----BEGIN CERTIFICATE-----", "if (password == other)", "the eyJ prefix", "AKIA is a prefix",
        "password check failed for user (root)", "PASS: test_of_something", "TEST-PASS | a/b.js | took 12ms",
        "Accepted publickey for otto from 10.0.0.7 port 22 ssh2: RSA SHA256:"
        "8jL3zVb1TqX0nYk2Wm5RcE7aUoPd4fGhJsKx9QvBtZi",
        "error: password is required", "the password is expired", "password is too short",
        "Wrong password: access denied", "bad password: must have 8 letters", "task-0123456789abcdef0123",
        "disk-0123456789abcdef0123456789 full", "sk-learn-pipeline-with-a-very-long-name",
        "npm_config_registry=https://r.example", R"(GET /a?b=1 "-----BEGIN PRIVATE KEY-----" 200)",
        "sha384 integrity of src/main/java/com/example/Foo2/BarBaz3/QuuxCorgeGraultGarplyWaldoFredPlugh",
        "mkdir -p /var/lib/mysql", "tar -p -u x", "curl -u otto https://h/x", "mysql -p shop",
        "basic auth: off", "Basic authentication", "kind: Secret", R"(data: {"size":"12345678"})",
        "cookie: none", "password=${DB_PASSWORD}", "password=[FILTERED]", "token=%s",
        "DE89 3704 0044 0532 0130 01", "http://[::1]:80/x@y", "echo done | chpasswd",
        "sessionid: 0x14ede63a5a70023", "[password: <string> | default = x]", "password=<PASSWORD>",
        "const password = '<PASSWORD>';", "<password value=\"\"/> hello </x>",
        "see -rpcpassword and -rpcuser", "curl -u otto:$pass h",
        "https://13957525385%40mail.example@h.example/x", "was identified by the server as bad",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGk0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2yZ3a otto"));

class Block : public ::testing::Test {
 protected:
  std::string step(std::string_view line) {
    std::string out;
    return redact(line, {}, state_, out, counts_) ? out : std::string(line);
  }
  void expect_gone(std::string_view line) { EXPECT_EQ(step(line), "<redacted:private-key>"); }
  void expect_kept(std::string_view line) { EXPECT_EQ(step(line), line); }

  static constexpr std::string_view kLine =
      "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2";
  static constexpr std::string_view kMore =
      "QyNTUxOQAAACDhLzbnUgkzT2Ub4mSPWtbAoYj5yK2hWqE0aR7dXx1p9gAAAJj3Vq5T91auU";
  RedactState state_;
  RedactCounts counts_;
};

TEST_F(Block, IsReplacedLineByLine) {
  EXPECT_EQ(step("dump: -----BEGIN OPENSSH PRIVATE KEY-----"), "dump: <redacted:private-key>");
  expect_gone(kLine);
  EXPECT_EQ(step("Nov 21 20:54:35 quartz app: " + std::string(kMore)),
            "Nov 21 20:54:35 quartz app: <redacted:private-key>");
  expect_gone("AAAAC2VkAQ==");
  expect_gone("-----END OPENSSH PRIVATE KEY-----");
  EXPECT_EQ(state_.key_lines_left, 0u);
  expect_kept("AAAAC2VkAQ==");
}

TEST_F(Block, MayBeNarrow) {
  expect_gone("-----BEGIN EC PRIVATE KEY-----");
  expect_gone("c2VjcmV0IG9uZSBzZWNyZXQgb25l");
  expect_gone("c2VjcmV0IHR3byBzZWNyZXQgdHdv");
  expect_gone("-----END EC PRIVATE KEY-----");
}

TEST_F(Block, MayHaveHeaders) {
  expect_gone("-----BEGIN RSA PRIVATE KEY-----");
  expect_kept("Proc-Type: 4,ENCRYPTED");
  expect_kept("");
  expect_gone(kMore);
}

TEST_F(Block, IsLeftAtTheFirstLineThatIsNoKey) {
  for (const char* line : {"intrusiondetected", "wrote /srv/quartz/backup",
                           "Accepted publickey for otto from 10.0.0.7 port 22 ssh2: RSA SHA256:"
                           "8jL3zVb1TqX0nYk2Wm5RcE7aUoPd4fGhJsKx9QvBtZi"}) {
    expect_gone("-----BEGIN PRIVATE KEY-----");
    expect_kept(line);
    EXPECT_EQ(state_.key_lines_left, 0u);
  }
  expect_gone("-----BEGIN PRIVATE KEY-----");
  expect_gone(kLine);
  expect_kept("shutdown");
}

TEST_F(Block, IsFoundWithoutItsBegin) {
  expect_gone(kLine);
  expect_kept("Nov 21 20:54:35 quartz other: worker stopped");
  EXPECT_EQ(step("Nov 21 20:54:35 quartz app: " + std::string(kMore)),
            "Nov 21 20:54:35 quartz app: <redacted:private-key>");
  expect_gone("AAAAC2VkAQ==");
}

TEST_F(Block, OfACertificateStays) {
  expect_kept("-----BEGIN CERTIFICATE-----");
  expect_kept(kMore);
  expect_kept(kLine);
  expect_kept("AAAAC2VkAQ==");
  expect_kept("-----END CERTIFICATE-----");
  EXPECT_EQ(state_.key_lines_left, 0u);
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

// Any bytes around anything that starts a secret: safe, and a second time changes nothing.
TEST(Redact, AnyBytesAreSafeAndRedactedOnce) {
  std::mt19937_64 random(7);
  RedactConfig config;
  config.enabled = ~0u;
  const char* seeds[] = {"password=",
                         "token: ",
                         "Authorization: Digest ",
                         "-----BEGIN PRIVATE KEY-----",
                         "://a:",
                         "\\\"",
                         "password: ",
                         "Cookie: a=",
                         "mysql -p",
                         "curl -u a:",
                         "<password>",
                         "<redacted:password>",
                         "<redacted:",
                         "identified by '",
                         "data:{a:",
                         "\"password\": \""};
  for (int i = 0; i < 60000; ++i) {
    std::string line = testing::noise(random, 40);
    for (int part = 0; part < 3; ++part)
      line += seeds[random() % std::size(seeds)] + testing::noise(random, 30);
    const std::string once = kept(line, config);
    ASSERT_EQ(kept(once, config), once) << line;
  }
}

// Lines built to make a careless pass quadratic: each would then take many seconds.
TEST(Redact, HostileLinesTakeLinearTime) {
  RedactConfig none;
  none.enabled = 0;
  const std::clock_t start = std::clock();
  for (const char* unit : {"authorization='basic <redacted:",
                           "password='",
                           "password=\"\\",
                           "password\\\"",
                           "cookie: a=b;",
                           "cookie:",
                           "data:{",
                           "data:{a:",
                           "mysql -p",
                           "curl -u a:",
                           "echo a:b|chpasswd",
                           "identified by ",
                           "sig=%",
                           "-eyJaaaaaaaaaa.",
                           "https://a@",
                           "a://b:c/",
                           "GB82WEST1234",
                           "DE89 ",
                           "A1",
                           "IBAADANBgkq",
                           "IBAAKC",
                           "MIIEIBAAKC",
                           "pass:",
                           "password is ",
                           "password:a ",
                           "<password>",
                           "\"password\", \"value\":",
                           "-----BEGIN PRIVATE KEY----- A",
                           "-----BEGIN PRIVATE KEY----------END ",
                           "aB3/aB3/aB3/",
                           "sk-aaaaaaaaaaaaaaaaaaaa-",
                           "token=(",
                           "token=./",
                           "password=",
                           "eyJ-",
                           "ghp_-",
                           "--.",
                           "--a-",
                           "://",
                           ":",
                           "=",
                           "a:b@",
                           "token=\\\"",
                           "pwd=/",
                           "-----BEGIN PRIVATE KEY-----",
                           "AKIA-",
                           "password: ",
                           "token=,"}) {
    std::string line;
    while (line.size() < 1'000'000) line += unit;
    kept(line);
    kept(line, none);
  }
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC,
            20.0);  // processor time; linear takes a tenth of it
}

}  // namespace
}  // namespace silt::fold
