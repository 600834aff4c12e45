// Json: a strict reader for small JSON documents (weight file headers, recorded test values).
//
// RFC 8259 without extensions: no comments, no trailing commas, no duplicate keys, UTF-8 passed
// through as it is. Numbers are doubles. Depth and size are bounded, so hostile input costs at most
// memory in proportion to its length. Values are plain data, safe to read from many threads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"

namespace silt::model {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json, std::less<>>;

  Json() = default;
  explicit Json(bool value) : value_(value) {}
  explicit Json(double value) : value_(value) {}
  explicit Json(std::string value) : value_(std::move(value)) {}
  explicit Json(Array value) : value_(std::move(value)) {}
  explicit Json(Object value) : value_(std::move(value)) {}

  // The message of a failure names the byte at which the text stops being JSON.
  static Result<Json> parse(std::string_view text);

  // Null when the value is of another kind.
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  const double* number() const { return std::get_if<double>(&value_); }
  const std::string* string() const { return std::get_if<std::string>(&value_); }
  const Array* array() const { return std::get_if<Array>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }
  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }

  // The member `key` of an object, or null.
  const Json* find(std::string_view key) const;
  // The number as an exact integer in [0, 2^53], or -1.
  std::int64_t natural() const;

 private:
  std::variant<std::monostate, bool, double, std::string, Array, Object> value_;
};

}  // namespace silt::model
