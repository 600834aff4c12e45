// Who may do what, from what the kernel says; and how many connections one user gets.
#include "daemon/serve/callers.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/serve/acceptor.h"

namespace silt::serve {
namespace {

using access::Caller;
using access::Right;

constexpr uid_t kOwn = 900;
constexpr gid_t kGroup = 901;

Caller caller(uid_t uid, gid_t gid, std::vector<gid_t> groups, std::optional<gid_t> change = kGroup) {
  return caller_of(Peer{uid, gid, 1, std::move(groups)}, {kOwn, change});
}

TEST(Callers, ChangesAreForRootTheOwnUserAndTheirGroup) {
  EXPECT_TRUE(caller(0, 0, {}).rights.has(Right::kChange));
  EXPECT_TRUE(caller(kOwn, 5, {}).rights.has(Right::kChange));
  EXPECT_TRUE(caller(1000, kGroup, {}).rights.has(Right::kChange));
  EXPECT_TRUE(caller(1000, 1000, {4, kGroup}).rights.has(Right::kChange));
  EXPECT_FALSE(caller(1000, 1000, {4, 27}).rights.has(Right::kChange));
  EXPECT_FALSE(caller(1000, 0, {0, 27}, std::nullopt).rights.has(Right::kChange));  // nor for root's group
}

TEST(Callers, EveryoneMayAskAndFewMayMore) {
  for (const uid_t uid : {0U, kOwn, 1000U}) EXPECT_TRUE(caller(uid, 1000, {}).rights.has(Right::kAsk));
  for (const Right right : {Right::kAudit, Right::kFeed}) {
    EXPECT_TRUE(caller(0, 0, {}).rights.has(right));
    EXPECT_FALSE(caller(1000, kGroup, {}).rights.has(right));
  }
}

TEST(Callers, SeeTheirTenants) {
  EXPECT_TRUE(caller(0, 0, {}).tenants.sees("other"));
  EXPECT_TRUE(caller(kOwn, 5, {}).tenants.sees("other"));
  EXPECT_TRUE(caller(1000, kGroup, {}).tenants.sees("default"));
  EXPECT_FALSE(caller(1000, kGroup, {}).tenants.sees("other"));
  EXPECT_EQ(caller(1000, 5, {}).name, "uid:1000");
}

TEST(Callers, TheChangeGroupIsRealAndNotTheSocketsOwn) {
  EXPECT_FALSE(caller_policy("", 5)->change_group.has_value());
  const auto absent = caller_policy("no-such-group-of-silt", 5);
  EXPECT_EQ(absent.status().code(), Code::kInvalidArgument);
  EXPECT_NE(absent.status().message().find("groupadd"), std::string::npos);
  EXPECT_EQ(caller_policy("root", 0).status().code(), Code::kInvalidArgument);
  const auto good = caller_policy("root", 5);
  ASSERT_TRUE(good.is_ok());
  EXPECT_EQ(good->change_group, gid_t{0});
}

TEST(ConnectionShares, OneUserGetsTheirShareAndGetsItBack) {
  int pairs[3][2];
  for (auto& pair : pairs) ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  ConnectionShares shares(2);
  EXPECT_TRUE(shares.admit(pairs[0][0], 7, 0).is_ok());
  EXPECT_TRUE(shares.admit(pairs[1][0], 7, 0).is_ok());
  EXPECT_EQ(shares.admit(pairs[2][0], 7, 0).code(), Code::kResourceExhausted);
  EXPECT_TRUE(shares.admit(pairs[2][0], 8, 0).is_ok());
  ::close(pairs[0][0]);
  EXPECT_TRUE(shares.admit(pairs[2][1], 7, 0).is_ok());
  for (auto& pair : pairs) ::close(pair[1]);
  ::close(pairs[1][0]);
  ::close(pairs[2][0]);
}

TEST(ConnectionShares, AUserMayConnectSoOftenASecond) {
  ConnectionShares shares(1000);
  const auto admitted = [&](uid_t uid, std::int64_t now_us) {
    int count = 0;
    for (int i = 0; i < 1000; ++i) count += shares.admit(0, uid, now_us).is_ok() ? 1 : 0;
    return count;
  };
  EXPECT_EQ(admitted(7, 5'000'000), kConnectionsPerSecond);
  EXPECT_EQ(admitted(7, 5'100'000), kConnectionsPerSecond / 10);
  EXPECT_EQ(admitted(8, 5'100'000), kConnectionsPerSecond);
  EXPECT_EQ(admitted(7, 60'000'000), kConnectionsPerSecond);
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
