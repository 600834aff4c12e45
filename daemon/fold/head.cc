#include "daemon/fold/head.h"

#include <algorithm>

#include "daemon/fold/severity.h"

namespace silt::fold {
namespace {

constexpr std::size_t kReach = 400;     // bytes from the start that may belong to a head
constexpr std::size_t kMaxGroup = 256;  // bytes of a group in brackets

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_letter(char c) {
  return is_upper(c) || is_lower(c);
}
bool is_blank(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}

bool is_name_char(char c) {
  return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-' || c == '/' || c == '$' ||
         c == '@' || c == '+' || static_cast<unsigned char>(c) >= 0x80;
}

class HeadFinder {
 public:
  explicit HeadFinder(ScannedLine& line)
      : line_(line), text_(line.text.substr(0, std::min<std::size_t>(line.first_line, kReach))) {}

  void run() {
    if (line_.json || text_.empty()) return;
    std::size_t at = 0;
    if (line_.time) {
      if (!before_time(at)) return;
      at = after_time(line_.time->end);
    } else {
      at = lone_severity();
    }
    const std::string_view first = line_.text.substr(0, line_.first_line);
    if (first.find_first_not_of(" \t\r\n", at) == std::string_view::npos) return;
    line_.message = static_cast<std::uint32_t>(at);
  }

 private:
  char peek(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }
  std::size_t skip_blanks(std::size_t at) const {
    while (at < text_.size() && is_blank(text_[at])) ++at;
    return at;
  }
  std::size_t chunk_end(std::size_t at) const {
    while (at < text_.size() && !is_blank(text_[at])) ++at;
    return at;
  }
  std::string_view sub(std::size_t begin, std::size_t end) const { return text_.substr(begin, end - begin); }
  void set(TextSpan& span, std::size_t begin, std::size_t end) {
    span = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  }

  // The first token at or behind `at`. Positions only grow, and so does the index.
  const Token* token_at(std::size_t at) {
    while (next_token_ < line_.tokens.size() && line_.tokens[next_token_].begin < at) ++next_token_;
    const bool here = next_token_ < line_.tokens.size() && line_.tokens[next_token_].begin == at;
    return here ? &line_.tokens[next_token_] : nullptr;
  }

  // Whether what stands before the time are marks, numbers, names of nodes and the like: no sentence.
  bool before_time(std::size_t& at) {
    std::size_t words = 0;
    while ((at = skip_blanks(at)) < line_.time->begin) {
      const std::size_t end = std::min<std::size_t>(chunk_end(at), line_.time->begin);
      const std::string_view chunk = sub(at, end);
      if (chunk.empty()) return false;
      if (chunk.back() == ':' || chunk.back() == '=' || (chunk.size() > 1 && chunk.back() == '"'))
        return false;
      const bool letters = std::any_of(chunk.begin(), chunk.end(), is_letter);
      if (letters && ++words > 3) return false;
      at = end;
    }
    return true;
  }

  // Behind the time: further times, then what is told of the record, up to its message.
  std::size_t after_time(std::size_t at) {
    while (peek(at) == ']' || peek(at) == ',' || peek(at) == ')' || peek(at) == '"') ++at;
    if (peek(at) == '|') return piped(at);
    if (line_.time->relative) return at;  // the kernel's own words follow
    at = further_times(at);
    if (text_[0] == '<' && is_digit(peek(1))) {
      if (const std::size_t end = numbered(at)) return end;
    }
    if (line_.time->begin == 1 && is_letter(text_[0])) return klog(at);
    if (const std::size_t end = syslog(skip_blanks(at))) return end;
    const std::size_t behind = levels(at);
    return behind != 0 ? behind : named(skip_blanks(at), at);
  }

  // "2005.11.09", and "dn228 Nov 9 12:01:01": the time once more.
  std::size_t further_times(std::size_t at) {
    for (;;) {
      std::size_t next = skip_blanks(at);
      const Token* token = token_at(next);
      if (token != nullptr && (token->kind == TokenKind::kTime || is_dotted_date(sub(next, token->end)))) {
        at = token->end;
        continue;
      }
      const std::size_t saved = next_token_;
      if (!is_month(sub(next, chunk_end(next)))) next = skip_blanks(chunk_end(next));
      const std::size_t day = skip_blanks(chunk_end(next));
      const std::size_t clock = skip_blanks(chunk_end(day));
      const bool dated = is_month(sub(next, chunk_end(next))) && all_digits(sub(day, chunk_end(day)));
      const Token* const time = dated ? token_at(clock) : nullptr;
      if (time == nullptr || time->kind != TokenKind::kTime) {
        next_token_ = saved;
        return at;
      }
      at = time->end;
    }
  }

  static bool is_dotted_date(std::string_view word) {
    return word.size() == 10 && word[4] == '.' && word[7] == '.' && (word[0] == '1' || word[0] == '2');
  }

  static bool is_month(std::string_view word) {
    const std::size_t at = std::string_view("JanFebMarAprMayJunJulAugSepOctNovDec").find(word);
    return word.size() == 3 && at != std::string_view::npos && at % 3 == 0;
  }

  // RFC 5424 behind "<34>1 TIME": host, program, process, kind of message, elements. 0 when it is not that.
  std::size_t numbered(std::size_t at) {
    if (sub(0, line_.time->begin).find(">1 ") == std::string_view::npos) return 0;
    TextSpan* const spans[] = {&line_.host, &line_.program, nullptr, nullptr};
    for (TextSpan* const span : spans) {
      const std::size_t begin = skip_blanks(at);
      at = chunk_end(begin);
      if (span != nullptr && sub(begin, at) != "-") set(*span, begin, at);
    }
    at = skip_blanks(at);
    if (peek(at) == '-') return at + 1;
    std::size_t end = at;
    while (peek(end) == '[' && group_end(end) != 0) end = group_end(end);
    return end > at ? end : 0;
  }

  // "I1121 20:54:35.1 7 gate.go:12] message"
  std::size_t klog(std::size_t at) {
    set(line_.severity, 0, 1);
    const std::size_t place = skip_blanks(chunk_end(skip_blanks(at)));
    const std::size_t end = chunk_end(place);
    if (end == place || text_[end - 1] != ']') return at;
    set(line_.program, place, std::min(place + sub(place, end).find(':'), end - 1));
    return end;
  }

  // |Part|1234|message
  std::size_t piped(std::size_t at) {
    for (int fields = 0; fields < 4; ++fields) {
      std::size_t end = at + 1;
      while (end < text_.size() && text_[end] != '|' && !is_blank(text_[end])) ++end;
      if (peek(end) != '|' || end == at + 1) break;
      note_word(at + 1, end);
      at = end;
    }
    return at + 1;
  }

  // A word of the head: a severity, or the first one that may be a program.
  void note_word(std::size_t begin, std::size_t end) {
    const std::string_view word = sub(begin, end);
    if (is_severity(word, true)) {
      set(line_.severity, begin, end);
    } else if (line_.program.empty() && std::any_of(word.begin(), word.end(), is_letter)) {
      set(line_.program, begin, end);
    }
  }

  // name:, name[12]:, name(part)[12]:, name[12] ([13]): at `at`. Returns where the message begins.
  std::size_t tag(std::size_t at, bool must_look_like_name) {
    std::size_t end = at;
    while (is_name_char(peek(end))) ++end;
    if (end == at) return 0;
    const std::size_t name_end = end;
    bool marked = false;
    while (peek(end) == '(' || peek(end) == '[' || (peek(end) == ' ' && peek(end + 1) == '(' && marked)) {
      const std::size_t open = peek(end) == ' ' ? end + 1 : end;
      const std::size_t close = group_end(open);
      if (close == 0) return 0;
      end = close;
      marked = true;
    }
    if (peek(end) != ':' || (!is_blank(peek(end + 1)) && end + 1 < text_.size())) {
      // Columns: "Tag     : message"
      const std::size_t colon = skip_blanks(end);
      if (!must_look_like_name || peek(colon) != ':' || colon == end || !is_blank(peek(colon + 1))) return 0;
      if (line_.severity.empty()) return 0;
      end = colon;
    }
    const std::string_view name = sub(at, name_end);
    if (is_severity(name, true)) return 0;
    if (must_look_like_name && !marked && !looks_like_name(name)) return 0;
    set(line_.program, at, name_end);
    return end + 1;
  }

  static bool looks_like_name(std::string_view name) {
    bool letters = false;
    bool mark = false;
    for (std::size_t i = 0; i < name.size(); ++i) {
      letters = letters || is_letter(name[i]);
      mark = mark || name[i] == '.' || name[i] == '$' || name[i] == '/' || name[i] == '_' ||
             (i > 0 && is_upper(name[i]) && is_lower(name[i - 1]));
    }
    return letters && (mark || is_upper(name[0]));
  }

  std::size_t group_end(std::size_t at) const {
    int depth = 0;
    for (std::size_t end = at; end < text_.size() && end - at < kMaxGroup; ++end) {
      if (text_[end] == '[' || text_[end] == '(') ++depth;
      if (text_[end] == ']' || text_[end] == ')') --depth;
      if (depth == 0) return end + 1;
    }
    return 0;
  }

  // host name[12]: message, name[12]: message
  std::size_t syslog(std::size_t at) {
    const std::size_t host_end = chunk_end(at);
    if (host_end == at) return 0;
    const std::string_view host = sub(at, host_end);
    const bool host_like = std::all_of(host.begin(), host.end(), is_name_char) && is_letter_or_digit(host[0]);
    if (host_like && !is_severity(host, false) && host.size() > 1) {
      const std::size_t next = skip_blanks(host_end);
      std::size_t end = peek(next) == '-' ? dashes(next) : tag(next, false);
      if (end != 0 && !all_digits(host)) {
        set(line_.host, at, host_end);
        return end;
      }
      line_.program = {};
    }
    return tag(at, false);
  }

  static bool is_letter_or_digit(char c) { return is_letter(c) || is_digit(c); }
  static bool all_digits(std::string_view word) { return std::all_of(word.begin(), word.end(), is_digit); }

  // "--- last message repeated": a message of the log itself.
  std::size_t dashes(std::size_t at) const { return sub(at, chunk_end(at)) == "---" ? at : 0; }

  // A part of a head that says nothing by itself. Returns its end, 0 when there is none.
  std::size_t filler(std::size_t at) {
    const char c = peek(at);
    if (c == '[' || c == '(') {
      std::size_t end = group_end(at);
      if (end != 0 && (peek(end) == ':' || peek(end) == ',')) ++end;
      return end != 0 && (is_blank(peek(end)) || peek(end) == '[') ? end : 0;
    }
    const std::size_t end = chunk_end(at);
    const std::string_view chunk = sub(at, end);
    if (chunk == "-" || chunk == "|" || chunk == "--" || chunk == "---" || chunk == ":") {
      separated_ = true;
      return end;
    }
    const Token* token = token_at(at);
    if (token == nullptr || token->kind == TokenKind::kWord || token->kind == TokenKind::kPath) {
      const bool id = std::any_of(chunk.begin(), chunk.end(), is_digit) &&
                      chunk.find('-') != std::string_view::npos && is_upper(chunk[0]);
      return id ? end : 0;
    }
    const bool alone = token->end >= end || (end - token->end == 1 && !is_letter(peek(end - 1)));
    const bool ids = std::none_of(chunk.begin(), chunk.end(), is_lower);
    return alone || ids ? end : 0;
  }

  // Parts up to a severity, and then up to the message; 0 when there is no severity.
  std::size_t levels(std::size_t at) {
    std::size_t words = 0;
    for (int parts = 0; parts < 10; ++parts) {
      at = skip_blanks(at);
      if (const std::size_t end = severity(at)) return behind_severity(end);
      std::size_t end = filler(at);
      if (end == 0) {
        end = chunk_end(at);
        if (end == at || ++words > 5) return 0;
        const std::string_view chunk = sub(at, end);
        if (!std::all_of(chunk.begin(), chunk.end(), is_name_char)) return 0;
        const bool capitals = std::none_of(chunk.begin(), chunk.end(), is_lower);
        if (!capitals && words > 1) return 0;
      }
      at = end;
    }
    return 0;
  }

  // A severity at `at`, in brackets or not. Returns where it ends.
  std::size_t severity(std::size_t at) {
    std::size_t begin = at;
    const char open = peek(at);
    const bool bracket = open == '[' || open == '(' || open == '<';
    if (bracket) ++begin;
    if (open == '[') begin = behind_module(begin);
    std::size_t end = begin;
    while (is_letter(peek(end))) ++end;
    std::size_t close = end;
    if (bracket) {
      close = skip_blanks(close);
      const char expected = open == '[' ? ']' : open == '(' ? ')' : '>';
      if (peek(close) != expected) return 0;
      ++close;
    }
    const bool colon = peek(close) == ':';
    const std::string_view word = sub(begin, end);
    const bool columns = is_blank(peek(end)) && is_blank(peek(end + 1));
    bool found = is_severity(word, bracket || colon || columns);
    // One letter behind numbers: "1702  1820 I Tag: ".
    if (!found && word.size() == 1 && at > 1 && is_digit(text_[skip_back(at)]))
      found = letter_severity_ = std::string_view("VDIWEFA").find(word[0]) != std::string_view::npos;
    const bool ends = colon || is_blank(peek(close)) || peek(close) == '[' || close >= text_.size();
    if (!found || !ends) return 0;
    set(line_.severity, begin, end);
    if (begin > at + 1 && bracket && line_.program.empty()) set(line_.program, at + 1, begin - 1);
    return close + (colon ? 1 : 0);
  }

  // "[core:notice]": where the severity begins; `at` when no module stands before it.
  std::size_t behind_module(std::size_t at) const {
    std::size_t end = at;
    while (is_lower(peek(end)) || is_digit(peek(end)) || peek(end) == '_') ++end;
    std::size_t close = end + 1;
    while (is_letter(peek(close))) ++close;
    const bool module = end > at && peek(end) == ':' && peek(close) == ']' && is_severity(sub(end + 1, close), true);
    return module ? end + 1 : at;
  }

  std::size_t skip_back(std::size_t at) const {
    while (at > 1 && is_blank(text_[at - 1])) --at;
    return at - 1;
  }

  // Thread, logger, place: "[main] org.x.Y: ", "gate.go:7] ", "CBS    ".
  std::size_t behind_severity(std::size_t at) {
    std::size_t start = skip_blanks(at);
    while (const std::size_t end = filler(start)) {
      if (end >= text_.size()) break;
      at = end;
      start = skip_blanks(at);
    }
    return named(start, at);
  }

  // The name of what wrote the record, marked as one: "Name: ", "a.b.Name [..] ", "name - ", "NAME    ",
  // "a.b.Name#43 ".
  std::size_t named(std::size_t at, std::size_t before) {
    if (const std::size_t end = tag(at, true)) return end;
    std::size_t end = at;
    while (is_name_char(peek(end))) ++end;
    if (end == at) return before;
    std::size_t next = skip_blanks(end);
    if (peek(next) == '*' && is_digit(peek(next + 1))) next = skip_blanks(chunk_end(next));
    const bool dashed = peek(next) == '-' && is_blank(peek(next + 1)) && next > end &&
                        !(separated_ && !line_.severity.empty());
    const bool grouped = peek(next) == '[' && next > end && sub(at, end).find('.') != std::string_view::npos;
    const bool column = next > end + 2 && !line_.severity.empty() && next - end >= 2 && is_upper(peek(at));
    // "INFO<TAB>controller<TAB>message"
    const bool tabbed = peek(end) == '\t' && before < at && peek(at - 1) == '\t' && !line_.severity.empty();
    const std::size_t numbered = tabbed ? end : line_number_end(end);
    if (!dashed && !grouped && !column && numbered == 0) return before;
    set(line_.program, at, end);
    if (numbered != 0) return numbered;
    if (dashed) return next + 1;
    if (column) return end;
    const std::size_t group = group_end(next);
    return group != 0 ? group : end;
  }

  // "a.b.Name#43 message": where the number ends, 0 when there is none.
  std::size_t line_number_end(std::size_t at) const {
    if (peek(at) != '#' || line_.severity.empty()) return 0;
    std::size_t end = at + 1;
    while (is_digit(peek(end))) ++end;
    return end > at + 1 && is_blank(peek(end)) ? end : 0;
  }

  // "09:50:41", "[09:50:41]": a clock that names no day is no time of a record, but of its head all the same.
  std::size_t behind_clock(std::size_t at) {
    const bool bracket = peek(at) == '[' || peek(at) == '(';
    const Token* const token = token_at(at + (bracket ? 1 : 0));
    if (token == nullptr || token->kind != TokenKind::kTime) return at;
    return token->end + (bracket && (peek(token->end) == ']' || peek(token->end) == ')') ? 1 : 0);
  }

  // A line without a time may begin with a severity: "ERROR: x", "[warn] x", "INFO:name:x".
  std::size_t lone_severity() {
    const std::size_t end = severity(skip_blanks(behind_clock(skip_blanks(0))));
    return end == 0 ? 0 : behind_severity(end);
  }

  ScannedLine& line_;
  std::string_view text_;
  std::size_t next_token_ = 0;
  bool letter_severity_ = false;
  bool separated_ = false;  // a dash or the like was passed
};

}  // namespace

void find_head(ScannedLine& line) {
  HeadFinder(line).run();
}

}  // namespace silt::fold
