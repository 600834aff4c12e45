// The two kinds of reactors that silt has: one answer, and a stream of answers. Both post their
// handler to a worker pool and end exactly once: by the handler, by a cancelled or late client, or
// by a stopping server, whichever is first.
//
// A reactor lives until gRPC's OnDone and the end of its handler, whichever is later: `self_` is
// gRPC's share of it. Handlers get their own copy of the request, because gRPC's ends with the RPC.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/status.h"
#include "daemon/serve/grpc_status.h"
#include "daemon/serve/live_calls.h"
#include "daemon/serve/worker_pool.h"

namespace silt::daemon {

using CancelFlag = std::atomic<bool>;

// Why a call should not be worked on any more; OK if it should.
inline Status still_wanted(const CancelFlag& cancelled, std::chrono::system_clock::time_point deadline) {
  if (cancelled) return {Code::kCancelled, "cancelled by the caller"};
  if (std::chrono::system_clock::now() >= deadline) {
    return {Code::kDeadlineExceeded, "the deadline passed before siltd got to it"};
  }
  return Status::ok();
}

inline Status stopping() {
  return unavailable("siltd is stopping; try again when it has restarted");
}
inline Status queue_full() {
  return resource_exhausted("too many questions at once; try again");
}

template <class Response>
class UnaryCall final : public grpc::ServerUnaryReactor, public LiveCall {
 public:
  using Handler = std::function<Result<Response>(const CancelFlag& cancelled)>;

  static grpc::ServerUnaryReactor* start(grpc::CallbackServerContext* context, Response* response,
                                         LiveCalls& live, WorkerPool& pool, Handler handler) {
    auto call = std::shared_ptr<UnaryCall>(new UnaryCall(context->deadline(), response, live));
    call->self_ = call;
    if (!live.enter(call)) {
      call->abandon(stopping());
    } else if (!pool.post([call, handler = std::move(handler)] { call->run(handler); })) {
      call->abandon(queue_full());
    }
    return call.get();
  }

  void abandon(const Status& why) override { end(why); }
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override {
    live_.leave(this);
    const auto last = std::move(self_);
  }

 private:
  UnaryCall(std::chrono::system_clock::time_point deadline, Response* response, LiveCalls& live)
      : deadline_(deadline), response_(response), live_(live) {}

  void run(const Handler& handler) {
    if (const Status wanted = still_wanted(cancelled_, deadline_); !wanted.is_ok()) return end(wanted);
    end(handler(cancelled_));
  }

  void end(Result<Response> result) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    cancelled_ = true;
    if (result.is_ok()) *response_ = std::move(*result);
    Finish(to_grpc(result.status()));
  }

  const std::chrono::system_clock::time_point deadline_;
  Response* const response_;  // gRPC's, until ended_
  LiveCalls& live_;
  CancelFlag cancelled_{false};
  std::mutex mutex_;
  bool ended_ = false;
  std::shared_ptr<UnaryCall> self_;
};

// Messages wait in a queue, which is as long as one answer: the handler never waits for a client.
template <class Response>
class StreamCall final : public grpc::ServerWriteReactor<Response>, public LiveCall {
 public:
  using Emit = std::function<bool(const Response&)>;
  using Handler = std::function<Status(const CancelFlag& cancelled, const Emit& emit)>;

  static grpc::ServerWriteReactor<Response>* start(grpc::CallbackServerContext* context, LiveCalls& live,
                                                   WorkerPool& pool, Handler handler) {
    auto call = std::shared_ptr<StreamCall>(new StreamCall(context->deadline(), live));
    call->self_ = call;
    if (!live.enter(call)) {
      call->abandon(stopping());
    } else if (!pool.post([call, handler = std::move(handler)] { call->run(handler); })) {
      call->abandon(queue_full());
    }
    return call.get();
  }

  void abandon(const Status& why) override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (!writing_) queue_.clear();
    finish(why);
  }
  void OnCancel() override { cancelled_ = true; }
  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    queue_.pop_front();
    if (!ok) cancelled_ = true;
    advance();
  }
  void OnDone() override {
    live_.leave(this);
    const auto last = std::move(self_);
  }

 private:
  StreamCall(std::chrono::system_clock::time_point deadline, LiveCalls& live)
      : deadline_(deadline), live_(live) {}

  void run(const Handler& handler) {
    Status status = still_wanted(cancelled_, deadline_);
    if (status.is_ok())
      status = handler(cancelled_, [this](const Response& message) { return push(message); });
    const std::lock_guard lock(mutex_);
    result_ = std::move(status);
    advance();
  }

  bool push(const Response& message) {
    const std::lock_guard lock(mutex_);
    if (cancelled_ || ended_) return false;
    queue_.push_back(message);
    advance();
    return true;
  }

  // With the lock held: the next write, or the end when the handler is done and all is written.
  void advance() {
    if (writing_ || ended_) return;
    if (!queue_.empty() && !cancelled_) {
      writing_ = true;
      this->StartWrite(&queue_.front());
    } else if (result_.has_value()) {
      finish(*result_);
    }
  }

  void finish(const Status& status) {
    if (std::exchange(ended_, true)) return;
    this->Finish(to_grpc(status));
  }

  const std::chrono::system_clock::time_point deadline_;
  LiveCalls& live_;
  CancelFlag cancelled_{false};
  std::mutex mutex_;
  std::deque<Response> queue_;
  std::optional<Status> result_;
  bool writing_ = false;
  bool ended_ = false;
  std::shared_ptr<StreamCall> self_;
};

}  // namespace silt::daemon
