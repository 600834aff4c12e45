// Json: a view of parsed JSON that never fails: what is missing, or of another kind than asked for, is null,
// empty or zero. A tracker may leave out anything.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace boost::json {
class value;
}

namespace silt::connectors {

// Valid as long as its document.
class Json {
 public:
  explicit Json(const boost::json::value* value = nullptr) : value_(value) {}

  explicit operator bool() const;  // there, and not null
  Json operator[](std::string_view key) const;
  Json at(std::size_t index) const;
  std::size_t size() const;        // of an array
  std::string_view text() const;   // of a string
  std::string shown() const;       // of a string, number or truth value
  std::int64_t number() const;     // of a whole number, or a string that is one
  bool is_true() const;
  bool is_array() const;

 private:
  const boost::json::value* value_;
};

class JsonDocument {
 public:
  // kUnavailable when it is none, or is too deep: an answer may have been cut.
  static Result<JsonDocument> parse(std::string_view text);
  ~JsonDocument();
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;

  Json root() const { return Json(value_.get()); }

 private:
  JsonDocument();
  std::unique_ptr<boost::json::value> value_;
};

// As a JSON string, with its quotes.
std::string json_quoted(std::string_view text);

}  // namespace silt::connectors
