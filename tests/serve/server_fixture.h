// A server over its real sockets, with what it needs under the test's control, and clients of it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/log.h"
#include "daemon/serve/server.h"
#include "proto/silt/v1/admin.grpc.pb.h"
#include "proto/silt/v1/ask.grpc.pb.h"
#include "tests/serve/fakes.h"
#include "tests/support/temp_dir.h"

namespace silt::serve {

using namespace std::chrono_literals;

inline int connect_to(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([this](log::Level, std::string_view line) {
      const std::lock_guard lock(log_mutex_);
      log_.append(line).append("\n");
    });
    options_.socket = dir_.path("query.sock");
    options_.admin_socket = dir_.path("admin.sock");
    options_.queue_max = 4;
  }
  void TearDown() override {
    server_.reset();
    log::set_sink([](log::Level, std::string_view) {});
  }

  void start() {
    ServerDependencies dependencies = parts_.dependencies();
    dependencies.fill_status = [](const access::Tenants&, silt::v1::GetStatusResponse& status) {
      status.set_version("test");
    };
    dependencies.fill_stored = [](SourceRef, silt::v1::Source& source) { source.set_places(5); };
    Result<std::unique_ptr<Server>> server = Server::start(dependencies, options_);
    ASSERT_TRUE(server.is_ok()) << server.status().to_string();
    server_ = std::move(*server);
    channel_ = new_channel();
  }
  std::shared_ptr<grpc::Channel> admin_channel() const {
    return grpc::CreateChannel("unix:" + options_.admin_socket, grpc::InsecureChannelCredentials());
  }
  std::shared_ptr<grpc::Channel> new_channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
    return grpc::CreateCustomChannel("unix:" + options_.socket, grpc::InsecureChannelCredentials(),
                                     arguments);
  }
  std::string logged() {
    const std::lock_guard lock(log_mutex_);
    return log_;
  }
  grpc::Status status_call(const std::shared_ptr<grpc::Channel>& channel,
                           std::string* version = nullptr) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 5s);
    context.set_wait_for_ready(true);
    silt::v1::GetStatusResponse response;
    const auto stub = silt::v1::DaemonService::NewStub(channel);
    const grpc::Status status = stub->GetStatus(&context, {}, &response);
    if (version != nullptr) *version = response.version();
    return status;
  }
  // Begins a question that only cancelling or stopping ends.
  struct Held {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<silt::v1::AskResponse>> reader;
  };
  std::unique_ptr<Held> ask(const std::string& question) { return ask(question, channel_); }
  static std::unique_ptr<Held> ask(const std::string& question,
                                   const std::shared_ptr<grpc::Channel>& channel) {
    auto held = std::make_unique<Held>();
    silt::v1::AskRequest request;
    request.set_question(question);
    held->context.set_deadline(std::chrono::system_clock::now() + 20s);
    held->reader = silt::v1::AskService::NewStub(channel)->Ask(&held->context, request);
    return held;
  }
  static grpc::Status finish(Held& held) {
    silt::v1::AskResponse event;
    while (held.reader->Read(&event)) {
    }
    return held.reader->Finish();
  }

  testing::TempDir dir_;
  ServerOptions options_;
  FakeParts parts_;
  FakeAnswerer& answerer_ = parts_.answerer;
  FakeLog& log_store_ = parts_.log;
  FakeNets& nets_ = parts_.nets;
  FakeFolds& folds_ = parts_.folds;
  FakeLearner& learner_ = parts_.learner;
  std::mutex log_mutex_;
  std::string log_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

// Credentials are of the thread that connects, so one process can be two users.
inline int connect_as(const std::string& path, uid_t uid) {
  int fd = -1;
  std::thread([&] {
    if (::syscall(SYS_setgroups, 0, nullptr) == 0 && ::syscall(SYS_setresgid, -1, uid, -1) == 0 &&
        ::syscall(SYS_setresuid, -1, uid, -1) == 0) {
      fd = connect_to(path);
    }
  }).join();
  return fd;
}

}  // namespace silt::serve
