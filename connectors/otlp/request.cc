#include "connectors/otlp/request.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/io/gzip_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <vector>

#include "base/hex.h"

namespace silt::connectors::otlp {
namespace {

namespace pb = google::protobuf;

constexpr std::size_t kTextBytesMax = 1 << 20;  // of a body, so that any fits into a delivery
constexpr std::size_t kTraceIdBytes = 16, kSpanIdBytes = 8;

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string text_of(double number) {
  if (!std::isfinite(number)) return std::isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity";
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  return std::string(digits, end);
}

// As JSON; how deep it may be was limited when it was read.
void append_json(std::string& out, const wire::AnyValue& value) {
  switch (value.value_case()) {
    case wire::AnyValue::kStringValue: return append_quoted(out, value.string_value());
    case wire::AnyValue::kBytesValue: return append_quoted(out, value.bytes_value());
    case wire::AnyValue::kBoolValue: out += value.bool_value() ? "true" : "false"; return;
    case wire::AnyValue::kIntValue: out += std::to_string(value.int_value()); return;
    case wire::AnyValue::kDoubleValue: out += text_of(value.double_value()); return;
    case wire::AnyValue::kArrayValue: {
      out += '[';
      for (const wire::AnyValue& each : value.array_value().values()) {
        if (out.back() != '[') out += ',';
        append_json(out, each);
      }
      out += ']';
      return;
    }
    case wire::AnyValue::kKvlistValue: {
      out += '{';
      for (const wire::KeyValue& each : value.kvlist_value().values()) {
        if (out.back() != '{') out += ',';
        append_quoted(out, each.key());
        out += ':';
        append_json(out, each.value());
      }
      out += '}';
      return;
    }
    case wire::AnyValue::VALUE_NOT_SET: out += "null"; return;
  }
}

// A text as it is, all else as JSON; empty: nothing is set. `room` keeps what had to be made.
std::string_view text_of(const wire::AnyValue& value, std::string& room) {
  if (value.has_string_value()) return value.string_value();
  if (value.has_bytes_value()) return value.bytes_value();
  room.clear();
  if (value.value_case() != wire::AnyValue::VALUE_NOT_SET) append_json(room, value);
  return room;
}

// Ids of JSON are in hexadecimal. Its reader took these digits for base64, which they also are, of twelve bits for each
// byte; written as base64 they are the digits again. An id that is all zeros is none.
std::string id_text(std::string_view id, std::size_t bytes) {
  std::string text;
  if (id.size() == bytes) text = to_hex(id);
  else if (id.size() == bytes * 3 / 2) pb::Base64Escape(pb::StringPiece(id.data(), id.size()), &text);
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  return text.find_first_not_of('0') == std::string::npos ? std::string() : text;
}

std::string_view severity(const wire::LogRecord& record) {
  constexpr std::array<std::string_view, 6> kNames = {"trace", "debug", "info", "warn", "error", "fatal"};
  const int number = record.severity_number();
  return number < 1 || number > 24 ? std::string_view(record.severity_text()) : kNames[static_cast<std::size_t>(number - 1) / 4];
}

// The attributes of a record are collected here, and copied when it is complete.
class Attributes {
 public:
  void clear() {
    list_.clear();
    arena_.clear();
  }
  void add(std::string_view key, std::string_view value) {
    if (!value.empty()) list_.push_back({key, arena_.copy(value)});
  }
  void add_all(const pb::RepeatedPtrField<wire::KeyValue>& values) {
    for (const wire::KeyValue& each : values) add(each.key(), text_of(each.value(), room_));
  }
  std::size_t size() const { return list_.size(); }
  std::span<const Attribute> all() const { return list_; }

 private:
  std::vector<Attribute> list_;
  Arena arena_;
  std::string room_;
};

std::string_view service_of(const wire::Resource& resource) {
  for (const wire::KeyValue& each : resource.attributes()) {
    if (each.key() == "service.name") return each.value().string_value();
  }
  return {};
}

void add_record(const wire::ResourceLogs& resource, const wire::ScopeLogs& scope, const wire::LogRecord& from, Attributes& attributes,
                std::string_view stream, Parcel& parcel, Answer& answer) {
  std::string room;
  std::string_view text = text_of(from.body(), room);
  if (text.empty()) text = from.event_name();
  if (text.empty()) {
    ++answer.rejected;
    answer.why = "records without body and event name were not taken";
    return;
  }
  attributes.clear();
  attributes.add("severity", severity(from));
  attributes.add("trace_id", id_text(from.trace_id(), kTraceIdBytes));
  attributes.add("span_id", id_text(from.span_id(), kSpanIdBytes));
  attributes.add("event", from.event_name());
  attributes.add_all(from.attributes());
  attributes.add_all(resource.resource().attributes());
  attributes.add("scope", scope.scope().name());
  attributes.add("scope.version", scope.scope().version());
  attributes.add_all(scope.scope().attributes());
  Delivery& to = parcel.delivery(stream);
  Record record;
  record.text = to.arena.copy(text.substr(0, kTextBytesMax));
  if (text.size() > kTextBytesMax) {
    record.flags |= kRecordCut;
    record.bytes_cut = text.size() - kTextBytesMax;
  }
  record.origin.place = to.arena.copy("otlp:" + std::string(service_of(resource.resource())));
  const std::uint64_t nanos = from.time_unix_nano() != 0 ? from.time_unix_nano() : from.observed_time_unix_nano();
  record.told_us = static_cast<std::int64_t>(nanos / 1000);
  attach(attributes.all(), record, to.arena);
  to.records.push_back(record);
}

template <class Message>
std::string write(const Message& message, Format format) {
  std::string out;
  if (format == Format::kProtobuf) message.SerializeToString(&out);
  else static_cast<void>(pb::util::MessageToJsonString(message, &out));
  return out;
}

}  // namespace

Status read_request(std::string_view body, Format format, wire::ExportLogsServiceRequest& out) {
  if (format == Format::kProtobuf) {
    if (out.ParseFromArray(body.data(), static_cast<int>(body.size()))) return Status::ok();
    return invalid_argument("the request is no ExportLogsServiceRequest: it is damaged, or has text that is not UTF-8");
  }
  pb::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto parsed = pb::util::JsonStringToMessage(pb::StringPiece(body.data(), body.size()), &out, options);
  if (parsed.ok()) return Status::ok();
  const std::string_view why(parsed.message().data(), parsed.message().size());  // and, on more lines, the sender's text
  return invalid_argument("the request is no JSON of an ExportLogsServiceRequest: " + std::string(why.substr(0, why.find('\n'))));
}

Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max) {
  pb::io::ArrayInputStream packed(bytes.data(), static_cast<int>(bytes.size()));
  pb::io::GzipInputStream plain(&packed);
  std::string out;
  const void* part = nullptr;
  int size = 0;
  while (plain.Next(&part, &size)) {
    out.append(static_cast<const char*>(part), static_cast<std::size_t>(size));
    if (out.size() > bytes_max) return resource_exhausted("the request is larger than " + std::to_string(bytes_max) + " bytes when it is unpacked; send less at once");
  }
  if (plain.ZlibErrorCode() != Z_STREAM_END) return invalid_argument("the request is no whole gzip");
  return out;
}

void add_records(const wire::ExportLogsServiceRequest& request, StreamNames& names, Parcel& parcel, Answer& answer) {
  Attributes attributes;
  for (const wire::ResourceLogs& resource : request.resource_logs()) {
    const std::string stream(names.stream(service_of(resource.resource()), parcel.sender().streams));
    for (const wire::ScopeLogs& scope : resource.scope_logs()) {
      for (const wire::LogRecord& each : scope.log_records()) add_record(resource, scope, each, attributes, stream, parcel, answer);
    }
  }
}

std::string write_answer(const Answer& answer, Format format) {
  if (!answer.status.is_ok()) {
    wire::RpcStatus status;
    status.set_code(static_cast<int>(answer.status.code()));
    status.set_message(answer.status.message());
    if (answer.retry_ms > 0) {
      wire::RetryInfo info;
      info.mutable_retry_delay()->set_seconds(answer.retry_ms / 1000);
      info.mutable_retry_delay()->set_nanos(static_cast<int>(answer.retry_ms % 1000 * 1'000'000));
      if (format == Format::kProtobuf) {  // JSON would have to know the type
        status.add_details()->set_type_url("type.googleapis.com/google.rpc.RetryInfo");
        info.SerializeToString(status.mutable_details(0)->mutable_value());
      }
    }
    return write(status, format);
  }
  wire::ExportLogsServiceResponse response;
  if (answer.rejected > 0) {
    response.mutable_partial_success()->set_rejected_log_records(answer.rejected);
    response.mutable_partial_success()->set_error_message(answer.why);
  }
  return write(response, format);
}

}  // namespace silt::connectors::otlp
