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
#include <utility>
#include <vector>

#include "base/status.h"

namespace silt::model {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json, std::less<>>;

  Json() = default;
  explicit Json(bool value) : kind_(Kind::kBoolean), boolean_(value) {}
  explicit Json(double value) : kind_(Kind::kNumber), number_(value) {}
  explicit Json(std::string value) : kind_(Kind::kString), string_(std::move(value)) {}
  explicit Json(Array value) : kind_(Kind::kArray), array_(std::move(value)) {}
  explicit Json(Object value) : kind_(Kind::kObject), object_(std::move(value)) {}

  // The message of a failure names the byte at which the text stops being JSON.
  static Result<Json> parse(std::string_view text);

  // Null when the value is of another kind.
  const bool* boolean() const { return kind_ == Kind::kBoolean ? &boolean_ : nullptr; }
  const double* number() const { return kind_ == Kind::kNumber ? &number_ : nullptr; }
  const std::string* string() const { return kind_ == Kind::kString ? &string_ : nullptr; }
  const Array* array() const { return kind_ == Kind::kArray ? &array_ : nullptr; }
  const Object* object() const { return kind_ == Kind::kObject ? &object_ : nullptr; }
  bool is_null() const { return kind_ == Kind::kNull; }

  // The member `key` of an object, or null.
  const Json* find(std::string_view key) const;
  // The number as an exact integer in [0, 2^53], or -1.
  std::int64_t natural() const;

 private:
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };

  // Plain members rather than a variant: documents are small, and g++ 12 sees ghosts in variants.
  Kind kind_ = Kind::kNull;
  bool boolean_ = false;
  double number_ = 0;
  std::string string_;
  Array array_;
  Object object_;
};

}  // namespace silt::model
