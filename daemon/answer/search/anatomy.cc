#include "daemon/answer/search/anatomy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/answer/language/words.h"
#include "daemon/answer/search/quantity.h"
#include "daemon/store/attributes.h"

namespace silt::answer::search {
namespace {

using fold::Token;
using fold::TokenKind;
using language::lower;

constexpr std::array<std::pair<std::string_view, std::string_view>, 27> kSeverities = {{
    {"trace", "TRACE"},     {"verbose", "TRACE"}, {"debug", "DEBUG"},      {"dbg", "DEBUG"},
    {"info", "INFO"},       {"information", "INFO"}, {"informational", "INFO"}, {"notice", "NOTICE"},
    {"warn", "WARN"},       {"warning", "WARN"},  {"wrn", "WARN"},         {"err", "ERROR"},
    {"error", "ERROR"},     {"severe", "SEVERE"}, {"crit", "CRITICAL"},    {"critical", "CRITICAL"},
    {"fatal", "FATAL"},     {"alert", "ALERT"},   {"emerg", "EMERGENCY"},  {"emergency", "EMERGENCY"},
    {"panic", "PANIC"},     {"failure", "FAILURE"}, {"fine", "DEBUG"},     {"finer", "DEBUG"},
    {"finest", "TRACE"},    {"config", "INFO"},   {"log", "LOG"},
}};

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

// One-letter levels: "I0507 12:04:17" of klog, " D WindowManager:" of Android.
std::string_view letter_severity(char c) {
  switch (c) {
    case 'V': return "TRACE";
    case 'D': return "DEBUG";
    case 'I': return "INFO";
    case 'W': return "WARN";
    case 'E': return "ERROR";
    case 'F': return "FATAL";
    default: return {};
  }
}

bool is_camel_or_dotted(std::string_view word) {
  if (word.size() < 4) return false;
  bool inner = false;
  for (std::size_t i = 1; i < word.size(); ++i) {
    if (word[i] == '.' || word[i] == '_') inner = true;
    if (word[i] >= 'A' && word[i] <= 'Z' && word[i - 1] >= 'a' && word[i - 1] <= 'z') inner = true;
  }
  return inner;
}

}  // namespace

std::string_view severity_of(std::string_view word) {
  if (word.size() == 1) return letter_severity(word[0]);
  const std::string lowered = lower(word);
  for (const auto& [name, severity] : kSeverities) {
    if (name == lowered) return severity;
  }
  return {};
}

Layout find_layout(const std::vector<std::string_view>& first_lines) {
  Layout out;
  if (first_lines.empty()) return out;
  const std::string_view head = first_lines.front();
  const auto commas = std::count(head.begin(), head.end(), ',');
  const bool names = std::all_of(head.begin(), head.end(), [](char c) {
    return c == ',' || c == '_' || c == ' ' || c == '-' || c == '"' || (c >= '0' && c <= '9') ||
           ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  });
  if (commas >= 2 && names && head.find(", ") == std::string_view::npos) {
    out.kind = Layout::Kind::kCsv;
    std::size_t begin = 0;
    while (begin <= head.size()) {
      const std::size_t end = std::min(head.find(',', begin), head.size());
      out.columns.push_back(lower(head.substr(begin, end - begin)));
      begin = end + 1;
    }
    return out;
  }
  for (const std::string_view line : first_lines) {
    if (!line.starts_with("#fields\t")) continue;
    out.kind = Layout::Kind::kTsv;
    std::size_t begin = 8;
    while (begin <= line.size()) {
      const std::size_t end = std::min(line.find('\t', begin), line.size());
      out.columns.push_back(lower(line.substr(begin, end - begin)));
      begin = end + 1;
    }
    return out;
  }
  std::size_t access = 0, timed = 0, digits = 0, bytes = 0;
  fold::ScannedLine scanned;
  for (const std::string_view line : first_lines) {
    const std::size_t bracket = line.find(" [");
    const std::size_t quote = line.find("] \"");
    access += bracket != std::string_view::npos && quote != std::string_view::npos && bracket < quote;
    fold::scan_line(line, scanned);
    timed += scanned.time.has_value() || scanned.json;
    digits += static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) { return c >= '0' && c <= '9'; }));
    bytes += line.size();
  }
  if (access * 2 > first_lines.size()) out.kind = Layout::Kind::kAccess;
  else if (timed * 40 < first_lines.size() && digits * 25 < bytes) out.kind = Layout::Kind::kProse;
  return out;
}

void Anatomist::add(std::string_view name, std::size_t begin, std::size_t end, TokenKind kind, Role role) {
  if (end <= begin) return;
  Slot slot;
  slot.name = name;
  slot.begin = static_cast<std::uint32_t>(begin);
  slot.end = static_cast<std::uint32_t>(end);
  slot.kind = kind;
  slot.role = role;
  slots_.push_back(slot);
}

bool Anatomist::covered(std::uint32_t begin, std::uint32_t end) const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [&](const Slot& slot) { return begin < slot.end && end > slot.begin; });
}

const std::vector<Slot>& Anatomist::slots_of(std::string_view text, const Layout& layout, std::string_view attributes) {
  fold::scan_line(text, line_);
  slots_.clear();
  parts(layout);
  const auto of_text = static_cast<std::ptrdiff_t>(slots_.size());
  told(attributes);
  std::rotate(slots_.begin(), slots_.begin() + of_text, slots_.end());  // what was told is surer than what is read
  return slots_;
}

void Anatomist::told(std::string_view attributes) {
  if (attributes.empty()) return;
  const auto decoded = store::decode_attributes(attributes);
  if (!decoded.is_ok()) return;
  for (const store::Attribute& each : *decoded) {
    if (each.value.empty()) continue;
    Slot slot;
    slot.name = each.key;
    slot.role = Role::kNamed;
    slot.told = each.value;
    const bool number = each.value.find_first_not_of("0123456789.") == std::string_view::npos;
    slot.kind = number ? TokenKind::kNumber : TokenKind::kWord;
    slots_.push_back(slot);
  }
}

void Anatomist::parts(const Layout& layout) {
  header_end_ = line_.time && line_.time->begin < 40 ? line_.time->end : 0;
  if (layout.kind == Layout::Kind::kCsv || layout.kind == Layout::Kind::kTsv) {
    return columns(layout);
  }
  if (layout.kind == Layout::Kind::kAccess) {
    return access_fields();
  }
  if (layout.kind == Layout::Kind::kLines && !line_.json) header();
  keyed_fields();
  plain_tokens();
}

void Anatomist::header() {
  severity();
  program_and_host();
  component();
}

void Anatomist::severity() {
  const std::string_view text = line_.text;
  if (text.size() > 5 && text[1] >= '0' && text[1] <= '9' && !letter_severity(text[0]).empty()) {
    add("severity", 0, 1, TokenKind::kWord, Role::kHeader);
    return;
  }
  std::size_t seen = 0;
  for (const Token& token : line_.tokens) {
    if (++seen > 14) return;
    if (token.kind != TokenKind::kWord) continue;
    const std::string_view word = fold::text_of(text, token);
    const char before = token.begin > 0 ? text[token.begin - 1] : '\0';
    const char after = token.end < text.size() ? text[token.end] : '\0';
    if (word.size() == 1) {
      if (!letter_severity(word[0]).empty() && is_space(before) && is_space(after) && line_.time && seen > 1 && seen < 6 &&
          header_end_ != 0 && token.begin > header_end_) {
        add("severity", token.begin, token.end, TokenKind::kWord, Role::kHeader);
        return;
      }
      continue;
    }
    if (severity_of(word).empty()) continue;
    const bool upper = std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    const bool bracketed = (before == '[' && (after == ']' || after == ':')) || (before == '<' && after == '>');
    const bool keyed = before == '=' || before == '"';
    if (!(upper || bracketed) || keyed) continue;
    add("severity", token.begin, token.end, TokenKind::kWord, Role::kHeader);
    header_end_ = std::max(header_end_, token.end);
    return;
  }
}

// "Mar 27 13:06:56 host prog[123]: ...", "[10.30 16:49:06] chrome.exe - ..."
void Anatomist::program_and_host() {
  if (!line_.time || line_.time->begin > 6) return;
  const std::string_view text = line_.text;
  const std::size_t end_of_time = line_.time->end + (line_.time->end < text.size() && text[line_.time->end] == ']');
  const auto first = std::find_if(line_.tokens.begin(), line_.tokens.end(),
                                  [&](const Token& token) { return token.begin >= end_of_time; });
  if (first == line_.tokens.end()) return;
  const auto word_end = [&](std::size_t at) {
    while (at < text.size() && !is_space(text[at])) ++at;
    return at;
  };
  const std::size_t a = first->begin, a_end = word_end(a);
  if (a > end_of_time + 3) return;
  if (text.substr(a_end).starts_with(" - ") || text.substr(a_end).starts_with(" *64 - ")) {
    if (text.substr(a, a_end - a).find('.') != std::string_view::npos)
      add("program", a, a_end, TokenKind::kWord, Role::kHeader);
    return;
  }
  std::size_t b = a_end;
  while (b < text.size() && is_space(text[b])) ++b;
  const std::size_t b_end = word_end(b);
  std::string_view program = text.substr(b, b_end - b);
  if (!program.ends_with(':') || text[a_end - 1] == ':') return;
  const std::size_t stop = std::min({program.find('['), program.find('('), program.size() - 1});
  if (stop == 0 || covered(static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b_end))) return;
  add("host", a, a_end, TokenKind::kWord, Role::kHeader);
  add("program", b, b + stop, TokenKind::kWord, Role::kHeader);
  const std::size_t pid = program.rfind('[');
  if (pid != std::string_view::npos && program.ends_with("]:"))
    add("pid", b + pid + 1, b_end - 2, TokenKind::kNumber, Role::kHeader);
  header_end_ = static_cast<std::uint32_t>(b_end);
}

// "INFO dfs.DataNode$PacketResponder: ...", "|Step_LSC|", "... (kafka.log.Log)", "D WindowManager: ..."
void Anatomist::component() {
  const std::string_view text = line_.text;
  const auto* level = slots_.empty() || slots_.front().name != "severity" ? nullptr : &slots_.front();
  if (text.size() > 4 && text.back() == ')' && level != nullptr) {
    const std::size_t open = text.rfind(" (");
    const std::string_view inner = open == std::string_view::npos ? "" : text.substr(open + 2, text.size() - open - 3);
    if (is_camel_or_dotted(inner) && inner.find(' ') == std::string_view::npos) {
      add("component", open + 2, text.size() - 1, TokenKind::kWord, Role::kHeader);
      return;
    }
  }
  for (const Token& token : line_.tokens) {
    if (token.begin < header_end_) continue;
    if (token.begin > header_end_ + 90) return;
    if (token.kind != TokenKind::kWord && token.kind != TokenKind::kId) continue;
    const char before = token.begin > 0 ? text[token.begin - 1] : '\0';
    const char after = token.end < text.size() ? text[token.end] : '\0';
    const bool piped = before == '|' && after == '|';
    const bool named = level != nullptr && token.begin > level->begin && (after == ':' || after == '#') &&
                       (is_camel_or_dotted(fold::text_of(text, token)) || token.begin <= level->end + 2);
    if (!piped && !named) continue;
    if (!covered(token.begin, token.end)) add("component", token.begin, token.end, TokenKind::kWord, Role::kHeader);
    return;
  }
}

// host ident user [time] "METHOD path protocol" status bytes "referrer" "agent"
void Anatomist::access_fields() {
  const std::string_view text = line_.text;
  const std::size_t client = text.find(' ');
  const std::size_t quote = text.find("] \"");
  if (client == std::string_view::npos || quote == std::string_view::npos) return plain_tokens();
  add("client", 0, client, TokenKind::kIp, Role::kNamed);
  const std::size_t request = quote + 3;
  const std::size_t request_end = std::min(text.find("\" ", request), text.size());
  const std::size_t method = std::min(text.find(' ', request), request_end);
  add("method", request, method, TokenKind::kWord, Role::kNamed);
  const std::size_t path_end = std::min(text.rfind(' ', request_end), request_end);
  if (path_end > method + 1) add("path", method + 1, path_end, TokenKind::kPath, Role::kNamed);
  std::size_t at = request_end + 2;
  for (const std::string_view name : {"status", "bytes"}) {
    if (at >= text.size()) return;
    const std::size_t end = std::min(text.find(' ', at), text.size());
    add(name, at, end, TokenKind::kNumber, Role::kNamed);
    at = end + 1;
  }
  for (const std::string_view name : {"referrer", "agent"}) {
    if (at >= text.size() || text[at] != '"') return;
    const std::size_t end = std::min(text.find('"', at + 1), text.size());
    add(name, at + 1, end, TokenKind::kWord, Role::kNamed);
    at = end + 2;
  }
}

void Anatomist::columns(const Layout& layout) {
  const std::string_view text = line_.text;
  if (text.starts_with('#')) return;
  const char separator = layout.kind == Layout::Kind::kCsv ? ',' : '\t';
  std::size_t at = 0;
  for (const std::string& column : layout.columns) {
    if (at > text.size()) return;
    std::size_t begin = at, end = 0;
    if (separator == ',' && at < text.size() && text[at] == '"') {
      begin = at + 1;
      end = begin;
      while (end < text.size() && !(text[end] == '"' && (end + 1 >= text.size() || text[end + 1] == ','))) ++end;
      at = std::min(end + 2, text.size() + 1);
    } else {
      end = std::min(text.find(separator, at), text.size());
      at = end + 1;
    }
    TokenKind kind = TokenKind::kWord;
    for (const Token& token : line_.tokens) {
      if (token.begin == begin && token.end == end) kind = token.kind;
    }
    add(column, begin, end, kind, Role::kNamed);
  }
}

void Anatomist::keyed_fields() {
  fold::fields_of(line_, fields_);
  for (const fold::Field& field : fields_) {
    if (line_.time && field.begin <= line_.time->begin && field.end >= line_.time->end &&
        field.end - field.begin < 40)
      continue;
    if (covered(field.begin, field.end)) continue;
    std::string_view name = field.name;
    const std::string_view value = line_.text.substr(field.begin, field.end - field.begin);
    const std::string lowered = lower(name);
    if ((lowered == "level" || lowered == "lvl" || lowered == "severity" || lowered == "loglevel") &&
        !severity_of(value).empty())
      name = "severity";
    if (lowered == "host" && field.kind == TokenKind::kIp) name = "ip";  // "from 10.0.0.1"
    std::size_t end = field.end;
    while (end > field.begin + 1 && (line_.text[end - 1] == '.' || line_.text[end - 1] == ':')) --end;
    add(name, field.begin, end, field.kind, Role::kNamed);
  }
  long_values();
}

// The value of "COMMAND=", "error=" and their like goes on over blanks.
void Anatomist::long_values() {
  static constexpr std::array<std::string_view, 6> kLong = {"command", "cmd", "cmdline", "exec", "reason", "error"};
  if (line_.json) return;
  for (Slot& slot : slots_) {
    const std::string name = lower(slot.name);
    if (std::find(kLong.begin(), kLong.end(), name) == kLong.end()) continue;
    const std::string_view rest = line_.text.substr(slot.end);
    if (!rest.starts_with(' ') || rest.find('=') != std::string_view::npos) continue;
    slot.end = static_cast<std::uint32_t>(line_.text.size());
    slot.kind = TokenKind::kWord;
  }
}

void Anatomist::plain_tokens() {
  const std::string_view text = line_.text;
  std::string_view before, last;
  const std::size_t named = slots_.size();
  for (std::size_t i = 0; i < line_.tokens.size() && slots_.size() < 160; ++i) {
    const Token& token = line_.tokens[i];
    const std::string_view word = fold::text_of(text, token);
    const bool inside = std::any_of(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(named), [&](const Slot& slot) {
      const bool sentence = slot.end - slot.begin > 12 && text.substr(slot.begin, slot.end - slot.begin).find(' ') != std::string_view::npos;
      return token.begin < slot.end && token.end > slot.begin && !sentence;
    });
    const bool time = line_.time && token.begin == line_.time->begin;
    const bool unit = i > 0 && token.kind == TokenKind::kWord && line_.tokens[i - 1].kind == TokenKind::kNumber &&
                      token.begin <= line_.tokens[i - 1].end + 1 && read_unit(word).has_value();
    if (!inside && !time && !unit) {
      add(last, token.begin, token.end, token.kind, Role::kPlain);
      slots_.back().before = before;
      slots_.back().ordinal = static_cast<std::uint32_t>(i);
      if (i + 1 < line_.tokens.size() && line_.tokens[i + 1].kind == TokenKind::kWord &&
          line_.tokens[i + 1].begin <= token.end + 2)
        slots_.back().after = fold::text_of(text, line_.tokens[i + 1]);
    }
    if (token.kind == TokenKind::kWord && !token.has_digit) {
      before = last;
      last = word;
    } else if (token.kind == TokenKind::kTime) {
      last = {};
    }
  }
}

}  // namespace silt::answer::search
