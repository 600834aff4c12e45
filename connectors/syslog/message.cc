#include "connectors/syslog/message.h"

#include <algorithm>
#include <array>
#include <string>

#include "connectors/timestamp.h"

namespace silt::connectors {
namespace {

constexpr std::string_view kBom = "\xef\xbb\xbf";
constexpr int kPriorityMax = 191;
constexpr std::size_t kTagBytesMax = 48;  // 32 by RFC 3164; programs of systemd have longer names

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "<34>", taken from the front.
std::optional<int> take_priority(std::string_view& text) {
  const std::size_t end = text.find('>');
  if (text.empty() || text[0] != '<' || end == std::string_view::npos || end < 2 || end > 4) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(1, end - 1)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value > kPriorityMax) return std::nullopt;
  text.remove_prefix(end + 1);
  return value;
}

// The bytes before the next space, which goes too. False: there is no space.
bool take_word(std::string_view& text, std::string_view& word) {
  const std::size_t end = text.find(' ');
  if (end == std::string_view::npos) return false;
  word = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

std::string_view unless_nil(std::string_view word) {
  return word == "-" ? std::string_view() : word;
}

// A value up to its closing quote; escapes of quote, backslash and bracket become what they stand for.
bool take_value(std::string_view& text, Arena& arena, std::string_view& value) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      value = arena.copy(plain);
      text.remove_prefix(i + 1);
      return true;
    }
    const bool escaped = text[i] == '\\' && i + 1 < text.size() &&
                         (text[i + 1] == '"' || text[i + 1] == '\\' || text[i + 1] == ']');
    if (escaped) ++i;
    plain += text[i];
  }
  return false;
}

// "[id name="value" ...]", any number of them.
bool take_elements(std::string_view& text, Arena& arena, std::vector<Attribute>& data) {
  while (!text.empty() && text[0] == '[') {
    text.remove_prefix(1);
    const std::size_t id_end = text.find_first_of(" ]");
    if (id_end == std::string_view::npos || id_end == 0) return false;
    const std::string_view id = text.substr(0, id_end);
    text.remove_prefix(id_end);
    while (!text.empty() && text[0] == ' ') {
      text.remove_prefix(1);
      const std::size_t name_end = text.find("=\"");
      if (name_end == std::string_view::npos || text.substr(0, name_end).find_first_of(" ]\"") != std::string_view::npos) return false;
      const std::string key = std::string(id) + "." + std::string(text.substr(0, name_end));
      text.remove_prefix(name_end + 2);
      Attribute attribute{arena.copy(key), {}};
      if (!take_value(text, arena, attribute.value)) return false;
      data.push_back(attribute);
    }
    if (text.empty() || text[0] != ']') return false;
    text.remove_prefix(1);
  }
  return true;
}

// "-" or elements, and the space or the end behind them. What does not keep to the form is text.
void take_data(std::string_view& text, Arena& arena, std::vector<Attribute>& data) {
  const std::string_view before = text;
  bool taken = true;
  if (text.starts_with("-")) text.remove_prefix(1);
  else taken = text.starts_with("[") && take_elements(text, arena, data);
  if (taken && (text.empty() || text[0] == ' ')) return text.remove_prefix(text.empty() ? 0 : 1);
  text = before;
  data.clear();
}

// Behind "<34>1 ".
bool parse_5424(std::string_view text, Arena& arena, SyslogMessage& out) {
  std::string_view stamp, host, app, pid, message_id;
  for (std::string_view* const word : {&stamp, &host, &app, &pid, &message_id}) {
    if (!take_word(text, *word)) return false;
  }
  const auto told_us = parse_timestamp(stamp);
  if (stamp != "-" && !told_us) return false;
  out.told_us = told_us.value_or(0);
  out.host = unless_nil(host);
  out.app = unless_nil(app);
  out.pid = unless_nil(pid);
  out.message_id = unless_nil(message_id);
  take_data(text, arena, out.data);
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  if (text.starts_with(' ')) text.remove_prefix(1);  // rsyslog's messages begin with what stood behind their tag
  out.text = text;
  return true;
}

bool is_tag_letter(char c) {
  return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == '.' || c == '/' || c == '-' || c == '@' || c == '(' || c == ')';
}

// "sshd[123]: ", "kernel: ". False: the text begins with none, and stays.
bool take_tag(std::string_view& text, SyslogMessage& out) {
  std::size_t end = 0;
  while (end < text.size() && end <= kTagBytesMax && is_tag_letter(text[end])) ++end;
  if (end == 0 || end > kTagBytesMax || end == text.size()) return false;
  std::string_view rest = text.substr(end), pid;
  if (rest[0] == '[') {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos || close > 32) return false;
    pid = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
  }
  if (!rest.starts_with(":")) return false;
  out.app = text.substr(0, end);
  out.pid = pid;
  rest.remove_prefix(1);
  if (rest.starts_with(" ")) rest.remove_prefix(1);
  text = rest;
  return true;
}

void parse_3164(std::string_view text, std::int64_t now_us, const ZoneOffset& zone, SyslogMessage& out) {
  auto stamp = parse_bsd_stamp(text, now_us, zone);
  const std::string_view word = text.substr(0, text.find(' '));
  if (const auto us = parse_timestamp(word); us && !stamp) stamp = Stamp{*us, word.size()};  // what rsyslog forwards
  if (stamp && stamp->bytes < text.size() && text[stamp->bytes] != ' ' && text[stamp->bytes] != ':') stamp.reset();
  if (stamp) {
    out.told_us = stamp->us;
    text.remove_prefix(std::min(text.size(), stamp->bytes + (text.substr(stamp->bytes).starts_with(": ") ? 2 : 1)));
    std::string_view host;  // local senders leave it out
    std::string_view behind = text;
    if (!take_tag(text, out) && take_word(behind, host)) {
      out.host = host;
      text = behind;
      take_tag(text, out);
    }
  } else {
    take_tag(text, out);
  }
  out.text = text;
}

}  // namespace

SyslogMessage parse_syslog(std::string_view frame, std::int64_t now_us, const ZoneOffset& zone, Arena& arena) {
  while (!frame.empty() && (frame.back() == '\n' || frame.back() == '\r' || frame.back() == '\0')) frame.remove_suffix(1);
  SyslogMessage out;
  std::string_view text = frame;
  out.priority = take_priority(text);
  if (!out.priority) {
    out.text = frame;
    return out;
  }
  if (text.starts_with("1 ") && parse_5424(text.substr(2), arena, out)) return out;
  parse_3164(text, now_us, zone, out);
  return out;
}

std::string_view severity_name(int priority) {
  constexpr std::array<std::string_view, 8> kNames = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
  return priority < 0 ? std::string_view() : kNames[static_cast<std::size_t>(priority) % 8];
}

std::string_view facility_name(int priority) {
  constexpr std::array<std::string_view, 24> kNames = {
      "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
      "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"};
  return priority < 0 || priority > kPriorityMax ? std::string_view() : kNames[static_cast<std::size_t>(priority) / 8];
}

}  // namespace silt::connectors
