// Who may do what, from what the kernel, a certificate or a token says.
#include "daemon/access/callers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/access/fake_tokens.h"
#include "tests/support/temp_dir.h"

namespace silt::access {
namespace {

constexpr uid_t kOwn = 900;
constexpr gid_t kGroup = 901;

CallerPolicy policy_of(std::optional<gid_t> change) {
  CallerPolicy policy;
  policy.own_uid = kOwn;
  if (change) policy.grants.push_back({{}, change, "", Tenants({"default"}), {Right::kAsk, Right::kChange}});
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
  const std::vector<AccessRule> rules = {{.group = "500", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}},
                              {.group = "501", .tenants = Tenants({"bank"}), .rights = {Right::kAsk, Right::kChange}},
                              {.user = "77", .tenants = Tenants::all(), .rights = {Right::kAudit}}};
  const auto policy = caller_policy({"", rules}, 5);
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
  EXPECT_TRUE(caller_policy({}, 5)->grants.empty());
  const auto absent = caller_policy({"no-such-group-of-silt", {}}, 5);
  EXPECT_EQ(absent.status().code(), Code::kInvalidArgument);
  EXPECT_NE(absent.status().message().find("groupadd"), std::string::npos);
  EXPECT_EQ(caller_policy({"root", {}}, 0).status().code(), Code::kInvalidArgument);
  const AccessRule change{.group = "5", .tenants = Tenants({"shop"}), .rights = {Right::kChange}};
  const AccessRule ask{.group = "5", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}};
  EXPECT_EQ(caller_policy({"", {change}}, 5).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(caller_policy({"", {change}}, std::nullopt).is_ok());  // sockets are not open yet
  EXPECT_TRUE(caller_policy({"", {ask}}, 5).is_ok());
  const AccessRule stranger{.user = "no-such-user-of-silt", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}, .place = "a.toml:3"};
  const auto unknown = caller_policy({"", {stranger}}, 5);
  EXPECT_EQ(unknown.status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(unknown.status().message().starts_with("a.toml:3: access.user: ")) << unknown.status().message();
  const auto good = caller_policy({"root", {}}, 5);
  ASSERT_TRUE(good.is_ok());
  EXPECT_EQ(good->grants.at(0).group, gid_t{0});
}

// A certificate is nobody's uid, and its rules say nothing of who comes through a socket.
TEST(Callers, CertificatesMayWhatIsGrantedToTheirNames) {
  const AccessRule rule{.certificate = "dashboard.example", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}};
  const auto policy = caller_policy({"root", {rule}}, 5);
  ASSERT_TRUE(policy.is_ok());
  const Caller known = caller_of(Certificate{"dashboard.example"}, *policy);
  EXPECT_EQ(known.name, "certificate:dashboard.example");
  EXPECT_EQ(known.tenants(Right::kAsk), Tenants({"shop"}));
  EXPECT_FALSE(known.has(Right::kChange));
  EXPECT_FALSE(caller_of(Certificate{"other.example"}, *policy).has(Right::kAsk));
  EXPECT_FALSE(caller_of(Certificate{""}, *policy).has(Right::kAsk));
  EXPECT_FALSE(caller_of(Nobody{}, *policy).has(Right::kAsk));
  EXPECT_TRUE(caller_of(Peer{1000, 1000, 1, {}}, *policy).has(Right::kAsk));
}

TEST(Callers, ATokenSaysWhoCallsWhateverTheConnectionProved) {
  FakeTokens fake;
  Callers callers(*fake.tokens);
  const std::string token = fake.make("shop", {Right::kAsk});
  const Credential root = Peer{0, 0, 1, {}};
  for (const Credential& credential : {root, Credential(Nobody{}), Credential(Certificate{"x"})}) {
    const auto caller = callers.caller_of(credential, "Bearer " + token);
    ASSERT_TRUE(caller.is_ok()) << caller.status().to_string();
    EXPECT_TRUE(caller->name.starts_with("token:"));
    EXPECT_EQ(caller->tenants(Right::kAsk), Tenants({"shop"}));
    EXPECT_FALSE(caller->has(Right::kChange));
  }
  for (const std::string bad : {"Bearer", "Bearer ", "Basic cm9vdDo=", "Bearer  " , token.c_str(), "Bearer silt_00"})
    EXPECT_EQ(callers.caller_of(root, bad).status().code(), Code::kUnauthenticated) << bad;
  EXPECT_TRUE(callers.caller_of(root, "bearer " + token).is_ok());  // the scheme has no case
}

TEST(Callers, AChangedPolicyIsInForceAtOnce) {
  FakeTokens fake;
  Callers callers(*fake.tokens);
  const Credential someone = Peer{1000, 1000, 1, {}};
  EXPECT_TRUE(callers.caller_of(someone, "")->has(Right::kAsk));
  callers.configure(caller_policy({"", {{.user = "77", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}}}}, 5).value());
  EXPECT_FALSE(callers.caller_of(someone, "")->has(Right::kAsk));
}

}  // namespace
}  // namespace silt::access
