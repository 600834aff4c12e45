// RecordRules: which lines of a stream are one record. Immutable; threads may share one.
//
// The usual rules know stack traces (Java, Python, Go, Node, .NET, Ruby, PHP, Rust), indented lines, JSON
// over several lines and reports of the kernel, and are careful: a line that begins as records do, with a
// time, a severity or the like, begins one. Rules of people say by an expression which lines begin a record
// (all others continue it) or which ones continue it (all others begin one).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace re2 {
class RE2;
}

namespace silt::connectors {

// A record is cut behind so many lines or bytes and marked kRecordCut; the next lines are another one.
inline constexpr std::size_t kJoinedLinesMax = 512;
inline constexpr std::size_t kJoinedBytesMax = 1 << 20;

class RecordRules {
 public:
  enum class Kind : std::uint8_t { kUsual, kStart, kContinue };

  static std::shared_ptr<const RecordRules> usual();
  // The expression may match anywhere in the line (RE2's syntax). kInvalidArgument when it is none.
  static Result<std::shared_ptr<const RecordRules>> by_expression(Kind kind, const std::string& expression);

  Kind kind() const { return kind_; }
  // Not for kUsual.
  bool matches(std::string_view line) const;

 private:
  explicit RecordRules(Kind kind) : kind_(kind) {}

  Kind kind_;
  std::shared_ptr<const re2::RE2> expression_;
};

}  // namespace silt::connectors
