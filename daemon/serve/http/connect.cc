#include "daemon/serve/http/connect.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cctype>

#include "base/escape.h"
#include "daemon/serve/error_details.h"

namespace silt::serve::http {
namespace {

namespace json = boost::json;
using google::protobuf::Message;

constexpr std::size_t kPrefixBytes = 5;  // of an envelope: flags, and the length, big-endian
constexpr char kEndOfStream = 2;

std::string envelope(char flags, std::string_view bytes) {
  std::string out(1, flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(bytes.size() >> shift & 0xff);
  return out.append(bytes);
}

Result<std::string_view> out_of_envelope(std::string_view body) {
  if (body.size() < kPrefixBytes) return invalid_argument("the body ends within its envelope");
  std::size_t size = 0;
  for (std::size_t i = 1; i < kPrefixBytes; ++i) size = size << 8 | static_cast<unsigned char>(body[i]);
  if (body[0] != 0) return invalid_argument("the envelope has flags that siltd does not know: send it uncompressed");
  if (size != body.size() - kPrefixBytes) return invalid_argument("the body must be one envelope, of the length that it says");
  return body.substr(kPrefixBytes);
}

json::object error_of(const Status& status) {
  json::array details;
  for (const ErrorDetail& detail : details_of(status, nullptr)) {
    std::string value = base64(detail.value);
    value.resize(value.find_last_not_of('=') + 1);  // as Connect has it
    details.emplace_back(json::object{{"type", detail.type}, {"value", value}});
  }
  return {{"code", connect_code(status.code())}, {"message", status.message()}, {"details", std::move(details)}};
}

Result<std::string> to_json(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;  // a count of 0 is a count
  std::string text;
  const auto printed = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!printed.ok()) return internal_error("a " + message.GetTypeName() + " as JSON: " + std::string(printed.message()));
  return text;
}

}  // namespace

std::optional<Format> format_of(std::string_view content_type, bool streams) {
  if (content_type == kJsonType)
    return streams ? Format{Codec::kJson, Framing::kLines, "application/x-ndjson"} : Format{Codec::kJson, Framing::kUnary, kJsonType};
  if (!streams && content_type == "application/proto") return Format{Codec::kProto, Framing::kUnary, "application/proto"};
  if (streams && content_type == "application/connect+json") return Format{Codec::kJson, Framing::kEnvelopes, "application/connect+json"};
  if (streams && content_type == "application/connect+proto") return Format{Codec::kProto, Framing::kEnvelopes, "application/connect+proto"};
  return std::nullopt;
}

Status decode(const Format& format, std::string_view body, Message& request) {
  if (format.framing == Framing::kEnvelopes) {
    SILT_ASSIGN(body, out_of_envelope(body));
  }
  if (format.codec == Codec::kProto) {
    return request.ParseFromArray(body.data(), static_cast<int>(body.size()))
               ? Status::ok()
               : invalid_argument("the request is no " + request.GetTypeName());
  }
  const auto parsed = google::protobuf::util::JsonStringToMessage({body.data(), body.size()}, &request);
  if (parsed.ok()) return Status::ok();
  return invalid_argument("the request is no " + request.GetTypeName() + " in JSON: " + std::string(parsed.message()));
}

Result<std::string> encode(const Format& format, const Message& message) {
  std::string bytes;
  if (format.codec == Codec::kProto) {
    bytes = message.SerializeAsString();
  } else {
    SILT_ASSIGN(bytes, to_json(message));
  }
  switch (format.framing) {
    case Framing::kUnary: break;
    case Framing::kEnvelopes: return envelope(0, bytes);
    case Framing::kLines: bytes += '\n';
  }
  return bytes;
}

std::string encode_end(const Format& format, const Status& status) {
  json::object end;
  if (!status.is_ok()) end["error"] = error_of(status);
  if (format.framing == Framing::kEnvelopes) return envelope(kEndOfStream, json::serialize(end));
  return status.is_ok() ? std::string() : json::serialize(end) + "\n";
}

unsigned http_status(Code code) {
  switch (code) {
    case Code::kOk: return 200;
    case Code::kCancelled: return 499;
    case Code::kInvalidArgument:
    case Code::kFailedPrecondition:
    case Code::kOutOfRange: return 400;
    case Code::kUnauthenticated: return 401;
    case Code::kPermissionDenied: return 403;
    case Code::kNotFound: return 404;
    case Code::kAlreadyExists:
    case Code::kAborted: return 409;
    case Code::kResourceExhausted: return 429;
    case Code::kUnimplemented: return 501;
    case Code::kUnavailable: return 503;
    case Code::kDeadlineExceeded: return 504;
    case Code::kUnknown:
    case Code::kInternal:
    case Code::kDataLoss: break;
  }
  return 500;
}

std::string connect_code(Code code) {
  if (code == Code::kCancelled) return "canceled";  // as Connect spells it
  std::string name(code_name(code));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

std::string error_json(const Status& status) {
  return json::serialize(error_of(status));
}

}  // namespace silt::serve::http
