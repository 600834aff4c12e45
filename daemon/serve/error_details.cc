#include "daemon/serve/error_details.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "daemon/access/quotas.h"
#include "proto/rpc/v1/details.pb.h"

namespace silt::serve {
namespace {

constexpr char kDomain[] = "silt";
constexpr std::int64_t kRetryMs = 1000;

// After how long to try again; nothing: trying again does not help.
std::optional<std::int64_t> retry_ms(const Status& status) {
  if (status.code() != Code::kResourceExhausted && status.code() != Code::kUnavailable) return std::nullopt;
  return access::retry_after_ms(status).value_or(kRetryMs);
}

// Messages about a field begin with its name: "since must be before until", "request_id 'x' was used".
std::string field_of(const Status& status, const google::protobuf::Descriptor* request) {
  if (status.code() != Code::kInvalidArgument || request == nullptr) return {};
  const std::string& message = status.message();
  const auto end = std::find_if(message.begin(), message.end(), [](char c) { return c != '_' && std::isalnum(static_cast<unsigned char>(c)) == 0; });
  std::string word(message.begin(), end);
  return request->FindFieldByName(word) != nullptr ? word : std::string();
}

template <class Message>
ErrorDetail detail(const Message& message) {
  return {"google.rpc." + Message::descriptor()->name(), message.SerializeAsString()};
}

}  // namespace

std::string_view remedy_for(Code code) {
  switch (code) {
    case Code::kOk: break;
    case Code::kInvalidArgument:
    case Code::kOutOfRange: return "change the request as the message says; reflection and /openapi.json describe it";
    case Code::kNotFound: return "list what there is: ListSources, Patterns, ListVersions; names are those of replies";
    case Code::kAlreadyExists: return "give each request a request_id of its own";
    case Code::kPermissionDenied: return "ask for the right: an [[access]] section of siltd.toml, or a token that has it";
    case Code::kUnauthenticated: return "bring a token that is valid: authorization: Bearer TOKEN; silt token create makes one";
    case Code::kResourceExhausted: return "try again after retry_delay, with less at once; siltd.toml's [serve] and [[quota]] have the limits";
    case Code::kUnavailable: return "try again after retry_delay";
    case Code::kFailedPrecondition: return "first do what the message says";
    case Code::kAborted: return "something else changed it meanwhile: look again, then try again";
    case Code::kCancelled: return "ask again, if the answer is still wanted";
    case Code::kDeadlineExceeded: return "allow more time, or ask about fewer sources or a shorter time";
    case Code::kUnimplemented: return "this siltd, or this door, does not have it: GetStatus tells the version, docs/doors.md the doors";
    case Code::kUnknown:
    case Code::kInternal:
    case Code::kDataLoss: return "look into siltd's log: journalctl -u siltd";
  }
  return "";
}

std::vector<ErrorDetail> details_of(const Status& status, const google::protobuf::Descriptor* request) {
  std::vector<ErrorDetail> out;
  rpc::v1::ErrorInfo info;
  info.set_reason(std::string(code_name(status.code())));
  info.set_domain(kDomain);
  (*info.mutable_metadata())["remedy"] = std::string(remedy_for(status.code()));
  out.push_back(detail(info));
  if (const auto wait_ms = retry_ms(status)) {
    rpc::v1::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(*wait_ms / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<std::int32_t>(*wait_ms % 1000 * 1'000'000));
    out.push_back(detail(retry));
  }
  if (const std::string field = field_of(status, request); !field.empty()) {
    rpc::v1::BadRequest bad;
    auto& violation = *bad.add_field_violations();
    violation.set_field(field);
    violation.set_description(status.message());
    out.push_back(detail(bad));
  }
  return out;
}

std::string status_with_details(const Status& status, const google::protobuf::Descriptor* request) {
  rpc::v1::Status out;
  out.set_code(static_cast<int>(status.code()));
  out.set_message(status.message());
  for (ErrorDetail& each : details_of(status, request)) {
    auto& any = *out.add_details();
    any.set_type_url("type.googleapis.com/" + each.type);
    any.set_value(std::move(each.value));
  }
  return out.SerializeAsString();
}

}  // namespace silt::serve
