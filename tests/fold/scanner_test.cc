#include "daemon/fold/miner.h"
#include "daemon/fold/scanner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/fold/lines.h"

namespace silt::fold {
namespace {

// "word:Refused num:12" for easy comparison.
std::string kinds(std::string_view line) {
  ScannedLine scanned;
  scan_line(line, scanned);
  std::string out;
  for (const Token& token : scanned.tokens) {
    if (!out.empty()) out += ' ';
    out.append(token_kind_name(token.kind)).append("=").append(text_of(line, token));
  }
  return out;
}

std::string fields(std::string_view line) {
  ScannedLine scanned;
  scan_line(line, scanned);
  std::vector<Field> found;
  fields_of(scanned, found);
  std::string out;
  for (const Field& field : found) {
    if (!out.empty()) out += ' ';
    out.append(field.name).append(":").append(token_kind_name(field.kind)).append("=");
    out.append(line.substr(field.begin, field.end - field.begin));
  }
  return out;
}

std::vector<std::string> terms(std::string_view line) {
  std::vector<std::string> out;
  index_terms(line, out);
  return out;
}

bool has(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

TEST(Scanner, TypesOfTokens) {
  EXPECT_EQ(kinds("sshd[412]: x"), "word=sshd num=412 word=x");
  EXPECT_EQ(kinds("a 12 -7 3.25 1.2.3"), "word=a num=12 num=-7 num=3.25 num=1.2.3");
  EXPECT_EQ(kinds("at 0x1fF, 9f4ef63a;"), "word=at hex=0x1fF hex=9f4ef63a");
  EXPECT_EQ(kinds("id 6f1d2c3a-0b1c-4d2e-8f3a-123456789abc ok"),
            "word=id uuid=6f1d2c3a-0b1c-4d2e-8f3a-123456789abc word=ok");
  EXPECT_EQ(kinds("src: /10.1.2.3:50010 dest 10.1.2.4."), "word=src ip=10.1.2.3:50010 word=dest ip=10.1.2.4");
  EXPECT_EQ(kinds("from fe80::1 and 2001:db8:0:0:0:0:0:1"),
            "word=from ip=fe80::1 word=and ip=2001:db8:0:0:0:0:0:1");
  EXPECT_EQ(kinds("::ffff:10.0.0.1 up"), "ip=::ffff:10.0.0.1 word=up");
  EXPECT_EQ(kinds("mac 00:1a:2b:3c:4d:5e"), "word=mac mac=00:1a:2b:3c:4d:5e");
  EXPECT_EQ(kinds("open /var/log/x.log: no"), "word=open path=/var/log/x.log word=no");
  EXPECT_EQ(kinds("C:\\Temp\\a.txt gone"), "path=C:\\Temp\\a.txt word=gone");
  EXPECT_EQ(kinds("GET https://h.example/a?b=1, then"), "word=GET url=https://h.example/a?b=1 word=then");
  EXPECT_EQ(kinds("mail otto@quartz.example now"), "word=mail email=otto@quartz.example word=now");
  EXPECT_EQ(kinds("block blk_-160899 of worker-3"), "word=block id=blk_-160899 word=of id=worker-3");
  EXPECT_EQ(kinds("took 12ms 3.5s 1h2m, 64KB"), "word=took dur=12ms dur=3.5s dur=1h2m size=64KB");
  EXPECT_EQ(kinds("ext4 eth0 x.DataNode$Server"), "word=ext4 word=eth0 word=x.DataNode$Server");
  EXPECT_EQ(kinds("gate.go:181 a=b"), "word=gate.go num=181 word=a word=b");
}

TEST(Scanner, NearMissesAreNotAddresses) {
  EXPECT_EQ(kinds("v 256.1.1.1"), "word=v num=256.1.1.1");
  EXPECT_EQ(kinds("v 1.2.3.4.5"), "word=v num=1.2.3.4.5");
  EXPECT_EQ(kinds("t 12:30:45 a:b:c"), "word=t time=12:30:45 word=a word=b word=c");
}

TEST(Scanner, TheTimestampIsOneToken) {
  EXPECT_EQ(kinds("Nov 21 20:54:35 quartz up"), "time=Nov 21 20:54:35 word=quartz word=up");
  EXPECT_EQ(kinds("I1121 20:54:35.123456 1 x"), "word=I time=1121 20:54:35.123456 num=1 word=x");
}

// "host|program|severity|message" of a line.
std::string head(std::string_view line) {
  ScannedLine scanned;
  scan_line(line, scanned);
  const auto text = [&](const TextSpan& span) {
    return std::string(line.substr(span.begin, span.end - span.begin));
  };
  return text(scanned.host) + "|" + text(scanned.program) + "|" + text(scanned.severity) + "|" +
         std::string(line.substr(scanned.message));
}

TEST(Head, OfManyLayouts) {
  const char* cases[][2] = {
      {"Nov 21 20:54:35 quartz gated[7]: up", "quartz|gated|| up"},
      {"Nov 21 20:54:35 quartz gated(pam_unix)[7]: up", "quartz|gated|| up"},
      {"Nov 21 20:54:35 quartz gated[7] ([8]): up", "quartz|gated|| up"},
      {"Nov 21 20:54:35 quartz kernel: eth0: up", "quartz|kernel|| eth0: up"},
      {"Nov 21 20:54:35 quartz --- last message repeated ---", "quartz|||--- last message repeated ---"},
      {"<34>1 2026-11-21T20:54:35Z quartz gated 77 ID47 - up", "quartz|gated|| up"},
      {"2026-11-21 20:54:35,978 WARN [main] org.example.Gate: up", "|org.example.Gate|WARN| up"},
      {"2026-11-21 20:54:35,978 - WARN  [main:Gate@7] - up", "||WARN| up"},
      {"081109 203615 148 INFO dfs.Gate$Keeper: up", "|dfs.Gate$Keeper|INFO| up"},
      {"03-17 16:13:38.811  1702  2395 D GateManager: up", "|GateManager|D| up"},
      {"- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO up", "||INFO| up"},
      {"- 1131566461 2005.11.09 n28 Nov 9 12:01:01 n28/n28 gated[7]: up", "n28/n28|gated|| up"},
      {"20171223-22:15:29:606|Gate_LSC|30002312|up", "|Gate_LSC||up"},
      {"[10.30 16:49:06] gate.exe *64 - up", "|gate.exe|| up"},
      {"[Sun Dec 04 04:47:44 2005] [error] up", "||error| up"},
      {"I1121 20:54:35.123456       1 gate.go:7] up", "|gate.go|I| up"},
      {"2026-11-21 20:54:35, Info                  CBS    up", "|CBS|Info|    up"},
      {"2026-11-21 20:54:35.1  INFO 7 --- [  main] c.example.Gate     : up", "|c.example.Gate|INFO| up"},
      {"[warn] the gate is up", "||warn| the gate is up"},
      {"09:50:41  WARNING - no such gate", "||WARNING| no such gate"},
      {"[09:50:41] ERROR: no such gate", "||ERROR| no such gate"},
      {"2026-11-21 20:54:35 failed to open: x", "||| failed to open: x"},
      {"[   12.345678] eth0: up", "||| eth0: up"},
      {"the error: x", "|||the error: x"},
      {"Start-Date: 2026-11-21  20:54:35", "|||Start-Date: 2026-11-21  20:54:35"},
      {R"({"level":"info","msg":"x"})", R"(|||{"level":"info","msg":"x"})"}};
  for (const auto& [line, expected] : cases) EXPECT_EQ(head(line), expected) << line;
}

TEST(Scanner, WhatCannotBeSeenIsNoPartOfWords) {
  const std::string line =
      "\x1b[1;31mERROR\x1b[0m disk sd\xc2\xad"
      "a3 WA\xe2\x80\x8bRN";
  const auto found = terms(line);
  EXPECT_EQ(found, (std::vector<std::string>{"disk", "error", "sda3", "warn"}));
  ScannedLine scanned;
  scan_line(line, scanned);
  ASSERT_EQ(scanned.tokens.size(), 4u);
  EXPECT_EQ(text_of(line, scanned.tokens[0]), "ERROR");
  EXPECT_EQ(text_of(line, scanned.tokens[2]),
            "sd\xc2\xad"
            "a3");  // a span of the line as it is
  scan_line("plain", scanned);
  EXPECT_EQ(scanned.visible, nullptr);
}

TEST(Scanner, AnyBytesGiveSortedSpansInsideTheLine) {
  std::mt19937_64 random(5);
  ScannedLine scanned;
  std::vector<Field> found;
  std::vector<std::string> collected;
  for (int i = 0; i < 20000; ++i) {
    const std::string line = testing::noise(random, 200);
    scan_line(line, scanned);
    std::uint32_t end = 0;
    for (const Token& token : scanned.tokens) {
      ASSERT_LE(end, token.begin);
      ASSERT_LT(token.begin, token.end);
      end = token.end;
    }
    ASSERT_LE(end, line.size());
    ASSERT_LE(scanned.message, line.size());
    for (const TextSpan& span : {scanned.host, scanned.program, scanned.severity}) {
      ASSERT_LE(span.begin, span.end);
      ASSERT_LE(span.end, line.size());
    }
    fields_of(scanned, found);
    end = 0;
    for (const Field& field : found) {
      ASSERT_LE(end, field.begin);
      ASSERT_LE(field.begin, field.end);
      end = field.end;
    }
    ASSERT_LE(end, line.size());
    index_terms(scanned, collected);
    ASSERT_LE(collected.size(), kMaxTerms);
  }
}

TEST(Scanner, LongLinesAreCutAndStayCheap) {
  // Joiners everywhere make every split look again at what follows: the atom's limit bounds that.
  std::string line;
  while (line.size() < 2 * kMaxScanBytes) line += "a:b/c@";
  ScannedLine scanned;
  scan_line(line, scanned);
  ASSERT_FALSE(scanned.tokens.empty());
  EXPECT_LE(scanned.tokens.back().end, kMaxScanBytes);
}

TEST(Fields, KeysAndValues) {
  EXPECT_EQ(fields("peer=10.0.0.7:22 missed=3 note=\"gone away\""),
            "peer:ip=10.0.0.7:22 missed:num=3 note:word=gone away");
  EXPECT_EQ(fields(R"({"user": "otto", "code":17,"at":"x y"})"), "user:word=otto code:num=17 at:word=x y");
  EXPECT_EQ(fields("ruser= rhost=10.0.0.7  user=root"), "rhost:ip=10.0.0.7 user:word=root");
  EXPECT_EQ(fields("status: 500, state: lost"), "status:num=500");
}

TEST(Fields, UsersAndHostsByWording) {
  EXPECT_EQ(fields("Failed password for root from 10.0.0.7 port 22 ssh2"), "user:word=root ip:ip=10.0.0.7");
  EXPECT_EQ(fields("Failed password for invalid user otto from 10.0.0.7"), "user:word=otto ip:ip=10.0.0.7");
  EXPECT_EQ(fields("session opened for user mira by (uid=0)"), "user:word=mira uid:num=0");
  EXPECT_EQ(fields("check pass; user unknown"), "");
}

TEST(Terms, WordsIdentifiersAndTheirParts) {
  const auto found =
      terms("Nov 21 20:54:35 Quartz gated[7]: Refused /etc/gated/a.conf for 10.0.0.1:22 x.DataNode blk_-160");
  for (const char* term : {"quartz", "gated", "refused", "/etc/gated/a.conf", "a.conf", "10.0.0.1:22",
                           "10.0.0.1", "x.datanode", "datanode", "blk_-160"}) {
    EXPECT_TRUE(has(found, term)) << term;
  }
  EXPECT_FALSE(has(found, "nov"));
  EXPECT_FALSE(has(found, "7"));
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
  EXPECT_EQ(std::adjacent_find(found.begin(), found.end()), found.end());
}

TEST(Terms, AreBounded) {
  std::string line;
  for (int i = 0; i < 500; ++i) line += "word" + std::to_string(1000 + i) + " ";
  EXPECT_EQ(terms(line).size(), kMaxTerms);
  const auto cut = terms(std::string(500, 'q'));
  ASSERT_EQ(cut.size(), 1u);
  EXPECT_EQ(cut[0].size(), kMaxTermBytes);
}

// Alone, a number is a time and gives no term; in a line it is a number and gives one.
TEST(Terms, PossibleOnesOfATokenAreAllThatALineGives) {
  for (const std::string token : {"1698730441", "1698730441317224007", "2026-11-21", "10:10:10", "a.b-c",
                                  "/var/log/x.log", "10.0.0.1:22", "me@example.org", "blk_-123", "C:\\x\\y",
                                  "8792489.5012ms", "12ms", "https://a.b/c/d?e=f", "9264346651-12382"}) {
    std::vector<std::string> given, possible;
    index_terms("first 2026-11-21T10:10:10Z then " + token + " last", given);
    for (const char* other : {"first", "then", "last"}) std::erase(given, other);
    possible_terms(token, possible);
    for (const std::string& term : given) {
      EXPECT_NE(std::find(possible.begin(), possible.end(), term), possible.end()) << term << " of " << token;
    }
  }
}

TEST(Terms, PossibleOnesOfALineAreAllOfIt) {
  const std::string pieces[] = {"5ms", "12", "kb", "Z", "T10", "20261121", "a", "xff",
                                "-",   ".",  " ",  "/", ":",   "1e5",      "@"};
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    std::string line;
    for (std::size_t left = random() % 6; left > 0; --left) line += pieces[random() % std::size(pieces)];
    std::vector<std::string> given, possible;
    index_terms(line, given);
    possible_terms(line, possible);
    for (const std::string& term : given) {
      ASSERT_NE(std::find(possible.begin(), possible.end(), term), possible.end()) << term << " of " << line;
    }
  }
}

TEST(Scanner, OfARecordOfManyLinesTheFirstOneIsThePatternAndAllGiveTerms) {
  std::string record = "2026-11-21 20:54:35 ERROR [main] app.Run: failed";
  for (int i = 0; i < 100; ++i) record += "\n\tat place.number" + std::to_string(i) + "(file.cc:1)";
  ScannedLine scanned;
  scan_line(record, scanned);
  EXPECT_EQ(record.substr(scanned.program.begin, 7), "app.Run");
  EXPECT_EQ(scanned.first_line, record.find('\n'));
  EXPECT_EQ(scanned.tokens.back().end, record.size() - 1);
  EXPECT_TRUE(has(terms(record), "number99"));
  ScannedLine other;
  const std::string short_record = record.substr(0, scanned.first_line) + "\n\tat elsewhere(x)";
  Miner miner;
  scan_line(short_record, other);
  EXPECT_EQ(miner.fold(scanned, 1, 0).pattern, miner.fold(other, 2, 0).pattern);
}

TEST(Scanner, ATimeInAContinuationIsNoTimeOfTheRecord) {
  ScannedLine scanned;
  scan_line("failed\n2026-11-21 20:54:35 x", scanned);
  EXPECT_FALSE(scanned.time);
}

}  // namespace
}  // namespace silt::fold
