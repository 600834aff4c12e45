#include "daemon/fold/template_text.h"

#include <algorithm>
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
        size_(std::min<std::size_t>(line.text.size(), max_bytes)),
        max_chunks_(max_chunks),
        out_(out) {
    out_.text.clear();
    out_.chunks.clear();
  }

  void plain() {
    words(0, size_);
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
      literal(text_of(line_.text, token));
      if (token.has_digit) open_digits_ = true;
      return;
    }
    out_.text.push_back('<');
    out_.text.append(token_kind_name(token.kind));
    out_.text.push_back('>');
    open_slot_ = true;
  }

  void close(bool free = false) {
    const std::size_t begin = out_.chunks.empty() ? 0 : out_.chunks.back().end;
    if (out_.text.size() == begin) return;
    if (out_.chunks.size() >= max_chunks_) {
      out_.text.resize(begin);
    } else {
      Chunk chunk;
      chunk.begin = static_cast<std::uint32_t>(begin);
      chunk.end = static_cast<std::uint32_t>(out_.text.size());
      chunk.hash = hash_text(std::string_view(out_.text).substr(begin));
      chunk.slot = open_slot_ && !open_letters_;
      chunk.variable = chunk.slot || open_digits_;
      chunk.free = free;
      out_.chunks.push_back(chunk);
    }
    open_slot_ = open_letters_ = open_digits_ = false;
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
      if (is_space(c)) {
        close();
      } else {
        out_.text.push_back(c);
        if (c == '|') close();
      }
    }
    close();
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

void mask_line(const ScannedLine& line, std::uint32_t max_bytes, std::uint32_t max_chunks, MaskedLine& out) {
  if (line.json) {
    Masker masker(line, max_bytes, max_chunks, out);
    if (masker.json()) return masker.finish();
  }
  Masker masker(line, max_bytes, max_chunks, out);
  masker.plain();
  masker.finish();
}

}  // namespace silt::fold
