#include "daemon/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "daemon/journal_copies.h"
#include "tests/support/temp_dir.h"

namespace silt::daemon {
namespace {

constexpr char kSmall[] = "[[source]]\nname = \"host\"\ninclude = [\"/var/log/**/*.log\"]\n";

std::string error_of(const std::string& text) {
  const auto config = Config::parse(text, "siltd.toml");
  EXPECT_FALSE(config.is_ok()) << text;
  EXPECT_EQ(config.status().message().find('\n'), std::string::npos);
  return config.is_ok() ? "" : config.status().message();
}

TEST(Config, ThreeLinesAreEnough) {
  const auto config = Config::parse(kSmall, "siltd.toml");
  ASSERT_TRUE(config.is_ok()) << config.status().to_string();
  ASSERT_EQ(config->sources.size(), 1u);
  EXPECT_EQ(config->sources[0].name, "host");
  EXPECT_EQ(config->sources[0].tenant, "default");
  EXPECT_TRUE(config->sources[0].per_file);
  EXPECT_EQ(config->learn.cpu_share, 0.5);
  EXPECT_EQ(config->store.path, "/var/lib/silt");
}

TEST(Config, TheEffectiveConfigurationParsesToItself) {
  const auto config = Config::parse(
      std::string("[learn]\ncpu_share = 2\n[store]\npath = \"/a \\\"b\\\"\\u0001\"\n") + kSmall, "x");
  ASSERT_TRUE(config.is_ok()) << config.status().to_string();
  EXPECT_EQ(config->learn.cpu_share, 2.0);
  const std::string text = config->to_toml();
  const auto again = Config::parse(text, "again");
  ASSERT_TRUE(again.is_ok()) << again.status().to_string() << "\n" << text;
  EXPECT_EQ(again->to_toml(), text);
  EXPECT_EQ(again->store.path, "/a \"b\"\x01");
  EXPECT_NE(text.find("cpu_share = 2.0"), std::string::npos);
}

TEST(Config, UnknownKeysNamePlaceAndNeighbour) {
  EXPECT_EQ(error_of("[learn]\ncpu_share = 1.0\ncpu_shear = 1.0\n"),
            "siltd.toml:3: learn.cpu_shear: unknown key; did you mean cpu_share?");
  EXPECT_EQ(error_of("[lern]\n"), "siltd.toml:1: lern: unknown section; did you mean learn?");
  EXPECT_EQ(error_of("[[source]]\nname = \"a\"\nincludes = [\"/x\"]\n"),
            "siltd.toml:3: source.includes: unknown key; did you mean include?");
}

TEST(Config, ValuesAreChecked) {
  EXPECT_NE(error_of("[learn]\ncpu_share = -1\n")
                .find("siltd.toml:2: learn.cpu_share: must be a number from 0 to 64"),
            std::string::npos);
  EXPECT_NE(error_of("[learn]\ncpu_share = nan\n").find("cpu_share"), std::string::npos);
  EXPECT_NE(error_of("[model]\nthreads = 0\n").find("from 1 to 64"), std::string::npos);
  EXPECT_NE(error_of("[model]\nthreads = \"2\"\n").find("whole number"), std::string::npos);
  EXPECT_NE(error_of("[serve]\nsocket = 5\n").find("must be a string"), std::string::npos);
  EXPECT_NE(error_of("[learn]\non_digest_mismatch = \"panic\"\n").find("relearn, stop"), std::string::npos);
  EXPECT_NE(error_of("[learn]\ntime_zone = \"Mars\"\n").find("+02:00"), std::string::npos);
  EXPECT_NE(error_of("[[source]]\ninclude = [\"/x\"]\n").find("source.name is missing"), std::string::npos);
  EXPECT_NE(error_of("[[source]]\nname = \"a\"\n").find("source.include is missing"), std::string::npos);
  EXPECT_NE(error_of("[[source]]\nname = \"a:b\"\ninclude = [\"/x\"]\n").find("source.name"),
            std::string::npos);
  EXPECT_NE(error_of("[[source]]\nname = \"{host}\"\ninclude = [\"/x\"]\n")
                .find("siltd.toml:1: source: unknown capture '{host}'"),
            std::string::npos);
  EXPECT_TRUE(Config::parse("[[source]]\nname = \"{1}-{stem}\"\ninclude = [\"/x/*\"]\n", "x").is_ok());
  const auto of_source = [](const std::string& keys) {
    return error_of("[[source]]\nname = \"a\"\ninclude = [\"/x\"]\n" + keys);
  };
  EXPECT_NE(of_source("lines = \"some\"\n").find("join, single"), std::string::npos);
  EXPECT_NE(of_source("record_start = \"(\"\n").find("source.record_start: \"(\" is no RE2"), std::string::npos);
  EXPECT_NE(of_source("record_continue = \"(?<=x)\"\n").find("Look-around"), std::string::npos);
  EXPECT_NE(of_source("record_start = \"^a\"\nrecord_continue = \"^b\"\n").find("keep one of them"), std::string::npos);
  EXPECT_NE(of_source("record_start = \"^a\"\nlines = \"single\"\n").find("joins nothing"), std::string::npos);
  EXPECT_NE(of_source("time_zone = \"Mars\"\n").find("source.time_zone"), std::string::npos);
  EXPECT_TRUE(Config::parse("[[source]]\nname = \"a\"\ninclude = [\"/x\"]\nrecord_start = '^\\d'\ntime_zone = \"+02:00\"\n", "x").is_ok());
  EXPECT_NE(error_of("[[source]]\nname = \"a\"\ninclude = [1]\n").find("list of strings"), std::string::npos);
  EXPECT_NE(error_of(std::string(kSmall) + kSmall).find("used twice"), std::string::npos);
  EXPECT_NE(error_of("[learn\n").find("siltd.toml:1: "), std::string::npos);
  EXPECT_NE(error_of("learn = 5\n").find("must be a section"), std::string::npos);
}

TEST(Config, ATicketQueueTakesFiveLines) {
  const std::string queue = "[[source]]\nname = \"ops\"\ntype = \"redmine\"\nurl = \"https://redmine.example.org\"\n";
  const auto config = Config::parse(queue + "credential = \"redmine-key\"\n", "siltd.toml");
  ASSERT_TRUE(config.is_ok()) << config.status().to_string();
  EXPECT_EQ(config->sources[0].poll_ms, 5000u);
  EXPECT_EQ(config->sources[0].line.place, "siltd.toml:1");
  EXPECT_TRUE(Config::parse(config->to_toml(), "x").is_ok());
  EXPECT_NE(error_of(queue).find("siltd.toml:1: source.credential is missing: a file of mode 0600"), std::string::npos) << error_of(queue);
  const auto of = [](const std::string& keys) { return error_of("[[source]]\nname = \"a\"\n" + keys); };
  EXPECT_NE(of("type = \"documents\"\ninclude = [\"books\"]\n").find("must be absolute"), std::string::npos);
  EXPECT_NE(of("type = \"rt\"\nurl = \"https://a\"\ncredential = \"k\"\nsweep_ms = 5\n").find("source.sweep_ms: must be a whole number"), std::string::npos);
  EXPECT_NE(of("type = \"jira\"\n").find("source.url is missing"), std::string::npos);
  EXPECT_NE(of("type = \"rt\"\nurl = \"http://rt.example.org\"\ncredential = \"k\"\n").find("source.url: http would send"), std::string::npos);
  EXPECT_NE(of("type = \"rt\"\ninclude = [\"/x\"]\nurl = \"https://a\"\n").find("include is of files"), std::string::npos);
  EXPECT_NE(of("type = \"github\"\nurl = \"https://a\"\ncredential = \"k\"\n").find("owner/name"), std::string::npos);
  EXPECT_NE(of("include = [\"/x\"]\nurl = \"https://a\"\n").find("are of ticket queues"), std::string::npos);
  EXPECT_NE(of("type = \"bugzilla\"\ninclude = [\"/x\"]\n").find("rt, redmine, jira, github"), std::string::npos);
  EXPECT_NE(of("type = \"feed\"\ninclude = [\"/x\"]\n").find("silt feed"), std::string::npos);
  EXPECT_TRUE(Config::parse("[[source]]\nname = \"pipes\"\ntype = \"feed\"\n", "x").is_ok());
  const auto pods = Config::parse("[[source]]\nname = \"pods\"\ntype = \"containers\"\n", "x");
  ASSERT_TRUE(pods.is_ok()) << pods.status().to_string();
  EXPECT_EQ(pods->sources[0].include.front(), "/var/log/pods/*/*/*.log*");
  EXPECT_TRUE(Config::parse("[[source]]\nname = \"books\"\ntype = \"documents\"\ninclude = [\"/srv/books\"]\n", "x").is_ok());
}

TEST(Config, StreamInputsTakeThreeLines) {
  const auto of = [](const std::string& lines) { return Config::parse("[[source]]\nname = \"in\"\n" + lines, "siltd.toml"); };
  EXPECT_TRUE(of("type = \"journald\"\n").is_ok());
  EXPECT_TRUE(of("type = \"syslog\"\nlisten = [\"udp:514\", \"tcp:[::]:514\", \"unix:/run/silt/log\"]\n").is_ok());
  EXPECT_TRUE(of("type = \"otlp\"\nlisten = [\"grpc:4317\", \"http:0.0.0.0:4318\"]\n").is_ok());
  const auto message = [&](const std::string& lines) {
    const auto config = of(lines);
    EXPECT_FALSE(config.is_ok()) << lines;
    return config.status().message();
  };
  EXPECT_EQ(message("type = \"syslog\"\n"), "siltd.toml:1: source.listen is missing, e.g. listen = [\"udp:514\", \"tcp:514\"]");
  EXPECT_NE(message("type = \"syslog\"\nlisten = [\"grpc:1\"]\n").find("of the kinds udp, tcp, tls, unix"), std::string::npos);
  EXPECT_NE(message("type = \"syslog\"\nlisten = [\"tls:6514\"]\n").find("source.certificate is missing"), std::string::npos);
  EXPECT_NE(message("type = \"otlp\"\nlisten = [\"grpc:localhost:1\"]\n").find("must be an IP address"), std::string::npos);
  EXPECT_NE(message("type = \"journald\"\nlisten = [\"tcp:1\"]\n").find("of servers"), std::string::npos);
  EXPECT_NE(message("type = \"journald\"\ndirectory = \"journals\"\n").find("absolute path"), std::string::npos);
  EXPECT_NE(message("type = \"syslog\"\nlisten = [\"tcp:1\"]\ninclude = [\"/x\"]\n").find("include is of files"), std::string::npos);
  EXPECT_NE(message("include = [\"/x\"]\nlisten = [\"tcp:1\"]\n").find("add type"), std::string::npos);
}

TEST(JournalCopies, AreTheFilesThatRsyslogNames) {
  const std::string configuration = "# cron.* /var/log/commented.log\nmodule(load=\"imuxsock\")\n*.*;auth,authpriv.none\t\t-/var/log/syslog\n"
                                    "auth,authpriv.*\t/var/log/auth.log;RSYSLOG_FileFormat\n*.emerg :omusrmsg:*\n"
                                    "if $programname == 'x' then action(type=\"omfile\" File=\"/var/log/X.log\")\n$WorkDirectory /var/spool/rsyslog\n";
  EXPECT_EQ(files_of_rsyslog(configuration), (std::vector<std::string>{"/var/log/X.log", "/var/log/auth.log", "/var/log/syslog"}));
  EXPECT_TRUE(files_of_rsyslog(configuration + "module(load=\"imudp\")\n").empty()) << "messages of others are in no journal";
  EXPECT_FALSE(files_of_rsyslog(configuration + "#module(load=\"imudp\")\n").empty());
}

TEST(Config, AccessNamesWhoWhereAndWhat) {
  const auto config = Config::parse(std::string("[[access]]\ngroup = \"shop\"\ntenants = [\"shop\"]\nrights = [\"ask\", \"change\"]\n"
                                                "[[access]]\nuser = \"7\"\ntenants = [\"*\"]\nrights = [\"audit\"]\n") + kSmall, "x");
  ASSERT_TRUE(config.is_ok()) << config.status().to_string();
  ASSERT_EQ(config->access.size(), 2u);
  EXPECT_EQ(config->access[0].rights, (std::vector<std::string>{"ask", "change"}));
  EXPECT_EQ(Config::parse(config->to_toml(), "again")->to_toml(), config->to_toml());
  Config fewer = *config;
  fewer.access.pop_back();
  EXPECT_EQ(changed_keys(*config, fewer), std::vector<std::string>{"access"});
  const auto of = [](const std::string& keys) { return error_of("[[access]]\n" + keys + kSmall); };
  EXPECT_NE(of("").find("siltd.toml:1: access: name a user, a group or a certificate"), std::string::npos);
  EXPECT_NE(of("user = \"a\"\ngroup = \"b\"\n").find("one of them"), std::string::npos);
  EXPECT_NE(of("user = \"a\"\nrights = [\"erase\"]\n").find("ask, change, audit, feed"), std::string::npos);
  EXPECT_NE(of("user = \"a\"\ntenants = []\n").find("tenants"), std::string::npos);
  EXPECT_NE(of("users = \"a\"\n").find("did you mean user"), std::string::npos);
}

TEST(Config, HttpThatIsOffListensNowhere) {
  const std::string off = "[serve]\nhttp = false\n";
  EXPECT_TRUE(Config::parse(off + kSmall, "siltd.toml").is_ok());
  EXPECT_NE(error_of(off + "http_listen = \"127.0.0.1:7459\"\n" + kSmall).find("http_listen"), std::string::npos);
}

TEST(Config, AnAlertTakesThreeLines) {
  const auto config = Config::parse("[[alert]]\nname = \"ops\"\nurl = \"https://hooks.example.org/silt\"\n" + std::string(kSmall), "x");
  ASSERT_TRUE(config.is_ok()) << config.status().to_string();
  ASSERT_EQ(config->alerts.size(), 1u);
  EXPECT_EQ(config->alerts[0].type, "webhook");
  EXPECT_EQ(config->alerts[0].line.place, "x:1");
  EXPECT_EQ(Config::parse(config->to_toml(), "again").value().to_toml(), config->to_toml());
}

TEST(Config, AnAlertThatCannotBeSentNamesLineKeyAndRemedy) {
  const auto error = [](const std::string& keys) { return error_of("\n[[alert]]\n" + keys); };
  EXPECT_EQ(error("url = \"https://h\"\n"), "siltd.toml:2: alert.name is missing, e.g. name = \"ops\"");
  EXPECT_EQ(error("name = \"a b\"\nurl = \"https://h\"\n"), "siltd.toml:2: alert.name: must be of letters, digits and . _ -, 64 at most");
  EXPECT_EQ(error("name = \"a\"\n"), "siltd.toml:2: alert.url is missing, e.g. url = \"https://hooks.example.org\"");
  EXPECT_EQ(error("name = \"a\"\nurl = \"http://hooks.example.org\"\n"), "siltd.toml:2: alert.url: http would send the credential in the clear; use https");
  EXPECT_EQ(error("name = \"a\"\ntype = \"mail\"\nurl = \"smtps://m\"\n"), "siltd.toml:2: alert.to is missing, e.g. to = [\"ops@example.org\"]");
  EXPECT_EQ(error("name = \"a\"\nurl = \"https://h\"\nto = [\"x@y\"]\n"), "siltd.toml:2: alert.to and from are of mail; add type = \"mail\", or remove them");
  EXPECT_EQ(error("name = \"a\"\nurl = \"https://h\"\ndigest = \"8:00\"\n"), "siltd.toml:2: alert.digest: must be a time of day like \"08:00\"");
  EXPECT_EQ(error("name = \"a\"\nurl = \"https://h\"\n[[alert]]\nname = \"a\"\nurl = \"https://h\"\n"), "siltd.toml:5: alert.name: \"a\" is used twice");
  EXPECT_EQ(minute_of_day("23:59"), 23 * 60 + 59);
  for (const char* time : {"24:00", "12:60", "1:000", "ab:cd", ""}) EXPECT_EQ(minute_of_day(time), -1) << time;
}

TEST(Config, QuotasAreOfATenantEach) {
  const auto config = Config::parse(std::string(kSmall) + "[[quota]]\ntenant = \"shop\"\nmib_per_day = 5\n[[quota]]\ntenant = \"*\"\n", "siltd.toml");
  ASSERT_TRUE(config.is_ok()) << config.status().message();
  ASSERT_EQ(config->quotas.size(), 2u);
  EXPECT_EQ(config->quotas[0].mib_per_day, 5u);
  EXPECT_EQ(Config::parse(config->to_toml(), "again")->to_toml(), config->to_toml());
  Config fewer = *config;
  fewer.quotas.pop_back();
  EXPECT_EQ(changed_keys(*config, fewer), std::vector<std::string>{"quota"});
  const auto of = [](const std::string& keys) { return error_of("[[quota]]\n" + keys + kSmall); };
  EXPECT_NE(of("").find("siltd.toml:1: quota.tenant is missing"), std::string::npos);
  EXPECT_NE(of("tenant = \"a\"\n[[quota]]\ntenant = \"a\"\n").find("has a quota already"), std::string::npos);
}

// docs/formats.md has a row for each key, and none for others.
TEST(Config, EveryKeyIsDocumented) {
  std::istringstream effective(Config::parse(std::string(kSmall) + "[[access]]\ngroup = \"g\"\n[[quota]]\ntenant = \"t\"\n[[alert]]\nname = \"a\"\nurl = \"https://h\"\n", "x")->to_toml());
  std::set<std::string> keys;
  std::string section;
  for (std::string line; std::getline(effective, line);) {
    if (line.starts_with('[')) {
      section = line.substr(line.find_last_of('[') + 1);
      section.resize(section.find(']'));
    } else if (const std::size_t end = line.find(" = "); end != std::string::npos) {
      keys.insert(section + "." + line.substr(0, end));
    }
  }
  ASSERT_GT(keys.size(), 30u);

  std::ifstream page(SILT_SOURCE_DIR "/docs/formats.md");
  std::set<std::string> documented;
  bool here = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) here = line == "## Configuration";
    if (here && line.starts_with("| `")) documented.insert(line.substr(3, line.find('`', 3) - 3));
  }
  EXPECT_EQ(documented, keys);
}

TEST(Config, WhatDiffersIsNamed) {
  const Config before = *Config::parse(kSmall, "x");
  EXPECT_TRUE(changed_keys(before, before).empty());
  Config after = before;
  after.learn.cpu_share = 0.25;
  after.serve.change_group = "ops";
  EXPECT_EQ(changed_keys(before, after), (std::vector<std::string>{"learn.cpu_share", "serve.change_group"}));
  after = before;
  after.sources[0].mode = "count";
  EXPECT_EQ(changed_keys(before, after), std::vector<std::string>{"source"});
  after.sources.clear();
  EXPECT_EQ(changed_keys(before, after), std::vector<std::string>{"source"});
}

TEST(Config, AMissingFileSaysSo) {
  silt::testing::TempDir dir;
  const auto config = Config::load(dir.path("none.toml"));
  ASSERT_FALSE(config.is_ok());
  EXPECT_EQ(config.status().code(), Code::kNotFound);
  EXPECT_NE(config.status().message().find("none.toml"), std::string::npos);
}

TEST(Config, Zones) {
  EXPECT_EQ(parse_zone("utc").value(), 0);
  EXPECT_EQ(parse_zone("+02:00").value(), 7200);
  EXPECT_EQ(parse_zone("-03:30").value(), -12600);
  for (const char* bad : {"", "2", "+2", "+02:60", "+15:00", "+02:00 ", "local"}) {
    EXPECT_FALSE(parse_zone(bad).is_ok()) << bad;
  }
}

}  // namespace
}  // namespace silt::daemon
