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
using access::Tenants;

constexpr uid_t kOwn = 900;
constexpr gid_t kGroup = 901;

CallerPolicy policy_of(std::optional<gid_t> change) {
  CallerPolicy policy;
  policy.own_uid = kOwn;
  if (change) policy.grants.push_back({{}, change, Tenants({"default"}), {Right::kAsk, Right::kChange}});
  return policy;
}

Caller caller(uid_t uid, gid_t gid, std::vector<gid_t> groups, std::optional<gid_t> change = kGroup) {
  return caller_of(Peer{uid, gid, 1, std::move(groups)}, policy_of(change));
}

TEST(Callers, ChangesAreForRootTheOwnUserAndTheirGroup) {
  EXPECT_TRUE(caller(0, 0, {}).has(Right::kChange));
  EXPECT_TRUE(caller(kOwn, 5, {}).has(Right::kChange));
  EXPECT_TRUE(caller(1000, kGroup, {}).has(Right::kChange));
  EXPECT_TRUE(caller(1000, 1000, {4, kGroup}).has(Right::kChange));
  EXPECT_FALSE(caller(1000, 1000, {4, 27}).has(Right::kChange));
  EXPECT_FALSE(caller(1000, 0, {0, 27}, std::nullopt).has(Right::kChange));  // nor for root's group
}

TEST(Callers, EveryoneMayAskAndFewMayMore) {
  for (const uid_t uid : {0U, kOwn, 1000U}) EXPECT_TRUE(caller(uid, 1000, {}).has(Right::kAsk));
  for (const Right right : {Right::kAudit, Right::kFeed}) {
    EXPECT_TRUE(caller(0, 0, {}).has(right));
    EXPECT_FALSE(caller(1000, kGroup, {}).has(right));
  }
}

TEST(Callers, SeeTheirTenants) {
  EXPECT_TRUE(caller(0, 0, {}).tenants(Right::kAsk).sees("other"));
  EXPECT_TRUE(caller(kOwn, 5, {}).tenants(Right::kChange).sees("other"));
  EXPECT_TRUE(caller(1000, kGroup, {}).tenants(Right::kAsk).sees("default"));
  EXPECT_FALSE(caller(1000, kGroup, {}).tenants(Right::kAsk).sees("other"));
  EXPECT_EQ(caller(1000, 5, {}).name, "uid:1000");
}

// With rules, nobody may do what none of them grants, and a right in one tenant is none in another.
TEST(Callers, RulesGrantToUsersAndGroupsTenantByTenant) {
  const AccessRule rules[] = {{.group = "500", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}},
                              {.group = "501", .tenants = Tenants({"bank"}), .rights = {Right::kAsk, Right::kChange}},
                              {.user = "77", .tenants = Tenants::all(), .rights = {Right::kAudit}}};
  const auto policy = caller_policy("", rules, 5);
  ASSERT_TRUE(policy.is_ok()) << policy.status().to_string();
  const auto of = [&](uid_t uid, std::vector<gid_t> groups) { return caller_of(Peer{uid, 1000, 1, std::move(groups)}, *policy); };
  EXPECT_FALSE(of(1000, {}).has(Right::kAsk));
  const Caller both = of(1000, {500, 501});
  EXPECT_TRUE(both.tenants(Right::kAsk).sees("shop"));
  EXPECT_TRUE(both.tenants(Right::kAsk).sees("bank"));
  EXPECT_FALSE(both.tenants(Right::kAsk).sees("default"));
  EXPECT_TRUE(both.tenants(Right::kChange).sees("bank"));
  EXPECT_FALSE(both.tenants(Right::kChange).sees("shop"));
  EXPECT_TRUE(of(77, {}).tenants(Right::kAudit).every());
  EXPECT_FALSE(of(77, {}).has(Right::kAsk));
}

TEST(Callers, WhoMayChangeIsRealAndNotTheSocketsOwnGroup) {
  EXPECT_TRUE(caller_policy("", {}, 5)->grants.empty());
  const auto absent = caller_policy("no-such-group-of-silt", {}, 5);
  EXPECT_EQ(absent.status().code(), Code::kInvalidArgument);
  EXPECT_NE(absent.status().message().find("groupadd"), std::string::npos);
  EXPECT_EQ(caller_policy("root", {}, 0).status().code(), Code::kInvalidArgument);
  const AccessRule change{.group = "5", .tenants = Tenants({"shop"}), .rights = {Right::kChange}};
  const AccessRule ask{.group = "5", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}};
  EXPECT_EQ(caller_policy("", {&change, 1}, 5).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(caller_policy("", {&ask, 1}, 5).is_ok());
  const AccessRule stranger{.user = "no-such-user-of-silt", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}};
  EXPECT_EQ(caller_policy("", {&stranger, 1}, 5).status().code(), Code::kInvalidArgument);
  const auto good = caller_policy("root", {}, 5);
  ASSERT_TRUE(good.is_ok());
  EXPECT_EQ(good->grants.at(0).group, gid_t{0});
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
