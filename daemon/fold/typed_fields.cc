#include "daemon/fold/typed_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>

#include "daemon/fold/severity.h"
#include "daemon/fold/units.h"

namespace silt::fold {
namespace {

using std::string_view;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c | 32) >= 'a' && (c | 32) <= 'z';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
}

bool equals_lower(string_view text, string_view lowered) {
  return text.size() == lowered.size() &&
         std::equal(text.begin(), text.end(), lowered.begin(), [](char a, char b) { return lower(a) == b; });
}
bool is_one_of(string_view text, std::initializer_list<string_view> lowered) {
  return std::any_of(lowered.begin(), lowered.end(),
                     [&](string_view one) { return equals_lower(text, one); });
}

// The last part of a name: "durationMs" and "http.request.took_ms" end with "ms".
string_view last_part(string_view name) {
  std::size_t begin = name.size();
  while (begin > 0 && is_letter(name[begin - 1])) {
    --begin;
    const bool hump = begin > 0 && name[begin] < 'a' && name[begin - 1] >= 'a';
    if (hump) break;
  }
  return name.substr(begin);
}

bool is_integer(string_view value) {
  if (!value.empty() && (value[0] == '-' || value[0] == '+')) value.remove_prefix(1);
  return !value.empty() && value.size() <= 20 && std::all_of(value.begin(), value.end(), is_digit);
}

std::optional<double> number_of(string_view value) {
  double number = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool whole = failed == std::errc() && end == value.data() + value.size();
  return whole ? std::optional(number) : std::nullopt;
}

bool is_decimal(string_view value) {
  return !value.empty() && !is_letter(value[0]) && number_of(value).has_value();
}

// Numbers each with a unit behind it, added up: "1h2m3.5s", "64 KB". Nothing when it is no such text.
std::optional<double> sum_of(string_view value, Measure measure) {
  double sum = 0;
  std::size_t at = 0;
  while (at < value.size()) {
    std::size_t end = at;
    while (end < value.size() &&
           (is_digit(value[end]) || value[end] == '.' || (end == at && value[end] == '-')))
      ++end;
    const auto number = number_of(value.substr(at, end - at));
    const std::size_t unit = end < value.size() && value[end] == ' ' ? end + 1 : end;
    std::size_t unit_end = unit;
    while (unit_end < value.size() && !is_digit(value[unit_end]) && value[unit_end] != ' ') ++unit_end;
    const auto known = read_unit(value.substr(unit, unit_end - unit), measure);
    if (!number || !known) return std::nullopt;
    sum += *number * known->factor;
    at = unit_end < value.size() && value[unit_end] == ' ' ? unit_end + 1 : unit_end;
  }
  return value.empty() ? std::nullopt : std::optional(sum);
}

// The unit that a bare number has by its name: "took_ms", "durationMs". Alone, "ms" and "s" say too little.
string_view unit_in(string_view name, Measure measure) {
  const string_view part = last_part(name);
  const bool says = part.size() < name.size() && part.size() >= 2 && read_unit(part, measure);
  return says ? part : string_view();
}

bool is_name(string_view value) {
  const auto fits = [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_' || c == '$' || c == '@' ||
           c == '\\' || static_cast<unsigned char>(c) >= 0x80;
  };
  return !value.empty() && std::all_of(value.begin(), value.end(), fits);
}

FieldType type_of_number(string_view name, string_view value) {
  const bool status = value.size() == 3 && value[0] >= '1' && value[0] <= '5' && is_integer(value);
  if (status && is_one_of(last_part(name), {"status", "code", "sc"})) return FieldType::kStatus;
  if (!unit_in(name, Measure::kTime).empty()) return FieldType::kDuration;
  if (is_one_of(last_part(name), {"bytes", "size"}) && value[0] != '-') return FieldType::kSize;
  return is_integer(value) ? FieldType::kInteger : FieldType::kDecimal;
}

FieldType type_of_word(string_view name, string_view value) {
  const string_view part = last_part(name);
  if (value.size() > 1 && value[0] == '/' && value.find(' ') == string_view::npos) return FieldType::kPath;
  if (!is_name(value)) return FieldType::kText;
  if (is_one_of(part, {"user", "username", "login", "account", "ruser", "owner", "principal"}))
    return FieldType::kUser;
  if (is_one_of(part, {"host", "hostname", "rhost", "node", "server", "instance", "peer"}))
    return FieldType::kHost;
  return FieldType::kText;
}

// Places of a line's fields, none over another.
class Collector {
 public:
  Collector(const ScannedLine& line, std::vector<TypedField>& out)
      : line_(line), text_(line.text), out_(out) {}

  void run(const std::vector<Field>& keyed, const std::vector<JsonField>& scalars) {
    head();
    access_log();
    placed_ = out_.size();
    for (const Field& field : keyed) named(field.name, field.begin, long_end(field));
    for (const JsonField& field : scalars) named(field.path, field.begin, field.end);
    std::sort(out_.begin(), out_.end(),
              [](const TypedField& a, const TypedField& b) { return a.begin < b.begin; });
  }

 private:
  bool free_of(std::size_t count, std::size_t begin, std::size_t end) const {
    return std::none_of(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(count),
                        [&](const TypedField& field) { return begin < field.end && end > field.begin; });
  }

  void add(string_view name, std::size_t begin, std::size_t end, FieldType type, bool head = false) {
    if (begin < end && out_.size() < kMaxFields)
      out_.push_back({name, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), type,
                      kind_of(begin, end), head});
  }

  TokenKind kind_of(std::size_t begin, std::size_t end) const {
    const auto token = std::lower_bound(line_.tokens.begin(), line_.tokens.end(), begin,
                                        [](const Token& one, std::size_t at) { return one.begin < at; });
    const bool one = token != line_.tokens.end() && token->begin == begin && token->end == end;
    return one ? token->kind : TokenKind::kWord;
  }

  // By a key, a path or the wording.
  void named(string_view name, std::size_t begin, std::size_t end) {
    while (end > begin + 1 && (text_[end - 1] == '.' || text_[end - 1] == ':')) --end;  // of the sentence
    const string_view value = text_.substr(begin, end - begin);
    if (begin < taken_ || !free_of(placed_, begin, end)) return;
    taken_ = end;
    if (names_severity(name) && !severity_of(value).empty()) return add("severity", begin, end, FieldType::kText);
    add(name, begin, end, field_type_of(name, value, kind_of(begin, end)));
  }

  // The value of "COMMAND=", "error=" and their like goes on over blanks, if no key follows.
  std::size_t long_end(const Field& field) const {
    const string_view rest = text_.substr(field.end, line_.first_line - std::min(line_.first_line, field.end));
    const bool goes_on = rest.starts_with(' ') && rest.find('=') == string_view::npos &&
                         is_one_of(field.name, {"command", "cmd", "cmdline", "exec", "reason", "error"});
    return goes_on ? std::size_t{line_.first_line} : field.end;
  }

  void head() {
    if (line_.time) add("time", line_.time->begin, line_.time->end, FieldType::kTime, true);
    add("severity", line_.severity.begin, line_.severity.end, FieldType::kText, true);
    const string_view host = text_.substr(line_.host.begin, line_.host.end - line_.host.begin);
    const bool address =
        !host.empty() && is_digit(host[0]) && host.find_first_not_of("0123456789.") == string_view::npos;
    add("host", line_.host.begin, line_.host.end, address ? FieldType::kIp : FieldType::kHost, true);
    add(is_component() ? "component" : "program", line_.program.begin, line_.program.end, FieldType::kText, true);
    process();
    thread();
    if (line_.program.empty()) trailing_component();
  }

  // A part of the program that writes the log, such as a logger, and no program of a host.
  bool is_component() const {
    const bool piped = line_.program.begin > 0 && text_[line_.program.begin - 1] == '|';
    return piped || (line_.host.empty() && !line_.severity.empty());
  }

  // "INFO message (kafka.log.Log)"
  void trailing_component() {
    const string_view line = text_.substr(0, line_.first_line);
    if (line_.severity.empty() || !line.ends_with(')')) return;
    const std::size_t open = line.rfind(" (");
    if (open == string_view::npos || open < line_.message) return;
    const string_view name = line.substr(open + 2, line.size() - open - 3);
    const bool part = name.find('.') != string_view::npos && name.find_first_of(" =/(") == string_view::npos;
    if (part && std::any_of(name.begin(), name.end(), is_letter))
      add("component", open + 2, line.size() - 1, FieldType::kText, true);
  }

  // "sshd[412]:", behind the program.
  void process() {
    const std::size_t open = line_.program.end;
    if (line_.program.empty() || open >= line_.message || text_[open] != '[') return;
    const std::size_t close = text_.find(']', open);
    if (close != string_view::npos && is_integer(text_.substr(open + 1, close - open - 1)))
      add("pid", open + 1, close, FieldType::kInteger, true);
  }

  // "[main]", "[http-nio-8080-exec-1]": between the time and the message, and nothing that is known.
  void thread() {
    if (!line_.time || line_.severity.empty() || line_.severity.end - line_.severity.begin == 1) return;
    for (std::size_t open = text_.find('[', line_.time->end); open < line_.message;
         open = text_.find('[', open + 1)) {
      const std::size_t close = text_.find(']', open);
      if (close == string_view::npos || close > line_.message) return;
      const std::size_t begin = std::min(text_.find_first_not_of(' ', open + 1), close);
      const string_view inside = text_.substr(begin, close - begin);
      const bool named = std::any_of(inside.begin(), inside.end(), is_letter);
      const bool list = inside.find(' ') != string_view::npos && inside.find(':') != string_view::npos;
      if (!named || list || inside.find('=') != string_view::npos || !free_of(out_.size(), begin, close)) continue;
      const bool part = line_.program.empty() && inside.find('.') != string_view::npos &&
                        inside.find_first_of(" :@/") == string_view::npos;
      return add(part ? "component" : "thread", begin, close, FieldType::kText, true);
    }
  }

  // CLIENT IDENT USER [TIME] "METHOD PATH PROTOCOL" STATUS BYTES, and "REFERER" "AGENT" behind it.
  void access_log() {
    if (!line_.time || line_.json) return;
    std::size_t at = line_.time->end;
    const std::size_t open = line_.time->begin;
    if (open == 0 || text_[open - 1] != '[' || !text_.substr(at).starts_with("] \"")) return;
    if (!before_time(text_.substr(0, open - 1))) return;
    at += 3;
    const std::size_t close = quoted_end(at);
    request(at, close);
    at = std::min(close + 2, text_.size());
    const std::size_t status_end = word_end(at);
    if (status_end == text_.size() || !is_integer(text_.substr(at, status_end - at))) return;
    add("status", at, status_end, FieldType::kStatus);
    const std::size_t bytes_end = word_end(status_end + 1);
    if (is_integer(text_.substr(status_end + 1, bytes_end - status_end - 1)))
      add("bytes", status_end + 1, bytes_end, FieldType::kSize);
    at = quoted("referrer", bytes_end + 1, FieldType::kUrl);
    if (at != 0) quoted("agent", at, FieldType::kText);
  }

  // The words before the time: a virtual host's name may come before the three.
  bool before_time(string_view head) {
    std::array<std::size_t, 5> begins{};
    std::array<std::size_t, 5> ends{};
    std::size_t words = 0, at = 0;
    while ((at = head.find_first_not_of(' ', at)) != string_view::npos) {
      if (words == begins.size()) return false;
      begins[words] = at;
      at = ends[words++] = std::min(head.find(' ', at), head.size());
    }
    if (words != 3 && words != 4) return false;
    const std::size_t client = words - 3, user = words - 1;
    const string_view who = head.substr(begins[client], ends[client] - begins[client]);
    const bool address = is_digit(who[0]) || who.find(':') != string_view::npos;
    drop("host");
    drop("program");
    drop("component");
    if (words == 4) add("vhost", begins[0], ends[0], FieldType::kHost);
    add("client", begins[client], ends[client], address ? FieldType::kIp : FieldType::kHost);
    if (head.substr(begins[user], ends[user] - begins[user]) != "-")
      add("user", begins[user], ends[user], FieldType::kUser);
    return true;
  }

  void drop(string_view name) {
    std::erase_if(out_, [&](const TypedField& field) { return field.name == name; });
  }

  void request(std::size_t begin, std::size_t end) {
    const std::size_t method_end = std::min(text_.find(' ', begin), end);
    const bool method =
        method_end > begin && std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                                          text_.begin() + static_cast<std::ptrdiff_t>(method_end),
                                          [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!method || method_end == end) return;
    add("method", begin, method_end, FieldType::kText);
    const string_view rest = text_.substr(method_end + 1, end - method_end - 1);
    const std::size_t space = rest.rfind(" HTTP/");
    const std::size_t path_end = space == string_view::npos ? end : method_end + 1 + space;
    const bool url = rest.starts_with("http://") || rest.starts_with("https://");
    add("path", method_end + 1, path_end, url ? FieldType::kUrl : FieldType::kPath);
    if (path_end < end) add("protocol", path_end + 1, end, FieldType::kText);
  }

  std::size_t word_end(std::size_t at) const {
    return std::min(text_.find_first_of(" \r\n", std::min(at, text_.size())), text_.size());
  }

  // Of a quoted text that begins at `at`: where its closing quote is.
  std::size_t quoted_end(std::size_t at) const {
    while (at < text_.size() && text_[at] != '"') at += text_[at] == '\\' ? 2 : 1;
    return std::min(at, text_.size());
  }

  // Adds the quoted text at `at`; returns where the next may begin, 0 when there is none here.
  std::size_t quoted(string_view name, std::size_t at, FieldType type) {
    if (at >= text_.size() || text_[at] != '"') return 0;
    const std::size_t end = quoted_end(at + 1);
    if (text_.substr(at + 1, end - at - 1) != "-") add(name, at + 1, end, type);
    return end + 2;
  }

  const ScannedLine& line_;
  string_view text_;
  std::vector<TypedField>& out_;
  std::size_t placed_ = 0;  // fields of head and shape
  std::size_t taken_ = 0;   // where the last named field ends
};

// Where the JSON object that ends the line begins: at its start, or behind a head; npos: there is none.
std::size_t object_in(const ScannedLine& line) {
  if (line.text.size() > kMaxScanBytes || !line.text.ends_with('}')) return string_view::npos;
  if (line.json) return line.text.find('{');
  return std::min(line.text.find("{\""), line.text.find("{ \""));
}

}  // namespace

std::string_view field_type_name(FieldType type) {
  constexpr std::array<string_view, kFieldTypes> kNames = {
      "text", "integer", "decimal", "duration", "size", "percent", "ip",    "host",
      "user", "path",    "url",     "uuid",     "hex",  "time",    "status"};
  return kNames[static_cast<std::size_t>(type)];
}

FieldType field_type_of(std::string_view name, std::string_view value, TokenKind kind) {
  switch (kind) {
    case TokenKind::kUuid: return FieldType::kUuid;
    case TokenKind::kIp: return FieldType::kIp;
    case TokenKind::kPath: return FieldType::kPath;
    case TokenKind::kUrl: return FieldType::kUrl;
    case TokenKind::kTime: return FieldType::kTime;
    case TokenKind::kHex: return FieldType::kHex;
    case TokenKind::kDuration: return FieldType::kDuration;
    case TokenKind::kSize: return FieldType::kSize;
    default: break;
  }
  if (value.empty()) return FieldType::kText;
  if (is_integer(value) || is_decimal(value)) return type_of_number(name, value);
  if (value.back() == '%' && is_decimal(value.substr(0, value.size() - 1))) return FieldType::kPercent;
  if (is_digit(value[0]) || value[0] == '-') {
    const bool size_named = is_one_of(last_part(name), {"size", "bytes", "mem", "memory", "rss", "heap"});
    if (!size_named && sum_of(value, Measure::kTime)) return FieldType::kDuration;
    if (sum_of(value, Measure::kBytes)) return FieldType::kSize;
    if (find_timestamp(value)) return FieldType::kTime;
  }
  return type_of_word(name, value);
}

std::optional<double> measure_of(std::string_view name, std::string_view value, FieldType type) {
  switch (type) {
    case FieldType::kInteger:
    case FieldType::kDecimal:
    case FieldType::kStatus: return number_of(value);
    case FieldType::kPercent:
      return value.empty() ? std::nullopt : number_of(value.substr(0, value.size() - 1));
    case FieldType::kDuration: {
      const auto bare = number_of(value);
      if (!bare) return sum_of(value, Measure::kTime);
      const auto unit = read_unit(unit_in(name, Measure::kTime), Measure::kTime);
      return *bare * (unit ? unit->factor : 1);
    }
    case FieldType::kSize: {
      const auto bare = number_of(value);
      return bare ? bare : sum_of(value, Measure::kBytes);
    }
    default: return std::nullopt;
  }
}

std::string_view unit_of(std::string_view name, std::string_view value, FieldType type) {
  if (type == FieldType::kPercent) return "%";
  if (type != FieldType::kDuration && type != FieldType::kSize) return {};
  const std::size_t begin = value.find_first_not_of("+-.0123456789 ");
  if (begin == std::string_view::npos)
    return type == FieldType::kSize ? std::string_view("bytes") : unit_in(name, Measure::kTime);
  return value.substr(begin, value.find_first_of("+-.0123456789 ", begin) - begin);
}

std::span<const TypedField> FieldReader::read(const ScannedLine& line) {
  fields_.clear();
  const std::size_t object = object_in(line);
  const bool json = object != std::string_view::npos && json_.read(line.text, object, kMaxFields, scalars_);
  if (json) keyed_.clear();
  else {
    scalars_.clear();
    fields_of(line, keyed_);
  }
  Collector(line, fields_).run(keyed_, scalars_);
  return fields_;
}

}  // namespace silt::fold
