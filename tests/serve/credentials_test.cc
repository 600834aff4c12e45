// Who calls over the sockets: tokens that go with a call, and rights that change while connections are open.
#include <grpcpp/create_channel_posix.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "proto/silt/v1/access.grpc.pb.h"
#include "proto/silt/v1/state.grpc.pb.h"
#include "tests/serve/server_fixture.h"

namespace silt::serve {
namespace {

using access::Right;
using access::Tenants;
using grpc::StatusCode;

class CredentialsTest : public ServerTest {
 protected:
  static grpc::Status list_with(const std::shared_ptr<grpc::Channel>& channel, const std::string& authorization,
                                const std::string& tenant = "") {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 5s);
    context.set_wait_for_ready(true);
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    silt::v1::ListSourcesRequest request;
    request.set_tenant(tenant);
    silt::v1::ListSourcesResponse response;
    return silt::v1::SourceService::NewStub(channel)->ListSources(&context, request, &response);
  }
  silt::v1::CreateTokenResponse create(const std::string& tenant, const std::string& right, std::int64_t ttl_s = 60) {
    silt::v1::CreateTokenRequest request;
    request.set_tenant(tenant);
    request.add_rights(right);
    request.mutable_ttl()->set_seconds(ttl_s);
    silt::v1::CreateTokenResponse made;
    grpc::ClientContext context;
    const grpc::Status status = silt::v1::TokenService::NewStub(admin_channel())->CreateToken(&context, request, &made);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return made;
  }
};

TEST_F(CredentialsTest, ATokenMayWhatItSaysUntilItIsRevoked) {
  start();
  const silt::v1::CreateTokenResponse made = create("shop", "ask");
  const std::string bearer = "Bearer " + made.secret();
  EXPECT_EQ(made.token().tenant(), "shop");
  EXPECT_TRUE(made.token().valid());
  EXPECT_TRUE(list_with(channel_, bearer).ok());  // its only tenant is meant
  EXPECT_TRUE(list_with(channel_, bearer, "shop").ok());
  // Whoever connected: here user root, or siltd's own.
  EXPECT_EQ(list_with(channel_, bearer, "default").error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(list_with(channel_, "", "default").ok());
  EXPECT_EQ(list_with(channel_, "Bearer silt_00").error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(list_with(channel_, "Basic eDp5").error_code(), StatusCode::UNAUTHENTICATED);

  silt::v1::RevokeTokenRequest request;
  request.set_tenant("shop");
  request.set_id(made.token().id());
  silt::v1::RevokeTokenResponse revoked;
  grpc::ClientContext context;
  ASSERT_TRUE(silt::v1::TokenService::NewStub(admin_channel())->RevokeToken(&context, request, &revoked).ok());
  EXPECT_EQ(list_with(channel_, bearer).error_code(), StatusCode::UNAUTHENTICATED);
}

TEST_F(CredentialsTest, ATokenIsAuditedAndWrittenNowhere) {
  start();
  const silt::v1::CreateTokenResponse made = create("shop", "change");
  std::ostringstream audit;
  audit << std::ifstream(parts_.dir.path("audit.log")).rdbuf();
  const std::string signature = made.secret().substr(made.secret().size() - 64);
  for (const std::string& written : {audit.str(), logged()}) {
    EXPECT_NE(written.find("CreateToken"), std::string::npos);
    EXPECT_NE(written.find(made.token().id()), std::string::npos) << written;
    EXPECT_EQ(written.find(signature), std::string::npos);
  }
  // What it does is done in its name.
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + made.secret());
  silt::v1::ResetStateRequest request;
  request.add_sources("absent");
  silt::v1::ResetStateResponse response;
  EXPECT_EQ(silt::v1::StateAdmin::NewStub(admin_channel())->ResetState(&context, request, &response).error_code(), StatusCode::NOT_FOUND);
  EXPECT_NE(logged().find("action=ResetState caller=token:" + made.token().id() + " tenant=shop"), std::string::npos) << logged();
}

TEST_F(CredentialsTest, ACallEndsWithItsToken) {
  start();
  const silt::v1::CreateTokenResponse made = create("default", "ask");
  Held held;
  held.context.AddMetadata("authorization", "Bearer " + made.secret());
  held.context.set_deadline(std::chrono::system_clock::now() + 20s);
  silt::v1::AskRequest request;
  request.set_question("hold, then tell");
  held.reader = silt::v1::AskService::NewStub(channel_)->Ask(&held.context, request);
  answerer_.wait_until_held(1);
  ASSERT_TRUE(parts_.tokens.tokens->revoke("default", made.token().id()).is_ok());
  answerer_.release("token:" + made.token().id());
  silt::v1::AskResponse event;
  EXPECT_FALSE(held.reader->Read(&event));
  EXPECT_EQ(held.reader->Finish().error_code(), StatusCode::UNAUTHENTICATED);
}

TEST_F(CredentialsTest, QuestionsBeyondTheQuotaAreToldWhenToAskAgain) {
  parts_.quotas.configure({{"default", {.questions_per_minute = 2}}});
  start();
  const std::string secret = create("default", "ask").secret();
  const auto asked = [&](Held& held, const std::string& tenant) {
    if (!tenant.empty()) held.context.AddMetadata("authorization", "Bearer " + secret);
    silt::v1::AskRequest request;
    request.set_question("who?");
    request.set_tenant(tenant);
    held.context.set_deadline(std::chrono::system_clock::now() + 20s);
    held.reader = silt::v1::AskService::NewStub(channel_)->Ask(&held.context, request);
    return finish(held);
  };
  for (int i = 0; i < 2; ++i) {
    Held held;
    EXPECT_TRUE(asked(held, "default").ok());
  }
  Held held;
  const grpc::Status refused = asked(held, "default");
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(refused.error_message().find("2 questions a minute; try again in 30 s"), std::string::npos) << refused.error_message();
  const auto trailers = held.context.GetServerTrailingMetadata();
  const auto hint = trailers.find("grpc-retry-pushback-ms");
  ASSERT_NE(hint, trailers.end());
  EXPECT_EQ(std::string(hint->second.data(), hint->second.size()), "30000");
  EXPECT_TRUE(list_with(channel_, "Bearer " + secret).ok());  // which is no question
  Held own;
  EXPECT_TRUE(asked(own, "").ok());  // who sees all tenants gets through
  ASSERT_EQ(parts_.quotas.use().size(), 1u);
  EXPECT_EQ(parts_.quotas.use()[0].questions_refused, 1u);
}

TEST_F(CredentialsTest, ResetsCannotBeFlooded) {
  start();
  const std::string secret = create("default", "change").secret();
  const auto stub = silt::v1::StateAdmin::NewStub(admin_channel());
  const auto reset = [&](const std::string& authorization) {
    grpc::ClientContext context;
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    silt::v1::ResetStateRequest request;
    request.add_sources("absent");
    silt::v1::ResetStateResponse response;
    return stub->ResetState(&context, request, &response).error_code();
  };
  int done = 0;
  while (done < 1000 && reset("Bearer " + secret) == StatusCode::NOT_FOUND) ++done;
  EXPECT_GE(done, static_cast<int>(access::Quotas::kChangesPerMinute));
  EXPECT_LT(done, 1000);
  EXPECT_EQ(reset("Bearer " + secret), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(reset(""), StatusCode::NOT_FOUND);
}

TEST_F(CredentialsTest, ChangedRightsAreInForceOnOpenConnections) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  ASSERT_EQ(::chmod(dir_.path().c_str(), 0755), 0);
  options_.socket_mode = 0666;
  start();
  const int fd = connect_as(options_.socket, 12345);
  ASSERT_GE(fd, 0);
  const auto theirs = grpc::CreateInsecureChannelFromFd("siltd", fd);
  EXPECT_TRUE(list_with(theirs, "").ok());
  const access::AccessRule other{.user = "54321", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}};
  ASSERT_TRUE(server_->reload({"", {other}}).is_ok());
  EXPECT_EQ(list_with(theirs, "").error_code(), StatusCode::PERMISSION_DENIED);
  const access::AccessRule own{.user = "12345", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}};
  ASSERT_TRUE(server_->reload({"", {own}}).is_ok());
  EXPECT_TRUE(list_with(theirs, "", "shop").ok());
  EXPECT_EQ(list_with(theirs, "", "default").error_code(), StatusCode::PERMISSION_DENIED);
  // What cannot be carried out changes nothing.
  EXPECT_FALSE(server_->reload({"no-such-group-of-silt", {}}).is_ok());
  EXPECT_TRUE(list_with(theirs, "", "shop").ok());
}

}  // namespace
}  // namespace silt::serve
