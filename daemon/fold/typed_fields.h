// Typed fields: what a record says in named values, each with a type, so that it can be compared and summed.
//
// Named by the line are key=value and "key": value anywhere, and what its wording names (fields_of); by its
// head, severity, program, process, host and thread; by its shape, the places of an access log's line. No
// rule knows a file's name. Pure functions of the line; spans lie inside it and do not overlap.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/fold/scanner.h"

namespace silt::fold {

enum class FieldType : std::uint8_t {
  kText,
  kInteger,
  kDecimal,
  kDuration,
  kSize,
  kPercent,
  kIp,
  kHost,
  kUser,
  kPath,
  kUrl,
  kUuid,
  kHex,
  kTime,
  kStatus,  // a status code: 100 to 599
};
inline constexpr std::size_t kFieldTypes = 15;

// "text", "integer", "decimal", "duration", "size", "percent", "ip", "host", "user", "path", "url", "uuid",
// "hex", "time", "status".
std::string_view field_type_name(FieldType type);

struct TypedField {
  std::string_view name;    // views the line or static storage
  std::uint32_t begin = 0;  // the value, without quotes
  std::uint32_t end = 0;
  FieldType type = FieldType::kText;
};

// In the order of the line. Reads `line.text`'s tokens, time and head.
void typed_fields_of(const ScannedLine& line, std::vector<TypedField>& out);

// By the value's form, and by the name where the form leaves it open: "status=404", "took_ms=12".
FieldType field_type_of(std::string_view name, std::string_view value, TokenKind kind);

// The value of a number, in seconds, bytes or percent where it is a duration, a size or a percentage;
// nothing for other types and for what is none. A bare duration has the unit that its name ends with.
std::optional<double> measure_of(std::string_view name, std::string_view value, FieldType type);

}  // namespace silt::fold
