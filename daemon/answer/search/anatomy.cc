#include "daemon/answer/search/anatomy.h"

#include <algorithm>

#include "daemon/answer/language/words.h"
#include "daemon/answer/search/quantity.h"

namespace silt::answer::search {
namespace {

using fold::Token;
using fold::TokenKind;
using language::lower;

constexpr std::size_t kAccessFieldsMin = 4;  // a line with fewer is no request
constexpr std::size_t kTimeInPassing = 20;   // a text of so many lines may say one time, too

}  // namespace

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
  else if (timed * 40 < first_lines.size() + kTimeInPassing && digits * 25 < bytes) out.kind = Layout::Kind::kProse;
  return out;
}

void Anatomist::add(std::string_view name, std::size_t begin, std::size_t end, TokenKind kind, Role role) {
  Slot slot;
  slot.name = name;
  slot.begin = static_cast<std::uint32_t>(begin);
  slot.end = static_cast<std::uint32_t>(end);
  slot.kind = kind;
  slot.role = role;
  slots_.push_back(slot);
}

const std::vector<Slot>& Anatomist::slots_of(std::string_view text, const Layout& layout) {
  fold::scan_line(text, line_);
  slots_.clear();
  if (layout.kind == Layout::Kind::kCsv || layout.kind == Layout::Kind::kTsv) {
    columns(layout);
  } else {
    fields(layout);
    if (layout.kind != Layout::Kind::kAccess || slots_.size() < kAccessFieldsMin) plain_tokens();
  }
  return slots_;
}

void Anatomist::fields(const Layout& layout) {
  for (const fold::TypedField& field : fields_.read(line_)) {
    const bool time = line_.time && field.begin == line_.time->begin;
    if (time || (field.head && layout.kind == Layout::Kind::kProse)) continue;
    add(field.name, field.begin, field.end, field.kind, field.head ? Role::kHeader : Role::kNamed);
    slots_.back().type = field.type;
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
      while (end < text.size() && (text[end] != '"' || text.substr(end).starts_with("\"\""))) end += text[end] == '"' ? 2 : 1;
      end = std::min(end, text.size());
      at = std::min(end + 2, text.size() + 1);
    } else {
      end = std::min(text.find(separator, at), text.size());
      at = end + 1;
    }
    if (end <= begin) continue;
    TokenKind kind = TokenKind::kWord;
    for (const Token& token : line_.tokens) {
      if (token.begin == begin && token.end == end) kind = token.kind;
    }
    add(column, begin, end, kind, Role::kNamed);
    slots_.back().type = fold::field_type_of(column, text.substr(begin, end - begin), kind);
  }
}

Called is_called(std::string_view key, std::string_view name) {
  const auto equals = [](std::string_view a, std::string_view lowered) {
    return std::ranges::equal(a, lowered, {}, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  };
  if (equals(key, name)) return Called::kInFull;
  constexpr std::string_view kName = ".name";
  if (key.size() > kName.size() && equals(key.substr(key.size() - kName.size()), kName)) key.remove_suffix(kName.size());
  return equals(key.substr(key.rfind('.') + 1), name) ? Called::kInShort : Called::kNot;
}

std::span<const AttributeSlot> AttributeReader::slots_of(std::string_view attributes) {
  slots_.clear();
  if (attributes.empty()) return slots_;
  const auto decoded = store::decode_attributes(attributes);
  if (!decoded.is_ok()) return slots_;
  for (const store::Attribute& each : *decoded) {
    if (!each.value.empty()) slots_.push_back(slot_of(each));
  }
  return slots_;
}

AttributeSlot AttributeReader::slot_of(const store::Attribute& attribute) {
  fold::scan_line(attribute.value, line_);
  const bool one = line_.tokens.size() == 1 && line_.tokens[0].end - line_.tokens[0].begin == attribute.value.size();
  AttributeSlot made;
  made.value = attribute.value;
  made.slot.name = attribute.key;
  made.slot.end = static_cast<std::uint32_t>(attribute.value.size());
  made.slot.kind = one ? line_.tokens[0].kind : TokenKind::kWord;
  made.slot.type = fold::field_type_of(attribute.key, attribute.value, made.slot.kind);
  made.slot.role = Role::kNamed;
  return made;
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
      slots_.back().type = fold::field_type_of(last, word, token.kind);
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
