// Syslog as it comes: messages of both standards and of none, frames however they are cut, endpoints.
#include <gtest/gtest.h>

#include <map>

#include "base/clock.h"
#include "connectors/push/endpoint.h"
#include "connectors/push/senders.h"
#include "connectors/push/stream_names.h"
#include "connectors/syslog/frames.h"
#include "connectors/syslog/message.h"
#include "connectors/syslog/syslog_connector.h"

namespace silt::connectors {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'796'058'000 * kSecond;  // 2026-11-30T17:00:00Z

std::int32_t berlin(std::int64_t) { return 3600; }

struct Parsed {
  explicit Parsed(std::string_view frame, std::int64_t now_us = kNow) : message(parse_syslog(frame, now_us, berlin, arena)) {
    for (const Attribute& each : message.data) data[std::string(each.key)] = each.value;
  }
  std::string told() const { return message.told_us == 0 ? "" : rfc3339_utc(message.told_us); }
  Arena arena;
  SyslogMessage message;
  std::map<std::string, std::string> data;
};

TEST(SyslogMessage, Of5424HasAllItsParts) {
  const Parsed parsed(R"(<165>1 2026-11-30T16:59:58.003-01:00 db3 evntslog 77 ID47 [exampleSDID@32473 iut="3" eventSource="App\"li\]cation" path="C:\\x\y"][x@1] )"
                      "\xef\xbb\xbf" "An application event\n");
  EXPECT_EQ(parsed.message.priority, 165);
  EXPECT_EQ(parsed.told(), "2026-11-30T17:59:58.003000Z");
  EXPECT_EQ(parsed.message.host, "db3");
  EXPECT_EQ(parsed.message.app, "evntslog");
  EXPECT_EQ(parsed.message.pid, "77");
  EXPECT_EQ(parsed.message.message_id, "ID47");
  EXPECT_EQ(parsed.message.text, "An application event");
  EXPECT_EQ(parsed.data, (std::map<std::string, std::string>{{"exampleSDID@32473.iut", "3"},
                                                              {"exampleSDID@32473.eventSource", "App\"li]cation"},
                                                              {"exampleSDID@32473.path", "C:\\x\\y"}}));
  EXPECT_EQ(severity_name(165), "notice");
  EXPECT_EQ(facility_name(165), "local4");
  const Parsed bare("<34>1 - - - - - -");
  EXPECT_EQ(bare.message.text, "");
  EXPECT_EQ(bare.message.host, "");
}

TEST(SyslogMessage, WhatOnlyLooksLikeStructuredDataIsText) {
  EXPECT_EQ(Parsed("<34>1 - h a - - [not closed").message.text, "[not closed");
  EXPECT_EQ(Parsed("<34>1 - h a - - [id a=\"1]").message.text, "[id a=\"1]");
  EXPECT_TRUE(Parsed("<34>1 - h a - - [id a=\"1\" b]").data.empty());
}

TEST(SyslogMessage, Of3164InItsManyForms) {
  const Parsed usual("<34>Nov 30 17:59:01 db3 sshd[812]: Failed password for root");
  EXPECT_EQ(usual.told(), "2026-11-30T16:59:01.000000Z");
  EXPECT_EQ(usual.message.host, "db3");
  EXPECT_EQ(usual.message.app, "sshd");
  EXPECT_EQ(usual.message.pid, "812");
  EXPECT_EQ(usual.message.text, "Failed password for root");
  const Parsed local("<13>Nov  1 08:00:00 eli: no host");  // what logger(1) writes to a socket of this host
  EXPECT_EQ(local.message.host, "");
  EXPECT_EQ(local.message.app, "eli");
  EXPECT_EQ(local.told(), "2026-11-01T07:00:00.000000Z");
  const Parsed forwarded("<13>2026-11-30T17:59:58.5+01:00 db3 systemd[1]: Started.");
  EXPECT_EQ(forwarded.told(), "2026-11-30T16:59:58.500000Z");
  EXPECT_EQ(forwarded.message.host, "db3");
  EXPECT_EQ(Parsed("<13>Nov 30 2025 17:59:01: %ASA-6-302013: Built").told(), "2025-11-30T16:59:01.000000Z");
  EXPECT_EQ(Parsed("<13>kernel: no time").message.app, "kernel");
  EXPECT_EQ(Parsed("<13>Nov 30 17:59:01 db3 a text without a tag").message.text, "a text without a tag");
}

TEST(SyslogMessage, ItsYearIsTheNearestOne) {
  const std::int64_t new_year = 1'798'761'600 * kSecond;  // 2027-01-01T00:00:00Z
  EXPECT_EQ(Parsed("<13>Dec 31 23:59:59 h a: x", new_year).told(), "2026-12-31T22:59:59.000000Z");
  EXPECT_EQ(Parsed("<13>Jan  1 01:00:01 h a: x", new_year - 30 * kSecond).told(), "2027-01-01T00:00:01.000000Z");
  EXPECT_EQ(Parsed("<13>Feb 29 12:00:00 h a: x").told(), "") << "no year nearby has that day";
}

TEST(SyslogMessage, AnythingElseIsAText) {
  for (const std::string_view text : {"no priority at all", "<999>1 x", "<>x", "<1234>x", "<a>x"}) {
    const Parsed parsed(text);
    EXPECT_FALSE(parsed.message.priority.has_value()) << text;
    EXPECT_EQ(parsed.message.text, text);
  }
}

struct Cut {
  std::vector<std::string> frames;
  bool broken = false;
};

// The same frames come, however the bytes are cut.
Cut cut(std::string_view bytes, std::size_t piece, std::size_t frame_bytes_max = 64) {
  FrameCutter cutter(frame_bytes_max);
  Cut out;
  const auto take = [&](const Frame& frame) {
    std::string text(frame.text);
    if (frame.bytes_cut != 0) text += "+" + std::to_string(frame.bytes_cut);
    if (frame.partial) text += "...";
    if (!frame.command.empty()) text = std::to_string(frame.number) + " " + std::string(frame.command) + " " + text;
    out.frames.push_back(text);
  };
  for (std::size_t at = 0; at < bytes.size() && !out.broken; at += piece) out.broken = !cutter.feed(bytes.substr(at, piece), take);
  cutter.finish(take);
  return out;
}

using Frames = std::vector<std::string>;

TEST(SyslogFrames, AreTheSameHoweverTheyAreCut) {
  const std::string long_line(100, 'x');
  for (std::size_t piece = 1; piece < 40; ++piece) {
    EXPECT_EQ(cut("<1>a\n<2>b\r\n\n<3>c", piece).frames, (Frames{"<1>a", "<2>b\r", "", "<3>c"})) << piece;
    EXPECT_EQ(cut("4 <1>a5 <2>\nb0 \n4 <3>c", piece).frames, (Frames{"<1>a", "<2>\nb", "", "<3>c"})) << piece;
    EXPECT_EQ(cut(long_line + "\n<2>b\n", piece).frames, (Frames{long_line.substr(0, 64) + "+36", "<2>b"})) << piece;
    EXPECT_EQ(cut("100 " + long_line + "4 <3>c", piece).frames, (Frames{long_line.substr(0, 64) + "+36", "<3>c"})) << piece;
    EXPECT_EQ(cut("10 <1>a", piece).frames, (Frames{"<1>a..."})) << piece;
    EXPECT_EQ(cut("1 open 3 a=b\n2 syslog 4 <1>a\n3 close 0\n", piece).frames,
              (Frames{"1 open a=b", "2 syslog <1>a", "3 close "})) << piece;
  }
}

TEST(SyslogFrames, ACountThatIsNoneBreaksTheConnection) {
  for (const std::string_view bytes : {"4 <1>aGARBAGE", "12345678 x", "7x", "1 open 3 a=b\nx", "1 open x y\n", "1 open 99999999 x"}) {
    for (const std::size_t piece : {1U, 3U, 100U}) EXPECT_TRUE(cut(bytes, piece).broken) << bytes << " by " << piece;
  }
}

TEST(Endpoints, AreLoopbackUnlessAnAddressIsNamed) {
  const auto text_of = [](const std::string& text) {
    const auto parsed = parse_endpoint(text, kSyslogKinds);
    return parsed.is_ok() ? parsed->text() : "no: " + parsed.status().message();
  };
  EXPECT_EQ(text_of("udp:514"), "udp:127.0.0.1:514");
  EXPECT_EQ(text_of("tcp:0.0.0.0:601"), "tcp:0.0.0.0:601");
  EXPECT_EQ(text_of("tls:[::]:6514"), "tls:[::]:6514");
  EXPECT_EQ(text_of("unix:/run/silt/log"), "unix:/run/silt/log");
  for (const std::string wrong : {"tcp", "tcp:", "tcp:x", "tcp:70000", "tcp:example.org:1", "ftp:1", "unix:log", ":1", ""})
    EXPECT_TRUE(text_of(wrong).starts_with("no: ")) << wrong;
}

TEST(SendersTest, OneSenderGetsItsPartAndNoMore) {
  ManualClock clock;
  Senders senders({.connections_max = 8, .waiting_bytes_max = 100, .bytes_per_s_max = 1000, .senders_max = 2}, clock);
  const auto a = senders.account("a"), b = senders.account("b");
  EXPECT_TRUE(senders.connect(*a) && senders.connect(*a));
  EXPECT_FALSE(senders.connect(*a)) << "a quarter";
  EXPECT_TRUE(senders.connect(*b));
  EXPECT_EQ(senders.account("c"), senders.account("d")) << "the table is bounded";
  EXPECT_EQ(senders.spend(*a, 1000), 0);
  const std::int64_t pause_ms = senders.spend(*a, 500);
  EXPECT_NEAR(static_cast<double>(pause_ms), 500, 2);
  EXPECT_EQ(senders.spend(*b, 1000), 0) << "the others have rates of their own";
  clock.advance_us(2'000'000);
  EXPECT_EQ(senders.spend(*a, 1000), 0);
  senders.hold(*a, 100);
  EXPECT_FALSE(senders.has_share(*a));
  EXPECT_TRUE(senders.has_share(*b));
  bool gone_on = false;
  senders.when_share(*a, [&] { gone_on = true; });
  senders.release(*a, 40);
  EXPECT_FALSE(gone_on);
  senders.release(*a, 20);
  EXPECT_TRUE(gone_on);
}

TEST(StreamNamesTest, HostileNamesMakeNoSources) {
  StreamNames names("net", 3, 2);
  std::uint32_t one = 0, other = 0;
  EXPECT_EQ(names.stream("db3", one), "net:db3");
  for (const std::string_view hostile : {"", "a b", "x\n", "../x", "\xff"}) EXPECT_EQ(names.stream(hostile, one), "");
  EXPECT_EQ(names.stream("db4", one), "net:db4");
  EXPECT_EQ(names.stream("db5", one), "") << "it brought its two";
  EXPECT_EQ(names.stream("db5", other), "net:db5");
  EXPECT_EQ(names.stream("db6", other), "") << "there are three";
  EXPECT_EQ(names.stream("db3", other), "net:db3");
  EXPECT_EQ(names.refused(), 2U);
}

}  // namespace
}  // namespace silt::connectors
