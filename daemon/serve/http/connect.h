// The Connect protocol (connectrpc.com/docs/protocol), as far as siltd speaks it: unary calls, and streams of replies,
// in JSON (protobuf's mapping) or protobuf. Beyond it, a streaming method that is asked with plain JSON answers with
// a line of JSON for each message and, if it fails, a last line {"error": ...}: what curl and a page can read.
#pragma once

#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace silt::serve::http {

enum class Codec : std::uint8_t { kJson, kProto };
enum class Framing : std::uint8_t { kUnary, kEnvelopes, kLines };

struct Format {
  Codec codec = Codec::kJson;
  Framing framing = Framing::kUnary;
  std::string_view reply_type = "application/json";
};

inline constexpr std::string_view kJsonType = "application/json";

// By a request's content type, and whether the method streams. Nothing: this type is not spoken here.
std::optional<Format> format_of(std::string_view content_type, bool streams);

// The body as a message: out of its envelope, in its codec. A field that is not known is an error: a filter with a
// slip in its name must not be ignored.
Status decode(const Format& format, std::string_view body, google::protobuf::Message& request);
// A message as it goes out, framed. kInternal: it has a value that JSON cannot hold.
Result<std::string> encode(const Format& format, const google::protobuf::Message& message);
// What ends a stream. `status` is what the client may see.
std::string encode_end(const Format& format, const Status& status);

unsigned http_status(Code code);
std::string connect_code(Code code);  // "not_found"
// {"code": "not_found", "message": ...}
std::string error_json(const Status& status);

}  // namespace silt::serve::http
