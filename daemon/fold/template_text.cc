#include "daemon/fold/template_text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace silt::fold {
namespace {

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15ull) * (b | 1);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
}
bool is_letter(char c) {
  const char l = static_cast<char>(c | 32);
  return (l >= 'a' && l <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

class Masker {
 public:
  Masker(const ScannedLine& line, std::uint32_t max_bytes, std::uint32_t max_chunks, MaskedLine& out)
      : line_(line),
        size_(std::min<std::size_t>(line.first_line, max_bytes)),
        max_chunks_(max_chunks),
        out_(out) {
    out_.text.clear();
    out_.chunks.clear();
  }

  void plain() {
    words(line_.message, size_);
    mark_values();
    out_.shape = out_.chunks.size();
  }

  // False when the line is no flat sequence of keys after all; nothing is kept then.
  bool json() {
    out_.shape = 0x6a736f6e;
    std::size_t at = line_.text.find('{') + 1;
    std::size_t message_words = 0;
    bool has_message = false;
    while (out_.chunks.size() < max_chunks_) {
      const std::optional<Member> member = next_member(at);
      if (!member) break;
      out_.shape = hash_text(member->key, out_.shape);
      if (member->string && is_message(member->key)) {
        const std::size_t before = out_.chunks.size();
        literal(member->key);
        literal("=");
        words(member->begin, member->end);
        close();
        message_words += out_.chunks.size() - before;
        has_message = true;
      } else {
        value(*member);
      }
      at = member->next;
    }
    if (out_.chunks.empty()) return false;
    out_.shape = mix(out_.shape, message_words);
    if (!has_message) {
      for (Chunk& chunk : out_.chunks) chunk.free = false;
    }
    return true;
  }

  void finish() {
    out_.hash = out_.shape;
    for (const Chunk& chunk : out_.chunks) out_.hash = mix(out_.hash, chunk.hash);
  }

 private:
  struct Member {
    std::string_view key;
    std::size_t begin = 0;  // the value, without its quotes
    std::size_t end = 0;
    std::size_t next = 0;
    bool string = false;
  };

  static bool is_message(std::string_view key) {
    return key == "msg" || key == "message" || key == "log" || key == "event" || key == "MESSAGE";
  }
  static bool is_level(std::string_view key) {
    return key == "level" || key == "lvl" || key == "severity" || key == "PRIORITY";
  }

  void literal(std::string_view text) {
    out_.text.append(text);
    const bool letters = std::any_of(text.begin(), text.end(), is_letter);
    if (letters) open_letters_ = true;
  }

  void token(const Token& token) {
    if (token.kind == TokenKind::kWord) {
      const std::string_view word = text_of(line_.text, token);
      if (open_is_empty()) open_host_ = is_host(word);
      literal(word);
      open_digits_ = open_digits_ || token.has_digit;
      open_dotted_ = open_dotted_ || word.find('.') != std::string_view::npos;
      return;
    }
    if (token.kind == TokenKind::kNumber && open_host_ && out_.text.back() == ':') {  // name.of.host:80
      out_.text.resize(open_begin());
      out_.text.append("<host>:");
      open_letters_ = open_digits_ = open_dotted_ = false;
    }
    open_host_ = false;
    out_.text.push_back('<');
    out_.text.append(token_kind_name(token.kind));
    out_.text.push_back('>');
    open_slot_ = true;
  }

  std::size_t open_begin() const { return out_.chunks.empty() ? 0 : out_.chunks.back().end; }
  bool open_is_empty() const { return out_.text.size() == open_begin(); }

  // Dotted, of small letters, digits and dashes.
  static bool is_host(std::string_view word) {
    return word.find('.') != std::string_view::npos && std::all_of(word.begin(), word.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
           });
  }

  void close(bool free = false) {
    const std::size_t begin = open_begin();
    if (out_.text.size() == begin) return;
    Chunk chunk;
    chunk.slot = open_slot_ && !open_letters_;
    const bool known = !free && (joins_quantity() || repeats(chunk.slot) || joins_date());
    if (known || out_.chunks.size() >= max_chunks_) {
      out_.text.resize(open_begin());
    } else {
      const std::string_view text = std::string_view(out_.text).substr(open_begin());
      chunk.begin = static_cast<std::uint32_t>(open_begin());
      chunk.end = static_cast<std::uint32_t>(out_.text.size());
      chunk.hash = hash_text(text);
      chunk.variable = chunk.slot || open_digits_;
      const std::size_t equals = text.find('=');
      const bool has_key = equals != std::string_view::npos && equals > 0 && open_letters_;
      const bool looks = open_digits_ || open_dotted_;
      chunk.value = chunk.slot || (!has_key && (looks || is_absent(text) || is_quoted(text)));
      chunk.keyed = has_key && (open_slot_ || looks || is_absent(text.substr(equals + 1)));
      chunk.free = free;
      out_.chunks.push_back(chunk);
    }
    open_slot_ = open_letters_ = open_digits_ = open_dotted_ = open_host_ = false;
  }

  // What stands for a value that is not there.
  static bool is_absent(std::string_view text) {
    if (text.ends_with(',')) text.remove_suffix(1);
    return text == "-" || text == "()" || text == "[]" || text == "{}" || text == "\"\"" || text == "null" ||
           text.empty();
  }

  static bool is_quoted(std::string_view text) {
    return text.size() > 2 && (text[0] == '\'' || text[0] == '"') &&
           text.find(text[0], 1) + 3 >= text.size() && text.find(text[0], 1) != std::string_view::npos;
  }

  std::string_view open_text() const { return std::string_view(out_.text).substr(open_begin()); }
  std::string_view last_text(std::size_t back = 0) const {
    return back < out_.chunks.size() ? out_.chunk_text(out_.chunks[out_.chunks.size() - 1 - back])
                                     : std::string_view();
  }

  // "12" and "seconds", "1.16" and "KB": the number before the open unit becomes one slot with it.
  bool joins_quantity() {
    if (out_.chunks.empty() || !out_.chunks.back().slot || !last_text().ends_with("<num>")) return false;
    std::string_view text = open_text();
    std::string_view marks = text;
    while (!text.empty() && !is_letter(text.back())) text.remove_suffix(1);
    marks.remove_prefix(text.size());
    const std::string_view slot = unit_slot(text);
    if (slot.empty() || marks.size() > 3) return false;
    const std::string end(marks);
    Chunk& last = out_.chunks.back();
    out_.text.resize(last.end - std::string_view("<num>").size());
    out_.text.append(slot).append(end);
    last.end = static_cast<std::uint32_t>(out_.text.size());
    last.hash = hash_text(out_.chunk_text(last));
    if (out_.chunks.size() > 1 &&
        (without_comma(last_text()) == "(<size>)" || without_comma(last_text()) == "(<dur>)"))
      out_.chunks.pop_back();
    return true;
  }

  static std::string_view unit_slot(std::string_view unit) {
    constexpr std::array<std::string_view, 19> kTimes = {
        "ms",      "us",          "ns",           "s",    "sec",   "secs",         "second",
        "seconds", "millisecond", "milliseconds", "msec", "msecs", "microseconds", "min",
        "mins",    "minutes",     "hours",        "days", "minute"};
    constexpr std::array<std::string_view, 9> kSizes = {"KB",  "MB",  "GB",  "TB", "kB",
                                                        "KiB", "MiB", "GiB", "TiB"};
    if (std::find(kTimes.begin(), kTimes.end(), unit) != kTimes.end()) return "<dur>";
    if (std::find(kSizes.begin(), kSizes.end(), unit) != kSizes.end()) return "<size>";
    return {};
  }

  // Whether the open chunk says again what the one before says: an equal slot, or its quantity in another
  // unit, in brackets.
  bool repeats(bool slot) const {
    if (out_.chunks.empty() || !slot) return false;
    const std::string_view text = without_comma(open_text());
    if (text == "(<size>)" || text == "(<dur>)") return true;
    return out_.chunks.back().slot && text == without_comma(last_text());
  }

  // "Fri Jul 1 07:57:30 2005": the clock takes in the words before it, and the year behind it.
  bool joins_date() {
    if (open_text() == "<num>" && date_end_ == out_.chunks.size() && date_end_ != 0) {
      date_end_ = 0;
      return true;
    }
    if (!open_text().starts_with("<time>") || last_text() != "<num>" ||
        !is_one_of_names(last_text(1), kMonths))
      return false;
    const std::string clock(open_text());
    out_.chunks.resize(out_.chunks.size() - 2);
    if (is_one_of_names(last_text(), kDays)) out_.chunks.pop_back();
    out_.text.resize(open_begin());
    out_.text.append(clock);
    date_end_ = out_.chunks.size() + 1;
    return false;  // the clock stays, as the date
  }

  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  static constexpr std::string_view kDays = "MonTueWedThuFriSatSun";
  static bool is_one_of_names(std::string_view word, std::string_view names) {
    if (word.ends_with(',')) word.remove_suffix(1);
    const std::size_t at = names.find(word);
    return word.size() == 3 && at != std::string_view::npos && at % 3 == 0;
  }

  static std::string_view without_comma(std::string_view text) {
    return text.ends_with(',') ? text.substr(0, text.size() - 1) : text;
  }

  // Names stand behind "user", and between "for" and "from" or "by".
  void mark_values() {
    for (std::size_t i = 1; i < out_.chunks.size(); ++i) {
      const std::string_view before = out_.chunk_text(out_.chunks[i - 1]);
      const bool user = before == "user" && !out_.chunks[i - 1].value;
      const bool pair =
          before == "for" && i + 1 < out_.chunks.size() &&
          (out_.chunk_text(out_.chunks[i + 1]) == "from" || out_.chunk_text(out_.chunks[i + 1]) == "by");
      if (user || pair) out_.chunks[i].value = true;
    }
  }

  void seek(std::size_t at) {
    while (next_token_ < line_.tokens.size() && line_.tokens[next_token_].begin < at) ++next_token_;
  }

  void words(std::size_t begin, std::size_t end) {
    seek(begin);
    std::size_t at = begin;
    while (at < end && out_.chunks.size() < max_chunks_) {
      if (next_token_ < line_.tokens.size() && line_.tokens[next_token_].begin == at) {
        const Token& next = line_.tokens[next_token_++];
        token(next);
        at = next.end;
        continue;
      }
      const char c = line_.text[at++];
      if (c == '"' && !open_is_empty() && out_.text.back() == '=' && !is_message(open_key())) {
        at = quoted(at, end);
      } else if (is_space(c)) {
        close();
      } else {
        out_.text.push_back(c);
        if (c == '|') close();
      }
    }
    close();
  }

  std::string_view open_key() const {
    const std::string_view open = std::string_view(out_.text).substr(open_begin());
    return open.substr(0, open.size() - 1);
  }

  // A value in quotes is one value, whatever its words. Returns where to go on.
  std::size_t quoted(std::size_t at, std::size_t end) {
    const std::size_t close = std::min(line_.text.find('"', at), end);
    if (close >= end) {
      out_.text.push_back('"');
      return at;
    }
    out_.text.append("\"<str>\"");
    open_slot_ = true;
    seek(close);
    return close + 1;
  }

  void value(const Member& member) {
    literal(member.key);
    open_letters_ = false;  // a key alone does not make its value a word
    out_.text.push_back('=');
    seek(member.begin);
    std::size_t at = member.begin;
    while (at < member.end) {
      if (next_token_ < line_.tokens.size() && line_.tokens[next_token_].begin == at) {
        const Token& next = line_.tokens[next_token_++];
        token(next);
        at = next.end;
      } else {
        out_.text.push_back(line_.text[at++]);
      }
    }
    if (is_level(member.key)) {
      out_.shape = hash_text(line_.text.substr(member.begin, member.end - member.begin), out_.shape);
    }
    close(true);
  }

  std::size_t skip_spaces(std::size_t at) const {
    while (at < size_ && is_space(line_.text[at])) ++at;
    return at;
  }
  // Behind the closing quote of the string that opens at `at`; size_ when it never closes.
  std::size_t string_end(std::size_t at) const {
    ++at;
    while (at < size_ && line_.text[at] != '"') at += line_.text[at] == '\\' ? 2 : 1;
    return std::min(at + 1, size_);
  }

  // The member whose key starts at or behind `at` (spaces and commas are skipped).
  std::optional<Member> next_member(std::size_t at) const {
    at = skip_spaces(at);
    if (at < size_ && line_.text[at] == ',') at = skip_spaces(at + 1);
    if (at >= size_ || line_.text[at] != '"') return std::nullopt;
    Member member;
    const std::size_t key_end = string_end(at);
    if (key_end < at + 2) return std::nullopt;
    member.key = line_.text.substr(at + 1, key_end - at - 2);
    at = skip_spaces(key_end);
    if (at >= size_ || line_.text[at] != ':') return std::nullopt;
    at = skip_spaces(at + 1);
    if (at >= size_) return std::nullopt;
    member.string = line_.text[at] == '"';
    member.next = member.string ? string_end(at) : value_end(at);
    member.begin = member.string ? at + 1 : at;
    member.end = member.string ? std::max(member.begin, member.next - 1) : member.next;
    return member;
  }

  // The end of a number, word, object or array that starts at `at`.
  std::size_t value_end(std::size_t at) const {
    int depth = 0;
    while (at < size_) {
      const char c = line_.text[at];
      if (c == '"') {
        at = string_end(at);
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at;
    }
    return at;
  }

  const ScannedLine& line_;
  std::size_t size_;
  std::size_t max_chunks_;
  MaskedLine& out_;
  std::size_t next_token_ = 0;
  bool open_slot_ = false;
  bool open_letters_ = false;
  bool open_digits_ = false;
  bool open_dotted_ = false;
  bool open_host_ = false;    // nothing but the name of a host, so far
  std::size_t date_end_ = 0;  // chunks up to a date whose year may follow
};

}  // namespace

std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = mix(seed, text.size() + 0x2545f4914f6cdd1dull);
  while (text.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    hash = mix(hash, word * 0xff51afd7ed558ccdull);
    text.remove_prefix(8);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, text.data(), text.size());
  return mix(hash, (rest + text.size()) * 0xc4ceb9fe1a85ec53ull);
}

void mask_line(const ScannedLine& scanned, std::uint32_t max_bytes, std::uint32_t max_chunks,
               MaskedLine& out) {
  const ScannedLine& line = scanned.visible ? scanned.visible->line : scanned;
  if (line.json) {
    Masker masker(line, max_bytes, max_chunks, out);
    if (masker.json()) return masker.finish();
  }
  Masker masker(line, max_bytes, max_chunks, out);
  masker.plain();
  masker.finish();
}

}  // namespace silt::fold
