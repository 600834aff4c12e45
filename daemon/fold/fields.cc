// Named fields and index terms, both derived from the scanner's tokens (scanner.h).
#include <algorithm>
#include <array>
#include <initializer_list>

#include "daemon/fold/scanner.h"

namespace silt::fold {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool equals_lower(std::string_view text, std::string_view lowered) {
  return text.size() == lowered.size() &&
         std::equal(text.begin(), text.end(), lowered.begin(), [](char a, char b) { return lower(a) == b; });
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> lowered) {
  return std::any_of(lowered.begin(), lowered.end(),
                     [&](std::string_view w) { return equals_lower(text, w); });
}

bool is_quote(char c) {
  return c == '"' || c == '\'';
}

class FieldFinder {
 public:
  FieldFinder(const ScannedLine& line, std::vector<Field>& out) : line_(line), text_(line.text), out_(out) {}

  void run() {
    std::size_t i = 0;
    while (i < line_.tokens.size() && out_.size() < kMaxFields) {
      const std::size_t value_end = keyed(i);
      const std::size_t skip_to = value_end != 0 ? value_end : worded(i);
      ++i;
      // A value is not looked into for further fields, so that spans do not overlap.
      while (i < line_.tokens.size() && line_.tokens[i].begin < skip_to) ++i;
    }
  }

 private:
  const Token& token(std::size_t i) const { return line_.tokens[i]; }
  std::string_view text(std::size_t i) const { return text_of(text_, token(i)); }
  char at(std::size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }

  void add(std::string_view name, std::size_t begin, std::size_t end, std::size_t from_token) {
    Field field{name, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), TokenKind::kWord};
    for (std::size_t i = from_token; i < line_.tokens.size() && token(i).begin <= begin; ++i) {
      if (token(i).begin == begin && token(i).end == end) field.kind = token(i).kind;
    }
    out_.push_back(field);
  }

  // key=value, key="a value", "key": value, and key: 12 for values that are no words. Returns the end
  // of the value, 0 when token `i` is no key.
  std::size_t keyed(std::size_t i) {
    if (token(i).kind != TokenKind::kWord && token(i).kind != TokenKind::kId) return 0;
    std::size_t at_mark = token(i).end;
    const bool quoted_key = is_quote(at(at_mark));
    if (quoted_key) ++at_mark;
    const char mark = at(at_mark);
    if (mark != '=' && mark != ':') return 0;
    std::size_t begin = at_mark + 1;
    if (mark == ':') {
      const std::size_t space = at(begin) == ' ' ? 1 : 0;
      if (!quoted_key && space == 0) return 0;
      begin += space;
    }
    const std::string_view name = text(i);
    if (is_quote(at(begin)) || (at(begin) == '\\' && is_quote(at(begin + 1)))) {
      if (at(begin) == '\\') ++begin;
      const std::size_t end = quoted_end(begin);
      if (end > begin + 1) add(name, begin + 1, end, i + 1);
      return end + 1;
    }
    if (mark == ':' && !quoted_key && !number_like(i + 1, begin)) return 0;
    const std::size_t end = bare_end(i + 1, begin);
    if (end == begin) return 0;
    add(name, begin, end, i + 1);
    return end;
  }

  bool number_like(std::size_t next, std::size_t begin) const {
    return next < line_.tokens.size() && token(next).begin == begin && token(next).kind != TokenKind::kWord;
  }

  std::size_t quoted_end(std::size_t begin) const {
    const char quote = text_[begin];
    std::size_t end = begin + 1;
    while (end < text_.size() && text_[end] != quote)
      end += text_[end] == '\\' && end + 1 < text_.size() ? 2 : 1;
    return std::min(end, text_.size());
  }

  // A bare value: its first token whole (addresses and urls hold marks), then up to a delimiter.
  std::size_t bare_end(std::size_t next, std::size_t begin) const {
    std::size_t end = begin;
    if (next < line_.tokens.size() && token(next).begin == begin) end = token(next).end;
    constexpr std::string_view kDelimiters = ",;)]}&|\"'<>";
    while (end < text_.size() && static_cast<unsigned char>(text_[end]) > ' ' &&
           kDelimiters.find(text_[end]) == std::string_view::npos)
      ++end;
    return end;
  }

  // Whether token i + 1 follows token i after one space or quote, with nothing else between.
  bool follows(std::size_t i) const {
    if (i + 1 >= line_.tokens.size()) return false;
    const std::string_view gap = text_.substr(token(i).end, token(i + 1).begin - token(i).end);
    return gap == " " || gap == " '" || gap == " \"" || gap == "' " || gap == "\" ";
  }

  // "user alice", "for alice from", "for invalid user bob", "from 10.0.0.1". Returns the end of the
  // value, 0 when token `i` starts no such wording.
  std::size_t worded(std::size_t i) {
    if (token(i).kind != TokenKind::kWord || !follows(i)) return 0;
    const std::string_view word = text(i);
    const Token& value = token(i + 1);
    const TokenKind kind = value.kind;
    if (equals_lower(word, "user") || equals_lower(word, "username")) {
      const bool prose =
          is_one_of(text(i + 1), {"unknown", "name", "is", "not", "was", "has", "request", "account",
                                  "authentication", "input", "by", "for", "from", "with"});
      if (prose || kind == TokenKind::kTime) return 0;
      add("user", value.begin, value.end, i + 1);
      return value.end;
    }
    if (equals_lower(word, "for") && follows(i + 1) && is_one_of(text(i + 2), {"from", "by"})) {
      if (is_one_of(text(i + 1), {"user", "request", "connection"})) return 0;
      add("user", value.begin, value.end, i + 1);
      return value.end;
    }
    if (is_one_of(word, {"from", "host", "rhost"}) &&
        (kind == TokenKind::kIp ||
         (kind == TokenKind::kWord && text(i + 1).find('.') != std::string_view::npos))) {
      add(kind == TokenKind::kIp ? "ip" : "host", value.begin, value.end, i + 1);
      return value.end;
    }
    return 0;
  }

  const ScannedLine& line_;
  std::string_view text_;
  std::vector<Field>& out_;
};

class TermCollector {
 public:
  explicit TermCollector(std::vector<std::string>& out) : out_(out) {}

  bool full() const { return count_ >= kMaxTerms; }
  void next_line() {
    before_ += count_;
    count_ = 0;
  }

  void add(std::string_view term) {
    if (term.size() < 2 || full()) return;
    // Written into the next string of the last line's, which spares the allocation.
    if (before_ + count_ == out_.size()) out_.emplace_back();
    std::string& lowered = out_[before_ + count_];
    lowered.assign(term.substr(0, kMaxTermBytes));
    std::uint64_t hash = lowered.size();
    for (char& c : lowered) {
      c = lower(c);
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    }
    for (std::size_t i = 0; i < count_; ++i) {
      if (hashes_[i] == hash && out_[before_ + i] == lowered) return;
    }
    hashes_[count_++] = hash;
  }

  void finish() {
    out_.resize(before_ + count_);
    std::sort(out_.begin(), out_.end());
    if (before_ > 0) out_.erase(std::unique(out_.begin(), out_.end()), out_.end());
  }

  // The pieces of `text` between any of `marks`, when there is more than one.
  void add_parts(std::string_view text, std::string_view marks) {
    if (text.find_first_of(marks) == std::string_view::npos) return;
    std::size_t begin = 0;
    while (begin <= text.size() && !full()) {
      const std::size_t end = std::min(text.find_first_of(marks, begin), text.size());
      add(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  void add_last(std::string_view path) {
    while (!path.empty() && path.back() == '/') path.remove_suffix(1);
    const std::size_t slash = path.find_last_of("/\\");
    if (slash != std::string_view::npos) add(path.substr(slash + 1));
  }

  void add_address(std::string_view address) {
    const std::size_t colon = address.rfind(':');
    if (colon != std::string_view::npos && address.find(':') == colon) add(address.substr(0, colon));
  }

 private:
  std::vector<std::string>& out_;
  std::array<std::uint64_t, kMaxTerms> hashes_;
  std::size_t count_ = 0;   // of this line
  std::size_t before_ = 0;  // of the lines before it
};

void add_terms(std::string_view text, TokenKind kind, TermCollector& terms) {
  switch (kind) {
    case TokenKind::kPath:
    case TokenKind::kUrl:
      terms.add(text);
      terms.add_last(text);
      break;
    case TokenKind::kIp:
      terms.add(text);
      terms.add_address(text);
      break;
    case TokenKind::kWord:
      terms.add(text);
      terms.add_parts(text, ".-_$");
      break;
    case TokenKind::kEmail:
      terms.add(text);
      terms.add_parts(text, "@");
      break;
    default: terms.add(text); break;
  }
}

}  // namespace

void fields_of(const ScannedLine& line, std::vector<Field>& out) {
  out.clear();
  FieldFinder(line, out).run();
}

void index_terms(const ScannedLine& scanned, std::vector<std::string>& out) {
  const ScannedLine& line = scanned.visible ? scanned.visible->line : scanned;
  TermCollector terms(out);
  std::size_t line_end = std::min(line.text.find('\n'), line.text.size());
  for (const Token& token : line.tokens) {
    if (token.begin > line_end) {
      terms.next_line();
      line_end = std::min(line.text.find('\n', token.begin), line.text.size());
    }
    if (terms.full()) continue;
    if (line.time && token.begin == line.time->begin) continue;
    add_terms(text_of(line.text, token), token.kind, terms);
  }
  terms.finish();
}

void index_terms(std::string_view line, std::vector<std::string>& out) {
  ScannedLine scanned;
  scan_line(line, scanned);
  index_terms(scanned, out);
}

void possible_terms(std::string_view text, std::vector<std::string>& out) {
  out.clear();
  const auto add = [&](std::string_view term) {
    if (term.size() < 2) return;
    std::string& lowered = out.emplace_back(term.substr(0, kMaxTermBytes));
    for (char& c : lowered) c = lower(c);
  };
  const auto add_parts = [&](std::string_view marks) {
    if (text.find_first_of(marks) == std::string_view::npos) return;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find_first_of(marks, begin), text.size());
      add(text.substr(begin, end - begin));
      begin = end + 1;
    }
  };
  // One token whatever its kind: most values are such.
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
  });
  if (!is_plain) index_terms(text, out);
  add(text);
  if (is_plain || text.find(' ') != std::string_view::npos) return;  // a line, or a time, has no parts
  for (const char* marks : {".-_$", "@", "/\\", ":"}) add_parts(marks);
}

}  // namespace silt::fold
