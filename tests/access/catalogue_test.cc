#include "daemon/access/catalogue.h"

#include <gtest/gtest.h>

#include "tests/support/fake_log.h"

namespace silt::access {
namespace {

const Caller kRoot{"uid:0", Tenants::all(), Rights::all()};
const Caller kReader{"uid:7", Tenants({"default"}), {Right::kAsk}};
const Caller kNobody{"uid:8", Tenants(), {}};

class CatalogueTest : public ::testing::Test {
 protected:
  CatalogueTest() {
    add("default", "web:/b.log");
    add("default", "web:/a.log");
    add("default", "bad\xff\xfe.log");
    add("default", "any:*");
    add("default", "any:thing");
    add("other", "db");
  }
  void add(const std::string& tenant, const std::string& name) {
    const auto id = static_cast<std::uint32_t>(log_.entries.size() + 1);
    log_.entries.push_back({{{store::TenantId{1}, store::SourceId{id}}, tenant, name, name, "input"}, {}});
  }
  std::string names(const Caller& caller, std::string_view tenant, std::vector<std::string> globs = {}) {
    const auto found = Catalogue(log_).find(call_of(caller), tenant, globs);
    if (!found.is_ok()) return std::string(code_name(found.status().code()));
    std::string out;
    for (const auto& info : *found) out += (out.empty() ? "" : " ") + info.name;
    return out;
  }
  Call call_of(const Caller& caller) const { return {caller, never_}; }
  const std::atomic<bool> never_{false};
  testing::FakeLog log_;
};

TEST_F(CatalogueTest, FindsByNameAndGlobInOrder) {
  EXPECT_EQ(names(kReader, "", {"web:*"}), "web:/a.log web:/b.log");
  EXPECT_EQ(names(kReader, "default", {"web:/b.log", "web:/?.log"}), "web:/a.log web:/b.log");
  EXPECT_EQ(names(kReader, "", {"web:/c.log"}), "NOT_FOUND");
  EXPECT_EQ(names(kReader, "", {"web:/a.log", "absent"}), "NOT_FOUND");
}

TEST_F(CatalogueTest, APrintedNameFindsItsSource) {
  EXPECT_EQ(names(kReader, "", {"bad\\xff\\xfe.log"}), "bad\xff\xfe.log");
  EXPECT_EQ(names(kReader, "", {"bad\\xff*"}), "bad\xff\xfe.log");
}

// Whoever may create a file may call it "*": its name must not mean its neighbours.
TEST_F(CatalogueTest, ASourceThatIsNamedLikeAGlobIsOnlyItself) {
  EXPECT_EQ(names(kReader, "", {"any:*"}), "any:*");
  EXPECT_EQ(names(kReader, "", {"any:t*"}), "any:thing");
  const auto one = Catalogue(log_).find_one(call_of(kReader), "", "any:*");
  ASSERT_TRUE(one.is_ok());
  EXPECT_EQ(one->name, "any:*");
}

TEST_F(CatalogueTest, OneMeansOne) {
  const Catalogue catalogue(log_);
  EXPECT_EQ(catalogue.find_one(call_of(kReader), "", "web:*").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(catalogue.find_one(call_of(kReader), "", "").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(catalogue.find_one(call_of(kReader), "", "db").status().code(), Code::kNotFound);
  EXPECT_EQ(catalogue.find_one(call_of(kRoot), "other", "db")->name, "db");
  EXPECT_EQ(catalogue.find_one(call_of(kReader), "", "web:/a*")->name, "web:/a.log");
  EXPECT_EQ(catalogue.find_named(call_of(kReader), "", "web:/a*").status().code(), Code::kNotFound);
  EXPECT_EQ(catalogue.find_named(call_of(kReader), "", "bad\\xff\\xfe.log")->name, "bad\xff\xfe.log");
  EXPECT_EQ(catalogue.find_named(call_of(kReader), "other", "db").status().code(), Code::kPermissionDenied);
}

TEST_F(CatalogueTest, OthersTenantsAreRefusedWhetherTheyExistOrNot) {
  EXPECT_EQ(names(kReader, "other"), "PERMISSION_DENIED");
  EXPECT_EQ(names(kReader, "absent"), "PERMISSION_DENIED");
  EXPECT_EQ(names(kReader, "other", {"db"}), "PERMISSION_DENIED");
  EXPECT_EQ(names(kRoot, "other"), "db");
  EXPECT_EQ(names(kRoot, "absent"), "");
  EXPECT_EQ(names(kNobody, ""), "PERMISSION_DENIED");
}

TEST_F(CatalogueTest, AStarIsAllThatTheCallerSees) {
  EXPECT_EQ(names(kRoot, "*").substr(names(kRoot, "*").rfind(' ')), " db");
  EXPECT_EQ(names(kReader, "*").find("db"), std::string::npos);
  EXPECT_EQ(names(kReader, "*"), names(kReader, "default"));
  EXPECT_EQ(names(kNobody, "*"), "");
  EXPECT_EQ(names(kReader, "*", {"db"}), "NOT_FOUND");
}

// A tenant that is not named is the caller's own, if there is one.
TEST_F(CatalogueTest, NoTenantIsTheOnlyOne) {
  EXPECT_EQ(names({"uid:9", Tenants({"other"}), {Right::kAsk}}, ""), "db");
  EXPECT_EQ(names({"uid:9", Tenants({"other", "third"}), {Right::kAsk}}, ""), "PERMISSION_DENIED");
  EXPECT_EQ(names(kRoot, "", {"web:/a*"}), "web:/a.log");
}

// A right in one tenant is none in another.
TEST_F(CatalogueTest, ACallSeesWhereItsRightIs) {
  Caller caller{"uid:9", Tenants({"default"}), {Right::kAsk}};
  caller.grant(Tenants({"other"}), {Right::kChange});
  Call call = call_of(caller);
  EXPECT_EQ(Catalogue(log_).find_named(call, "other", "db").status().code(), Code::kPermissionDenied);
  call.right = Right::kChange;
  EXPECT_EQ(Catalogue(log_).find_named(call, "other", "db")->name, "db");
  EXPECT_EQ(Catalogue(log_).find_named(call, "default", "web:/a.log").status().code(), Code::kPermissionDenied);
}

TEST(Rights, AreWhatWasGiven) {
  constexpr Rights some{Right::kAsk, Right::kFeed};
  static_assert(some.has(Right::kAsk) && some.has(Right::kFeed) && !some.has(Right::kChange));
  static_assert(Rights::all().has(Right::kAudit) && !Rights().has(Right::kAsk));
}

}  // namespace
}  // namespace silt::access
