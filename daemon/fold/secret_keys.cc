// Values behind telling keys: password=x, "api_key": "x", --token x, <secret>x</secret>, and the other
// ways to write a name and its value.
#include <algorithm>

#include "daemon/fold/secret_search.h"

namespace silt::fold {
namespace {

// How a value stands to its key.
enum class Link {
  kEquals,   // key=value, "key": value
  kColon,    // key: value, without quotes: may be prose
  kTight,    // key:value
  kWord,     // key is value
  kPhrase,   // and key value, key - value
  kNextWord  // --key value
};

struct Separator {
  std::size_t end = 0;  // one past it; 0 = there is none
  bool colon = false;
};

Separator separator_at(const LineText& text, std::size_t at) {
  switch (text.peek(at)) {
    case '=':
      if (text.peek(at + 1) == '=' || text.peek(at + 1) == '~') return {};  // a comparison
      return {at + (text.peek(at + 1) == '>' ? 2u : 1u)};                   // a Ruby hash
    case ':':
      if (text.peek(at + 1) == '=') return {at + 2};
      return {at + 1, true};
    case '-': return {text.peek(at + 1) == '>' ? at + 2 : 0};
    case '%':
      if (text.at(at, "%3D") || text.at(at, "%3d") || text.at(at, "%3A") || text.at(at, "%3a"))
        return {at + 3};
      return {};
    default: return {};
  }
}

// An opening quote with the backslashes before it, in the text of a text.
struct Quote {
  std::size_t end = 0;  // one past it; 0 = there is none
  char mark = '\0';     // '%' for %22
  std::size_t slashes = 0;
};

Quote quote_at(const LineText& text, std::size_t at) {
  std::size_t slashes = 0;
  while (slashes < 7 && text.peek(at + slashes) == '\\') ++slashes;
  const char mark = text.peek(at + slashes);
  if (is_quote(mark)) return {at + slashes + 1, mark, slashes};
  if (mark == '%' && slashes == 0 && (text.at(at, "%22") || text.at(at, "%27"))) return {at + 3, '%'};
  return {};
}

// Words that follow "password:" and its like without being one.
bool is_prose_word(std::string_view word) {
  const LowerWord lower_word(word);
  const std::string_view lowered = lower_word.view();
  if (lowered.empty()) return false;
  constexpr std::array<std::string_view, 93> kWords = {
      "a",       "access",   "account", "again",  "age",      "all",     "and",      "any",       "are",
      "at",      "auth",     "bad",     "be",     "bool",     "bytes",   "can",      "cannot",    "check",
      "click",   "correct",  "could",   "does",   "empty",    "enter",   "error",    "failure",   "field",
      "for",     "from",     "hash",    "has",    "have",     "illegal", "in",       "incorrect", "is",
      "it",      "length",   "login",   "match",  "max",      "maximum", "may",      "min",       "minimum",
      "missing", "mismatch", "must",    "new",    "no",       "none",    "not",      "null",      "of",
      "ok",      "old",      "on",      "only",   "optional", "or",      "password", "please",    "prompt",
      "reset",   "retype",   "set",     "should", "str",      "string",  "success",  "text",      "that",
      "the",     "this",     "to",      "too",    "true",     "try",     "type",     "unknown",   "unset",
      "update",  "use",      "user",    "value",  "was",      "will",    "with",     "wrong",     "yes",
      "you",     "your",     "invalid"};
  if (std::find(kWords.begin(), kWords.end(), lowered) != kWords.end()) return true;
  return lowered.size() >= 6 && (lowered.ends_with("ed") || lowered.ends_with("ing") ||
                                 lowered.ends_with("ion") || lowered.ends_with("ent"));
}

bool is_word_only(std::string_view word) {
  return !word.empty() && (is_lower(word[0]) || is_upper(word[0])) &&
         std::all_of(word.begin() + 1, word.end(), [](char c) { return is_lower(c) || c == '-'; });
}

class KeyValue {
 public:
  KeyValue(SecretSearch& search, const CueWord& word) : search_(search), text_(search.text), word_(word) {}

  void look(std::size_t begin, std::size_t end) {
    if (word_.part && !is_part(begin)) return;
    while (is_digit(text_.peek(end)) && end - begin < kMaxKeyName) ++end;  // password2
    if (is_key_char(text_.peek(end))) return;
    name_begin_ = begin;
    const Quote closing = quote_at(text_, end);
    const bool bracket = text_.peek(end) == ']';
    const std::size_t behind = closing.end != 0 ? closing.end : end + (bracket ? 1u : 0u);
    quoted_key_ = closing.end != 0 || bracket;
    if (element(end, behind) || named_value(behind, closing)) return;
    const std::size_t at = text_.skip_blanks(behind);
    const Separator separator = separator_at(text_, at);
    if (separator.end == 0) return quoted_key_ ? value_before_name(begin) : unseparated(end);
    const std::size_t from = text_.skip_blanks(separator.end);
    const bool bare_colon = separator.colon && !quoted_key_ && quote_at(text_, from).end == 0;
    if (bare_colon && !colon_counts(begin, end)) return;
    if (word_.kind == SecretKind::kAuthorization) return credentials(from);
    value(from, !bare_colon ? Link::kEquals : from == separator.end ? Link::kTight : Link::kColon);
  }

 private:
  // my_pass, MyPass, pass; not compass.
  bool is_part(std::size_t begin) const {
    const char before = text_.before(begin);
    return !is_alnum(before) || (is_lower(before) && is_upper(text_.peek(begin)));
  }

  // "PASS: a test's name" is not for us.
  bool colon_counts(std::size_t begin, std::size_t end) const {
    return word_.text != "pass" ||
           std::any_of(text_.line().begin() + static_cast<std::ptrdiff_t>(begin),
                       text_.line().begin() + static_cast<std::ptrdiff_t>(end), is_lower);
  }

  // <db:password>x</...>, <password id="1">x</...>, <property name="password">x</...>
  bool element(std::size_t end, std::size_t behind) {
    std::size_t open = behind;
    if (!quoted_key_) {
      std::size_t begin = text_.name_begin(end);
      if (text_.before(begin) == ':') begin = text_.name_begin(begin - 1);
      if (text_.before(begin) != '<') return false;
      if (is_blank(text_.peek(end))) {
        while (open - end < 128 && open < text_.size() && text_.peek(open) != '>' && text_.peek(open) != '<')
          ++open;
      }
    }
    if (text_.peek(open) != '>' || text_.before(open) == '/') return false;
    std::size_t stop = open + 1;
    while (stop - open <= 512 && stop < text_.size() && text_.peek(stop) != '<') ++stop;
    if (text_.at(stop, "</")) check(open + 1, stop, Link::kEquals, true);
    return text_.peek(stop) == '<';
  }

  // "name": "DB_PASSWORD", "value": "x" and the like: the key is itself a value.
  bool named_value(std::size_t behind, const Quote& closing) {
    std::size_t at = behind;
    bool new_line = false;
    while (at < behind + 32 && (is_space(text_.peek(at)) || text_.peek(at) == ',') && at < text_.size()) {
      new_line = new_line || text_.peek(at) == '\n';
      ++at;
    }
    if (at == behind || (closing.end == 0 && !new_line)) return false;
    const Quote open = quote_at(text_, at);
    if (open.end != 0) at = open.end;
    if (!text_.at(at, "value") && !text_.at(at, "Value") && !text_.at(at, "VALUE")) return false;
    at += 5;
    if (const Quote close = quote_at(text_, at); open.end != 0 && close.end != 0) at = close.end;
    const Separator separator = separator_at(text_, text_.skip_blanks(at));
    if (separator.end == 0) return false;
    value(text_.skip_blanks(separator.end), Link::kEquals);
    return true;
  }

  // {"value": "x", "name": "DB_PASSWORD"}
  void value_before_name(std::size_t key) {
    const std::size_t name = text_.name_begin(key);
    const std::size_t from = std::max(search_.taken, name > 256 ? name - 256 : 0);
    const std::string_view before = text_.sub(from, name);
    const std::size_t said = std::max(before.rfind("value") + 1, before.rfind("Value") + 1);
    if (said == 0 || before.find("ame", said) == std::string_view::npos) return;
    std::size_t at = from + said - 1 + 5;
    if (const Quote close = quote_at(text_, at); close.end != 0) at = close.end;
    const Separator separator = separator_at(text_, text_.skip_blanks(at));
    if (separator.end == 0) return;
    const Quote open = quote_at(text_, text_.skip_blanks(separator.end));
    if (open.end == 0 || open.mark == '%') return;
    const std::size_t end = text_.quote_end(open.end, open.mark, open.slashes);
    if (end < name) check(open.end, end, Link::kEquals, true);
  }

  // A key with neither '=' nor ':' behind it.
  void unseparated(std::size_t end) {
    const std::size_t name = text_.name_begin(end);
    const std::size_t at = text_.skip_blanks(end);
    if (text_.peek(name) == '-') {
      const char first = text_.peek(at);
      if (at > end && first != '-' && first != '\0' && !is_space(first)) value(at, Link::kNextWord);
      return;
    }
    if (word_.trust == Trust::kAlways && !word_.part) {  // SQL: PASSWORD 'x', PASSWORD('x')
      const std::size_t open = at + (text_.peek(at) == '(' ? 1u : 0u);
      if (open > end && quote_at(text_, open).end != 0) return value(open, Link::kEquals);
    }
    if (at == end || word_.form != ValueForm::kAny) return;
    if (word_.kind == SecretKind::kPassword && phrase(at)) return;
    if (std::string_view("iwle").find(text_.peek(at)) == std::string_view::npos) return;
    for (const std::string_view verb : {"is", "was", "ist", "lautet", "est", "es"}) {
      const std::size_t verb_end = at + verb.size();
      if (!text_.at(at, verb) || (!is_blank(text_.peek(verb_end)) && text_.peek(verb_end) != ':')) continue;
      const std::size_t from = text_.skip_blanks(verb_end);
      return value(text_.peek(from) == ':' ? text_.skip_blanks(from + 1) : from, Link::kWord);
    }
  }

  // "passphrase for key: x", "password - x", "as otto with password x".
  bool phrase(std::size_t at) {
    if (text_.peek(at) == '-' && is_blank(text_.peek(at + 1))) {
      value(text_.skip_blanks(at + 1), Link::kPhrase);
      return true;
    }
    if (text_.at(at, "for ")) {
      const std::size_t from = behind_name(at + 4);
      if (from != 0) value(from, Link::kColon);
      return from != 0;
    }
    if (!is_joined()) return false;
    value(at, Link::kPhrase);
    return true;
  }

  // Behind one or two words and a colon; 0: they do not stand there.
  std::size_t behind_name(std::size_t at) {
    constexpr std::size_t kMaxWord = 64;
    for (int words = 0; words < 2; ++words) {
      const std::size_t begin = at;
      while (at - begin < kMaxWord && at < text_.size() && !is_space(text_.peek(at))) ++at;
      if (at == begin || !is_blank(text_.peek(at))) return 0;
      if (text_.before(at) == ':') return text_.skip_blanks(at);
      ++at;
    }
    return 0;
  }

  // Whether the word before the key joins it to a name.
  bool is_joined() const {
    std::size_t end = name_begin_;
    while (end > 0 && is_blank(text_.before(end))) --end;
    std::size_t begin = end;
    while (begin > 0 && end - begin < 8 && is_alnum(text_.before(begin))) --begin;
    return end < name_begin_ && is_one_of(LowerWord(text_.sub(begin, end)).view(),
                                          {"and", "with", "using", "und", "mit", "et", "avec", "y", "con"});
  }

  void value(std::size_t from, Link link) {
    if (text_.peek(from) == '[' && (quote_at(text_, from + 1).end != 0 || text_.before(from) == ':')) ++from;
    if (const Quote open = quote_at(text_, from); open.end != 0) {
      const std::size_t end =
          open.mark == '%' ? text_.value_end(open.end) : text_.quote_end(open.end, open.mark, open.slashes);
      return check(open.end, end, link, true);
    }
    check(from, text_.value_end(from), link, false);
  }

  void check(std::size_t begin, std::size_t end, Link link, bool quoted) {
    const std::string_view value = text_.sub(begin, end);
    if (is_no_secret(value)) return;
    if (!quoted && (value[0] == '{' || value[0] == '[')) return;
    if (word_.form == ValueForm::kCode && (link != Link::kEquals || !is_code(value))) return;
    if (word_.form == ValueForm::kPair) {
      const std::size_t colon = value.find(':');
      if (value[0] == '/' || (colon == std::string_view::npos && !looks_random(value))) return;
      if (colon != std::string_view::npos && colon > 0 && colon + 1 < value.size())
        return search_.take(begin + colon + 1, end, word_.kind);
    }
    if (word_.kind == SecretKind::kSession && value.starts_with("0x")) return;  // a number, as servers count
    if (word_.trust == Trust::kLook) {
      const bool prose = link == Link::kColon || link == Link::kTight || link == Link::kWord;
      if (!looks_random(value) || (prose && std::none_of(value.begin(), value.end(), is_digit))) return;
    }
    if (word_.working_directory && (value[0] == '/' || value[0] == '~' || value.substr(1).starts_with(":\\")))
      return;
    if (word_.kind == SecretKind::kPassword && !quoted && is_unlikely(value, end, link)) return;
    search_.take(begin, end, word_.kind);
  }

  bool is_code(std::string_view value) const {
    const std::size_t least = word_.text == "cvv" || word_.text == "cvc" ? 3 : 4;
    return value.size() >= least && value.size() <= 12 && std::all_of(value.begin(), value.end(), is_digit);
  }

  // Whether an unquoted value behind a password's key is a count or a word of prose.
  bool is_unlikely(std::string_view value, std::size_t end, Link link) const {
    const bool digits = std::all_of(value.begin(), value.end(), is_digit);
    const bool program = word_.text == "passwd";  // a program's name more often than a key
    if (digits && word_.form != ValueForm::kCode && (value.size() < 4 || (word_.text == "pass" && link != Link::kEquals))) return true;
    if (link == Link::kEquals) return false;
    std::string_view word = value;
    while (!word.empty() && !is_alnum(word.back())) word.remove_suffix(1);
    if (word.empty()) return true;
    if (link == Link::kPhrase) return !is_mixed(word);
    if (link == Link::kNextWord) return is_prose_word(word);
    if (link == Link::kTight) {
      const bool plain =
          std::all_of(value.begin(), value.end(), [](char c) { return is_lower(c) || c == '_' || c == '-'; });
      return program ? plain || is_digit(value[0]) : word_.part || is_prose_word(word);
    }
    if (!is_word_only(word)) return link == Link::kWord && is_plain_number(word);
    if (is_prose_word(word)) return true;
    const std::size_t next = end + text_.line().substr(end).find_first_not_of(" \t.,;)!") + 1;
    if (next == end || next > text_.size()) return false;  // the last word
    if (program || link == Link::kWord || word.size() < value.size()) return true;
    const std::string_view rest = text_.line().substr(next - 1, 8);
    return !rest.starts_with("for ") && !rest.starts_with("user ") && !rest.starts_with("on ");
  }

  // Letters with digits or marks among them, or digits alone: no word, no date, no address, no assignment.
  static bool is_mixed(std::string_view word) {
    if (word.size() < 4) return false;
    const bool letters =
        std::any_of(word.begin(), word.end(), [](char c) { return is_lower(c) || is_upper(c); });
    if (!letters) return std::all_of(word.begin(), word.end(), is_digit);
    const bool word_like = std::all_of(word.begin() + 1, word.end(), [](char c) {
      return is_lower(c) || is_upper(c) || c == '-' || c == '_' || c == '\'' || c == '.';
    });
    return !word_like && word[0] != '/' && word.find('=') == std::string_view::npos && word.find('(') == std::string_view::npos;
  }

  static bool is_plain_number(std::string_view word) {
    return std::all_of(word.begin(), word.end(), [](char c) { return is_digit(c) || c == '.'; });
  }

  // "Bearer x", "Basic x", "Digest username=..., ..." up to the closing quote; or one random word.
  void credentials(std::size_t from) {
    const Quote open = quote_at(text_, from);
    const std::size_t begin = open.end != 0 ? open.end : from;
    const std::size_t word_end = text_.run_end(LineText::Run::kToken, begin);
    const LowerWord lowered(text_.sub(begin, word_end));
    const std::string_view scheme = lowered.view();
    const bool list = is_one_of(scheme, {"digest", "aws4-hmac-sha256", "signature", "hawk"});
    if (list || is_one_of(scheme, {"bearer", "basic", "token", "negotiate", "ntlm", "apikey"})) {
      const std::size_t secret = text_.skip_blanks(word_end);
      const std::size_t end = open.end != 0 && open.mark != '%'
                                  ? text_.quote_end(secret, open.mark, open.slashes)
                              : quoted_key_ ? text_.quote_end(secret, '"', 0)
                              : list        ? text_.size()
                                            : text_.value_end(secret);
      return search_.take(secret, end, SecretKind::kAuthorization);
    }
    if (looks_random(text_.sub(begin, word_end))) search_.take(begin, word_end, SecretKind::kAuthorization);
  }

  SecretSearch& search_;
  LineText& text_;
  const CueWord& word_;
  std::size_t name_begin_ = 0;
  bool quoted_key_ = false;
};

// Attributes of a Set-Cookie header: no secrets.
bool is_cookie_attribute(std::string_view name) {
  return is_one_of(LowerWord(name).view(),
                   {"path", "domain", "expires", "max-age", "samesite", "version", "priority", "comment"});
}

}  // namespace

void find_key_value(SecretSearch& search, const CueHit& hit) {
  if (!search.wants(hit.word->kind)) return;
  KeyValue(search, *hit.word).look(hit.begin(), hit.end);
}

// Cookie: a=x; b=y
void find_cookies(SecretSearch& search, const CueHit& hit) {
  LineText& text = search.text;
  if (!search.wants(SecretKind::kSession)) return;
  const Quote closing = quote_at(text, hit.end);
  const Separator separator = separator_at(text, text.skip_blanks(closing.end != 0 ? closing.end : hit.end));
  if (separator.end == 0) return;
  std::size_t at = text.skip_blanks(separator.end);
  if (text.peek(at) == '[') ++at;
  if (const Quote open = quote_at(text, at); open.end != 0) at = open.end;
  while (at < text.size()) {
    const std::size_t name = at;
    while (at - name <= kMaxKeyName && (is_key_char(text.peek(at)) || text.peek(at) == '%')) ++at;
    const bool has_value = at > name && text.peek(at) == '=';
    if (!has_value && looks_random(text.sub(name, at))) search.take(name, at, SecretKind::kSession);
    if (has_value) {
      const std::size_t begin = at + 1;
      at = begin + tag_size(text.line().substr(begin));
      while (at < text.size() && !is_space(text.peek(at)) && text.peek(at) != ';' &&
             !is_quote(text.peek(at)) && text.peek(at) != '\\')
        ++at;
      if (!is_cookie_attribute(text.sub(name, begin - 1))) search.take(begin, at, SecretKind::kSession);
    }
    if (text.peek(at) != ';') break;
    at = text.skip_blanks(at + 1);
  }
  search.taken = std::max(search.taken, std::min(at, text.size()));
}

}  // namespace silt::fold
