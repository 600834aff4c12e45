#include "connectors/file/wildcard.h"

#include <fnmatch.h>

namespace silt::connectors {
namespace {

// The length of the set that `text` begins with, 0 when its [ is only a byte. A ] that comes first
// belongs to the set.
std::size_t set_length(std::string_view text) {
  std::size_t at = 1;
  if (at < text.size() && (text[at] == '!' || text[at] == '^')) ++at;
  if (at < text.size() && text[at] == ']') ++at;
  while (at < text.size() && text[at] != ']') {
    const bool named = text[at] == '[' && at + 1 < text.size() && text[at + 1] == ':';
    const std::size_t named_end = named ? text.find(":]", at + 2) : std::string_view::npos;
    at = named_end != std::string_view::npos ? named_end + 2 : at + 1;
  }
  return at < text.size() ? at + 1 : 0;
}

}  // namespace

Wildcard::Wildcard(std::string_view pattern) {
  while (!pattern.empty()) {
    const char first = pattern.front();
    std::size_t length = 1;
    if (first == '*') {
      tokens_.push_back({Token::kRun, 0, nullptr});
    } else if (first == '?') {
      tokens_.push_back({Token::kAny, 0, nullptr});
    } else if (const std::size_t set_bytes = first == '[' ? set_length(pattern) : 0; set_bytes > 0) {
      length = set_bytes;
      const std::string text(pattern.substr(0, length));
      auto set = std::make_shared<Set>();
      for (int byte = 1; byte < 256; ++byte) {
        const char name[2] = {static_cast<char>(byte), 0};
        (*set)[byte] = ::fnmatch(text.c_str(), name, 0) == 0;
      }
      tokens_.push_back({Token::kSet, 0, std::move(set)});
    } else {
      if (first == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
      tokens_.push_back({Token::kByte, pattern.front(), nullptr});
    }
    wildcards_ += tokens_.back().kind == Token::kByte ? 0 : 1;
    pattern.remove_prefix(length);
  }
}

bool Wildcard::matches(std::string_view name, std::vector<std::string_view>* captures) const {
  const bool dot = !tokens_.empty() && tokens_[0].kind == Token::kByte && tokens_[0].byte == '.';
  if (name.starts_with('.') && !dot) return false;
  const std::size_t captured_before = captures != nullptr ? captures->size() : 0;
  // The last run takes more when what follows it does not fit; earlier ones never need to.
  struct Mark {
    std::size_t token, begin, end, captured;
  };
  Mark run{std::string_view::npos, 0, 0, 0};
  std::size_t token = 0, at = 0;
  const auto close_run = [&](std::size_t end) {
    if (captures != nullptr && run.token != std::string_view::npos)
      (*captures)[run.captured] = name.substr(run.begin, end - run.begin);
  };
  while (true) {
    if (token < tokens_.size() && tokens_[token].kind == Token::kRun) {
      close_run(run.end);
      run = {token++, at, at, captures != nullptr ? captures->size() : 0};
      if (captures != nullptr) captures->emplace_back();
    } else if (token == tokens_.size() && at == name.size()) {
      close_run(run.end);
      return true;
    } else if (token < tokens_.size() && at < name.size() && tokens_[token].takes(name[at])) {
      if (captures != nullptr && tokens_[token].kind != Token::kByte) captures->push_back(name.substr(at, 1));
      ++token;
      ++at;
    } else if (run.token != std::string_view::npos && run.end < name.size()) {
      at = ++run.end;
      token = run.token + 1;
      if (captures != nullptr) captures->resize(run.captured + 1);
    } else {
      if (captures != nullptr) captures->resize(captured_before);
      return false;
    }
  }
}

std::string Wildcard::literal() const {
  std::string text;
  for (const Token& token : tokens_) text += token.byte;
  return text;
}

}  // namespace silt::connectors
