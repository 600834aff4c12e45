#include "daemon/serve/grpc_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <iterator>
#include <string>
#include <utility>

#include "daemon/access/quotas.h"
#include "daemon/serve/grpc_status.h"

namespace silt::serve {
namespace {

constexpr std::int64_t kRetryMs = 1000;  // where nothing says when

using Serialization = grpc::SerializationTraits<Message>;

// Two of them are no credential of anyone.
std::string authorization_of(const grpc::CallbackServerContext& context) {
  const auto [first, last] = context.client_metadata().equal_range("authorization");
  if (first == last) return {};
  return std::next(first) == last ? std::string(first->second.data(), first->second.size()) : "several";
}

}  // namespace

GrpcCall::GrpcCall(grpc::CallbackServerContext* context, const grpc::ByteBuffer& request,
                   const Method& method, const Workplace& place, access::Caller caller)
    : context_(context),
      deadline_(context->deadline()),
      request_(request),
      method_(method),
      place_(place),
      caller_(std::move(caller)) {}

grpc::ServerWriteReactor<grpc::ByteBuffer>* GrpcCall::start(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            const Method& method, const Workplace& place,
                                                            const access::Credential& credential) {
  const Result<access::Caller> known = place.callers.caller_of(credential, authorization_of(*context));
  access::Caller caller = known.is_ok() ? *known : access::Caller("nobody");
  const std::shared_ptr<GrpcCall> call(new GrpcCall(context, *request, method, place, std::move(caller)));
  call->self_ = call;
  if (known.is_ok()) {
    place.begin(call, method.pool, call->caller_, [call] { call->run(); });
  } else {
    call->abandon(known.status());
  }
  return call.get();
}

void GrpcCall::abandon(const Status& why) {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (!writing_) queue_.clear();
  finish(why);
}

void GrpcCall::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  give_back(queue_.front().Length());
  queue_.pop_front();
  if (!ok) cancelled_ = true;
  advance();
}

void GrpcCall::OnDone() {
  place_.live.leave(this);
  {
    const std::lock_guard lock(mutex_);
    if (unread_bytes_ > 0) give_back(unread_bytes_);
  }
  const auto last = std::move(self_);
}

void GrpcCall::run() {
  Status status = work();
  const std::lock_guard lock(mutex_);
  result_ = std::move(status);
  advance();
}

Status GrpcCall::work() {
  const access::Call call{caller_, cancelled_, deadline_};
  SILT_TRY(still_wanted(call));
  const std::unique_ptr<Message> request = new_request(method_);
  if (!Serialization::Deserialize(&request_, request.get()).ok()) {
    return invalid_argument("the request is no " + request->GetTypeName());
  }
  return place_.call(method_, call, *request, [this](const Message& message) { return push(message); });
}

bool GrpcCall::push(const Message& message) {
  grpc::ByteBuffer bytes;
  bool own = false;
  if (!Serialization::Serialize(message, &bytes, &own).ok()) return false;
  const std::lock_guard lock(mutex_);
  if (cancelled_ || ended_) return false;
  if (!place_.replies.take(caller_.name, bytes.Length())) {
    cancelled_ = true;
    finish(access::try_again_in("too many replies to " + caller_.name + " wait to be read", kRetryMs * 1000));
    return false;
  }
  unread_bytes_ += bytes.Length();
  queue_.push_back(std::move(bytes));
  advance();
  return true;
}

void GrpcCall::give_back(std::size_t bytes) {
  place_.replies.give(caller_.name, bytes);
  unread_bytes_ -= bytes;
}

void GrpcCall::advance() {
  if (writing_ || ended_) return;
  if (!queue_.empty() && !cancelled_) {
    writing_ = true;
    StartWrite(&queue_.front());
  } else if (result_.has_value()) {
    finish(*result_);
  }
}

void GrpcCall::finish(const Status& status) {
  if (std::exchange(ended_, true)) return;
  // What gRPC's own retries go by, in milliseconds.
  if (status.code() == Code::kResourceExhausted)
    context_->AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(access::retry_after_ms(status).value_or(kRetryMs)));
  Finish(to_grpc(status, descriptor_of(method_).input_type()));
}

}  // namespace silt::serve
