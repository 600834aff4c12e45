// Tokens: what is accepted, and above all what is not.
#include "daemon/access/tokens.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/hex.h"
#include "base/log.h"
#include "tests/access/fake_tokens.h"

namespace silt::access {
namespace {

class TokensTest : public ::testing::Test {
 protected:
  TokensTest() { log::set_sink([](log::Level, std::string_view) {}); }
  void reopen() { fake_.tokens = Tokens::open(fake_.dir.path("TOKEN_KEY"), fake_.store, fake_.clock).value(); }
  Code code_of(const std::string& token) const { return fake_.tokens->verify(token).status().code(); }
  std::string only_id() const { return fake_.store.rows.begin()->first; }

  FakeTokens fake_;
  const Caller admin_{"uid:0", Tenants::all(), Rights::all()};
};

TEST_F(TokensTest, MayWhatItsClaimsSayAndNoMore) {
  const std::string token = fake_.make("shop", {Right::kAsk, Right::kAudit});
  const auto caller = fake_.tokens->verify(token);
  ASSERT_TRUE(caller.is_ok()) << caller.status().to_string();
  EXPECT_EQ(caller->name, "token:" + only_id());
  EXPECT_EQ(caller->rights_in("shop"), (Rights{Right::kAsk, Right::kAudit}));
  EXPECT_EQ(caller->rights_in("bank"), Rights());
}

TEST_F(TokensTest, SurvivesARestartAndAnotherKeyEndsIt) {
  const std::string token = fake_.make("shop", {Right::kAsk});
  struct stat info{};
  ASSERT_EQ(::stat(fake_.dir.path("TOKEN_KEY").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  reopen();
  EXPECT_TRUE(fake_.tokens->verify(token).is_ok());
  std::filesystem::remove(fake_.dir.path("TOKEN_KEY"));
  reopen();
  EXPECT_EQ(code_of(token), Code::kUnauthenticated);
  const std::string fresh = fake_.make("shop", {Right::kAsk});
  EXPECT_TRUE(fake_.tokens->verify(fresh).is_ok());
  EXPECT_EQ(code_of(token), Code::kUnauthenticated);
}

TEST_F(TokensTest, IsKeptNowhere) {
  const std::string token = fake_.make("shop", {Right::kAsk});
  const store::TokenRow& row = fake_.store.rows.begin()->second;
  EXPECT_EQ(row.sha256.size(), 32u);
  const std::string kept = row.id + row.sha256 + row.tenant + row.note + row.created_by;
  const std::string signature = token.substr(token.size() - 2 * SigningKey::kSignatureBytes);
  EXPECT_EQ(kept.find(signature), std::string::npos);
  EXPECT_EQ(kept.find(from_hex(signature).value()), std::string::npos);
}

TEST_F(TokensTest, EndsWithItsTimeAlsoWhenTheClockIsSetBack) {
  const std::string token = fake_.make("shop", {Right::kAsk}, FakeTokens::kHourUs);
  fake_.clock.advance_us(FakeTokens::kHourUs - 1);
  EXPECT_TRUE(fake_.tokens->verify(token).is_ok());
  fake_.clock.advance_us(1);
  EXPECT_EQ(code_of(token), Code::kUnauthenticated);
  fake_.clock.advance_us(-3 * 24 * FakeTokens::kHourUs);
  EXPECT_EQ(code_of(token), Code::kUnauthenticated);
}

TEST_F(TokensTest, RevokingIsInForceAtOnceAndForGood) {
  const std::string token = fake_.make("shop", {Right::kAsk});
  const Caller caller = fake_.tokens->verify(token).value();
  EXPECT_TRUE(fake_.tokens->still_valid(caller));
  EXPECT_EQ(fake_.tokens->revoke("bank", only_id()).status().code(), Code::kNotFound);
  EXPECT_EQ(fake_.tokens->revoke("shop", "00").status().code(), Code::kNotFound);
  EXPECT_TRUE(fake_.tokens->verify(token).is_ok());
  ASSERT_TRUE(fake_.tokens->revoke("shop", only_id()).is_ok());
  EXPECT_EQ(code_of(token), Code::kUnauthenticated);
  EXPECT_FALSE(fake_.tokens->still_valid(caller));
  EXPECT_TRUE(fake_.tokens->still_valid(admin_));
  EXPECT_TRUE(fake_.tokens->revoke("shop", only_id()).is_ok());
  reopen();
  EXPECT_EQ(code_of(token), Code::kUnauthenticated);
}

// Every single bit of it counts, and so does its end.
TEST_F(TokensTest, AnyOtherTextIsNone) {
  const std::string token = fake_.make("shop", {Right::kAsk});
  const std::string bytes = from_hex(token.substr(5)).value();
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(code_of("silt_" + to_hex(changed)), Code::kUnauthenticated) << bit;
  }
  for (std::size_t size = 0; size < token.size(); ++size) EXPECT_EQ(code_of(token.substr(0, size)), Code::kUnauthenticated);
  std::string upper = token;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (const std::string& other : {token + "00", token + "\n", " " + token, upper, std::string(1 << 20, 'a')})
    EXPECT_EQ(code_of(other), Code::kUnauthenticated);
}

// Who can write rows, but has not the key, gets nothing by it; nor does who has the key, but not the store.
TEST_F(TokensTest, NeedsBothTheSignatureAndTheRow) {
  const std::string token = fake_.make("shop", {Right::kAsk});
  fake_.store.rows.begin()->second.rights = Rights::all().bits();
  fake_.store.rows.begin()->second.tenant = "bank";
  reopen();
  EXPECT_EQ(fake_.tokens->verify(token)->rights_in("shop"), Rights({Right::kAsk}));
  EXPECT_EQ(fake_.tokens->verify(token)->rights_in("bank"), Rights());
  fake_.store.rows.begin()->second.sha256 = std::string(32, 'x');
  reopen();
  EXPECT_EQ(code_of(token), Code::kUnauthenticated);
  fake_.store.rows.clear();
  reopen();
  EXPECT_EQ(code_of(token), Code::kUnauthenticated);
}

TEST_F(TokensTest, NobodyGivesAwayWhatTheyDoNotHave) {
  Caller lead{"uid:7", Tenants({"shop"}), {Right::kAsk, Right::kChange}};
  lead.grant(Tenants({"bank"}), {Right::kAsk});
  const auto made = [&](const Caller& by, const std::string& tenant, Rights rights) {
    return fake_.tokens->create(by, {tenant, rights, FakeTokens::kHourUs, ""}).status().code();
  };
  EXPECT_EQ(made(lead, "shop", {Right::kAsk, Right::kChange}), Code::kOk);
  EXPECT_EQ(made(lead, "shop", {Right::kAudit}), Code::kPermissionDenied);
  EXPECT_EQ(made(lead, "bank", {Right::kChange}), Code::kPermissionDenied);
  EXPECT_EQ(made(lead, "mint", {Right::kAsk}), Code::kPermissionDenied);
  const Caller by_token = fake_.tokens->verify(fake_.make("shop", Rights::all())).value();
  EXPECT_EQ(made(by_token, "shop", {Right::kAsk}), Code::kPermissionDenied);
}

TEST_F(TokensTest, HasATenantRightsAndAnEnd) {
  const auto made = [&](const std::string& tenant, Rights rights, std::int64_t ttl_us) {
    return fake_.tokens->create(admin_, {tenant, rights, ttl_us, ""}).status().code();
  };
  EXPECT_EQ(made("", {Right::kAsk}, 1), Code::kInvalidArgument);
  EXPECT_EQ(made("shop", {}, 1), Code::kInvalidArgument);
  EXPECT_EQ(made("shop", {Right::kAsk}, 0), Code::kInvalidArgument);
  EXPECT_EQ(made("shop", {Right::kAsk}, Tokens::kTtlMaxUs + 1), Code::kInvalidArgument);
  EXPECT_EQ(made("shop", {Right::kAsk}, Tokens::kTtlMaxUs), Code::kOk);
}

TEST_F(TokensTest, AreBoundedAndForgottenSomeTimeAfterTheirEnd) {
  for (std::size_t i = 0; i < Tokens::kPerTenantMax; ++i) fake_.make("shop", {Right::kAsk});
  EXPECT_EQ(fake_.tokens->create(admin_, {"shop", {Right::kAsk}, 1, ""}).status().code(), Code::kFailedPrecondition);
  EXPECT_FALSE(fake_.make("bank", {Right::kAsk}).empty());
  fake_.clock.advance_us(FakeTokens::kHourUs + 1);
  fake_.make("shop", {Right::kAsk});
  EXPECT_EQ(fake_.tokens->list().size(), Tokens::kPerTenantMax + 2);
  fake_.clock.advance_us(Tokens::kKeptUs);
  fake_.make("shop", {Right::kAsk});
  EXPECT_EQ(fake_.store.rows.size(), 2u);
}

TEST_F(TokensTest, AKeyThatOthersMayReadIsNotUsed) {
  const std::string token = fake_.make("shop", {Right::kAsk});
  ASSERT_EQ(::chmod(fake_.dir.path("TOKEN_KEY").c_str(), 0640), 0);
  reopen();
  EXPECT_EQ(code_of(token), Code::kUnauthenticated);
  EXPECT_EQ(fake_.tokens->create(admin_, {"shop", {Right::kAsk}, 1, ""}).status().code(), Code::kPermissionDenied);
  std::ofstream(fake_.dir.path("TOKEN_KEY")) << "no key";
  ASSERT_EQ(::chmod(fake_.dir.path("TOKEN_KEY").c_str(), 0600), 0);
  EXPECT_EQ(fake_.tokens->create(admin_, {"shop", {Right::kAsk}, 1, ""}).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace silt::access
