#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include "base/check.h"
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
    Method{"/silt.v1.AskService/Ask", Right::kAsk, Pool::kAsk, kInvoke<&Api::ask>},
    Method{"/silt.v1.AskService/Explain", Right::kAsk, Pool::kAsk, kInvoke<&Api::explain>},
    Method{"/silt.v1.QueryService/Query", Right::kAsk, Pool::kAsk, kInvoke<&Api::query>},
    Method{"/silt.v1.QueryService/Search", Right::kAsk, Pool::kAsk, kInvoke<&Api::search>},
    Method{"/silt.v1.QueryService/Patterns", Right::kAsk, Pool::kAsk, kInvoke<&Api::patterns>},
    Method{"/silt.v1.SourceService/ListSources", Right::kAsk, Pool::kLook, kInvoke<&Api::list_sources>},
    Method{"/silt.v1.SourceService/ListGaps", Right::kAsk, Pool::kLook, kInvoke<&Api::list_gaps>},
    Method{"/silt.v1.SourceService/RenameSource", Right::kChange, Pool::kChange,
           kInvoke<&Api::rename_source>},
    Method{"/silt.v1.SourceService/DeleteSource", Right::kChange, Pool::kChange,
           kInvoke<&Api::delete_source>},
    Method{"/silt.v1.StateService/ResetState", Right::kChange, Pool::kChange, kInvoke<&Api::reset_state>},
    Method{"/silt.v1.DaemonService/GetStatus", Right::kAsk, Pool::kLook, kInvoke<&Api::get_status>},
};

static_assert(!std::is_constructible_v<Method, std::string_view, Pool, Invoke>);
static_assert(!std::is_default_constructible_v<Method>);

constexpr std::size_t kResultShown = 512;

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

void audit(const Method& method, const Call& call, const Message& request, const Status& outcome,
           const std::string& result) {
  const std::string tenant = text_field(request, "tenant");
  log::info("audit", {{"action", name_of(method)},
                      {"caller", call.caller.name},
                      {"tenant", tenant.empty() ? "default" : tenant},
                      {"source", text_field(request, "source")},
                      {"request_id", text_field(request, "request_id")},
                      {"dry_run", is_dry_run(request) ? "true" : "false"},
                      {"outcome", code_name(outcome.code())},
                      {"result", result.substr(0, kResultShown)}});
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

std::unique_ptr<Message> new_request(const Method& method) {
  std::string name(method.path.substr(1));
  std::replace(name.begin(), name.end(), '/', '.');
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  SILT_CHECK(descriptor != nullptr);  // a test looks for each
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  return std::unique_ptr<Message>(factory->GetPrototype(descriptor->input_type())->New());
}

Status call_method(const Api& api, const Method& method, const Call& call, const Message& request,
                   const Emit& emit) {
  std::string result;
  const bool audited = method.needs == Right::kChange;
  Status status;
  if (!call.caller.rights.has(method.needs)) {
    status = permission_denied(call.caller.name + " may not " + std::string(right_name(method.needs)));
    if (audited) {
      status = permission_denied(status.message() + ": be root, or a member of serve.change_group");
    }
  } else {
    status = method.invoke(api, call, request, [&](const Message& message) {
      if (audited) result = message.ShortDebugString();
      return emit(message);
    });
  }
  if (audited) audit(method, call, request, status, result);
  return status;
}

}  // namespace silt::serve
