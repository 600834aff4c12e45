// The scanner: one pass over a line of any bytes, or the lines of one record, gives typed tokens, and from these the named
// fields that questions ask about and the terms that the index keeps.
//
// Everything here is a pure function of the line. Tokens are sorted, do not overlap and lie inside
// the line; a field's spans too. Offsets are bytes, good for citations. Output containers are
// cleared first and keep their capacity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/fold/timestamp.h"

namespace silt::fold {

enum class TokenKind : std::uint8_t {
  kWord,    // letters, digits, '_' and inner '.' '-' '$': sshd, dfs.DataNode$PacketResponder, ext4
  kNumber,  // -12, 3.25, 1.2.3, 10:20 ratios
  kHex,     // 0x1f, or at least 6 hex digits with a letter and a digit
  kUuid,    // 8-4-4-4-12
  kIp,      // v4 or v6, with :port when there is one
  kMac,
  kPath,      // /var/log/x, a/b/c, C:\x
  kUrl,       // scheme://...
  kEmail,     // a@b
  kId,        // letters mixed with at least 4 digits, or a digit group after '_' or '-': blk_-123
  kDuration,  // 12ms, 3.5s, 1h2m
  kSize,      // 64KB, 1.5GiB
  kTime,      // the line's timestamp, and dates or times of day elsewhere
};
inline constexpr std::size_t kTokenKinds = 13;

// "word", "num", "hex", "uuid", "ip", "mac", "path", "url", "email", "id", "dur", "size", "time".
std::string_view token_kind_name(TokenKind kind);

struct Token {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  TokenKind kind = TokenKind::kWord;
  bool has_digit = false;

  std::uint32_t size() const { return end - begin; }
};

struct TextSpan {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  bool empty() const { return begin == end; }
};

struct VisibleLine;

struct ScannedLine {
  std::string_view text;         // the line given to scan_line, not owned
  std::optional<TimeText> time;  // also the token of kind kTime at the same place
  bool json = false;             // looks like one JSON object
  // What the head of the line says; empty where it does not.
  TextSpan host;
  TextSpan program;           // without its pid; a logger's name counts as one
  TextSpan severity;          // as written: "ERROR", "warn", "E"
  std::uint32_t message = 0;  // where the message begins, behind time, host, program and the like
  // Where its first line ends, when the record has many; patterns are made of that one. A JSON object is one.
  std::uint32_t first_line = 0;
  std::vector<Token> tokens;  // of all lines
  // Of a line with colour codes or characters without width: the scan of the text without them. Patterns
  // and terms are made of that one; all spans above are of the line itself. Null for other lines.
  std::shared_ptr<const VisibleLine> visible;
};

struct VisibleLine {
  std::string text;
  ScannedLine line;  // of `text`
};

// `line` is read up to kMaxScanBytes; what lies behind has no tokens.
inline constexpr std::size_t kMaxScanBytes = 64 * 1024;
void scan_line(std::string_view line, ScannedLine& out);

inline std::string_view text_of(std::string_view line, const Token& token) {
  return line.substr(token.begin, token.size());
}

// A named value: `user=alice`, `"user": "alice"`, `rhost=10.0.0.1`, and, without a key in the text,
// users after "for", "user" and "for user", hosts and addresses after "from" ("Failed password for root from ...").
struct Field {
  std::string_view name;    // as written in the line, or "user", "host", "ip" when only the wording says so
  std::uint32_t begin = 0;  // the value, without quotes
  std::uint32_t end = 0;
  TokenKind kind = TokenKind::kWord;  // of the value when it is one token, else kWord
};

// At most kMaxFields, in the order of the line. Names view `line.text` or static storage.
inline constexpr std::size_t kMaxFields = 64;
void fields_of(const ScannedLine& line, std::vector<Field>& out);

// Lower-cased (ASCII only) index terms: words of at least 2 bytes, whole identifiers (addresses also
// without their port, paths and urls also by their last component, dotted words also by their
// parts). Sorted, unique; at most kMaxTerms of each line, its first ones; longer ones than
// kMaxTermBytes are cut. The timestamp gives none.
inline constexpr std::size_t kMaxTerms = 64;
inline constexpr std::size_t kMaxTermBytes = 64;
void index_terms(const ScannedLine& line, std::vector<std::string>& out);
void index_terms(std::string_view line, std::vector<std::string>& out);
// For filters: `text` is a line or a token of one. All terms that some line gives for it, in which it may
// be another kind of token than alone; and more. Not sorted, and without the bound on their number.
void possible_terms(std::string_view text, std::vector<std::string>& out);

}  // namespace silt::fold
