// How many connections one user gets, and how often what was refused is logged.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/serve/acceptor.h"

namespace silt::serve {
namespace {

TEST(ConnectionShares, OneUserGetsTheirShareAndGetsItBack) {
  int pairs[3][2];
  for (auto& pair : pairs) ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  ConnectionShares shares(2);
  EXPECT_TRUE(shares.admit(pairs[0][0], "uid 7", 0).is_ok());
  EXPECT_TRUE(shares.admit(pairs[1][0], "uid 7", 0).is_ok());
  EXPECT_EQ(shares.admit(pairs[2][0], "uid 7", 0).code(), Code::kResourceExhausted);
  EXPECT_TRUE(shares.admit(pairs[2][0], "uid 8", 0).is_ok());
  ::close(pairs[0][0]);
  EXPECT_TRUE(shares.admit(pairs[2][1], "uid 7", 0).is_ok());
  for (auto& pair : pairs) ::close(pair[1]);
  ::close(pairs[1][0]);
  ::close(pairs[2][0]);
}

// To find out whether one of those that are open was closed means to look at all.
TEST(ConnectionShares, WhatIsRefusedForThoseThatAreOpenCountsAmongThoseOfASecond) {
  ConnectionShares shares(1);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  EXPECT_TRUE(shares.admit(pair[0], "uid 7", 0).is_ok());
  int looked = 0;
  for (int i = 0; i < 1000; ++i) looked += shares.admit(pair[1], "uid 7", 0).message().find("are open") != std::string::npos;
  EXPECT_EQ(looked, kConnectionsPerSecond - 1);
  for (const int fd : pair) ::close(fd);
}

TEST(ConnectionShares, AUserMayConnectSoOftenASecond) {
  ConnectionShares shares(1000);
  const auto admitted = [&](const std::string& who, std::int64_t now_us) {
    int count = 0;
    for (int i = 0; i < 1000; ++i) count += shares.admit(0, who, now_us).is_ok() ? 1 : 0;
    return count;
  };
  EXPECT_EQ(admitted("uid 7", 5'000'000), kConnectionsPerSecond);
  EXPECT_EQ(admitted("uid 7", 5'100'000), kConnectionsPerSecond / 10);
  EXPECT_EQ(admitted("uid 8", 5'100'000), kConnectionsPerSecond);
  EXPECT_EQ(admitted("uid 7", 60'000'000), kConnectionsPerSecond);
}

TEST(RefusalLog, SaysOnceASecondHowMany) {
  std::string logged;
  log::set_sink([&](log::Level, std::string_view line) { logged.append(line).append("\n"); });
  RefusalLog refusals;
  for (std::int64_t now_us = 5'000'000; now_us < 7'000'001; now_us += 1000) refusals.note("flood", now_us);
  log::set_sink([](log::Level, std::string_view) {});
  EXPECT_EQ(logged,
            "connection_refused reason=flood count=1\n"
            "connection_refused reason=flood count=1000\n"
            "connection_refused reason=flood count=1000\n");
}

}  // namespace
}  // namespace silt::serve
