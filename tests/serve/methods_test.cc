// The table against the API's descriptors: no method without a row, none without its right.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include <set>

#include "base/log.h"
#include "daemon/serve/api.h"
#include "daemon/serve/method.h"
#include "tests/serve/fakes.h"

namespace silt::serve {
namespace {

using access::Caller;
using access::Right;
using access::Rights;
using access::Tenants;

std::set<std::string> paths_of_the_api() {
  std::set<std::string> paths;
  for (const auto* file :
       {silt::v1::AskRequest::descriptor()->file(), silt::v1::QueryRequest::descriptor()->file(),
        silt::v1::Source::descriptor()->file(), silt::v1::StateVersion::descriptor()->file(),
        silt::v1::Token::descriptor()->file(), silt::v1::BackupRequest::descriptor()->file(),
        silt::v1::FeedRequest::descriptor()->file(), silt::v1::WatchRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      const auto* service = file->service(s);
      for (int m = 0; m < service->method_count(); ++m) {
        paths.insert("/" + service->full_name() + "/" + service->method(m)->name());
      }
    }
  }
  return paths;
}

class MethodsTest : public ::testing::Test {
 protected:
  MethodsTest() {
    log::set_sink([this](log::Level, std::string_view line) { logged_.append(line).append("\n"); });
    parts_.log.entries = {{{{TenantId{1}, store::SourceId{1}}, "default", "bad\xff\xfe.log", "in:bad", "in"},
                           {.lines = 4, .bytes = 40}},
                          {{{TenantId{2}, store::SourceId{2}}, "other", "db", "in:db", "in"}, {}}};
  }
  ~MethodsTest() override {
    log::set_sink([](log::Level, std::string_view) {});
  }

  // Calls a method by its path; the last message of the reply is left in `reply`.
  template <class Response = silt::v1::AskResponse>
  Status call(const std::string& path, const Caller& caller, const Message& request,
              Response* reply = nullptr) {
    const Method* method = find_method(path);
    if (method == nullptr) return not_found(path);
    return call_method(api_, *method, {caller, never_}, request, [&](const Message& message) {
      if (reply != nullptr) reply->CopyFrom(message);
      return true;
    });
  }
  Status remove(const Caller& caller, const std::string& source, const std::string& id,
                bool dry_run = false) {
    silt::v1::DeleteSourceRequest request;
    request.set_source(source);
    request.set_request_id(id);
    request.set_dry_run(dry_run);
    return call("/silt.v1.SourceService/DeleteSource", caller, request, &deleted_);
  }
  Status rename(const Caller& caller, const std::string& from, const std::string& to, const std::string& id) {
    silt::v1::RenameSourceRequest request;
    request.set_source(from);
    request.set_new_name(to);
    request.set_request_id(id);
    return call("/silt.v1.SourceService/RenameSource", caller, request, &renamed_);
  }

  const Caller root_{"uid:0", Tenants::all(), Rights::all()};
  const Caller reader_{"uid:7", Tenants({"default"}), {Right::kAsk}};
  const Caller changer_{"uid:8", Tenants({"default"}), {Right::kAsk, Right::kChange}};
  const std::string printed_ = "bad\\xff\\xfe.log";
  const std::atomic<bool> never_{false};
  std::string logged_;
  FakeParts parts_;
  FakeLog& log_ = parts_.log;
  FakeLearner& learner_ = parts_.learner;
  FakeAdmin& admin_ = parts_.admin;
  const Api api_{parts_.dependencies()};
  silt::v1::DeleteSourceResponse deleted_;
  silt::v1::RenameSourceResponse renamed_;
};

TEST_F(MethodsTest, EveryMethodOfTheApiHasOneRowAndEveryRowIsAMethod) {
  std::multiset<std::string> rows;
  for (const Method& method : methods()) rows.emplace(method.path);
  const std::set<std::string> api = paths_of_the_api();
  EXPECT_EQ(rows, (std::multiset<std::string>(api.begin(), api.end())));
}

TEST_F(MethodsTest, ACallerWithoutTheRightIsRefusedByEach) {
  for (const Method& method : methods()) {
    for (const Right right : {Right::kAsk, Right::kChange, Right::kAudit, Right::kFeed}) {
      if (right == method.needs) continue;
      const Caller lacking{"uid:9", Tenants::all(), {right}};
      EXPECT_EQ(call(std::string(method.path), lacking, *new_request(method)).code(), Code::kPermissionDenied)
          << method.path;
    }
  }
  EXPECT_TRUE(learner_.requests().empty());
  EXPECT_EQ(admin_.changes, 0);
}

// A row whose handler takes another message than the API says would be found here.
TEST_F(MethodsTest, EachTakesTheRequestOfItsDescriptor) {
  for (const Method& method : methods()) {
    const Status status = call(std::string(method.path), root_, *new_request(method));
    EXPECT_TRUE(status.is_ok() || status.code() == Code::kInvalidArgument)
        << method.path << ": " << status.to_string();
  }
  const Method& ask = *find_method("/silt.v1.AskService/Ask");
  EXPECT_EQ(call(std::string(ask.path), root_, silt::v1::GetStatusRequest()).code(), Code::kInternal);
}

TEST_F(MethodsTest, EachAttemptToChangeSomethingIsAudited) {
  for (const Method& method : methods()) {
    logged_.clear();
    const Caller nobody{"uid:9", Tenants(), {}};
    static_cast<void>(call(std::string(method.path), nobody, *new_request(method)));
    EXPECT_EQ(logged_.find("audit action=") != std::string::npos, method.needs != Right::kAsk) << method.path;
  }
  // In the file one a second: nobody fills the disk by being refused.
  const auto reading = parts_.audit->read().value();
  EXPECT_EQ(reading.entries.size(), 1u);
  EXPECT_EQ(reading.entries.at(0).outcome, "PERMISSION_DENIED");
}

TEST_F(MethodsTest, AChangeIsWrittenDownBeforeAndAfter) {
  ASSERT_TRUE(remove(changer_, printed_, "d7", true).is_ok());
  EXPECT_TRUE(parts_.audit->read()->entries.empty());  // it changed nothing
  ASSERT_TRUE(remove(changer_, printed_, "d8").is_ok());
  const auto reading = parts_.audit->read().value();
  ASSERT_EQ(reading.entries.size(), 2u);
  for (const access::AuditEntry& entry : reading.entries) {
    EXPECT_EQ(entry.caller, "uid:8");
    EXPECT_EQ(entry.action, "DeleteSource");
    EXPECT_EQ(entry.tenant, "default");
    EXPECT_EQ(entry.object, printed_);
    EXPECT_EQ(entry.request_id, "d8");
  }
  EXPECT_EQ(reading.entries[0].outcome, "begun");
  EXPECT_EQ(reading.entries[1].outcome, "OK");
  EXPECT_EQ(reading.verified, 2u);
}

TEST_F(MethodsTest, AllSourcesOfATenantAreResetOnceAndOnlyThese) {
  log_.entries.push_back({{{TenantId{1}, store::SourceId{3}}, "default", "web", "in:web", "in"}, {}});
  silt::v1::ResetStateRequest reset;
  reset.set_all(true);
  reset.set_request_id("r9");
  silt::v1::ResetStateResponse done;
  ASSERT_TRUE(call("/silt.v1.StateAdmin/ResetState", changer_, reset, &done).is_ok());
  ASSERT_EQ(done.resets_size(), 2);
  EXPECT_EQ(learner_.requests().size(), 2u);
  log_.entries.push_back({{{TenantId{1}, store::SourceId{4}}, "default", "new", "in:new", "in"}, {}});
  ASSERT_TRUE(call("/silt.v1.StateAdmin/ResetState", changer_, reset, &done).is_ok());
  EXPECT_EQ(done.resets_size(), 2);  // those that were chosen the first time
  EXPECT_EQ(learner_.requests().at(0).request_id, learner_.requests().at(2).request_id);
  reset.add_sources("web");
  EXPECT_EQ(call("/silt.v1.StateAdmin/ResetState", changer_, reset).code(), Code::kInvalidArgument);
  reset.clear_sources();
  reset.set_tenant("*");
  EXPECT_EQ(call("/silt.v1.StateAdmin/ResetState", root_, reset).code(), Code::kInvalidArgument);
}

TEST_F(MethodsTest, ARollbackNeedsATargetThatIsThere) {
  const auto roll_back = [&](const silt::v1::RollbackStateRequest& request) {
    return call("/silt.v1.StateAdmin/RollbackState", changer_, request);
  };
  silt::v1::RollbackStateRequest request;
  request.set_source(printed_);
  EXPECT_EQ(roll_back(request).code(), Code::kInvalidArgument);
  request.set_version(12);
  EXPECT_EQ(roll_back(request).code(), Code::kNotFound);
  parts_.nets.kept[1] = {{.state_version = 12, .learned_seq = 3}};
  ASSERT_TRUE(roll_back(request).is_ok());
  ASSERT_EQ(learner_.rollbacks().size(), 1u);
  EXPECT_EQ(learner_.rollbacks()[0].left_out, (std::vector<store::SeqRange>{{4, ~store::Seq{0}}}));
  request.mutable_without()->add_ranges()->set_first(9);
  EXPECT_EQ(roll_back(request).code(), Code::kInvalidArgument);  // first to last
  request.mutable_without()->mutable_ranges(0)->set_last(11);
  ASSERT_TRUE(roll_back(request).is_ok());
  EXPECT_EQ(learner_.rollbacks()[1].left_out, (std::vector<store::SeqRange>{{9, 11}}));
}

TEST_F(MethodsTest, OthersTenantsAreRefused) {
  silt::v1::ListSourcesRequest list;
  list.set_tenant("other");
  EXPECT_EQ(call("/silt.v1.SourceService/ListSources", reader_, list).code(), Code::kPermissionDenied);
  EXPECT_TRUE(call<silt::v1::ListSourcesResponse>("/silt.v1.SourceService/ListSources", root_, list).is_ok());
  silt::v1::ResetStateRequest reset;
  reset.set_tenant("other");
  reset.add_sources("db");
  EXPECT_EQ(call("/silt.v1.StateAdmin/ResetState", changer_, reset).code(), Code::kPermissionDenied);
  EXPECT_TRUE(learner_.requests().empty());
}

TEST_F(MethodsTest, ASourceIsListedAndChangedByItsPrintedName) {
  silt::v1::ListSourcesResponse listed;
  ASSERT_TRUE(
      call("/silt.v1.SourceService/ListSources", reader_, silt::v1::ListSourcesRequest(), &listed).is_ok());
  ASSERT_EQ(listed.sources_size(), 1);
  EXPECT_EQ(listed.sources(0).source(), printed_);
  EXPECT_FALSE(listed.SerializeAsString().empty());

  silt::v1::ResetStateRequest reset;
  reset.add_sources(listed.sources(0).source());
  silt::v1::ResetStateResponse done;
  ASSERT_TRUE(call("/silt.v1.StateAdmin/ResetState", changer_, reset, &done).is_ok());
  EXPECT_EQ(static_cast<std::uint32_t>(learner_.requests().at(0).source.source), 1U);
  EXPECT_EQ(learner_.requests().at(0).scope, learn::ResetScope::kNet);
  reset.set_scope(silt::v1::RESET_SCOPE_NET_AND_FOLD);
  ASSERT_TRUE(call("/silt.v1.StateAdmin/ResetState", changer_, reset, &done).is_ok());
  EXPECT_EQ(learner_.requests().at(1).scope, learn::ResetScope::kNetAndFold);
  EXPECT_EQ(done.scope(), silt::v1::RESET_SCOPE_NET_AND_FOLD);
}

TEST_F(MethodsTest, RenamesOncePerRequest) {
  ASSERT_TRUE(rename(changer_, printed_, "good \\xfd.log", "r1").is_ok());
  EXPECT_EQ(renamed_.old_name(), printed_);
  EXPECT_EQ(renamed_.new_name(), "good \\xfd.log");
  EXPECT_EQ(log_.entries[0].info.name, "good \xfd.log");
  EXPECT_NE(logged_.find("audit action=RenameSource caller=uid:8 tenant=default"), std::string::npos)
      << logged_;
  ASSERT_TRUE(rename(changer_, printed_, "good \\xfd.log", "r1").is_ok());  // its reply was lost
  EXPECT_EQ(admin_.changes, 1);
  EXPECT_EQ(rename(changer_, printed_, "else", "r1").code(), Code::kAlreadyExists);
  EXPECT_EQ(rename(changer_, printed_, "else", "r2").code(), Code::kNotFound);
  for (const char* bad : {"", "a*", "a\\x0ab"}) {
    EXPECT_EQ(rename(changer_, "good \\xfd.log", bad, "r3").code(), Code::kInvalidArgument) << bad;
  }
}

TEST_F(MethodsTest, DeletesOncePerRequestAndSaysBeforeWhatWouldGo) {
  ASSERT_TRUE(remove(changer_, printed_, "d1", true).is_ok());
  EXPECT_TRUE(deleted_.dry_run());
  EXPECT_EQ(deleted_.records(), 4U);
  EXPECT_EQ(deleted_.stored_bytes(), 17U);
  EXPECT_EQ(log_.entries.size(), 2U);
  EXPECT_EQ(remove(changer_, "bad*", "d1").code(), Code::kNotFound);  // no globs
  ASSERT_TRUE(remove(changer_, printed_, "d1").is_ok());
  EXPECT_FALSE(deleted_.dry_run());
  EXPECT_EQ(log_.entries.size(), 1U);
  ASSERT_TRUE(remove(changer_, printed_, "d1").is_ok());
  EXPECT_EQ(admin_.changes, 1);
  EXPECT_EQ(remove(changer_, "another", "d1").code(), Code::kAlreadyExists);
}

TEST_F(MethodsTest, TimesOutsideTheCalendarAreRefused) {
  silt::v1::AskRequest request;
  request.set_question("when?");
  request.mutable_since()->set_seconds(INT64_MAX);
  EXPECT_EQ(call("/silt.v1.AskService/Ask", reader_, request).code(), Code::kInvalidArgument);
  request.mutable_since()->set_seconds(0);
  request.mutable_since()->set_nanos(-5);
  EXPECT_EQ(call("/silt.v1.AskService/Ask", reader_, request).code(), Code::kInvalidArgument);
  request.mutable_since()->set_nanos(5);
  EXPECT_TRUE(call("/silt.v1.AskService/Ask", reader_, request).is_ok());
}

TEST_F(MethodsTest, AnIncidentIsNormalOnceSomebodyWhoMaySaysSo) {
  const watch::Change louder{.kind = watch::Kind::kLouder, .source = {TenantId{1}, store::SourceId{1}}, .pattern = 3, .time_us = 1};
  parts_.board.add(louder);
  parts_.board.add({.kind = watch::Kind::kGone, .source = {TenantId{2}, store::SourceId{2}}, .pattern = 4, .time_us = 1});
  silt::v1::MarkNormalRequest mark;
  mark.set_id("1");
  EXPECT_EQ(call("/silt.v1.WatchService/MarkNormal", reader_, mark).code(), Code::kPermissionDenied);
  mark.set_id("2");
  EXPECT_EQ(call("/silt.v1.WatchService/MarkNormal", changer_, mark).code(), Code::kNotFound) << "another tenant's";
  EXPECT_FALSE(parts_.normals.covers(louder));
  mark.set_id("1");
  silt::v1::MarkNormalResponse marked;
  ASSERT_TRUE(call("/silt.v1.WatchService/MarkNormal", changer_, mark, &marked).is_ok());
  ASSERT_EQ(marked.normal_size(), 1);
  EXPECT_EQ(marked.normal(0).kind(), "louder");
  EXPECT_EQ(marked.normal(0).source(), printed_);
  EXPECT_EQ(marked.normal(0).created_by(), "uid:8");
  EXPECT_EQ((marked.normal(0).until() - marked.normal(0).created()).seconds(), 30 * 86'400);
  EXPECT_TRUE(parts_.normals.covers(louder));
  EXPECT_EQ(parts_.audit->read().value().entries.back().action, "MarkNormal");

  silt::v1::ListNormalResponse listed;
  ASSERT_TRUE(call("/silt.v1.WatchService/ListNormal", reader_, silt::v1::ListNormalRequest(), &listed).is_ok());
  EXPECT_EQ(listed.normal_size(), 1);
  silt::v1::RemoveNormalRequest remove;
  remove.set_id(marked.normal(0).id());
  EXPECT_EQ(call("/silt.v1.WatchService/RemoveNormal", {"uid:5", Tenants({"other"}), Rights::all()}, remove).code(), Code::kNotFound);
  ASSERT_TRUE(call("/silt.v1.WatchService/RemoveNormal", changer_, remove).is_ok());
  EXPECT_FALSE(parts_.normals.covers(louder));
}

TEST_F(MethodsTest, WhatIsNormalIsNamedOneWayAndForATime) {
  silt::v1::MarkNormalRequest mark;
  EXPECT_EQ(call("/silt.v1.WatchService/MarkNormal", changer_, mark).code(), Code::kInvalidArgument);
  mark.set_source(printed_);
  mark.set_pattern(77);
  EXPECT_EQ(call("/silt.v1.WatchService/MarkNormal", changer_, mark).code(), Code::kNotFound) << "it has no such pattern";
  mark.set_id("1");
  EXPECT_EQ(call("/silt.v1.WatchService/MarkNormal", changer_, mark).code(), Code::kInvalidArgument);
  mark.clear_id();
  mark.mutable_ttl()->set_seconds(400LL * 86'400);
  EXPECT_EQ(call("/silt.v1.WatchService/MarkNormal", changer_, mark).code(), Code::kInvalidArgument);
}

TEST_F(MethodsTest, ADigestIsOfATimeBeforeItsEnd) {
  silt::v1::DigestRequest digest;
  silt::v1::DigestResponse response;
  ASSERT_TRUE(call("/silt.v1.WatchService/Digest", reader_, digest, &response).is_ok());
  EXPECT_EQ(response.sources(), 1U);
  EXPECT_EQ((response.until() - response.since()).seconds(), 86'400);
  digest.set_tenant("other");
  EXPECT_EQ(call("/silt.v1.WatchService/Digest", reader_, digest).code(), Code::kPermissionDenied);
  digest.clear_tenant();
  digest.mutable_since()->set_seconds(200);
  digest.mutable_until()->set_seconds(100);
  EXPECT_EQ(call("/silt.v1.WatchService/Digest", reader_, digest).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace silt::serve
