#include "daemon/fold/scanner.h"

#include <algorithm>
#include <array>

#include "daemon/fold/head.h"
#include "daemon/fold/visible_text.h"

namespace silt::fold {
namespace {

enum CharClass : std::uint8_t { kBreak, kDigitChar, kHexLetter, kLetter, kJoiner };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool hex = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
    classes[static_cast<std::size_t>(c)] = c >= '0' && c <= '9' ? kDigitChar
                                           : hex                ? kHexLetter
                                           : letter             ? kLetter
                                                                : kBreak;
  }
  for (const char c : {'.', '-', ':', '/', '@', '+', '%', '~', '$'})
    classes[static_cast<unsigned char>(c)] = kJoiner;
  return classes;
}
constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

CharClass class_of(char c) {
  return static_cast<CharClass>(kClasses[static_cast<unsigned char>(c)]);
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  const CharClass k = class_of(c);
  return k != kBreak && k != kJoiner;
}
bool is_hex(char c) {
  const CharClass k = class_of(c);
  return k == kDigitChar || k == kHexLetter;
}

// What an atom (a run of word characters and joiners) is made of.
struct Shape {
  std::uint32_t digits = 0;
  std::uint32_t hex_letters = 0;
  std::uint32_t letters = 0;  // that are not hex; '_' and non-ASCII too
  std::uint32_t dots = 0;
  std::uint32_t dashes = 0;
  std::uint32_t colons = 0;
  std::uint32_t slashes = 0;
  std::uint32_t ats = 0;
  std::uint32_t others = 0;

  std::uint32_t joiners() const { return dots + dashes + colons + slashes + ats + others; }
  Shape& operator+=(const Shape& more) {
    digits += more.digits;
    hex_letters += more.hex_letters;
    letters += more.letters;
    dots += more.dots;
    dashes += more.dashes;
    colons += more.colons;
    slashes += more.slashes;
    ats += more.ats;
    others += more.others;
    return *this;
  }
};

// The counts of a shape, each in a byte of a word: one addition per character. Good for 255 characters.
constexpr std::size_t kPackedMost = 255;

constexpr std::array<std::uint64_t, 256> make_packed() {
  std::array<std::uint64_t, 256> packed{};
  for (std::size_t c = 0; c < 256; ++c) {
    const unsigned field = kClasses[c] == kDigitChar   ? 0
                           : kClasses[c] == kHexLetter ? 1
                           : kClasses[c] == kLetter    ? 2
                           : c == '.'                  ? 3
                           : c == '-'                  ? 4
                           : c == ':'                  ? 5
                           : c == '/'                  ? 6
                           : c == '@'                  ? 7
                                                       : 8;
    packed[c] = field < 8 ? std::uint64_t{1} << (8 * field) : 0;
  }
  return packed;
}
constexpr std::array<std::uint64_t, 256> kPacked = make_packed();

std::uint64_t packed_of(char c) {
  return kPacked[static_cast<unsigned char>(c)];
}

Shape shape_of(std::uint64_t packed, std::size_t size) {
  const auto field = [&](unsigned i) { return static_cast<std::uint32_t>(packed >> (8 * i) & 0xff); };
  Shape shape{field(0), field(1), field(2), field(3), field(4), field(5), field(6), field(7), 0};
  shape.others =
      static_cast<std::uint32_t>(size) - shape.digits - shape.hex_letters - shape.letters - shape.joiners();
  return shape;
}

Shape shape_of(std::string_view atom) {
  Shape shape;
  for (; !atom.empty(); atom.remove_prefix(std::min(atom.size(), kPackedMost))) {
    const std::string_view part = atom.substr(0, kPackedMost);
    std::uint64_t packed = 0;
    for (const char c : part) packed += packed_of(c);
    shape += shape_of(packed, part.size());
  }
  return shape;
}

// Length of a dotted quad at the start of `text`, 0 if there is none.
std::size_t ipv4_size(std::string_view text) {
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    unsigned value = 0;
    std::size_t digits = 0;
    while (at + digits < text.size() && digits < 4 && is_digit(text[at + digits])) {
      value = value * 10 + static_cast<unsigned>(text[at + digits] - '0');
      ++digits;
    }
    if (digits == 0 || digits > 3 || value > 255) return 0;
    at += digits;
    if (part == 3) break;
    if (at >= text.size() || text[at] != '.') return 0;
    ++at;
  }
  // 1.2.3.4.5 and 1.2.3.4x are something else.
  if (at < text.size() &&
      (is_word(text[at]) || (text[at] == '.' && at + 1 < text.size() && is_digit(text[at + 1]))))
    return 0;
  return at;
}

// Length of ":8080" at the start of `text`, 0 if there is none.
std::size_t port_size(std::string_view text) {
  std::size_t at = 1;
  if (text.empty() || text[0] != ':') return 0;
  while (at < text.size() && at < 7 && is_digit(text[at])) ++at;
  if (at == 1 || at == 7 || (at < text.size() && is_word(text[at]))) return 0;
  return at;
}

// Length of an IPv6 address at the start of `text`: eight groups, or "::" once.
std::size_t ipv6_size(std::string_view text) {
  std::size_t at = 0;
  int groups = 0;
  bool gap = false;
  while (groups < 8 && at < text.size()) {
    std::size_t digits = 0;
    while (at + digits < text.size() && digits < 5 && is_hex(text[at + digits])) ++digits;
    if (digits > 4 || (at + digits < text.size() && class_of(text[at + digits]) == kLetter)) return 0;
    if (gap && digits > 0) {
      if (const std::size_t v4 = ipv4_size(text.substr(at))) return at + v4;
    }
    at += digits;
    if (digits > 0) ++groups;
    if (groups == 8) break;
    const bool colon = at < text.size() && text[at] == ':';
    const bool pair = colon && at + 1 < text.size() && text[at + 1] == ':';
    if (pair && !gap) {
      gap = true;
      at += 2;
    } else if (colon && digits > 0 && at + 1 < text.size() && is_hex(text[at + 1])) {
      ++at;
    } else {
      break;
    }
  }
  if (!(gap ? groups > 0 : groups == 8)) return 0;
  return at;
}

bool is_mac(std::string_view text) {
  if (text.size() != 17 || (text[2] != ':' && text[2] != '-')) return false;
  for (std::size_t i = 0; i < 17; ++i) {
    if (i % 3 == 2 ? text[i] != text[2] : !is_hex(text[i])) return false;
  }
  return true;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

// 20:54:35, 20:54:35.123, 20:54; what it is made of is known to be digits, dots and colons.
bool is_clock(std::string_view text) {
  const std::size_t hour = text.size() > 1 && text[1] == ':' ? 1 : 2;
  if (text.size() < hour + 3 || text[hour] != ':') return false;
  for (const std::size_t i : {std::size_t{0}, hour - 1, hour + 1, hour + 2}) {
    if (!is_digit(text[i])) return false;
  }
  if (text.size() == hour + 3) return true;
  if (text.size() < hour + 6 || text[hour + 3] != ':') return false;
  if (!is_digit(text[hour + 4]) || !is_digit(text[hour + 5])) return false;
  return text.size() == hour + 6 || text[hour + 6] == '.' || text[hour + 6] == ':';
}

// 2026-11-21, 2026/11/21: digits and separators are known to be all there is.
bool is_date(std::string_view text) {
  return text.size() == 10 && !is_digit(text[4]) && text[4] == text[7] && (text[0] == '1' || text[0] == '2');
}

enum class Unit { kNone, kDuration, kSize };

Unit unit_of(std::string_view unit) {
  constexpr std::array<std::string_view, 15> kDurations = {"ms",   "us",  "\xc2\xb5s", "\xce\xbcs", "ns",
                                                           "s",    "m",   "h",         "d",         "sec",
                                                           "secs", "min", "mins",      "msec",      "usec"};
  constexpr std::array<std::string_view, 18> kSizes = {"B",  "b",   "k",  "K",   "kB", "KB",
                                                       "kb", "KiB", "M",  "MB",  "mb", "MiB",
                                                       "G",  "GB",  "gb", "GiB", "TB", "bytes"};
  if (std::find(kDurations.begin(), kDurations.end(), unit) != kDurations.end()) return Unit::kDuration;
  if (std::find(kSizes.begin(), kSizes.end(), unit) != kSizes.end()) return Unit::kSize;
  return Unit::kNone;
}

// "12ms", "1.5GiB", "1h2m3.5s": numbers each followed by a unit, all of one sort.
Unit quantity_of(std::string_view text) {
  Unit sort = Unit::kNone;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t digits = 0;
    while (at + digits < text.size() && (is_digit(text[at + digits]) || text[at + digits] == '.')) ++digits;
    if (digits == 0) return Unit::kNone;
    at += digits;
    std::size_t letters = 0;
    while (at + letters < text.size() && !is_digit(text[at + letters])) ++letters;
    const Unit unit = unit_of(text.substr(at, letters));
    if (unit == Unit::kNone || (sort != Unit::kNone && (unit != sort || unit == Unit::kSize)))
      return Unit::kNone;
    sort = unit;
    at += letters;
  }
  return sort;
}

bool digit_group_after_mark(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (is_digit(text[i]) && (text[i - 1] == '_' || text[i - 1] == '-')) return true;
  }
  return false;
}

// The kind of an atom without ':', '/' and '@'.
TokenKind plain_kind(std::string_view text, const Shape& shape) {
  if (shape.digits == 0) {
    const bool mask = shape.letters + shape.joiners() == 0 && (text.size() == 8 || text.size() == 16);
    return mask ? TokenKind::kHex : TokenKind::kWord;  // ffffffff
  }
  if (shape.hex_letters + shape.letters == 0) {
    if (shape.dots == 3 && shape.joiners() == 3 && ipv4_size(text) == text.size()) return TokenKind::kIp;
    if (shape.dashes == 2 && is_date(text)) return TokenKind::kTime;
    const bool inner_dash = shape.dashes > (text[0] == '-' ? 1u : 0u);
    return inner_dash && shape.digits >= 6 ? TokenKind::kId : TokenKind::kNumber;
  }
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') &&
      std::all_of(text.begin() + 2, text.end(), is_hex))
    return TokenKind::kHex;
  if (shape.letters == 0 && shape.joiners() == 0 && text.size() >= 6) return TokenKind::kHex;
  if (shape.letters == 0 && shape.dashes == 4 && is_uuid(text)) return TokenKind::kUuid;
  if (shape.letters == 0 && shape.dashes == 5 && is_mac(text)) return TokenKind::kMac;
  if (is_digit(text[0]) && shape.dashes == 0) {
    const Unit unit = quantity_of(text);
    if (unit != Unit::kNone) return unit == Unit::kDuration ? TokenKind::kDuration : TokenKind::kSize;
  }
  return shape.digits >= 4 || digit_group_after_mark(text) ? TokenKind::kId : TokenKind::kWord;
}

class Scanner {
 public:
  Scanner(std::string_view line, ScannedLine& out)
      : line_(line.substr(0, kMaxScanBytes)), tokens_(out.tokens), time_(out.time) {}

  void run() {
    const std::size_t time_begin = time_ ? time_->begin : line_.size();
    scan_until(0, std::min(time_begin, line_.size()));
    if (time_begin >= line_.size()) return;
    const std::size_t time_end = std::min<std::size_t>(time_->end, line_.size());
    emit(time_begin, time_end, TokenKind::kTime);
    scan_until(time_end, line_.size());
  }

 private:
  void emit(std::size_t begin, std::size_t end, TokenKind kind, bool has_digit = true) {
    tokens_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), kind, has_digit});
  }

  // Whether an atom begins here with a joiner: "/var", "-12", "~/x", "./x", "::1".
  bool joiner_begins(std::size_t at, std::size_t limit) const {
    if (at + 1 >= limit) return false;
    const char c = line_[at];
    const char next = line_[at + 1];
    if (c == '/') return is_word(next) || next == '.';
    if (c == '-') return is_digit(next) && (at == 0 || !is_word(line_[at - 1]));
    if (c == '~') return next == '/';
    if (c == '.') return next == '/' || (next == '.' && at + 2 < limit && line_[at + 2] == '/');
    if (c == ':') return next == ':' && at + 2 < limit && is_hex(line_[at + 2]);
    return false;
  }

  void scan_until(std::size_t at, std::size_t limit) {
    while (at < limit) {
      const CharClass k = class_of(line_[at]);
      if (k == kBreak || (k == kJoiner && !joiner_begins(at, limit))) {
        ++at;
        continue;
      }
      at = atom(at, limit);
    }
  }

  // Reads one atom from `begin`; returns where to go on, always behind `begin`. Atoms longer than
  // kMaxAtom end at the next joiner, which bounds what is read again after a split.
  std::size_t atom(std::size_t begin, std::size_t limit) {
    constexpr std::size_t kMaxAtom = 256;
    if (begin + 3 < limit && line_[begin + 1] == ':' && line_[begin + 2] == '\\')
      return begin + windows_path(begin, limit);
    std::size_t end = begin;
    bool joined = false;
    std::uint64_t packed = 0;
    while (end < limit) {
      const CharClass k = class_of(line_[end]);
      if (k == kBreak) break;
      if (k == kJoiner) {
        if (end - begin > kMaxAtom) break;
        joined = true;
      }
      packed += packed_of(line_[end]);
      ++end;
    }
    const bool counted = end - begin <= kPackedMost;
    if (joined) {
      while (end > begin + 1 && class_of(line_[end - 1]) == kJoiner && line_[end - 1] != '/') {
        --end;
        packed -= packed_of(line_[end]);
      }
    }
    const std::string_view text = line_.substr(begin, end - begin);
    const Shape shape = counted ? shape_of(packed, text.size()) : shape_of(text);
    if (!joined || shape.colons + shape.slashes + shape.ats == 0) {
      emit(begin, end, plain_kind(text, shape), shape.digits > 0);
      return end;
    }
    return begin + compound(begin, limit, text, shape);
  }

  // An atom with ':', '/' or '@'. Emits its first token and returns the bytes it took.
  std::size_t compound(std::size_t begin, std::size_t limit, std::string_view text, const Shape& shape) {
    if (shape.colons > 0 && shape.slashes > 1) {
      const std::size_t scheme = text.find("://");
      if (scheme != std::string_view::npos && scheme > 0 &&
          text.substr(0, scheme).find_first_of(":/@") == std::string_view::npos)
        return url(begin, limit);
    }
    if (const std::size_t taken = address(begin, text, shape)) return taken;
    if (text[0] == '/' || text[0] == '~' || (text[0] == '.' && shape.slashes > 0)) return path(begin, text);
    if (shape.ats == 1 && shape.slashes == 0 && shape.colons == 0) {
      const std::size_t at = text.find('@');
      const std::string_view domain = text.substr(at + 1);
      const bool letters =
          std::any_of(domain.begin(), domain.end(), [](char c) { return is_word(c) && !is_hex(c); });
      if (at > 0 && letters) return take(begin, text.size(), TokenKind::kEmail);
    }
    const std::size_t split = text.find_first_of(":/@");
    if (split != std::string_view::npos && split > 0 && text[split] == '/' && shape.slashes > 1) {
      if (shape.slashes == 2 && shape.hex_letters + shape.letters == 0 && is_date(text))
        return take(begin, text.size(), TokenKind::kTime);
      return path(begin, text);
    }
    return first_part(begin, text.substr(0, std::min(split, text.size())));
  }

  // Addresses, MACs, clocks: what may hold ':' and '/' inside.
  std::size_t address(std::size_t begin, std::string_view text, const Shape& shape) {
    const std::size_t lead = text[0] == '/' ? 1 : 0;
    const std::string_view rest = text.substr(lead);
    if (shape.dots >= 3 && !rest.empty() && is_digit(rest[0])) {
      if (const std::size_t v4 = ipv4_size(rest)) {
        return take(begin + lead, v4 + port_size(rest.substr(v4)), TokenKind::kIp) + lead;
      }
    }
    const bool digits_only = shape.hex_letters + shape.letters == 0;
    if (digits_only && shape.colons <= 3 && is_clock(text)) return take(begin, text.size(), TokenKind::kTime);
    if (shape.colons < 2) return 0;
    if (text.size() >= 17 && is_mac(text.substr(0, 17)) && (text.size() == 17 || !is_word(text[17])))
      return take(begin, 17, TokenKind::kMac);
    if (const std::size_t v6 = ipv6_size(rest)) {
      const std::size_t port =
          v6 < rest.size() && rest.find("::") == std::string_view::npos ? port_size(rest.substr(v6)) : 0;
      return take(begin + lead, v6 + port, TokenKind::kIp) + lead;
    }
    return 0;
  }

  std::size_t take(std::size_t begin, std::size_t size, TokenKind kind) {
    emit(begin, begin + size, kind);
    return size;
  }

  std::size_t first_part(std::size_t begin, std::string_view text) {
    std::size_t size = text.size();
    while (size > 1 && class_of(text[size - 1]) == kJoiner) --size;
    const Shape shape = shape_of(text.substr(0, size));
    if (size == 0 || shape.joiners() == size) return std::max<std::size_t>(text.size(), 1);
    emit(begin, begin + size, plain_kind(text.substr(0, size), shape), shape.digits > 0);
    return text.size();
  }

  // A path ends at ':' ("/etc/x:12:").
  std::size_t path(std::size_t begin, std::string_view text) {
    std::size_t size = std::min(text.find(':'), text.size());
    while (size > 1 && (text[size - 1] == '.' || text[size - 1] == '-')) --size;
    const bool digit = std::any_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), is_digit);
    emit(begin, begin + size, TokenKind::kPath, digit);
    return size;
  }

  std::size_t url(std::size_t begin, std::size_t limit) {
    std::size_t end = begin;
    while (end<limit&& static_cast<unsigned char>(line_[end])> ' ' &&
           std::string_view("\"'<>|`{}\\^").find(line_[end]) == std::string_view::npos)
      ++end;
    while (end > begin + 1 && std::string_view(".,;:)]!").find(line_[end - 1]) != std::string_view::npos)
      --end;
    return take(begin, end - begin, TokenKind::kUrl);
  }

  std::size_t windows_path(std::size_t begin, std::size_t limit) {
    std::size_t end = begin;
    while (end<limit&& static_cast<unsigned char>(line_[end])> ' ' &&
           std::string_view("\"'<>|,;").find(line_[end]) == std::string_view::npos)
      ++end;
    return take(begin, end - begin, TokenKind::kPath);
  }

  std::string_view line_;
  std::vector<Token>& tokens_;
  const std::optional<TimeText>& time_;
};

bool looks_like_json(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || line[first] != '{') return false;
  const std::size_t last = line.find_last_not_of(" \t\r\n");
  const std::size_t key = line.find_first_not_of(" \t", first + 1);
  return line[last] == '}' && key != std::string_view::npos && line[key] == '"';
}

}  // namespace

std::string_view token_kind_name(TokenKind kind) {
  constexpr std::array<std::string_view, kTokenKinds> kNames = {
      "word", "num", "hex", "uuid", "ip", "mac", "path", "url", "email", "id", "dur", "size", "time"};
  return kNames[static_cast<std::size_t>(kind)];
}

namespace {

void scan_visible(std::string_view line, ScannedLine& out) {
  out.text = line;
  out.tokens.clear();
  out.json = looks_like_json(line);
  // Of a record of many lines the first one says what it is, when, and who says it.
  out.first_line = static_cast<std::uint32_t>(out.json ? line.size() : std::min(line.find('\n'), line.size()));
  out.time = find_timestamp(line.substr(0, out.first_line));
  out.host = out.program = out.severity = {};
  out.message = 0;
  Scanner(line, out).run();
  find_head(out);
}

// Spans of the visible text, as spans of the line.
void put_back(const ScannedLine& visible, const std::vector<std::uint32_t>& places, ScannedLine& out) {
  const auto begin_of = [&](std::uint32_t at) {
    return at < places.size() ? places[at] : static_cast<std::uint32_t>(out.text.size());
  };
  const auto end_of = [&](std::uint32_t at) { return at == 0 ? 0 : places[at - 1] + 1; };
  const auto span_of = [&](const TextSpan& span) {
    return span.empty() ? TextSpan{} : TextSpan{begin_of(span.begin), end_of(span.end)};
  };
  out.json = visible.json;
  out.time = visible.time;
  if (out.time) {
    out.time->begin = begin_of(visible.time->begin);
    out.time->end = end_of(visible.time->end);
  }
  out.host = span_of(visible.host);
  out.program = span_of(visible.program);
  out.severity = span_of(visible.severity);
  out.message = begin_of(visible.message);
  out.first_line = begin_of(visible.first_line);
  out.tokens = visible.tokens;
  for (Token& token : out.tokens) {
    token.begin = begin_of(token.begin);
    token.end = end_of(token.end);
  }
}

}  // namespace

void scan_line(std::string_view line, ScannedLine& out) {
  if (out.visible) out.visible.reset();
  if (may_hide_characters(line)) {
    auto visible = std::make_shared<VisibleLine>();
    std::vector<std::uint32_t> places;
    if (strip_invisible(line.substr(0, kMaxScanBytes), visible->text, places)) {
      scan_visible(visible->text, visible->line);
      out.text = line;
      put_back(visible->line, places, out);
      out.visible = std::move(visible);
      return;
    }
  }
  scan_visible(line, out);
}

}  // namespace silt::fold
