#include "daemon/fold/secret_search.h"

#include <algorithm>

namespace silt::fold {
namespace {

bool in_run(LineText::Run run, char c) {
  using Run = LineText::Run;
  switch (run) {
    case Run::kAlnum: return is_alnum(c);
    case Run::kDashed: return is_alnum(c) || c == '_' || c == '-';
    case Run::kDotted: return is_key_char(c);
    case Run::kToken: return is_token_char(c);
    case Run::kBase64: return is_base64(c);
    case Run::kWebPath: return is_token_char(c) || c == '@' || c == ':';
    case Run::kNoSpace: return !is_space(c);
  }
  return false;
}

// ${NAME}, $(command), $NAME, %NAME%, %s, {{ name }}: what stands for a value.
bool is_variable(std::string_view value) {
  if (value.starts_with("${") || value.starts_with("$(") || value.starts_with("{{")) return true;
  if (value.size() == 2 && value[0] == '%' && is_lower(value[1])) return true;
  const char mark = value[0];
  if (mark != '$' && mark != '%') return false;
  std::string_view name = value.substr(1);
  if (mark == '%' && !name.ends_with('%')) return false;
  if (mark == '%') name.remove_suffix(1);
  const auto in_name = [](char c) { return is_upper(c) || is_digit(c) || c == '_'; };
  const auto in_lower_name = [](char c) { return is_lower(c) || c == '_'; };
  return name.size() > 1 && !is_digit(name[0]) &&
         (std::all_of(name.begin(), name.end(), in_name) ||
          std::all_of(name.begin(), name.end(), in_lower_name));
}

// <PASSWORD>, <your token>, [FILTERED], (hidden): a note in the place of a value.
bool is_placeholder(std::string_view value) {
  const char first = value.front();
  const LowerWord lowered(value);
  if (lowered.view().empty() || (first != '<' && first != '[' && first != '(')) return false;
  const std::string_view inner = lowered.view().substr(1, value.size() - 2);
  const char last = value.back();
  if (last != '>' && last != ']' && last != ')') return false;
  const auto in_note = [](char c) { return is_lower(c) || c == '_' || c == '-' || c == ' '; };
  if (!std::all_of(inner.begin(), inner.end(), in_note)) return false;
  const auto is_capital = [](char c) { return !is_lower(c); };
  if (first == '<' && std::all_of(value.begin(), value.end(), is_capital)) return true;
  constexpr std::array<std::string_view, 19> kNotes = {
      "filtered", "redacted", "hidden", "masked", "removed",  "omitted", "none",  "null",  "empty",    "your",
      "unset",    "not set",  "secret", "string", "password", "token",   "value", "bytes", "sanitized"};
  return std::any_of(kNotes.begin(), kNotes.end(),
                     [&](std::string_view note) { return inner.find(note) != std::string_view::npos; });
}

int base64_digit(char c) {
  if (is_upper(c)) return c - 'A';
  if (is_lower(c)) return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

}  // namespace

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), word) != set.end();
}

bool looks_random(std::string_view value) {
  constexpr std::size_t kLong = 512;  // no word; and bounds the work
  if (value.size() > kLong) return true;
  if (value.size() < 8 || !std::all_of(value.begin(), value.end(), is_token_char)) return false;
  if (value.size() >= 16 && value.find_first_of("./") == std::string_view::npos) return true;
  return std::any_of(value.begin(), value.end(), is_digit) &&
         std::any_of(value.begin(), value.end(), [](char c) { return is_upper(c) || is_lower(c); });
}

bool is_no_secret(std::string_view value) {
  if (value.empty() || tag_size(value) == value.size()) return true;
  if (value.find_first_not_of('*') == std::string_view::npos) return true;
  if (value.size() > 3 && value.find_first_not_of("xX") == std::string_view::npos) return true;
  if (is_variable(value) || is_placeholder(value)) return true;
  return is_one_of(value, {"null", "NULL", "None", "none", "nil", "true", "false", "True", "False", "yes",
                           "no", "YES", "NO", "undefined"});
}

std::size_t tag_size(std::string_view text) {
  if (!text.starts_with(kTagStart)) return 0;
  const std::string_view name = text.substr(kTagStart.size(), 24);
  for (std::size_t kind = 0; kind < kSecretKinds; ++kind) {
    const std::string_view known = secret_kind_name(static_cast<SecretKind>(kind));
    if (name.starts_with(known) && name.substr(known.size()).starts_with('>'))
      return kTagStart.size() + known.size() + 1;
  }
  return 0;
}

bool is_base64_of_text(std::string_view text, char with) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() < 4 || text.size() % 4 == 1 || text.size() > 4096) return false;
  bool found = with == '\0';
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    const char decoded = static_cast<char>(bits >> count & 0xff);
    if ((decoded < ' ' && !is_blank(decoded) && decoded != '\n' && decoded != '\r') || decoded == '\x7f')
      return false;
    found = found || decoded == with;
  }
  return found;
}

std::size_t LineText::skip_blanks(std::size_t at, std::size_t most) const {
  const std::size_t limit = std::min(line_.size(), at + most);
  while (at < limit && is_blank(line_[at])) ++at;
  return at;
}

std::size_t LineText::name_begin(std::size_t end) const {
  std::size_t begin = end;
  while (begin > 0 && end - begin < kMaxKeyName && is_key_char(line_[begin - 1])) --begin;
  return begin;
}

std::size_t LineText::run_end(Run run, std::size_t at) {
  Seen& seen = runs_[static_cast<std::size_t>(run)];
  if (seen.holds(at)) return seen.end;
  std::size_t end = at;
  while (end < line_.size() && in_run(run, line_[end])) ++end;
  seen = seen_of(at, end);
  return end;
}

bool LineText::ends_value(std::size_t at) const {
  if (at >= line_.size() || is_space(line_[at])) return true;
  if (std::string_view(",;:.&)]}\"'<\\|").find(line_[at]) != std::string_view::npos) return true;
  std::size_t key_end = at;
  while (key_end - at <= kMaxKeyName && is_key_char(peek(key_end))) ++key_end;
  return key_end > at && (peek(key_end) == '=' || peek(key_end) == ':');
}

std::size_t LineText::bare_end(std::size_t at) {
  if (bare_.holds(at)) return bare_.end;
  std::size_t end = at;
  while (end < line_.size()) {
    const char c = line_[end];
    if (is_space(c) || c == '|' || (c == '<' && peek(end + 1) == '/')) break;
    if (c == '<') end += std::max<std::size_t>(tag_size(line_.substr(end)), 1) - 1;  // its '>' ends nothing
    if (std::string_view(",;&)]}>\"'").find(c) != std::string_view::npos && ends_value(end + 1)) break;
    if (c == '\\' && is_quote(peek(end + 1)) && ends_value(end + 2)) break;
    if (c == '%' && (this->at(end, "%26") || this->at(end, "%22") || this->at(end, "%27"))) break;
    ++end;
  }
  bare_ = seen_of(at, end);
  return end;
}

std::size_t LineText::value_end(std::size_t at) {
  if (peek(at) != '<') return bare_end(at);
  const std::size_t close = line_.substr(at, 64).find_first_of("> ,;\"'");
  return bare_end(close == std::string_view::npos || line_[at + close] != '>' ? at : at + close + 1);
}

std::size_t LineText::quote_end(std::size_t at, char quote, std::size_t slashes) {
  slashes = std::min(slashes, kMaxSlashes - 1);
  Seen& seen = quotes_[quote == '"' ? 0 : 1][slashes];
  const auto slashes_before = [&](std::size_t end) {
    std::size_t count = 0;
    while (count < end - at && line_[end - 1 - count] == '\\') ++count;
    return count;
  };
  if (!seen.holds(at)) {
    std::size_t end = at;
    for (; end < line_.size(); ++end) {
      if (line_[end] != quote) continue;
      const std::size_t count = slashes_before(end);
      if (slashes == 0 ? count % 2 == 0 : count <= slashes) break;
    }
    seen = seen_of(at, end);
  }
  const bool closed = seen.end < line_.size();
  return closed && slashes > 0 ? seen.end - std::min(slashes_before(seen.end), slashes) : seen.end;
}

std::size_t LineText::url_mark(std::size_t at) {
  if (url_.holds(at)) return url_.end;
  std::size_t end = at;
  while (end < line_.size() && !is_space(line_[end]) &&
         std::string_view("@\"'<>`").find(line_[end]) == std::string_view::npos)
    ++end;
  url_ = seen_of(at, end);
  return end;
}

void SecretSearch::take(std::size_t begin, std::size_t end, SecretKind kind) {
  if (!wants(kind) || end <= begin || begin < taken) return;
  if (is_no_secret(text.sub(begin, end))) return;
  spans.push_back({begin, end, kind});
  taken = end;
}

}  // namespace silt::fold
