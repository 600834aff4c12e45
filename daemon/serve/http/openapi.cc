#include "daemon/serve/http/openapi.h"

#include <google/protobuf/descriptor.h>

#include <boost/json.hpp>
#include <string_view>

#include "daemon/serve/http/connect.h"
#include "daemon/serve/method.h"

namespace silt::serve::http {
namespace {

namespace json = boost::json;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

json::object reference(std::string_view schema) {
  return {{"$ref", "#/components/schemas/" + std::string(schema)}};
}

void add_schema(const Descriptor& message, json::object& schemas);

// A single value, as protobuf's JSON mapping writes it.
json::object value_schema(const FieldDescriptor& field, json::object& schemas) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_BOOL: return {{"type", "boolean"}};
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FLOAT: return {{"type", "number"}};
    case FieldDescriptor::TYPE_STRING: return {{"type", "string"}};
    case FieldDescriptor::TYPE_BYTES: return {{"type", "string"}, {"contentEncoding", "base64"}};
    case FieldDescriptor::TYPE_INT32:
    case FieldDescriptor::TYPE_SINT32:
    case FieldDescriptor::TYPE_SFIXED32: return {{"type", "integer"}, {"format", "int32"}};
    case FieldDescriptor::TYPE_UINT32:
    case FieldDescriptor::TYPE_FIXED32: return {{"type", "integer"}, {"minimum", 0}};
    case FieldDescriptor::TYPE_ENUM: {
      json::array names;
      for (int i = 0; i < field.enum_type()->value_count(); ++i) names.emplace_back(field.enum_type()->value(i)->name());
      return {{"type", "string"}, {"enum", names}};
    }
    case FieldDescriptor::TYPE_MESSAGE: {
      const Descriptor& type = *field.message_type();
      if (type.full_name() == "google.protobuf.Timestamp") return {{"type", "string"}, {"format", "date-time"}};
      add_schema(type, schemas);
      return reference(type.full_name());
    }
    default: return {{"type", "string"}, {"format", "int64"}};  // 64 bits are too many for a number of JavaScript
  }
}

json::object field_schema(const FieldDescriptor& field, json::object& schemas) {
  if (field.is_map()) return {{"type", "object"}, {"additionalProperties", value_schema(*field.message_type()->map_value(), schemas)}};
  if (field.is_repeated()) return {{"type", "array"}, {"items", value_schema(field, schemas)}};
  return value_schema(field, schemas);
}

void add_schema(const Descriptor& message, json::object& schemas) {
  if (schemas.contains(message.full_name())) return;
  schemas[message.full_name()] = json::object();  // so that a message may hold itself
  json::object properties;
  for (int i = 0; i < message.field_count(); ++i) {
    properties[message.field(i)->json_name()] = field_schema(*message.field(i), schemas);
  }
  schemas[message.full_name()] = {{"type", "object"}, {"properties", properties}};
}

json::object content(std::string_view type, json::object schema) {
  return {{"content", {{type, {{"schema", std::move(schema)}}}}}};
}

std::string_view right_text(access::Right right) {
  switch (right) {
    case access::Right::kAsk: return "For who may ask.";
    case access::Right::kChange: return "For who may change things; each attempt is audited.";
    case access::Right::kAudit: return "For who may read the audit log.";
    case access::Right::kFeed: return "For who may send records.";
  }
  return "";
}

json::object operation(const Method& method, json::object& schemas) {
  const auto& descriptor = descriptor_of(method);
  add_schema(*descriptor.input_type(), schemas);
  add_schema(*descriptor.output_type(), schemas);
  const bool streams = descriptor.server_streaming();
  json::object reply = content(format_of(kJsonType, streams)->reply_type, reference(descriptor.output_type()->full_name()));
  reply["description"] = streams ? "A line of JSON for each message; after a failure a last line {\"error\": ...}." : "The reply.";
  json::object error = content(kJsonType, reference("Error"));
  error["description"] = "What went wrong, and what to do.";
  json::object body = content(kJsonType, reference(descriptor.input_type()->full_name()));
  body["required"] = true;
  return {{"operationId", descriptor.service()->name() + "_" + descriptor.name()},
          {"tags", json::array{descriptor.service()->name()}},
          {"description", right_text(method.needs)},
          {"requestBody", std::move(body)},
          {"responses", {{"200", std::move(reply)}, {"default", std::move(error)}}}};
}

json::object page(std::string_view summary, std::string_view type) {
  json::object reply = content(type, {{"type", type == kJsonType ? "object" : "string"}});
  reply["description"] = summary;
  return {{"get", {{"summary", summary}, {"responses", {{"default", std::move(reply)}}}}}};
}

std::string document() {
  json::object paths, schemas;
  for (const Method& method : methods()) paths[method.path] = {{"post", operation(method, schemas)}};
  paths["/metrics"] = page("Metrics in Prometheus' text format.", "text/plain");
  paths["/healthz"] = page("Whether all parts are alive: 200, or 503.", kJsonType);
  paths["/readyz"] = page("Whether questions are answered and records read: 200, or 503.", kJsonType);
  schemas["Error"] = {{"type", "object"},
                      {"required", json::array{"code", "message"}},
                      {"properties", {{"code", {{"type", "string"}}}, {"message", {{"type", "string"}}}}}};
  return json::serialize(json::object{
      {"openapi", "3.1.0"},
      {"info", {{"title", "silt"}, {"version", "v1"}, {"description", "A log engine that keeps learning. The Connect protocol, in JSON."}}},
      {"paths", std::move(paths)},
      {"components", {{"schemas", std::move(schemas)}}}});
}

}  // namespace

const std::string& openapi_json() {
  static const std::string text = document();
  return text;
}

}  // namespace silt::serve::http
