// The server over its real socket, with a real gRPC client.
#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/generic/generic_stub.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <future>
#include <numbers>

#include "daemon/access/quotas.h"
#include "daemon/serve/error_details.h"
#include "daemon/serve/health_service.h"
#include "proto/rpc/v1/details.pb.h"
#include "proto/silt/v1/state.grpc.pb.h"
#include "tests/serve/server_fixture.h"

namespace silt::serve {
namespace {

using grpc::StatusCode;
using store::SourceId;
using namespace std::chrono_literals;

TEST_F(ServerTest, StreamsPlanEvidenceTextAndFinalInOrder) {
  start();
  const auto held = ask("who?");
  std::vector<silt::v1::AskResponse> events;
  silt::v1::AskResponse event;
  while (held->reader->Read(&event)) events.push_back(event);
  ASSERT_TRUE(held->reader->Finish().ok());
  ASSERT_EQ(events.size(), 4U);
  EXPECT_TRUE(events[0].has_plan());
  EXPECT_EQ(events[1].evidence().text(), "who?");
  EXPECT_EQ(events[2].text(), "text");
  EXPECT_EQ(events[3].final().answer(), "answer to who?");
}

TEST_F(ServerTest, RefusesBadRequestsWithAReason) {
  start();
  EXPECT_EQ(finish(*ask(" ")).error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(finish(*ask(std::string(5000, 'q'))).error_code(), StatusCode::INVALID_ARGUMENT);

  const auto stub = silt::v1::AskService::NewStub(channel_);
  silt::v1::ExplainRequest request;
  request.set_source("s");
  const auto explain = [&] {
    grpc::ClientContext context;
    silt::v1::ExplainResponse response;
    return stub->Explain(&context, request, &response);
  };
  EXPECT_EQ(explain().error_code(), StatusCode::INVALID_ARGUMENT);
  request.set_seq(3);
  EXPECT_TRUE(explain().ok());
  request.set_source("absent");
  EXPECT_EQ(explain().error_code(), StatusCode::NOT_FOUND);
}

// google.rpc's details, as clients of it read them.
TEST_F(ServerTest, FailuresSayWhatToDo) {
  start();
  const auto info_of = [](const grpc::Status& status) {
    rpc::v1::Status details;
    EXPECT_TRUE(details.ParseFromString(status.error_details()));
    EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
    rpc::v1::ErrorInfo info;
    EXPECT_EQ(details.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
    EXPECT_TRUE(info.ParseFromString(details.details(0).value()));
    EXPECT_EQ(info.domain(), "silt");
    EXPECT_FALSE(info.metadata().at("remedy").empty());
    return info;
  };
  EXPECT_EQ(info_of(finish(*ask(" "))).reason(), "INVALID_ARGUMENT");
  EXPECT_EQ(info_of(finish(*ask("broken"))).metadata().at("remedy"), "look into siltd's log: journalctl -u siltd");
}

TEST(ErrorDetails, AFieldIsNamedAndAWaitIsTold) {
  const auto* request = silt::v1::AskRequest::descriptor();
  const auto types = [&](const Status& status) {
    std::vector<std::string> out;
    for (const ErrorDetail& detail : details_of(status, request)) out.push_back(detail.type);
    return out;
  };
  using Types = std::vector<std::string>;
  EXPECT_EQ(types(invalid_argument("evidence_max is larger than 100")), (Types{"google.rpc.ErrorInfo", "google.rpc.BadRequest"}));
  EXPECT_EQ(types(invalid_argument("the question is empty")), Types{"google.rpc.ErrorInfo"});
  EXPECT_EQ(types(not_found("question 7 is unknown")), Types{"google.rpc.ErrorInfo"});
  EXPECT_EQ(types(unavailable("stopping")), (Types{"google.rpc.ErrorInfo", "google.rpc.RetryInfo"}));
  rpc::v1::RetryInfo retry;
  ASSERT_TRUE(retry.ParseFromString(details_of(access::try_again_in("too many", 2'500'000), request)[1].value));
  EXPECT_GE(retry.retry_delay().seconds(), 2);
  for (int code = 1; code <= 16; ++code) EXPECT_FALSE(remedy_for(static_cast<Code>(code)).empty()) << code;
}

TEST_F(ServerTest, FailuresOfOurOwnReachTheLogAndNotTheClient) {
  start();
  const grpc::Status status = finish(*ask("broken"));
  EXPECT_EQ(status.error_code(), StatusCode::INTERNAL);
  EXPECT_EQ(status.error_message().find("hunter2"), std::string::npos) << status.error_message();
  EXPECT_EQ(status.error_message().find("/var"), std::string::npos);
  EXPECT_NE(logged().find("hunter2"), std::string::npos);
}

TEST_F(ServerTest, CancellingReachesTheAnswerer) {
  start();
  const auto held = ask("hold");
  answerer_.wait_until_held(1);
  held->context.TryCancel();
  EXPECT_EQ(finish(*held).error_code(), StatusCode::CANCELLED);
  answerer_.wait_until_released();
}

TEST_F(ServerTest, ADeadlineEndsTheWork) {
  start();
  Held held;
  silt::v1::AskRequest request;
  request.set_question("hold");
  held.context.set_deadline(std::chrono::system_clock::now() + 100ms);
  held.reader = silt::v1::AskService::NewStub(channel_)->Ask(&held.context, request);
  EXPECT_EQ(finish(held).error_code(), StatusCode::DEADLINE_EXCEEDED);
  answerer_.wait_until_released();
}

TEST_F(ServerTest, AFullQueueIsRefusedAndStatusStillAnswers) {
  options_.reader_threads = 1;
  options_.queue_max = 1;
  start();
  const auto working = ask("hold");
  answerer_.wait_until_held(1);
  // One may wait; among three, two must be refused at once.
  std::vector<std::unique_ptr<Held>> more;
  for (int i = 0; i < 3; ++i) more.push_back(ask("hold"));
  int refused = 0;
  std::vector<std::thread> readers;
  std::mutex mutex;
  std::condition_variable changed;
  for (const auto& held : more) {
    readers.emplace_back([&, raw = held.get()] {
      const bool full = finish(*raw).error_code() == StatusCode::RESOURCE_EXHAUSTED;
      if (full) {
        const auto& trailers = raw->context.GetServerTrailingMetadata();
        EXPECT_TRUE(trailers.contains("grpc-retry-pushback-ms"));
      }
      const std::lock_guard lock(mutex);
      refused += full;
      changed.notify_all();
    });
  }
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, 10s, [&] { return refused == 2; }));
  }
  EXPECT_TRUE(status_call(channel_).ok());
  server_->stop();
  for (std::thread& reader : readers) reader.join();
  finish(*working);
  EXPECT_EQ(refused, 2);
}

TEST_F(ServerTest, StopFinishesRunningAndWaitingCalls) {
  options_.reader_threads = 1;
  start();
  const auto running = ask("hold");
  answerer_.wait_until_held(1);
  const auto waiting = ask("hold");
  ASSERT_TRUE(status_call(channel_).ok());  // the second question has been sent before this one
  const auto begin = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1500ms);  // not by gRPC's own limit of 2 s
  for (const auto& held : {running.get(), waiting.get()}) {
    const grpc::Status status = finish(*held);
    EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
    EXPECT_NE(status.error_message().find("siltd is stopping"), std::string::npos) << status.error_message();
  }
  EXPECT_NE(::access(options_.socket.c_str(), F_OK), 0);
}

TEST_F(ServerTest, RefusesLargeAndCompressedRequests) {
  start();
  EXPECT_EQ(finish(*ask(std::string(2 << 20, 'q'))).error_code(), StatusCode::RESOURCE_EXHAUSTED);

  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  silt::v1::AskRequest request;
  request.set_question(std::string(3000, 'q'));
  const auto reader = silt::v1::AskService::NewStub(channel_)->Ask(&context, request);
  silt::v1::AskResponse event;
  while (reader->Read(&event)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), StatusCode::UNIMPLEMENTED);
  EXPECT_TRUE(status_call(channel_).ok());
}

TEST_F(ServerTest, SurvivesAFloodOfConnections) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  start();
  std::vector<int> flood;
  int refused = 0;
  for (int i = 0; i < 600; ++i) {
    const int fd = connect_to(options_.socket);
    if (fd < 0) ++refused;
    if (fd >= 0) flood.push_back(fd);
  }
  // What is closed before it was accepted need not be refused.
  const auto limit = std::chrono::steady_clock::now() + 10s;
  while (logged().find("connection_refused") == std::string::npos && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  for (const int fd : flood) ::close(fd);
  EXPECT_GT(refused, 0);  // this process has run out as well
  EXPECT_TRUE(status_call(new_channel()).ok());
  const std::string log = logged();
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = log.find("connection_refused", at)) != std::string::npos; ++at) ++lines;
  EXPECT_GE(lines, 1U);  // and not one for each
  EXPECT_LT(lines, 30U) << log;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(ServerTest, WithoutDescriptorsItClosesConnectionsAndGoesOn) {
  start();
  ASSERT_TRUE(status_call(channel_).ok());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{10, 0};
  ASSERT_EQ(::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<int> fill;
  for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) fill.push_back(fd);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, options_.socket.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  char byte = 0;
  EXPECT_EQ(::read(client, &byte, 1), 0);  // closed by the server, not left waiting
  for (const int fd : fill) ::close(fd);
  ::close(client);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(status_call(new_channel()).ok());
}

TEST_F(ServerTest, ListSourcesJoinsJournalAndLearner) {
  const SourceRef learned{TenantId{1}, SourceId{1}};
  const SourceRef fresh{TenantId{1}, SourceId{2}};
  const SourceRef foreign{TenantId{2}, SourceId{3}};
  log_store_.entries = {
      {{learned, "default", "web:/b.log", "web:/b.log", "web"},
       {.journal_seq = 10,
        .lines = 10,
        .bytes = 900,
        .gaps = 1,
        .bytes_lost = 4,
        .redactions = 2,
        .last_arrival_us = 5'000'001}},
      {{fresh, "default", "web:/a.log", "web:/a.log", "web"}, {.journal_seq = 2, .lines = 2}},
      {{foreign, "other", "db", "db", "db"}, {.journal_seq = 1}}};
  folds_.heads[1].folded_seq = 9;
  folds_.heads[1].floor_seq = 3;
  folds_.heads[1].segment_bytes = 700;
  folds_.heads[1].patterns = 4;
  store::NetHead head;
  head.learned_seq = 8;
  head.state_version = 3;
  head.state_digest = {1, 2};
  head.learned_lines = 6;
  head.skipped_by_reason = {6, 1, 0, 0, 0, 1, 0};
  head.scored_bytes = 100;
  head.scored_nats = 50 * std::numbers::ln2;
  head.window_bits = {0.25F, 0.75F};
  nets_.heads[1] = head;
  start();
  const auto list = [&](const std::string& tenant) {
    silt::v1::ListSourcesRequest request;
    request.set_tenant(tenant);
    silt::v1::ListSourcesResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(silt::v1::SourceService::NewStub(channel_)->ListSources(&context, request, &response).ok());
    return response;
  };
  const auto own = list("");
  ASSERT_EQ(own.sources_size(), 2);
  EXPECT_EQ(own.sources(0).source(), "web:/a.log");  // sorted by name
  EXPECT_EQ(own.sources(0).backlog(), 2U);
  const silt::v1::Source& source = own.sources(1);
  EXPECT_EQ(source.backlog(), 2U);
  EXPECT_EQ(source.learned_lines(), 6U);
  EXPECT_EQ(source.patterns(), 4U);
  EXPECT_DOUBLE_EQ(source.bits_per_byte(), 0.5);
  EXPECT_DOUBLE_EQ(source.bits_per_byte_window(), 0.5);
  EXPECT_EQ(source.state_digest(), "00000000000000010000000000000002");
  EXPECT_EQ(source.skipped().size(), 2U);
  EXPECT_EQ(source.skipped().at("over_budget"), 1U);
  EXPECT_EQ(source.skipped().at("empty"), 1U);
  EXPECT_EQ(source.last_arrival().seconds(), 5);
  EXPECT_EQ(source.last_arrival().nanos(), 1000);
  EXPECT_EQ(source.folded_seq(), 9U);
  EXPECT_EQ(source.floor_seq(), 4U);
  EXPECT_EQ(source.stored_bytes(), 700U);
  EXPECT_EQ(source.places(), 5U);
  EXPECT_EQ(source.input(), "web");
  EXPECT_EQ(list("*").sources_size(), 3);
  EXPECT_EQ(list("nobody").sources_size(), 0);
}

silt::v1::ResetStateRequest reset_request() {
  silt::v1::ResetStateRequest request;
  request.add_sources("web");
  request.set_request_id("id-1");
  request.set_expected_version(7);
  return request;
}

TEST_F(ServerTest, ResetIsCarriedOutOnceFoundAndAudited) {
  log_store_.entries = {{{{TenantId{1}, SourceId{9}}, "default", "web", "web", "web"}, {}}};
  start();
  const auto stub = silt::v1::StateAdmin::NewStub(admin_channel());
  const auto reset = [&](const silt::v1::ResetStateRequest& request, silt::v1::ResetStateResponse& response) {
    grpc::ClientContext context;
    return stub->ResetState(&context, request, &response);
  };
  silt::v1::ResetStateResponse response;
  ASSERT_TRUE(reset(reset_request(), response).ok());
  ASSERT_EQ(response.resets_size(), 1);
  EXPECT_EQ(response.resets(0).new_version(), 8U);
  ASSERT_EQ(learner_.requests().size(), 1U);
  EXPECT_EQ(learner_.requests()[0].request_id, "id-1/9");
  EXPECT_EQ(learner_.requests()[0].expected_version, 7U);
  const std::string uid = std::to_string(::geteuid());
  EXPECT_NE(logged().find("audit action=ResetState caller=uid:" + uid +
                          " tenant=default source=web request_id=id-1"),
            std::string::npos)
      << logged();

  silt::v1::ResetStateRequest foreign = reset_request();
  foreign.set_tenant("other");  // a source of another tenant is as absent as one that is not there
  EXPECT_EQ(reset(foreign, response).error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(learner_.requests().size(), 1U);
}

TEST_F(ServerTest, OthersMayAskButNotChangeAndEachIsKnown) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  ASSERT_EQ(::chmod(dir_.path().c_str(), 0755), 0);
  options_.socket_mode = 0666;
  options_.users_max = 1;  // the two users also take each other's place
  log_store_.entries = {{{{TenantId{1}, SourceId{9}}, "default", "web", "web", "web"}, {}}};
  start();
  ASSERT_TRUE(status_call(channel_).ok());
  const int fd = connect_as(options_.socket, 12345);
  ASSERT_GE(fd, 0);
  const auto theirs = grpc::CreateInsecureChannelFromFd("siltd", fd);
  std::string version;
  EXPECT_TRUE(status_call(theirs, &version).ok());
  EXPECT_EQ(version, "test");
  const int admin_fd = connect_as(options_.admin_socket, 12345);
  ASSERT_GE(admin_fd, 0);
  const auto their_admin = grpc::CreateInsecureChannelFromFd("siltd", admin_fd);
  grpc::ClientContext context;
  silt::v1::ResetStateResponse response;
  const grpc::Status status =
      silt::v1::StateAdmin::NewStub(their_admin)->ResetState(&context, reset_request(), &response);
  EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(learner_.requests().empty());
  EXPECT_NE(logged().find("caller=uid:12345"), std::string::npos) << logged();
  EXPECT_NE(logged().find("outcome=PERMISSION_DENIED"), std::string::npos) << logged();
  EXPECT_TRUE(status_call(channel_).ok());  // reconnects: the first user's place had been taken
}

TEST_F(ServerTest, OneUsersQuestionsDoNotKeepAnotherWaiting) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  ASSERT_EQ(::chmod(dir_.path().c_str(), 0755), 0);
  options_.socket_mode = 0666;
  options_.reader_threads = 2;
  start();
  const int fd = connect_as(options_.socket, 12345);
  ASSERT_GE(fd, 0);
  const auto theirs = grpc::CreateInsecureChannelFromFd("siltd", fd);
  std::vector<std::unique_ptr<Held>> flood;
  for (int i = 0; i < 20; ++i) flood.push_back(ask("hold", theirs));
  answerer_.wait_until_held(1);
  EXPECT_TRUE(finish(*ask("who?")).ok());
  EXPECT_TRUE(status_call(channel_).ok());
  for (const auto& held : flood) held->context.TryCancel();
  for (const auto& held : flood) finish(*held);
}

// Replies that nobody reads are bounded for each caller; others are answered.
TEST_F(ServerTest, UnreadRepliesOfOneCallerEndTheirCallsAlone) {
  options_.unread_bytes_max = 256 << 10;
  start();
  std::vector<std::unique_ptr<Held>> unread;
  for (int i = 0; i < 4; ++i) unread.push_back(ask("much"));
  // What was sent before the end is read first.
  EXPECT_EQ(finish(*unread[0]).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  for (int i = 1; i < 4; ++i) finish(*unread[static_cast<std::size_t>(i)]);
  EXPECT_TRUE(finish(*ask("who?")).ok());  // the share is free again
}

// Who may ask need not be able to reach the socket where things are changed, and it offers no questions.
TEST_F(ServerTest, EachSocketHasItsMethodsAndNoOthers) {
  start();
  const auto code = [](const grpc::Status& status) { return status.error_code(); };
  grpc::ClientContext a, b, c;
  for (grpc::ClientContext* context : {&a, &b, &c}) context->set_deadline(std::chrono::system_clock::now() + 5s);
  silt::v1::ResetStateResponse reset;
  EXPECT_EQ(code(silt::v1::StateAdmin::NewStub(channel_)->ResetState(&a, reset_request(), &reset)), StatusCode::UNIMPLEMENTED);
  silt::v1::DeleteSourceResponse deleted;
  EXPECT_EQ(code(silt::v1::SourceService::NewStub(channel_)->DeleteSource(&b, {}, &deleted)), StatusCode::UNIMPLEMENTED);
  silt::v1::ListSourcesResponse listed;
  EXPECT_EQ(code(silt::v1::SourceService::NewStub(admin_channel())->ListSources(&c, {}, &listed)), StatusCode::UNIMPLEMENTED);
  EXPECT_TRUE(learner_.requests().empty());
}

// Reflection comes from gRPC and knows the services that are registered by name.
TEST_F(ServerTest, ReflectionListsTheServicesOfTheTable) {
  start();
  // ServerReflectionRequest with list_services = "*": field 7, two bytes.
  const std::string request("\x3a\x01*", 3);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 5s);
  grpc::CompletionQueue queue;
  const auto stream = grpc::GenericStub(channel_).PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  void* tag = nullptr;
  bool ok = false;
  const auto step = [&](auto&& begin) {
    begin();
    return queue.Next(&tag, &ok) && ok;
  };
  ASSERT_TRUE(step([&] { stream->StartCall(nullptr); }));
  const grpc::Slice bytes(request);
  ASSERT_TRUE(step([&] { stream->Write(grpc::ByteBuffer(&bytes, 1), nullptr); }));
  grpc::ByteBuffer reply;
  ASSERT_TRUE(step([&] { stream->Read(&reply, nullptr); }));
  grpc::Slice slice;
  ASSERT_TRUE(reply.DumpToSingleSlice(&slice).ok());
  const std::string text(slice.begin(), slice.end());
  for (const char* service : {"silt.v1.AskService", "silt.v1.SourceService", "silt.v1.DaemonService", "grpc.health.v1.Health"}) {
    EXPECT_NE(text.find(service), std::string::npos) << service;
  }
  context.TryCancel();
  grpc::Status status;
  step([&] { stream->Finish(&status, nullptr); });
}

TEST_F(ServerTest, StandardHealthAndReflectionAnswer) {
  start();
  const auto generic_unary = [&](const std::string& method, grpc::ByteBuffer& reply) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 5s);
    const grpc::ByteBuffer empty(nullptr, 0);
    std::promise<grpc::Status> done;
    grpc::GenericStub(channel_).UnaryCall(&context, method, {}, &empty, &reply,
                                          [&](grpc::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get().error_code();
  };
  grpc::ByteBuffer reply;
  EXPECT_EQ(generic_unary("/grpc.health.v1.Health/Check", reply), StatusCode::OK);
  grpc::Slice slice;
  ASSERT_TRUE(reply.DumpToSingleSlice(&slice).ok());
  EXPECT_EQ(std::string(slice.begin(), slice.end()), std::string("\x08\x01"));  // status: SERVING
  EXPECT_NE(generic_unary("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", reply),
            StatusCode::UNIMPLEMENTED);
}

TEST(HealthService, PartsAreToldApart) {
  using grpc::health::v1::HealthCheckResponse;
  Health health{{{.name = "store"}, {.name = "learner", .alive = false}, {.name = "inputs", .ready = false, .decides = false}}};
  EXPECT_EQ(serving_status(health, "store"), HealthCheckResponse::SERVING);
  EXPECT_EQ(serving_status(health, "learner"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(serving_status(health, "inputs"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(serving_status(health, ""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(serving_status(health, "silt.v1.AskService"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(serving_status(health, "silt.v1.NoService"), std::nullopt);
  health.parts[1].alive = true;
  EXPECT_EQ(serving_status(health, ""), HealthCheckResponse::SERVING) << "inputs keep nobody from asking";
}

}  // namespace
}  // namespace silt::serve
