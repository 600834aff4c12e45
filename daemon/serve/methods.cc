#include <algorithm>
#include <array>
#include <type_traits>

#include "base/check.h"
#include "base/escape.h"
#include "base/log.h"
#include "daemon/serve/api.h"
#include "daemon/serve/method.h"

namespace silt::serve {
namespace {

using access::Call;
using access::Right;

// The form that the table has, of a member of Api that takes and gives its own messages.
template <auto kHandler>
struct Typed;

template <class Request>
Result<const Request*> as(const Message& request) {
  if (const auto* typed = google::protobuf::DynamicCastToGenerated<Request>(&request)) return typed;
  return internal_error("a door brought a " + request.GetTypeName());
}

template <class Request, class Response, Result<Response> (Api::*kHandler)(const Call&, const Request&) const>
struct Typed<kHandler> {
  static Status invoke(const Api& api, const Call& call, const Message& request, const Emit& emit) {
    SILT_ASSIGN(const Request* const typed, as<Request>(request));
    SILT_ASSIGN(const Response response, (api.*kHandler)(call, *typed));
    emit(response);
    return Status::ok();
  }
};

template <class Request, class Response,
          Status (Api::*kHandler)(const Call&, const Request&, const std::function<bool(const Response&)>&)
              const>
struct Typed<kHandler> {
  static Status invoke(const Api& api, const Call& call, const Message& request, const Emit& emit) {
    SILT_ASSIGN(const Request* const typed, as<Request>(request));
    return (api.*kHandler)(call, *typed, emit);
  }
};

template <auto kHandler>
constexpr Invoke kInvoke = &Typed<kHandler>::invoke;

constexpr std::array kMethods = {
    Method{"/silt.v1.AskService/Ask", Socket::kQuery, Right::kAsk, Pool::kAsk, kInvoke<&Api::ask>},
    Method{"/silt.v1.AskService/Explain", Socket::kQuery, Right::kAsk, Pool::kAsk, kInvoke<&Api::explain>},
    Method{"/silt.v1.QueryService/Query", Socket::kQuery, Right::kAsk, Pool::kAsk, kInvoke<&Api::query>},
    Method{"/silt.v1.QueryService/Search", Socket::kQuery, Right::kAsk, Pool::kAsk, kInvoke<&Api::search>},
    Method{"/silt.v1.QueryService/Patterns", Socket::kQuery, Right::kAsk, Pool::kAsk, kInvoke<&Api::patterns>},
    Method{"/silt.v1.FeedService/Feed", Socket::kQuery, Right::kFeed, Pool::kFeed, kInvoke<&Api::feed>},
    Method{"/silt.v1.SourceService/ListSources", Socket::kQuery, Right::kAsk, Pool::kLook,
           kInvoke<&Api::list_sources>},
    Method{"/silt.v1.SourceService/ListGaps", Socket::kQuery, Right::kAsk, Pool::kLook, kInvoke<&Api::list_gaps>},
    Method{"/silt.v1.WatchService/Watch", Socket::kQuery, Right::kAsk, Pool::kLook, kInvoke<&Api::watch>},
    Method{"/silt.v1.WatchService/ListNormal", Socket::kQuery, Right::kAsk, Pool::kLook, kInvoke<&Api::list_normal>},
    Method{"/silt.v1.WatchService/MarkNormal", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::mark_normal>},
    Method{"/silt.v1.WatchService/RemoveNormal", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::remove_normal>},
    Method{"/silt.v1.WatchService/Digest", Socket::kQuery, Right::kAsk, Pool::kAsk, kInvoke<&Api::digest>},
    Method{"/silt.v1.DaemonService/GetStatus", Socket::kQuery, Right::kAsk, Pool::kLook,
           kInvoke<&Api::get_status>},
    Method{"/silt.v1.SourceService/RenameSource", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::rename_source>},
    Method{"/silt.v1.SourceService/DeleteSource", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::delete_source>},
    Method{"/silt.v1.StateAdmin/ListVersions", Socket::kAdmin, Right::kAsk, Pool::kLook,
           kInvoke<&Api::list_versions>},
    Method{"/silt.v1.StateAdmin/ResetState", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::reset_state>},
    Method{"/silt.v1.StateAdmin/RollbackState", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::rollback_state>},
    Method{"/silt.v1.StateAdmin/Forget", Socket::kAdmin, Right::kChange, Pool::kChange, kInvoke<&Api::forget>},
    Method{"/silt.v1.StateAdmin/PinVersion", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::pin_version>},
    Method{"/silt.v1.StateAdmin/DiffVersions", Socket::kAdmin, Right::kAsk, Pool::kAsk,
           kInvoke<&Api::diff_versions>},
    Method{"/silt.v1.TokenService/CreateToken", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::create_token>},
    Method{"/silt.v1.TokenService/ListTokens", Socket::kAdmin, Right::kChange, Pool::kLook,
           kInvoke<&Api::list_tokens>},
    Method{"/silt.v1.TokenService/RevokeToken", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::revoke_token>},
    Method{"/silt.v1.ArchiveService/Backup", Socket::kAdmin, Right::kChange, Pool::kChange, kInvoke<&Api::backup>},
    Method{"/silt.v1.ArchiveService/ExportState", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::export_state>},
    Method{"/silt.v1.ArchiveService/ImportState", Socket::kAdmin, Right::kChange, Pool::kChange,
           kInvoke<&Api::import_state>},
    Method{"/silt.v1.AuditService/ListAudit", Socket::kAdmin, Right::kAudit, Pool::kLook,
           kInvoke<&Api::list_audit>},
};

static_assert(!std::is_constructible_v<Method, std::string_view, Socket, Pool, Invoke>);
static_assert(!std::is_default_constructible_v<Method>);

constexpr std::size_t kResultShown = 512, kObjectShown = 1024;

std::string_view name_of(const Method& method) {
  return method.path.substr(method.path.rfind('/') + 1);
}

std::string text_field(const Message& message, const std::string& name) {
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->type() != google::protobuf::FieldDescriptor::TYPE_STRING) return {};
  return message.GetReflection()->GetString(message, field);
}

bool is_dry_run(const Message& request) {
  const auto* field = request.GetDescriptor()->FindFieldByName("dry_run");
  return field != nullptr && request.GetReflection()->GetBool(request, field);
}

std::string_view right_name(Right right) {
  switch (right) {
    case Right::kAsk: return "ask";
    case Right::kChange: return "change things";
    case Right::kAudit: return "read the audit log";
    case Right::kFeed: return "send records";
  }
  return "do this";
}

// What a reply says, but for credentials.
std::string detail_of(const Message& reply) {
  const auto* secret = reply.GetDescriptor()->FindFieldByName("secret");
  if (secret == nullptr) return reply.ShortDebugString().substr(0, kResultShown);
  const std::unique_ptr<Message> shown(reply.New());
  shown->CopyFrom(reply);
  shown->GetReflection()->ClearField(shown.get(), secret);
  return shown->ShortDebugString().substr(0, kResultShown);
}

// What the request names: a source or several, a token, or a directory.
std::string object_of(const Message& request) {
  std::string out = text_field(request, "source") + text_field(request, "id") + text_field(request, "directory");
  const auto* field = request.GetDescriptor()->FindFieldByName("sources");
  for (int i = 0; field != nullptr && i < request.GetReflection()->FieldSize(request, field); ++i) {
    out += (out.empty() ? "" : " ") + request.GetReflection()->GetRepeatedString(request, field, i);
  }
  return out.substr(0, kObjectShown);
}

// As the catalogue understands it.
std::string tenant_of(const Call& call, const Message& request) {
  const std::string tenant = text_field(request, "tenant").substr(0, kObjectShown);
  return tenant.empty() ? call.tenants().only().value_or("default") : tenant;
}

access::AuditEntry entry_of(const Method& method, const Call& call, const Message& request) {
  access::AuditEntry entry;
  entry.caller = call.caller.name;
  entry.action = name_of(method);
  entry.tenant = tenant_of(call, request);
  entry.object = object_of(request);
  entry.request_id = text_field(request, "request_id").substr(0, kObjectShown);
  return entry;
}

void log_attempt(const access::AuditEntry& entry, bool dry_run) {
  log::info("audit", {{"action", entry.action},
                      {"caller", entry.caller},
                      {"tenant", entry.tenant},
                      {"source", entry.object},
                      {"request_id", entry.request_id},
                      {"dry_run", dry_run ? "true" : "false"},
                      {"outcome", entry.outcome},
                      {"result", entry.detail}});
}

Status refuse(const Api& api, const Method& method, const Call& call, const Message& request) {
  std::string why = call.caller.name + " may not " + std::string(right_name(method.needs));
  if (method.needs == Right::kAsk) return permission_denied(why + ": an [[access]] section must grant it");
  why += ": be root, or in a group that serve.change_group or an [[access]] section names";
  access::AuditEntry entry = entry_of(method, call, request);
  entry.outcome = code_name(Code::kPermissionDenied);
  const Status written = api.audit().append_refused(entry);
  if (!written.is_ok()) log::error("audit_log_failed", {{"error", written.message()}});
  log_attempt(entry, is_dry_run(request));
  return permission_denied(std::move(why));
}

// Audited: an attempt that cannot be written down is not made.
Status change(const Api& api, const Method& method, const Call& call, const Message& request, const Emit& emit) {
  access::AuditEntry entry = entry_of(method, call, request);
  const bool dry_run = is_dry_run(request);
  entry.outcome = "begun";
  if (!dry_run) {
    const Status written = api.audit().append(entry);
    if (!written.is_ok()) return unavailable("nothing was changed, because it cannot be audited: " + written.message());
  }
  const Status status = method.invoke(api, call, request, [&](const Message& message) {
    entry.detail = detail_of(message);
    return emit(message);
  });
  entry.outcome = code_name(status.code());
  if (!status.is_ok()) entry.detail = status.message().substr(0, kResultShown);
  const Status written = dry_run ? Status::ok() : api.audit().append(entry);
  if (!written.is_ok()) log::error("audit_log_failed", {{"error", written.message()}, {"action", entry.action}});
  log_attempt(entry, dry_run);
  return status;
}

}  // namespace

std::span<const Method> methods() {
  return kMethods;
}

const Method* find_method(std::string_view path) {
  const auto found = std::find_if(kMethods.begin(), kMethods.end(),
                                  [path](const Method& method) { return method.path == path; });
  return found == kMethods.end() ? nullptr : &*found;
}

std::string_view service_of(const Method& method) {
  return method.path.substr(1, method.path.rfind('/') - 1);
}

bool is_served(const Method& method, std::optional<Socket> socket) {
  return !socket || method.socket == *socket;
}

const google::protobuf::MethodDescriptor& descriptor_of(const Method& method) {
  std::string name(method.path.substr(1));
  std::replace(name.begin(), name.end(), '/', '.');
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  SILT_CHECK(descriptor != nullptr);  // a test looks for each
  return *descriptor;
}

std::unique_ptr<Message> new_request(const Method& method) {
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  return std::unique_ptr<Message>(factory->GetPrototype(descriptor_of(method).input_type())->New());
}

Status call_method(const Api& api, const Method& method, const Call& by, const Message& request, const Emit& emit) {
  Call call = by;
  call.right = method.needs;
  if (!call.caller.has(method.needs)) return refuse(api, method, call, request);
  if (method.pool == Pool::kAsk) SILT_TRY(api.quotas().take_question(call, unescape_bytes(tenant_of(call, request))));
  if (method.pool == Pool::kChange && !is_dry_run(request)) SILT_TRY(api.quotas().take_change(call.caller));
  bool ended = false;  // its token was revoked, or expired, meanwhile: nothing more is told
  const Emit guarded = [&](const Message& message) {
    ended = ended || !api.tokens().still_valid(call.caller);
    return !ended && emit(message);
  };
  const Status status = method.pool == Pool::kChange ? change(api, method, call, request, guarded)
                                                     : method.invoke(api, call, request, guarded);
  return ended ? Status(Code::kUnauthenticated, "the token of this call is not valid any more") : status;
}

}  // namespace silt::serve
