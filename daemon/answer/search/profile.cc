#include "daemon/answer/search/profile.h"

#include <algorithm>

#include "daemon/answer/language/words.h"
#include "daemon/answer/search/quantity.h"

namespace silt::answer::search {
namespace {

using fold::TokenKind;
using language::lower;

constexpr std::uint64_t kRecordsMax = 400'000;  // read whole; of larger sources both ends
constexpr std::size_t kSlotWordsMax = 3000;     // of a pattern
constexpr float kTemplatePlace = 1.0F, kSlotPlace = 0.7F, kHeaderPlace = 0.6F, kBodyPlace = 0.5F;

float place_of(const Slot& slot) {
  if (slot.role == Role::kHeader) return kHeaderPlace;
  for (const std::string_view title : {"title", "summary", "subject", "msg", "message", "headline"}) {
    if (slot.name == title) return kTemplatePlace;
  }
  for (const std::string_view body : {"description", "body", "comment", "text", "content"}) {
    if (slot.name == body) return kBodyPlace;
  }
  return kSlotPlace;
}

class Builder {
 public:
  explicit Builder(Profile& profile) : profile_(profile) {}

  void pattern(const store::PatternRow& row);
  void record(const store::RecordView& record, const store::FoldMark& mark);

 private:
  std::uint32_t word_id(std::string_view text);
  void use_word(PatternProfile& pattern, std::string_view word, float place, bool literal);
  void use_text(PatternProfile& pattern, std::string_view text, float place, bool literal);
  void use_slot(PatternProfile& pattern, const Slot& slot, std::string_view text);

  Profile& profile_;
  Anatomist anatomist_;
};

std::uint32_t Builder::word_id(std::string_view text) {
  std::string lowered = lower(text);
  if (const auto found = profile_.word_at.find(lowered); found != profile_.word_at.end()) return found->second;
  const std::string stemmed = language::stem(lowered);
  const auto stem_new = static_cast<std::uint32_t>(profile_.words_of_stem.size());
  const auto [stem, is_new] = profile_.stem_at.emplace(stemmed, stem_new);
  if (is_new) profile_.words_of_stem.emplace_back();
  const auto id = static_cast<std::uint32_t>(profile_.words.size());
  profile_.words.push_back({lowered, stem->second, 0});
  profile_.words_of_stem[stem->second].push_back(id);
  profile_.word_at.emplace(std::move(lowered), id);
  return id;
}

void Builder::use_word(PatternProfile& pattern, std::string_view word, float place, bool literal) {
  if (word.size() < 2 || word.size() > 60) return;
  if (!literal && pattern.words.size() > kSlotWordsMax) return;
  const std::uint32_t id = word_id(word);
  const auto next = static_cast<std::uint32_t>(pattern.words.size());
  const auto [at, is_new] = pattern.word_at.emplace(id, next);
  if (is_new) {
    pattern.words.push_back({id, place, literal, 0});
    ++profile_.words[id].patterns;
  }
  PatternWord& used = pattern.words[at->second];
  used.place = std::max(used.place, place);
  used.literal |= literal;
  ++used.records;
}

void Builder::use_text(PatternProfile& pattern, std::string_view text, float place, bool literal) {
  language::for_each_word(text, [&](std::string_view word, std::size_t) {
    if (!literal && word.front() >= '0' && word.front() <= '9') return;
    use_word(pattern, word, place, literal);
  });
}

void Builder::pattern(const store::PatternRow& row) {
  const auto next = static_cast<std::uint32_t>(profile_.patterns.size());
  const auto [at, is_new] = profile_.pattern_at.emplace(row.id, next);
  if (is_new) profile_.patterns.emplace_back();
  PatternProfile& pattern = profile_.patterns[at->second];
  pattern.id = row.id;
  pattern.count = row.count;
  pattern.first_seq = row.first_seq;
  pattern.last_seq = row.last_seq;
  pattern.first_us = row.first_event_us;
  pattern.last_us = row.last_event_us;
  if (pattern.text == row.text) return;
  for (PatternWord& word : pattern.words) word.literal = false;
  pattern.text = row.text;
  std::string literal;
  for (std::size_t i = 0; i < row.text.size(); ++i) {  // without <num>, <*> ...
    if (row.text[i] == '<') {
      const std::size_t end = row.text.find('>', i);
      if (end != std::string::npos && end - i < 8) {
        i = end;
        literal += ' ';
        continue;
      }
    }
    literal += row.text[i];
  }
  const bool table = profile_.layout.kind == Layout::Kind::kCsv;  // there, columns say what matters
  use_text(pattern, literal, table ? kBodyPlace : kTemplatePlace, true);
}

void Builder::record(const store::RecordView& record, const store::FoldMark& mark) {
  profile_.read_seq = record.seq;
  if (is_table_head(profile_.layout.kind, record)) return;
  ++profile_.records;
  profile_.items.add(record, mark.event_us);
  if (profile_.records == 1) profile_.first_us = profile_.last_us = mark.event_us;
  profile_.first_us = std::min(profile_.first_us, mark.event_us);
  profile_.last_us = std::max(profile_.last_us, mark.event_us);
  const auto found = profile_.pattern_at.find(mark.pattern);
  if (found == profile_.pattern_at.end()) return;
  PatternProfile& pattern = profile_.patterns[found->second];
  if (pattern.seen++ == 0) pattern.example = std::string(record.text.substr(0, 2000));
  const std::string_view text = record.text.substr(0, 8000);
  for (const Slot& slot : anatomist_.slots_of(text, profile_.layout, record.attributes)) use_slot(pattern, slot, text);
  profile_.timed += anatomist_.scanned().time.has_value() || record.told_us != 0;
}

void Builder::use_slot(PatternProfile& pattern, const Slot& slot, std::string_view text) {
  const std::string_view raw = slot.value(text);
  const bool word = slot.kind == TokenKind::kWord && slot.role == Role::kPlain;
  if (word && pattern.text.find(raw) != std::string::npos) return;  // part of the template
  if (slot.kind != TokenKind::kNumber && slot.kind != TokenKind::kIp)
    use_text(pattern, raw, place_of(slot), false);
  const std::string key = slot_key(slot, text);
  const auto next = static_cast<std::uint32_t>(profile_.slots.size());
  const auto [at, is_new] = profile_.slot_at.emplace(key, next);
  if (is_new) {
    SlotProfile made;
    made.name = key;
    made.before = lower(slot.before);
    made.after = lower(slot.after);
    made.role = slot.role;
    profile_.slots.push_back(std::move(made));
  }
  SlotProfile& profile = profile_.slots[at->second];
  ++profile.count;
  ++pattern.slots[at->second];
  const std::string value = slot_value(slot, text);
  if (slot.name == "severity" && pattern.severity.empty()) pattern.severity = value;
  profile.addresses += slot.kind == TokenKind::kIp;
  profile.times += slot.kind == TokenKind::kTime || slot.kind == TokenKind::kDuration;
  if (const auto quantity = read_quantity(slot.told.empty() ? text.substr(slot.begin, 40) : slot.told); quantity && slot.kind != TokenKind::kIp) {
    ++profile.numbers;
    if (profile.unit.empty()) profile.unit = quantity->unit;
  } else if (slot.kind == TokenKind::kWord) {
    ++profile.words;
  }
  if (const auto known = profile.values.find(value); known != profile.values.end()) {
    ++known->second;
  } else if (profile.values.size() < kSlotValuesMax) {
    profile.values.emplace(value, 1);
  } else {
    profile.overflow = true;
  }
}

void index_words(Profile& profile) {
  profile.postings.assign(profile.words_of_stem.size(), {});
  const bool table = profile.layout.kind == Layout::Kind::kCsv || profile.layout.kind == Layout::Kind::kTsv;
  for (std::uint32_t p = 0; p < profile.patterns.size(); ++p) {
    if (table && profile.patterns[p].seen == 0) continue;  // its head
    for (const PatternWord& word : profile.patterns[p].words) {
      auto& postings = profile.postings[profile.words[word.word].stem];
      const Posting posting{p, word.word, word.place, word.literal};
      if (postings.empty() || postings.back().pattern != p) {
        postings.push_back(posting);
      } else if (word.place > postings.back().place) {
        postings.back() = posting;
      }
    }
  }
}

}  // namespace

std::string slot_key(const Slot& slot, std::string_view) {
  std::string key = lower(slot.name);
  if (slot.role != Role::kPlain) return key;
  if (key.empty()) key = "#" + std::to_string(slot.ordinal);
  if (slot.kind == TokenKind::kWord) return key;
  return key + ":" + std::string(fold::token_kind_name(slot.kind));
}

std::string slot_value(const Slot& slot, std::string_view text) {
  std::string_view raw = slot.value(text);
  if (slot.name == "severity") {
    const std::string_view severity = raw.size() == 1 ? severity_of(raw) : std::string_view();
    if (!severity.empty()) return std::string(severity);
  }
  if (slot.kind == TokenKind::kIp) {
    if (raw.starts_with('/')) raw.remove_prefix(1);
    const std::size_t colon = raw.rfind(':');
    if (colon != std::string_view::npos && raw.find(':') == colon) raw = raw.substr(0, colon);
  }
  return std::string(raw.substr(0, 300));
}

Status update_profile(const store::RecordLog& log, const store::EvidenceStore& evidence, Profile& profile) {
  std::vector<store::PatternRow> rows;
  SILT_TRY(evidence.patterns(profile.ref, rows));
  Builder builder(profile);
  if (profile.read_seq == 0) {
    std::vector<std::string> first;
    SILT_ASSIGN([[maybe_unused]] const Scanned head,
                scan_records(log, profile.ref, {}, [&](const store::RecordView& record, const store::FoldMark&) {
                  first.emplace_back(record.text.substr(0, 2000));
                  return first.size() < 60;
                }));
    profile.layout = find_layout({first.begin(), first.end()});
  }
  for (const store::PatternRow& row : rows) builder.pattern(row);
  const auto visit = [&](const store::RecordView& record, const store::FoldMark& mark) {
    builder.record(record, mark);
    return true;
  };
  SILT_ASSIGN(const store::IntakeHead head, log.intake_head(profile.ref));
  store::SeqRange range{profile.read_seq + 1, ~store::Seq{0}};
  if (head.journal_seq - profile.read_seq > kRecordsMax) {
    profile.sampled = true;
    SILT_TRY(scan_records(log, profile.ref, {range.first, range.first + kRecordsMax / 2}, visit).status());
    range.first = head.journal_seq - kRecordsMax / 2;
  }
  SILT_TRY(scan_records(log, profile.ref, range, visit).status());
  index_words(profile);
  return Status::ok();
}

}  // namespace silt::answer::search
