#include "daemon/fold/redact.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

namespace silt::fold {
namespace {

constexpr std::string_view kTagStart = "<redacted:";
constexpr std::uint32_t kMaxKeyLines = 256;  // a 16384-bit RSA key has about 200 lines of PEM
constexpr std::size_t kMaxKeyName = 64;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_alnum(char c) {
  return is_digit(c) || is_upper(c) || is_lower(c);
}
bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}
bool is_quote(char c) {
  return c == '"' || c == '\'';
}
bool is_key_char(char c) {
  return is_alnum(c) || c == '_' || c == '-' || c == '.';
}
bool is_token_char(char c) {
  return is_key_char(c) || c == '+' || c == '/' || c == '=' || c == '~';
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), word) != set.end();
}

// Where a character makes the pass look closer: marks behind keys, and first letters of tokens.
constexpr std::array<bool, 256> make_triggers() {
  std::array<bool, 256> triggers{};
  for (const char c : {'=', ':', '-', 'A', 'g', 'x', 'e', 'B', 'b', 'y'})
    triggers[static_cast<unsigned char>(c)] = true;
  return triggers;
}
constexpr std::array<bool, 256> kTriggers = make_triggers();

// How sure a key is that its value is a secret.
enum class Trust {
  kAlways,  // password=x
  kLook,    // token=x: only if the value looks random
};
struct Key {
  SecretKind kind;
  Trust trust;
  bool prose;                      // also "key: value" outside of quotes
  bool working_directory = false;  // pwd: PWD=/root is none
};

bool ends_with_part(std::string_view key, std::string_view part) {
  if (!key.ends_with(part)) return false;
  const std::size_t before = key.size() - part.size();
  return before == 0 || !is_alnum(key[before - 1]);
}

std::optional<Key> classify_key(std::string_view name) {
  if (name.size() < 3 || name.size() > kMaxKeyName) return std::nullopt;
  std::array<char, kMaxKeyName> buffer;
  for (std::size_t i = 0; i < name.size(); ++i) buffer[i] = name[i] == '-' ? '_' : lower(name[i]);
  const std::string_view key(buffer.data(), name.size());
  switch (key.back()) {
    case 'd':
      if (key.ends_with("password") || key.ends_with("passwd"))
        return Key{SecretKind::kPassword, Trust::kAlways, true};
      if (ends_with_part(key, "pwd")) return Key{SecretKind::kPassword, Trust::kAlways, true, true};
      break;
    case 'e':
      if (key.ends_with("passphrase")) return Key{SecretKind::kPassword, Trust::kAlways, true};
      break;
    case 's':
      if (ends_with_part(key, "pass")) return Key{SecretKind::kPassword, Trust::kAlways, false};
      break;
    case 'n':
      if (key.ends_with("token")) return Key{SecretKind::kToken, Trust::kLook, true};
      if (key.ends_with("authorization")) return Key{SecretKind::kAuthorization, Trust::kLook, true};
      break;
    case 't':
      if (key.ends_with("client_secret")) return Key{SecretKind::kSecret, Trust::kAlways, true};
      if (key.ends_with("secret")) return Key{SecretKind::kSecret, Trust::kLook, true};
      break;
    case 'y':
      for (const std::string_view part :
           {"api_key", "apikey", "access_key", "accesskey", "secret_key", "secretkey", "private_key",
            "privatekey", "auth_key", "signing_key", "account_key"}) {
        if (key.ends_with(part)) return Key{SecretKind::kApiKey, Trust::kLook, true};
      }
      break;
    default: break;
  }
  return std::nullopt;
}

// Random enough to be a token: at least 8 token characters with a digit, or at least 16.
bool looks_random(std::string_view value) {
  constexpr std::size_t kLong = 1024;  // no word; and bounds the work
  if (value.size() > kLong) return true;
  if (value.size() < 8 || !std::all_of(value.begin(), value.end(), is_token_char)) return false;
  if (value.size() >= 16 && value.find_first_of("./") == std::string_view::npos) return true;
  return std::any_of(value.begin(), value.end(), is_digit) &&
         std::any_of(value.begin(), value.end(), [](char c) { return is_upper(c) || is_lower(c); });
}

// "password: incorrect", "passwd: user alice does not exist": words, not passwords.
bool looks_like_prose(std::string_view value, bool last) {
  std::string_view word = value;
  while (!word.empty() && !is_alnum(word.back())) word.remove_suffix(1);
  if (word.empty() || !std::all_of(word.begin(), word.end(), is_lower)) {
    const bool capitalised =
        !word.empty() && is_upper(word[0]) && std::all_of(word.begin() + 1, word.end(), is_lower);
    return capitalised && !last;
  }
  if (!last) return true;
  return is_one_of(word, {"accepted", "changed",   "correct", "denied",  "disabled",  "empty",    "enabled",
                          "error",    "expired",   "failed",  "failure", "incorrect", "invalid",  "locked",
                          "missing",  "none",      "null",    "ok",      "rejected",  "required", "set",
                          "success",  "unchanged", "unknown", "unset",   "wrong"});
}

bool is_no_secret(std::string_view value) {
  if (value.empty() || value.starts_with(kTagStart)) return true;
  if (value.find_first_not_of('*') == std::string_view::npos) return true;
  return is_one_of(value,
                   {"null", "NULL", "None", "none", "nil", "true", "false", "True", "False", "yes", "no"});
}

// AKIA or ASIA and 16 more.
bool is_aws_key_id(std::string_view text) {
  if (text.size() < 20 || (!text.starts_with("AKIA") && !text.starts_with("ASIA"))) return false;
  const std::string_view id = text.substr(4, 16);
  return std::all_of(id.begin(), id.end(), [](char c) { return is_upper(c) || is_digit(c); }) &&
         (text.size() == 20 || !is_alnum(text[20]));
}

// Digits of a payment card: 13 to 19, the last one checking the others (ISO/IEC 7812).
bool passes_luhn(std::string_view digits) {
  unsigned sum = 0;
  bool twice = false;
  for (std::size_t i = digits.size(); i-- > 0;) {
    unsigned value = static_cast<unsigned>(digits[i] - '0') << (twice ? 1 : 0);
    if (value > 9) value -= 9;
    sum += value;
    twice = !twice;
  }
  return sum % 10 == 0;
}

class Redaction {
 public:
  Redaction(std::string_view line, const RedactConfig& config, RedactState& state, std::string& out,
            RedactCounts& counts)
      : line_(line), config_(config), state_(state), out_(out), counts_(counts) {}

  bool run() {
    std::size_t at = 0;
    if (state_.key_lines_left > 0 && config_.has(SecretKind::kPrivateKey)) at = inside_private_key();
    const bool cards = config_.has(SecretKind::kCard);
    while (at < line_.size()) {
      const char c = line_[at];
      if (kTriggers[static_cast<unsigned char>(c)] || (cards && is_digit(c))) {
        const std::size_t behind = look(at, c);
        at = std::max(behind, at + 1);
      } else {
        ++at;
      }
    }
    if (!changed_) return false;
    out_.append(line_.substr(kept_));
    return true;
  }

 private:
  char peek(std::size_t at) const { return at < line_.size() ? line_[at] : '\0'; }
  bool word_starts(std::size_t at) const { return at == 0 || !is_alnum(line_[at - 1]); }
  std::string_view rest(std::size_t at) const { return line_.substr(std::min(at, line_.size())); }
  template <class Predicate>
  std::size_t run_end(std::size_t at, Predicate predicate) const {
    while (at < line_.size() && predicate(line_[at])) ++at;
    return at;
  }

  // Replaces [begin, end) and returns end. Callers ask config_.has(kind) before they look for the end,
  // which also keeps the pass linear where a kind is switched off.
  std::size_t replace(std::size_t begin, std::size_t end, SecretKind kind) {
    if (begin < kept_ || end <= begin) return 0;
    if (!changed_) out_.clear();
    changed_ = true;
    out_.append(line_.substr(kept_, begin - kept_)).append(kTagStart);
    out_.append(secret_kind_name(kind)).push_back('>');
    kept_ = end;
    ++counts_.by_kind[static_cast<std::size_t>(kind)];
    return end;
  }

  // What may start at a trigger. Returns where to go on, 0 for the next byte.
  std::size_t look(std::size_t at, char c) {
    if (c == '=') return after_key(at);
    if (c == ':') return rest(at).starts_with("://") ? url_password(at + 3) : after_key(at);
    if (!word_starts(at)) return 0;
    if (c == '-') return rest(at).starts_with("-----BEGIN ") ? private_key(at) : flag(at);
    if (is_digit(c)) return card(at);
    return known_token(at, c);
  }

  std::size_t known_token(std::size_t at, char c) {
    const std::string_view text = rest(at);
    const auto token_run = [](char x) { return is_alnum(x) || x == '_' || x == '-'; };
    const auto long_enough = [&](std::size_t prefix, std::size_t least, std::size_t& end) {
      end = run_end(at + prefix, token_run);
      return end - at - prefix >= least;
    };
    std::size_t end = 0;
    switch (c) {
      case 'A':
        if (!config_.has(SecretKind::kCloudKey)) return 0;
        if (is_aws_key_id(text)) return replace(at, at + 20, SecretKind::kCloudKey);
        if (text.starts_with("AIza") && long_enough(4, 35, end))
          return replace(at, end, SecretKind::kCloudKey);
        return 0;
      case 'y':
        if (!config_.has(SecretKind::kCloudKey)) return 0;
        if (text.starts_with("ya29.") && long_enough(5, 20, end))
          return replace(at, end, SecretKind::kCloudKey);
        return 0;
      case 'g':
        if (!config_.has(SecretKind::kGitToken)) return 0;
        if (text.size() > 4 && text[1] == 'h' &&
            is_one_of(text.substr(2, 2), {"p_", "o_", "u_", "s_", "r_"}) && long_enough(4, 30, end))
          return replace(at, end, SecretKind::kGitToken);
        if (text.starts_with("github_pat_") && long_enough(11, 22, end))
          return replace(at, end, SecretKind::kGitToken);
        if (text.starts_with("glpat-") && long_enough(6, 20, end))
          return replace(at, end, SecretKind::kGitToken);
        return 0;
      case 'x':
        if (!config_.has(SecretKind::kSlackToken)) return 0;
        if (text.starts_with("xox") && text.size() > 5 && text[4] == '-' && long_enough(5, 10, end))
          return replace(at, end, SecretKind::kSlackToken);
        return 0;
      case 'e': return text.starts_with("eyJ") ? jwt(at) : 0;
      case 'B':
      case 'b': return bearer(at);
      default: return 0;
    }
  }

  // Three base64url parts; the first two are JSON and never short.
  std::size_t jwt(std::size_t at) {
    const auto part = [](char c) { return is_alnum(c) || c == '_' || c == '-'; };
    if (!config_.has(SecretKind::kJwt)) return 0;
    const std::size_t head = run_end(at, part);
    if (head - at < 10 || peek(head) != '.') return head;
    const std::size_t body = run_end(head + 1, part);
    if (body - head < 10 || peek(body) != '.') return head;
    return replace(at, run_end(body + 1, part), SecretKind::kJwt);
  }

  // "Bearer eyJ..." without a key before it.
  std::size_t bearer(std::size_t at) {
    constexpr std::string_view kWord = "earer ";
    if (!config_.has(SecretKind::kAuthorization)) return 0;
    if (rest(at + 1).substr(0, kWord.size()) != kWord) return 0;
    const std::size_t begin = at + 1 + kWord.size();
    const std::size_t end = run_end(begin, is_token_char);
    if (end - begin < 16 || !looks_random(line_.substr(begin, end - begin))) return 0;
    return replace(begin, end, SecretKind::kAuthorization);
  }

  // scheme://user:password@host
  std::size_t url_password(std::size_t at) {
    const std::size_t end = run_end(at, [](char c) {
      return !is_space(c) && !is_quote(c) && c != '/' && c != '?' && c != '#' && c != '<' && c != '>';
    });
    const std::string_view authority = line_.substr(at, end - at);
    const std::size_t host = authority.rfind('@');
    const std::size_t colon = authority.find(':');
    if (!config_.has(SecretKind::kUrlPassword) || host == std::string_view::npos ||
        colon == std::string_view::npos || colon + 1 >= host)
      return end;
    const std::string_view password = authority.substr(colon + 1, host - colon - 1);
    if (is_no_secret(password)) return end;
    return replace(at + colon + 1, at + host, SecretKind::kUrlPassword);
  }

  // "--password x": a flag whose value is the next word.
  std::size_t flag(std::size_t at) {
    if (peek(at + 1) != '-' || peek(at + 2) == '-') return 0;
    std::size_t name_end = at + 2;
    while (name_end - at <= kMaxKeyName && is_key_char(peek(name_end))) ++name_end;
    if (peek(name_end) != ' ') return 0;
    const std::optional<Key> key = classify_key(line_.substr(at + 2, name_end - at - 2));
    const char first = peek(name_end + 1);
    if (!key || !config_.has(key->kind) || first == '-' || first == '\0' || is_space(first)) return 0;
    return value(name_end + 1, *key, false);
  }

  // A mark ('=' or ':') was found: is there a telling key before it and a secret behind?
  std::size_t after_key(std::size_t mark) {
    std::size_t end = mark;
    if (end > 0 && line_[end - 1] == ' ') --end;
    bool quoted_key = false;
    if (end > 0 && is_quote(line_[end - 1])) {
      quoted_key = true;
      --end;
      if (end > 0 && line_[end - 1] == '\\') --end;
    }
    if (!quoted_key && line_[mark] == ':' && end != mark) return 0;
    std::size_t begin = end;
    while (begin > kept_ && end - begin <= kMaxKeyName && is_key_char(line_[begin - 1])) --begin;
    const std::optional<Key> key = classify_key(line_.substr(begin, end - begin));
    if (!key || !config_.has(key->kind)) return 0;
    std::size_t from = mark + 1;
    if (peek(from) == '=') return 0;                      // a comparison
    if (line_[mark] == '=' && peek(from) == '>') ++from;  // a Ruby hash
    const bool spaced = peek(from) == ' ';
    while (peek(from) == ' ' && from - mark <= 3) ++from;
    if (key->kind == SecretKind::kAuthorization) return credentials(from, quoted_key);
    const bool unquoted_colon = line_[mark] == ':' && !quoted_key && !is_quote(peek(from));
    if (unquoted_colon && !key->prose) return 0;
    if (unquoted_colon && !spaced) return tight(from, *key);
    return value(from, *key, unquoted_colon);
  }

  // "password:hunter2" but not "(passwd:chauthtok)".
  std::size_t tight(std::size_t from, const Key& key) {
    const std::size_t end = bare_end(from);
    const std::string_view text = line_.substr(from, end - from);
    const bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || c == '_' || c == '-'; });
    return plain || is_digit(peek(from)) ? 0 : value(from, key, false);
  }

  std::size_t value(std::size_t from, const Key& key, bool prose) {
    std::size_t begin = from;
    std::size_t end = from;
    bool quoted = false;
    if (is_quote(peek(from)) || (peek(from) == '\\' && is_quote(peek(from + 1)))) {
      quoted = true;
      begin = from + (peek(from) == '\\' ? 2 : 1);
      end = quoted_end(begin);
    } else {
      if (peek(from) == '{' || peek(from) == '[' || peek(from) == '<') return 0;
      end = bare_end(from);
    }
    const std::string_view text = line_.substr(begin, end - begin);
    if (is_no_secret(text)) return 0;
    if (key.trust == Trust::kLook && !looks_random(text)) return 0;
    if (key.trust == Trust::kLook && prose && std::none_of(text.begin(), text.end(), is_digit)) return 0;
    if (key.working_directory && (text[0] == '/' || text[0] == '~')) return 0;
    if (key.kind == SecretKind::kPassword && !quoted) {
      const std::size_t next = run_end(end, [](char c) { return is_space(c) || c == '.' || c == ')'; });
      if (prose && looks_like_prose(text, next >= line_.size())) return 0;
      if (!prose && text.size() < 4 && std::all_of(text.begin(), text.end(), is_digit)) return 0;  // pass=3
    }
    return replace(begin, end, key.kind);
  }

  // "Bearer x", "Basic x", "Digest username=..., ..." up to the closing quote; or one random word.
  std::size_t credentials(std::size_t from, bool quoted_key) {
    const bool quoted = is_quote(peek(from));
    const std::size_t begin = quoted ? from + 1 : from;
    const std::size_t word_end = run_end(begin, is_token_char);
    std::string scheme(line_.substr(begin, std::min<std::size_t>(word_end - begin, 20)));
    std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
    const bool list = is_one_of(scheme, {"digest", "aws4-hmac-sha256", "signature", "hawk"});
    if (list || is_one_of(scheme, {"bearer", "basic", "token", "negotiate", "ntlm", "apikey"})) {
      const std::size_t secret = run_end(word_end, [](char c) { return c == ' '; });
      const std::size_t end = quoted || quoted_key ? quoted_end(secret)
                              : list               ? line_.size()
                                                   : bare_end(secret);
      return is_no_secret(line_.substr(secret, end - secret))
                 ? 0
                 : replace(secret, end, SecretKind::kAuthorization);
    }
    if (!looks_random(line_.substr(begin, word_end - begin))) return 0;
    return replace(begin, word_end, SecretKind::kAuthorization);
  }

  // Up to an unescaped quote, or a \" that closes a value inside an escaped string.
  std::size_t quoted_end(std::size_t at) const {
    const char quote = at > 0 && line_[at - 1] == '\'' ? '\'' : '"';
    const bool escaped = at > 1 && line_[at - 2] == '\\';
    while (at < line_.size() && line_[at] != quote) {
      if (line_[at] == '\\' && escaped && peek(at + 1) == quote) break;
      at += line_[at] == '\\' ? 2 : 1;
    }
    return std::min(at, line_.size());
  }

  // Up to a space or closing mark. Commas and their like end a value only where a next key follows
  // or nothing does: passwords hold them too.
  std::size_t bare_end(std::size_t at) {
    // Where a value ends does not depend on where it begins, so a nested one need not look again.
    if (at >= bare_begin_ && at <= bare_end_) return bare_end_;
    bare_begin_ = at;
    while (at < line_.size()) {
      const char c = line_[at];
      if (is_space(c) || is_quote(c) || c == '>' || c == '|') break;
      if ((c == ',' || c == ';' || c == '&' || c == ')' || c == ']' || c == '}') && ends_value(at + 1)) break;
      ++at;
    }
    bare_end_ = at;
    return at;
  }
  bool ends_value(std::size_t at) const {
    if (at >= line_.size() || is_space(line_[at])) return true;
    if (std::string_view(",;:.&)]}\"'").find(line_[at]) != std::string_view::npos) return true;
    std::size_t key_end = at;
    while (key_end - at <= kMaxKeyName && is_key_char(peek(key_end))) ++key_end;
    return key_end > at && (peek(key_end) == '=' || peek(key_end) == ':');
  }

  std::size_t private_key(std::size_t at) {
    const std::string_view head = rest(at).substr(0, 64);
    if (!config_.has(SecretKind::kPrivateKey) || head.find("PRIVATE KEY") == std::string_view::npos) return 0;
    const std::size_t end_mark = line_.find("-----END ", at);
    const std::size_t close =
        end_mark == std::string_view::npos ? end_mark : line_.find("-----", end_mark + 9);
    if (close != std::string_view::npos) return replace(at, close + 5, SecretKind::kPrivateKey);
    const std::size_t done = replace(at, line_.size(), SecretKind::kPrivateKey);
    if (done != 0) state_.key_lines_left = kMaxKeyLines;
    return done;
  }

  // A line between BEGIN and END: all of it when it is nothing but key text, else its last word if
  // that could be (each line may carry a prefix). Lines of others in between stay.
  std::size_t inside_private_key() {
    --state_.key_lines_left;
    const std::size_t end_mark = line_.find("-----END ");
    if (end_mark != std::string_view::npos) {
      state_.key_lines_left = 0;
      const std::size_t close = line_.find("-----", end_mark + 9);
      return replace(0, close == std::string_view::npos ? line_.size() : close + 5, SecretKind::kPrivateKey);
    }
    const std::size_t last = line_.find_last_not_of(" \t\r\n");
    if (last == std::string_view::npos) return 0;
    std::size_t begin = last + 1;
    while (begin > 0 && (is_alnum(line_[begin - 1]) ||
                         std::string_view("+/=").find(line_[begin - 1]) != std::string_view::npos))
      --begin;
    const bool whole = line_.find_first_not_of(" \t") == begin;
    if (whole) return replace(0, last + 1, SecretKind::kPrivateKey);
    if (last + 1 - begin < 24 && line_[last] != '=') return 0;
    return replace(begin, last + 1, SecretKind::kPrivateKey);
  }

  std::size_t card(std::size_t at) {
    std::array<char, 19> digits;
    std::size_t count = 0;
    std::size_t end = at;
    while (end < line_.size()) {
      if (is_digit(line_[end])) {
        if (count == digits.size()) return run_end(end, is_digit);
        digits[count++] = line_[end];
      } else if ((line_[end] != ' ' && line_[end] != '-') || !is_digit(peek(end + 1))) {
        break;
      }
      ++end;
    }
    if (count < 13 || is_alnum(peek(end)) || !passes_luhn({digits.data(), count}))
      return run_end(at, is_digit);
    return replace(at, end, SecretKind::kCard);
  }

  std::string_view line_;
  const RedactConfig& config_;
  RedactState& state_;
  std::string& out_;
  RedactCounts& counts_;
  std::size_t bare_begin_ = 1;  // of the last bare_end; empty at first
  std::size_t bare_end_ = 0;
  std::size_t kept_ = 0;  // line_ before this is in out_ already
  bool changed_ = false;
};

}  // namespace

std::string_view secret_kind_name(SecretKind kind) {
  constexpr std::array<std::string_view, kSecretKinds> kNames = {
      "private-key", "authorization", "password",    "token", "api-key",      "secret",
      "cloud-key",   "git-token",     "slack-token", "jwt",   "url-password", "card"};
  return kNames[static_cast<std::size_t>(kind)];
}

bool redact(std::string_view line, const RedactConfig& config, RedactState& state, std::string& out,
            RedactCounts& counts) {
  return Redaction(line, config, state, out, counts).run();
}

}  // namespace silt::fold
