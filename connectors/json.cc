#include "connectors/json.h"

#include <boost/json.hpp>
#include <charconv>

namespace silt::connectors {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 128;

}  // namespace

Json::operator bool() const {
  return value_ != nullptr && !value_->is_null();
}

Json Json::operator[](std::string_view key) const {
  const json::object* const object = value_ != nullptr ? value_->if_object() : nullptr;
  return Json(object != nullptr ? object->if_contains(key) : nullptr);
}

Json Json::at(std::size_t index) const {
  const json::array* const array = value_ != nullptr ? value_->if_array() : nullptr;
  return Json(array != nullptr ? array->if_contains(index) : nullptr);
}

std::size_t Json::size() const {
  const json::array* const array = value_ != nullptr ? value_->if_array() : nullptr;
  return array != nullptr ? array->size() : 0;
}

bool Json::is_array() const {
  return value_ != nullptr && value_->is_array();
}

std::string_view Json::text() const {
  const json::string* const string = value_ != nullptr ? value_->if_string() : nullptr;
  return string != nullptr ? std::string_view(*string) : std::string_view();
}

std::string Json::shown() const {
  if (value_ == nullptr || value_->is_null() || value_->is_structured()) return {};
  return value_->is_string() ? std::string(text()) : json::serialize(*value_);
}

std::int64_t Json::number() const {
  if (value_ == nullptr) return 0;
  if (const auto* number = value_->if_int64()) return *number;
  if (const auto* number = value_->if_uint64()) return static_cast<std::int64_t>(std::min<std::uint64_t>(*number, INT64_MAX));
  const std::string_view digits = text();
  std::int64_t out = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return failed == std::errc() && end == digits.data() + digits.size() ? out : 0;
}

bool Json::is_true() const {
  const bool* const truth = value_ != nullptr ? value_->if_bool() : nullptr;
  return truth != nullptr && *truth;
}

JsonDocument::JsonDocument() = default;
JsonDocument::~JsonDocument() = default;
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;

Result<JsonDocument> JsonDocument::parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  json::error_code failed;
  JsonDocument out;
  out.value_ = std::make_unique<json::value>(json::parse(text, failed, {}, options));
  if (failed) return unavailable("the answer is no JSON: " + failed.message());
  return out;
}

std::string json_quoted(std::string_view text) {
  return json::serialize(json::value(json::string(text)));
}

}  // namespace silt::connectors
