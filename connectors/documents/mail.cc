#include "connectors/documents/mail.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <map>

#include "base/digest.h"
#include "connectors/documents/html_text.h"

namespace silt::connectors {
namespace {

constexpr int kPartDepthMax = 8;
constexpr std::size_t kHeadersMax = 500;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

std::string base64_decoded(std::string_view text) {
  std::string out;
  unsigned bits = 0, have = 0;
  for (const char c : text) {
    const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (value < 0) continue;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffffff;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out += static_cast<char>(bits >> have & 0xff);
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// `word`: within a header, where _ is a blank.
std::string quoted_printable_decoded(std::string_view text, bool word) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += word && text[i] == '_' ? ' ' : text[i];
    } else if (i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {  // a line end that is none
      while (i + 1 < text.size() && (text[i + 1] == '\r' || text[i + 1] == ' ')) ++i;
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    }
  }
  return out;
}

// Latin-1 and its kin as UTF-8; whatever else is left as it is.
std::string as_utf8(std::string text, std::string_view charset) {
  const std::string name = lower(charset);
  if (name != "iso-8859-1" && name != "windows-1252" && name != "latin1" && name != "iso-8859-15") return text;
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) out += c;
    else out += {static_cast<char>(0xc0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3f))};
  }
  return out;
}

// "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=" in a header.
std::string words_decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t begin = text.find("=?");
    const std::size_t charset_end = begin == std::string_view::npos ? begin : text.find('?', begin + 2);
    const std::size_t end = charset_end == std::string_view::npos ? charset_end : text.find("?=", charset_end + 3);
    if (end == std::string_view::npos || charset_end + 2 >= text.size() || text[charset_end + 2] != '?') break;
    const std::string_view before = text.substr(0, begin);
    if (out.empty() || !trimmed(before).empty()) out += before;
    const std::string_view data = text.substr(charset_end + 3, end - charset_end - 3);
    const bool base64 = (text[charset_end + 1] | 0x20) == 'b';
    out += as_utf8(base64 ? base64_decoded(data) : quoted_printable_decoded(data, true), text.substr(begin + 2, charset_end - begin - 2));
    text = text.substr(end + 2);
  }
  return out + std::string(text);
}

using Headers = std::map<std::string, std::string>;  // the first of each; folded lines joined

Headers headers_of(std::string_view message, std::string_view& body) {
  Headers out;
  std::string* last = nullptr;
  while (!message.empty()) {
    const std::size_t end = message.find('\n');
    std::string_view line = message.substr(0, end);
    message = end == std::string_view::npos ? std::string_view() : message.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      if (last != nullptr) *last += " " + std::string(trimmed(line));
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || out.size() >= kHeadersMax) continue;
    const auto [at, is_new] = out.emplace(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
    last = is_new ? &at->second : nullptr;
  }
  body = message;
  return out;
}

std::string header(const Headers& headers, const std::string& name) {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

// Of `text/plain; charset="utf-8"`: the charset.
std::string parameter(const std::string& value, std::string_view name) {
  const std::string lowered = lower(value);
  std::size_t at = 0;
  while ((at = lowered.find(name, at)) != std::string::npos) {
    const std::size_t begin = at + name.size() + 1;
    const bool is_name = at > 0 && (lowered[at - 1] == ' ' || lowered[at - 1] == ';') && begin <= value.size() && lowered[begin - 1] == '=';
    at = begin;
    if (!is_name) continue;
    if (begin < value.size() && value[begin] == '"') return value.substr(begin + 1, value.find('"', begin + 1) - begin - 1);
    return value.substr(begin, value.find_first_of("; \t", begin) - begin);
  }
  return {};
}

void add_part(const Headers& headers, std::string_view body, int depth, bool skip_html, Mail& out);

void add_parts(std::string_view body, const std::string& boundary, bool alternative, int depth, Mail& out) {
  const std::string mark = "--" + boundary;
  std::vector<std::pair<Headers, std::string_view>> parts;
  std::size_t at = body.find(mark);
  while (at != std::string_view::npos && !body.substr(at + mark.size()).starts_with("--") && parts.size() < 1000) {
    const std::size_t begin = body.find('\n', at);
    if (begin == std::string_view::npos) break;
    at = body.find("\n" + mark, begin);
    const std::string_view part = body.substr(begin + 1, at == std::string_view::npos ? at : at - begin);
    if (at != std::string_view::npos) ++at;
    std::string_view inner;
    Headers headers = headers_of(part, inner);
    parts.emplace_back(std::move(headers), inner);
  }
  const bool plain = std::any_of(parts.begin(), parts.end(), [](const auto& part) {
    const std::string type = lower(header(part.first, "content-type"));
    return type.empty() || type.starts_with("text/plain");
  });
  for (const auto& [headers, inner] : parts) {
    add_part(headers, inner, depth + 1, alternative && plain, out);
  }
}

void add_part(const Headers& headers, std::string_view body, int depth, bool skip_html, Mail& out) {
  const std::string content_type = header(headers, "content-type"), type = lower(content_type);
  std::string name = parameter(header(headers, "content-disposition"), "filename");
  if (name.empty()) name = parameter(content_type, "name");
  if (type.starts_with("multipart/")) {
    const std::string boundary = parameter(content_type, "boundary");
    if (depth < kPartDepthMax && !boundary.empty()) add_parts(body, boundary, type.starts_with("multipart/alternative"), depth, out);
    return;
  }
  if (!name.empty() || (!type.empty() && !type.starts_with("text/"))) {
    out.attachments.push_back(name.empty() ? type.substr(0, type.find(';')) : words_decoded(name));
    return;
  }
  const bool html = type.starts_with("text/html");
  if (html && skip_html) return;
  const std::string encoding = lower(header(headers, "content-transfer-encoding"));
  std::string text = encoding == "base64"             ? base64_decoded(body)
                     : encoding == "quoted-printable" ? quoted_printable_decoded(body, false)
                                                      : std::string(body);
  text = as_utf8(std::move(text), parameter(content_type, "charset"));
  if (html) text = html_text(text);
  if (!out.text.empty()) out.text += '\n';
  out.text += trimmed(text);
}

// "Mon, 30 Nov 2026 10:00:00 +0100"; 0: not told.
std::int64_t mail_time_us(std::string_view text) {
  using namespace std::chrono;
  static constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
  if (const std::size_t comma = text.find(','); comma != std::string_view::npos) text = text.substr(comma + 1);
  std::array<std::string, 5> words;
  std::size_t count = 0;
  for (std::size_t at = 0; count < words.size();) {
    at = text.find_first_not_of(" \t", at);
    if (at == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    words[count++] = lower(text.substr(at, end - at));
    at = end;
  }
  const auto number = [](std::string_view digits) {
    int out = -1;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return failed == std::errc() && end == digits.data() + digits.size() ? out : -1;
  };
  const auto named = std::find(kMonths.begin(), kMonths.end(), words[1].substr(0, 3));
  const std::string& clock = words[3];
  if (count < 4 || named == kMonths.end() || clock.size() < 5 || clock[2] != ':') return 0;
  const year_month_day date{year(number(words[2])), month(static_cast<unsigned>(named - kMonths.begin() + 1)), day(static_cast<unsigned>(std::max(0, number(words[0]))))};
  const int h = number(clock.substr(0, 2)), m = number(clock.substr(3, 2)), s = clock.size() >= 8 ? number(clock.substr(6, 2)) : 0;
  if (!date.ok() || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60) return 0;
  std::int64_t seconds = duration_cast<std::chrono::seconds>(sys_days(date).time_since_epoch()).count() + h * 3600 + m * 60 + s;
  const std::string& zone = words[4];
  const int offset = zone.size() == 5 ? number(zone.substr(1)) : 0;
  if (offset > 0) seconds -= (zone[0] == '-' ? -1 : 1) * (offset / 100 * 3600 + offset % 100 * 60);
  return seconds * 1'000'000;
}

// The first <...> of a list of ids; without brackets the whole.
std::string first_id(const std::string& value) {
  const std::size_t open = value.find('<'), close = value.find('>', open);
  if (open == std::string::npos || close == std::string::npos) return std::string(trimmed(value));
  return value.substr(open + 1, close - open - 1);
}

}  // namespace

Mail parse_mail(std::string_view message) {
  std::string_view body;
  const Headers headers = headers_of(message, body);
  Mail out;
  out.id = first_id(header(headers, "message-id"));
  if (out.id.empty()) out.id = digest_of(message).hex();
  out.thread = first_id(header(headers, "references"));
  if (out.thread.empty()) out.thread = first_id(header(headers, "in-reply-to"));
  if (out.thread.empty()) out.thread = out.id;
  out.subject = words_decoded(header(headers, "subject"));
  out.author = words_decoded(header(headers, "from"));
  out.at_us = mail_time_us(header(headers, "date"));
  add_part(headers, body, 0, false, out);
  return out;
}

bool is_mbox(std::string_view begin) {
  return begin.starts_with("From ");
}

std::vector<std::string_view> split_mbox(std::string_view mbox) {
  std::vector<std::string_view> out;
  std::size_t at = is_mbox(mbox) ? 0 : std::string_view::npos;
  while (at != std::string_view::npos) {
    const std::size_t begin = mbox.find('\n', at);
    if (begin == std::string_view::npos) break;
    const std::size_t next = mbox.find("\n\nFrom ", begin);
    out.push_back(mbox.substr(begin + 1, next == std::string_view::npos ? next : next - begin));
    at = next == std::string_view::npos ? next : next + 2;
  }
  return out;
}

}  // namespace silt::connectors
