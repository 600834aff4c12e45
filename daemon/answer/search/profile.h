// Profile: what a source is about, for choosing patterns, fields and slots. Made from its patterns and
// one pass over its records (of large sources: over a sample that is spread over them), and kept up to
// date by reading only what is new. Building is not safe from several threads; a finished profile is read-only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/answer/search/anatomy.h"
#include "daemon/answer/search/items.h"
#include "daemon/answer/search/quantity.h"
#include "daemon/answer/search/records.h"

namespace silt::answer::search {

// A word as this source writes it. Several words may share a stem.
struct Word {
  std::string text;           // lower case
  std::uint32_t stem = 0;
  std::uint32_t patterns = 0; // that have it, in template or slots
};

struct PatternWord {
  std::uint32_t word = 0;
  float place = 0;            // 1 in the template, less in slots and header
  bool literal = false;       // every record of the pattern has it
  std::uint64_t records = 0;  // of slots: records seen with it
};

inline constexpr std::size_t kSlotValuesMax = 4000;

struct SlotProfile {
  std::string name;           // lower case: key, or the word before; header slots: severity, host ...
  std::string before;         // the word before that
  std::string after;
  Role role = Role::kPlain;
  std::uint64_t count = 0;    // records
  std::uint64_t numbers = 0;  // of them with a number for a value
  std::uint64_t words = 0;    // of them with a plain word for a value
  std::uint64_t addresses = 0;
  std::uint64_t times = 0;    // values that are clock times or spans
  std::uint64_t headlines = 0;  // of them in the first line of the record
  std::string unit;
  bool overflow = false;      // more values than are kept
  std::unordered_map<std::string, std::uint64_t> values;

  // The name without the kind that plain slots have behind it: "from" of "from:ip".
  std::string_view base() const {
    const std::size_t colon = role == Role::kPlain ? name.rfind(':') : std::string::npos;
    return std::string_view(name).substr(0, colon);
  }
};

struct PatternProfile {
  store::PatternId id = 0;
  std::string text;
  std::uint64_t count = 0;
  store::Seq first_seq = 0;
  store::Seq last_seq = 0;
  std::int64_t first_us = 0;
  std::int64_t last_us = 0;
  std::uint64_t seen = 0;     // records read for this profile
  std::string example;        // its first record
  std::string severity;       // of most of its records
  std::vector<PatternWord> words;
  std::unordered_map<std::uint32_t, std::uint32_t> word_at;  // word -> index in `words`
  std::map<std::uint32_t, std::uint64_t> slots;              // slot -> records
};

// Where a stem stands: the best word of a pattern that has it.
struct Posting {
  std::uint32_t pattern = 0;  // index
  std::uint32_t word = 0;
  float place = 0;
  bool literal = false;
};

struct Profile {
  store::SourceRef ref;
  std::string name;
  store::Seq read_seq = 0;    // what lies up to here is known
  std::uint64_t records = 0;  // that were read
  std::uint64_t left_out = 0; // that were not: of large sources
  std::int64_t first_us = 0;  // least and greatest event times
  std::int64_t last_us = 0;
  std::uint64_t timed = 0;    // records that say their time
  Layout layout;
  std::size_t layout_lines = 0;  // that it was found from
  std::vector<PatternProfile> patterns;
  std::unordered_map<store::PatternId, std::uint32_t> pattern_at;
  std::vector<Word> words;
  std::unordered_map<std::string, std::uint32_t> word_at;
  std::unordered_map<std::string, std::uint32_t> stem_at;
  std::vector<std::vector<std::uint32_t>> words_of_stem;
  std::vector<std::vector<Posting>> postings;                // by stem, ascending pattern
  std::vector<SlotProfile> slots;
  std::unordered_map<std::string, std::uint32_t> slot_at;    // by slot_key

  std::uint64_t total() const { return records + left_out; }
  // Of sources whose records name such; never null.
  std::shared_ptr<const Items> items = std::make_shared<const Items>();

  const SlotProfile* slot(std::string_view key) const {
    const auto found = slot_at.find(std::string(key));
    return found == slot_at.end() ? nullptr : &slots[found->second];
  }
};

// The name by which queries call a slot: its own, or the word before it.
std::string slot_key(const Slot& slot, std::string_view text);
// The value of a slot as it is counted and shown.
std::string slot_value(const Slot& slot, std::string_view text);

// The number that it holds, with its unit: of the text, or of the name ("took_ms"); `clock` permits h:mm:ss.
inline constexpr std::size_t kQuantityReach = 48;  // bytes of the text from the slot's begin: a unit may stand behind it
std::optional<Quantity> slot_quantity(const Slot& slot, std::string_view text, bool clock);

// Names of columns and comments of a table: no records to count.
inline bool is_head_of_csv(Layout::Kind layout, store::Seq seq) {
  return layout == Layout::Kind::kCsv && seq == 1;
}
inline bool is_comment_of_tsv(Layout::Kind layout, std::string_view text) {
  return layout == Layout::Kind::kTsv && text.starts_with('#');
}

inline constexpr std::uint64_t kReadWhole = 50'000;  // records

// Brings `profile` up to the present of its source. What is new is read whole, or, if it is more than
// `whole_max` records, a sample of it.
Status update_profile(const store::RecordLog& log, const store::EvidenceStore& evidence, Profile& profile,
                      std::uint64_t whole_max = kReadWhole);

}  // namespace silt::answer::search
