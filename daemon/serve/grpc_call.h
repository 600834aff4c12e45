// GrpcCall: one RPC of any method of the table. It posts the method to its pool, under the caller's
// share, and ends exactly once: by the method, by a cancelled or late client, or by a stopping
// server, whichever is first. Unary methods are streams of one message, which is the same on the wire.
//
// It lives until gRPC's OnDone and the end of its work, whichever is later: `self_` is gRPC's share
// of it. Replies wait in a queue, which is as long as one answer: no method waits for a client.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "base/status.h"
#include "daemon/access/callers.h"
#include "daemon/serve/method.h"
#include "daemon/serve/workplace.h"

namespace silt::serve {

class GrpcCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer>, public LiveCall {
 public:
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* start(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           const Method& method, const Workplace& place,
                                                           const access::Credential& credential);

  void abandon(const Status& why) override;
  void OnCancel() override { cancelled_ = true; }
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  GrpcCall(grpc::CallbackServerContext* context, const grpc::ByteBuffer& request, const Method& method,
           const Workplace& place, access::Caller caller);

  void run();
  Status work();
  bool push(const Message& message);
  void advance();                     // with the lock: the next write, or the end
  void finish(const Status& status);  // with the lock
  void give_back(std::size_t bytes);   // to the caller's share of unread replies

  grpc::CallbackServerContext* const context_;  // gRPC's, until ended_
  const access::TimePoint deadline_;
  grpc::ByteBuffer request_;
  const Method& method_;
  const Workplace place_;
  const access::Caller caller_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::deque<grpc::ByteBuffer> queue_;
  std::size_t unread_bytes_ = 0;  // of the caller's share
  std::optional<Status> result_;
  bool writing_ = false;
  bool ended_ = false;
  std::shared_ptr<GrpcCall> self_;
};

}  // namespace silt::serve
