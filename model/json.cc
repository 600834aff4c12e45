#include "model/json.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "base/utf8.h"

namespace silt::model {
namespace {

constexpr int kDepthMax = 64;

// Recursive descent. Every method leaves position_ behind what it read, or returns the failure.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Status document(Json& out) {
    SILT_TRY(value(0, out));
    skip_space();
    return position_ == text_.size() ? Status::ok() : error("text after the value");
  }

 private:
  Status error(std::string_view what) const {
    return invalid_argument("not JSON at byte " + std::to_string(position_) + ": " + std::string(what));
  }

  void skip_space() {
    while (position_ < text_.size() && std::string_view(" \t\r\n").find(text_[position_]) != text_.npos) {
      ++position_;
    }
  }

  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  bool accept(char c) {
    if (peek() != c || position_ >= text_.size()) return false;
    ++position_;
    return true;
  }

  bool accept(std::string_view word) {
    if (text_.substr(position_, word.size()) != word) return false;
    position_ += word.size();
    return true;
  }

  Status value(int depth, Json& out) {
    if (depth > kDepthMax) return error("nested too deeply");
    skip_space();
    switch (peek()) {
      case '{': return object(depth, out);
      case '[': return array(depth, out);
      case '"': return string_value(out);
      case 't': return word("true", Json(true), out);
      case 'f': return word("false", Json(false), out);
      case 'n': return word("null", Json(), out);
      default: return number(out);
    }
  }

  Status word(std::string_view expected, Json meaning, Json& out) {
    if (!accept(expected)) return error("unknown word");
    out = std::move(meaning);
    return Status::ok();
  }

  Status string_value(Json& out) {
    std::string text;
    SILT_TRY(string(text));
    out = Json(std::move(text));
    return Status::ok();
  }

  Status object(int depth, Json& out) {
    ++position_;
    Json::Object members;
    skip_space();
    if (!accept('}')) {
      do {
        skip_space();
        if (peek() != '"') return error("expected a key");
        std::string key;
        SILT_TRY(string(key));
        skip_space();
        if (!accept(':')) return error("expected ':'");
        const auto [member, is_new] = members.try_emplace(key);
        if (!is_new) return error("key \"" + key + "\" appears twice");
        SILT_TRY(value(depth + 1, member->second));
        skip_space();
      } while (accept(','));
      if (!accept('}')) return error("expected ',' or '}'");
    }
    out = Json(std::move(members));
    return Status::ok();
  }

  Status array(int depth, Json& out) {
    ++position_;
    Json::Array items;
    skip_space();
    if (!accept(']')) {
      do {
        SILT_TRY(value(depth + 1, items.emplace_back()));
        skip_space();
      } while (accept(','));
      if (!accept(']')) return error("expected ',' or ']'");
    }
    out = Json(std::move(items));
    return Status::ok();
  }

  Status string(std::string& out) {
    ++position_;
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (static_cast<unsigned char>(c) < 0x20) return error("control character in a string");
      ++position_;
      if (c == '"') return Status::ok();
      if (c != '\\') {
        out += c;
        continue;
      }
      SILT_TRY(escape(out));
    }
    return error("string without end");
  }

  Status escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = kLetters.find(peek()); position_ < text_.size() && i != kLetters.npos) {
      out += kMeanings[i];
      ++position_;
      return Status::ok();
    }
    if (!accept('u')) return error("unknown escape");
    SILT_ASSIGN(std::uint32_t code, hex4());
    if (code >= 0xDC00 && code < 0xE000) return error("low surrogate without a high one");
    if (code >= 0xD800 && code < 0xDC00) {
      if (!accept("\\u")) return error("high surrogate without a low one");
      SILT_ASSIGN(const std::uint32_t low, hex4());
      if (low < 0xDC00 || low >= 0xE000) return error("high surrogate without a low one");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(code, out);
    return Status::ok();
  }

  Result<std::uint32_t> hex4() {
    const std::string_view digits = text_.substr(position_, 4);
    std::uint32_t code = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || failure != std::errc() || end != digits.data() + 4) {
      return error("expected four hex digits");
    }
    position_ += 4;
    return code;
  }

  // Checks RFC 8259's grammar first: from_chars alone would take "01", ".5" and "inf".
  Status number(Json& out) {
    const std::size_t begin = position_;
    const auto digits = [this] {
      const std::size_t from = position_;
      while (peek() >= '0' && peek() <= '9') ++position_;
      return position_ - from;
    };
    accept('-');
    if (!accept('0') && digits() == 0) return error("expected a value");
    if (accept('.') && digits() == 0) return error("expected a digit");
    if (accept('e') || accept('E')) {
      if (!accept('+')) accept('-');
      if (digits() == 0) return error("expected a digit");
    }
    double parsed = 0;
    const auto [end, failure] = std::from_chars(text_.data() + begin, text_.data() + position_, parsed);
    if (failure != std::errc()) return error("number out of range");
    out = Json(parsed);
    return Status::ok();
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

Result<Json> Json::parse(std::string_view text) {
  Json out;
  SILT_TRY(Parser(text).document(out));
  return out;
}

const Json* Json::find(std::string_view key) const {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  const auto it = members->find(key);
  return it == members->end() ? nullptr : &it->second;
}

std::int64_t Json::natural() const {
  constexpr double kExactMax = 9007199254740992.0;  // 2^53
  const double* value = number();
  if (value == nullptr || *value < 0 || *value > kExactMax || *value != std::floor(*value)) return -1;
  return static_cast<std::int64_t>(*value);
}

}  // namespace silt::model
