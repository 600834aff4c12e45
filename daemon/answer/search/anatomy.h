// Anatomy: the slots of a record, that is, every part of its text that may differ from record to
// record, with the names people use for them: its typed fields (daemon/fold/typed_fields.h), columns of
// tables, and other words and numbers by the words next to them; and its attributes, which its input says of it
// beside the text: the state of a ticket.
//
// Pure functions of text, attributes and the layout of the source. Views point into these.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/fold/scanner.h"
#include "daemon/fold/typed_fields.h"
#include "daemon/store/attributes.h"

namespace silt::answer::search {

// How the lines of a source are built, found from its first records.
struct Layout {
  enum class Kind : std::uint8_t { kLines, kCsv, kTsv, kAccess, kProse } kind = Kind::kLines;
  std::vector<std::string> columns;  // of tables
  bool operator==(const Layout&) const = default;
};
Layout find_layout(const std::vector<std::string_view>& first_lines);

enum class Role : std::uint8_t { kHeader, kNamed, kPlain };

struct Slot {
  std::string_view name;    // "severity", "storypoint", "rhost"; of plain ones the word before
  std::string_view before;  // the word before `name` or the value: "failed password for |root|" has "for"
  std::string_view after;   // the word behind: "77 |ms|"
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  fold::TokenKind kind = fold::TokenKind::kWord;
  fold::FieldType type = fold::FieldType::kText;
  Role role = Role::kPlain;
  std::uint32_t ordinal = 0;  // of plain ones: which token of the line it is
};

class Anatomist {
 public:
  // The result lives until the next call; so long must `text` live.
  const std::vector<Slot>& slots_of(std::string_view text, const Layout& layout);
  const fold::ScannedLine& scanned() const { return line_; }

 private:
  void add(std::string_view name, std::size_t begin, std::size_t end, fold::TokenKind kind, Role role);
  void fields(const Layout& layout);
  void columns(const Layout& layout);
  void plain_tokens();

  fold::ScannedLine line_;
  fold::FieldReader fields_;
  std::vector<Slot> slots_;
};

struct AttributeSlot {
  Slot slot;              // of `value`, all of it
  std::string_view value;
};

// Whether an attribute's key is what a query calls `name` (in lower case): the key itself, or, of a dotted one, its
// last part: "host.name" is "host", too, and "http.route" is "route".
enum class Called : std::uint8_t { kNot, kInShort, kInFull };
Called is_called(std::string_view key, std::string_view name);

class AttributeReader {
 public:
  // `attributes` as the store encodes them (daemon/store/attributes.h); damaged ones are none, and those without a
  // value are left out. The result lives until the next call, and as long as they do.
  std::span<const AttributeSlot> slots_of(std::string_view attributes);
  AttributeSlot slot_of(const store::Attribute& attribute);

 private:
  fold::ScannedLine line_;
  std::vector<AttributeSlot> slots_;
};

}  // namespace silt::answer::search
