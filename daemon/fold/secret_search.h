// One search for secrets in one line: what the parsers of secrets share. Private to redaction.
//
// Linear time: a parser may look back a bounded way; forward it may look a bounded way, or by the
// members of LineText, which remember what they found: where a run or value ends does not depend on
// where it begins, so nothing is read twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/fold/secret_cues.h"

namespace silt::fold {

inline constexpr std::string_view kTagStart = "<redacted:";
inline constexpr std::size_t kMaxKeyName = 64;

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_alnum(char c) {
  return is_digit(c) || is_upper(c) || is_lower(c);
}
constexpr bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}
constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
constexpr bool is_quote(char c) {
  return c == '"' || c == '\'';
}
constexpr bool is_key_char(char c) {
  return is_alnum(c) || c == '_' || c == '-' || c == '.';
}
constexpr bool is_base64(char c) {
  return is_alnum(c) || c == '+' || c == '/' || c == '=';
}
constexpr bool is_token_char(char c) {
  return is_key_char(c) || is_base64(c) || c == '~' || c == '%';
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> set);

// A word in lower case (ASCII), for look-ups: empty when it is longer than any that is looked for.
class LowerWord {
 public:
  explicit LowerWord(std::string_view word) : size_(word.size() <= kMost ? word.size() : 0) {
    for (std::size_t i = 0; i < size_; ++i) letters_[i] = lower(word[i]);
  }
  std::string_view view() const { return {letters_.data(), size_}; }

 private:
  static constexpr std::size_t kMost = 32;
  std::array<char, kMost> letters_{};
  std::size_t size_;
};

// Random enough to be a token: at least 8 token characters with a digit and a letter, or at least 16.
bool looks_random(std::string_view value);

// What may be written where a secret would stand: nothing, null, ***, ${VARIABLE}, our own tag.
bool is_no_secret(std::string_view value);

// Bytes of one of our own tags at the start of `text`: "<redacted:password>"; 0 when there is none.
// Only kinds that exist count: a log may write what it likes.
std::size_t tag_size(std::string_view text);

// Whether base64 text holds printable text; `with` must then be in it, 0 for any.
bool is_base64_of_text(std::string_view text, char with);

class LineText {
 public:
  explicit LineText(std::string_view line) : line_(line) {}

  std::string_view line() const { return line_; }
  std::size_t size() const { return line_.size(); }
  char peek(std::size_t at) const { return at < line_.size() ? line_[at] : '\0'; }
  char before(std::size_t at) const { return at > 0 ? line_[at - 1] : '\0'; }
  std::string_view sub(std::size_t begin, std::size_t end) const {
    return line_.substr(begin, end > begin ? end - begin : 0);
  }
  bool at(std::size_t at, std::string_view text) const {
    return at <= line_.size() && line_.substr(at).starts_with(text);
  }
  // Skips blanks, at most `most`.
  std::size_t skip_blanks(std::size_t at, std::size_t most = 32) const;
  // Where the run of key characters that ends at `end` begins; looks back at most kMaxKeyName.
  std::size_t name_begin(std::size_t end) const;

  enum class Run : std::uint8_t { kAlnum, kDashed, kDotted, kToken, kBase64, kWebPath, kNoSpace };
  std::size_t run_end(Run run, std::size_t at);
  // Up to a space or closing mark. Commas, quotes and their like end a value only where a next key
  // follows or nothing does: passwords hold them too.
  std::size_t bare_end(std::size_t at);
  // The same for a whole value, which may begin with a tag or a <note>: its '>' does not end it.
  std::size_t value_end(std::size_t at);
  // Up to `quote` behind no more than `slashes` backslashes (an even number of them when 0), or the end.
  std::size_t quote_end(std::size_t at, char quote, std::size_t slashes);
  // Up to an '@', or what cannot be inside of a url.
  std::size_t url_mark(std::size_t at);

 private:
  static constexpr std::size_t kRuns = 7;
  static constexpr std::size_t kMaxSlashes = 8;
  struct Seen {
    std::uint32_t begin = 1;  // empty at first
    std::uint32_t end = 0;
    bool holds(std::size_t at) const { return at >= begin && at <= end; }
  };
  static Seen seen_of(std::size_t begin, std::size_t end) {
    return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  }
  bool ends_value(std::size_t at) const;

  std::string_view line_;
  std::array<Seen, kRuns> runs_;
  std::array<std::array<Seen, kMaxSlashes>, 2> quotes_;
  Seen bare_;
  Seen url_;
};

struct SecretSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  SecretKind kind = SecretKind::kPassword;
};

struct SecretSearch {
  LineText text;
  const RedactConfig& config;
  std::vector<SecretSpan>& spans;
  std::span<const CueHit> hits;
  std::size_t taken = 0;  // up to here the line is secrets or was parsed to its end
  // The last command that takes a secret, and where its name ends; see secret_commands.cc.
  const CueWord* command = nullptr;
  std::size_t command_end = 0;
  bool opens_key_block = false;  // a private key begins that goes on in the next line
  bool opens_public_block = false;
  bool ends_with_key_line = false;
  std::size_t next_end = 0;            // the first hit that may be the END of a key block
  std::size_t map_end = 0;             // up to here maps of Kubernetes objects were read
  std::optional<bool> is_kube_secret;  // whether an object of kind Secret is in the line, once asked

  bool wants(SecretKind kind) const { return config.has(kind); }
  // Marks [begin, end) as a secret unless it is none or lies behind `taken`.
  void take(std::size_t begin, std::size_t end, SecretKind kind);
};

// Each looks at one cue. secret_keys.cc:
void find_key_value(SecretSearch& search, const CueHit& hit);
void find_cookies(SecretSearch& search, const CueHit& hit);
// secret_tokens.cc:
void find_token(SecretSearch& search, const CueHit& hit);
void find_url_secret(SecretSearch& search, const CueHit& hit);
void find_credentials(SecretSearch& search, const CueHit& hit);  // "Bearer x", "Basic x"
// secret_commands.cc:
void find_command_secret(SecretSearch& search, const CueHit& hit);
// secret_blocks.cc:
void find_key_text(SecretSearch& search, const CueHit& hit);
void find_kube_secret(SecretSearch& search, const CueHit& hit);
// What has no cues. Words of the size of a line of PEM:
void find_key_lines(SecretSearch& search);
// secret_numbers.cc:
void find_ibans(SecretSearch& search);
void find_cards(SecretSearch& search);

// Whether the line is nothing but base64 of the size that a line of a key has.
bool is_key_line(std::string_view line);
// A line of a key that was cut narrower: only to be asked inside a block.
bool is_short_key_line(std::string_view line);
// The last, shorter line of a key: only to be asked behind others.
bool is_last_key_line(std::string_view line);

}  // namespace silt::fold
