#include "daemon/answer/slots.h"

#include <algorithm>
#include <array>

#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

using namespace std::string_view_literals;

// Words that say what became of something, beside the forms in -ed and -ing.
constexpr std::array kStates = {
    "invalid"sv,   "ok"sv,      "down"sv,   "up"sv,       "failure"sv, "success"sv, "successful"sv,
    "running"sv,   "dead"sv,    "active"sv, "inactive"sv, "offline"sv, "online"sv,  "healthy"sv,
    "unhealthy"sv, "timeout"sv, "lost"sv,   "denied"sv,   "done"sv,    "ready"sv,   "complete"sv};
constexpr std::array kNegations = {"not"sv, "never"sv, "no"sv, "cannot"sv};
constexpr std::array kArchitectures = {"amd64"sv, "all"sv,     "arm64"sv,   "i386"sv,
                                       "armhf"sv, "riscv64"sv, "ppc64el"sv, "s390x"sv};

template <std::size_t N>
bool listed(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string_view without_port(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return address;
  if (address.find(':') != colon && address.front() != '[') return address;  // v6 without a port
  return address.substr(0, colon);
}

}  // namespace

SlotReader::SlotReader(Slot slot, std::string near, std::vector<std::string> known)
    : slot_(slot), near_(std::move(near)), near_stem_(stem(near_)), known_(std::move(known)) {
  std::sort(known_.begin(), known_.end());
}

const std::vector<SlotValue>& SlotReader::read(std::string_view line, std::int64_t event_us) {
  values_.clear();
  scan_line(line, line_);
  find_anchors();
  switch (slot_) {
    case Slot::kIp: by_kind({TokenKind::kIp}, false); break;
    case Slot::kHost:
      by_field({"host", "rhost", "hostname", "client", "server", "addr", "ip"});
      by_kind({TokenKind::kIp}, false);
      break;
    case Slot::kUser: by_field({"user", "username", "ruser", "account", "login"}); break;
    case Slot::kPort: ports(); break;
    case Slot::kNumber: by_kind({TokenKind::kNumber, TokenKind::kSize, TokenKind::kHex}, true); break;
    case Slot::kId: by_kind({TokenKind::kId, TokenKind::kUuid, TokenKind::kHex}, true); break;
    case Slot::kPath: by_kind({TokenKind::kPath}, true); break;
    case Slot::kUrl: by_kind({TokenKind::kUrl}, true); break;
    case Slot::kEmail: by_kind({TokenKind::kEmail}, true); break;
    case Slot::kDuration: by_kind({TokenKind::kDuration}, true); break;
    case Slot::kPlace:
      by_kind({TokenKind::kPath}, true);
      by_kind({TokenKind::kIp}, true);
      break;
    case Slot::kPackage: packages(); break;
    case Slot::kWord: word_after(); break;
    case Slot::kSubject: word_before(); break;
    case Slot::kState: states(); break;
    case Slot::kComponent: components(); break;
    case Slot::kTime:
      if (line_.time) add(line_.time->begin, line_.time->end, 1);
      break;
    case Slot::kHour: bucket(event_us, 13); break;
    case Slot::kDay: bucket(event_us, 10); break;
    case Slot::kNone:
    case Slot::kPattern:
    case Slot::kSource: break;
  }
  std::stable_sort(values_.begin(), values_.end(),
                   [](const SlotValue& a, const SlotValue& b) { return a.fit > b.fit; });
  return values_;
}

void SlotReader::find_anchors() {
  anchors_.clear();
  if (near_.empty()) return;
  for (std::size_t i = 0; i < line_.tokens.size(); ++i) {
    const std::string word = lower_ascii(text_of(line_.text, line_.tokens[i]));
    if (word == near_ || (near_stem_.size() >= 3 && !is_stop_word(near_) && same_word(near_stem_, word)))
      anchors_.push_back(i);
  }
}

// 1 right behind the near word, less with distance, less again in front of it; a constant when the
// question has no near word, and little when the line lacks it.
double SlotReader::closeness(std::uint32_t begin) const {
  if (near_.empty()) return 0.5;
  double best = 0.1;
  std::size_t at = 0;
  while (at < line_.tokens.size() && line_.tokens[at].end <= begin) ++at;
  for (const std::size_t anchor : anchors_) {
    if (anchor == at) continue;
    const double distance = at > anchor ? double(at - anchor) - 1 : double(anchor - at) + 1;
    best = std::max(best, 1 / (1 + 0.5 * distance));
  }
  return best;
}

bool SlotReader::known(std::string_view value) const {
  return std::binary_search(known_.begin(), known_.end(), lower_ascii(value));
}

void SlotReader::add(std::uint32_t begin, std::uint32_t end, double fit) {
  if (begin >= end) return;
  std::string text(line_.text.substr(begin, end - begin));
  if (slot_ != Slot::kState && known(text)) return;
  for (const SlotValue& value : values_) {
    if (value.span.begin == begin) return;
  }
  values_.push_back({std::move(text), {begin, end}, fit});
}

void SlotReader::by_kind(std::initializer_list<TokenKind> kinds, bool keep_port) {
  for (const Token& token : line_.tokens) {
    if (std::find(kinds.begin(), kinds.end(), token.kind) == kinds.end()) continue;
    if (line_.time && token.begin < line_.time->end && token.end > line_.time->begin) continue;
    const std::string_view text = text_of(line_.text, token);
    const std::size_t size = keep_port ? text.size() : without_port(text).size();
    if (known(text)) continue;
    add(token.begin, token.begin + static_cast<std::uint32_t>(size), closeness(token.begin));
  }
}

void SlotReader::by_field(std::initializer_list<std::string_view> names) {
  fields_of(line_, fields_);
  for (const Field& field : fields_) {
    const std::string name = lower_ascii(field.name);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) continue;
    std::uint32_t end = field.end;
    if (field.kind == TokenKind::kIp) {
      end = field.begin + static_cast<std::uint32_t>(
                              without_port(line_.text.substr(field.begin, end - field.begin)).size());
    }
    add(field.begin, end, near_.empty() ? 0.9 - 0.1 * double(found - names.begin()) : closeness(field.begin));
  }
}

void SlotReader::ports() {
  for (std::size_t i = 0; i < line_.tokens.size(); ++i) {
    const Token& token = line_.tokens[i];
    const std::string_view text = text_of(line_.text, token);
    if (token.kind == TokenKind::kNumber && i > 0) {
      const std::string before = lower_ascii(text_of(line_.text, line_.tokens[i - 1]));
      if (before == "port" || before == "spt" || before == "dpt" || before == "sport" || before == "dport")
        add(token.begin, token.end, 1);
    } else if (token.kind == TokenKind::kIp && without_port(text).size() < text.size()) {
      add(token.begin + static_cast<std::uint32_t>(without_port(text).size()) + 1, token.end,
          0.6 * closeness(token.begin) + 0.3);
    }
  }
}

// name:architecture, as package managers write it
void SlotReader::packages() {
  const std::string_view text = line_.text;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find(' ', at);
    if (end == std::string_view::npos) end = text.size();
    std::string_view word = text.substr(at, end - at);
    const std::size_t colon = word.rfind(':');
    if (colon != std::string_view::npos && colon > 0) {
      std::string_view architecture = word.substr(colon + 1);
      while (!architecture.empty() && (architecture.back() == ',' || architecture.back() == ')'))
        architecture.remove_suffix(1);
      if (listed(kArchitectures, architecture)) {
        add(static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + colon), 0.9);
      }
    }
    at = end + 1;
  }
}

void SlotReader::word_after() {
  for (const std::size_t anchor : anchors_) {
    if (anchor + 1 >= line_.tokens.size()) continue;
    const Token& token = line_.tokens[anchor + 1];
    add(token.begin, token.end, is_stop_word(lower_ascii(text_of(line_.text, token))) ? 0.3 : 0.8);
  }
}

void SlotReader::word_before() {
  for (const std::size_t anchor : anchors_) {
    if (anchor == 0) continue;
    const Token& token = line_.tokens[anchor - 1];
    if (line_.time && token.begin < line_.time->end) continue;
    // Behind a colon stands the start of the message: nothing in front of the verb belongs to it.
    const bool own_clause = line_.text.substr(token.end, line_.tokens[anchor].begin - token.end).find(':') ==
                            std::string_view::npos;
    add(token.begin, token.end, own_clause ? 0.8 : 0.1);
  }
  word_after();
}

void SlotReader::states() {
  const std::uint32_t header = line_.time ? line_.time->end : 0;
  for (const Token& token : line_.tokens) {
    if (token.kind != TokenKind::kWord || token.begin < header) continue;
    const std::string word = lower_ascii(text_of(line_.text, token));
    const bool form = word.size() > 4 && (word.ends_with("ed") || word.ends_with("ing"));
    const double fit = listed(kNegations, word) ? (near_.empty() ? 0.6 : 0)
                       : listed(kStates, word)  ? 0.75
                       : form                   ? 0.7
                                                : 0;
    if (fit > 0) add(token.begin, token.end, known(stem(word)) || known(word) ? fit * 0.4 : fit);
  }
}

// The name in front of a colon or a bracket near the start of the line; the inner class of A$B.
void SlotReader::components() {
  const std::uint32_t header = line_.time ? line_.time->end : 0;
  double fit = 0.5;
  for (const Token& token : line_.tokens) {
    if (token.kind != TokenKind::kWord || token.begin < header || token.end >= line_.text.size()) continue;
    if (token.begin > header + 96) break;
    const char next = line_.text[token.end];
    if (next != ':' && next != '[' && next != '(') continue;
    const std::size_t dollar = text_of(line_.text, token).rfind('$');
    const std::uint32_t begin =
        token.begin + (dollar == std::string_view::npos ? 0 : static_cast<std::uint32_t>(dollar) + 1);
    fit += next == ':' ? 0.1 : 0.05;  // the later, the closer to the message
    add(begin, token.end, std::min(fit, 1.0));
  }
}

void SlotReader::bucket(std::int64_t event_us, std::size_t length) {
  std::string text = format_time(event_us).substr(0, length);
  if (length == 13) text += ":00Z";
  values_.push_back({std::move(text), {0, 0}, 1});
}

}  // namespace silt::answer
