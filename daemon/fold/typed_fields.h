// Typed fields: what a record says in named values, each with a type, so that it can be compared and summed.
//
// Named by the line are the paths of a JSON object, key=value and "key": value anywhere, and what its wording
// names (fields_of); by its head, severity, program or component, process, host and thread; by its shape, the
// places of an access log's line. No rule knows a file's name. This is the only place that finds fields:
// patterns' slots, queries and answers use it. Pure functions of the line; spans lie inside it and do not
// overlap.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/fold/json_fields.h"
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
  std::string_view name;    // views the line, static storage or the reader; of nested JSON "http.status"
  std::uint32_t begin = 0;  // the value, without quotes
  std::uint32_t end = 0;
  FieldType type = FieldType::kText;
  TokenKind kind = TokenKind::kWord;  // of the value where it is one token, else kWord
  bool head = false;                  // told before the message: time, severity, host, program, component ...
};

class FieldReader {
 public:
  // In the order of the line; until the next call, and as long as `line.text`. Reads its tokens, time and
  // head. What a head or a key calls level, severity and the like has the name "severity".
  std::span<const TypedField> read(const ScannedLine& line);

 private:
  std::vector<TypedField> fields_;
  std::vector<Field> keyed_;
  std::vector<JsonField> scalars_;
  JsonReader json_;
};

// By the value's form, and by the name where the form leaves it open: "status=404", "took_ms=12".
FieldType field_type_of(std::string_view name, std::string_view value, TokenKind kind);

// The value of a number, in seconds, bytes or percent where it is a duration, a size or a percentage;
// nothing for other types and for what is none. A bare duration has the unit that its name ends with.
std::optional<double> measure_of(std::string_view name, std::string_view value, FieldType type);

// The unit of such a value as it is written in it or in its name: "ms" of took_ms=12, "KiB", "%"; empty: none.
std::string_view unit_of(std::string_view name, std::string_view value, FieldType type);

}  // namespace silt::fold
