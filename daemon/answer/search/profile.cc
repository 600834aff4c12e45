#include "daemon/answer/search/profile.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <numeric>
#include <span>

#include "daemon/answer/language/words.h"
#include "daemon/answer/search/quantity.h"
#include "daemon/fold/severity.h"

namespace silt::answer::search {
namespace {

using fold::TokenKind;
using language::lower;

constexpr std::size_t kSampledStretches = 32;    // spread over the source
constexpr std::size_t kSampledRecords = 500;     // of each, spread over it
constexpr std::size_t kRareStretches = 64;       // that are read for patterns which the sample lacks
constexpr std::size_t kRareRecords = 4;          // of such a pattern
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
  // A record's text and attributes, and whether its origin told its time.
  void record(store::Seq seq, std::string_view whole, std::string_view attributes, bool told, const store::FoldMark& mark);

 private:
  std::uint32_t word_id(std::string_view text);
  void use_word(PatternProfile& pattern, std::string_view word, float place, bool literal);
  void use_text(PatternProfile& pattern, std::string_view text, float place, bool literal);
  void use_slot(PatternProfile& pattern, const Slot& slot, std::string_view text);

  Profile& profile_;
  Anatomist anatomist_;
  AttributeReader attributes_;
  std::size_t headline_ = 0;  // where the first line of the record in hand ends
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

void Builder::record(store::Seq seq, std::string_view whole, std::string_view attributes, bool told, const store::FoldMark& mark) {
  if (is_head_of_csv(profile_.layout.kind, seq) || is_comment_of_tsv(profile_.layout.kind, whole)) return;
  ++profile_.records;
  const auto found = profile_.pattern_at.find(mark.pattern);
  if (found == profile_.pattern_at.end()) return;
  PatternProfile& pattern = profile_.patterns[found->second];
  if (pattern.seen++ == 0) pattern.example = std::string(whole.substr(0, 2000));
  const std::string_view text = whole.substr(0, 8000);
  const std::vector<Slot>& slots = anatomist_.slots_of(text, profile_.layout);
  headline_ = profile_.layout.kind == Layout::Kind::kLines ? anatomist_.scanned().first_line : text.size();
  for (const Slot& slot : slots) use_slot(pattern, slot, text);
  for (const AttributeSlot& each : attributes_.slots_of(attributes)) use_slot(pattern, each.slot, each.value);
  // Where any record says its time, the arrival of others says nothing about the time that is covered.
  const bool timed = anatomist_.scanned().time.has_value() || told;
  if ((profile_.records == 1 && profile_.last_us == 0) || (timed && profile_.timed == 0)) profile_.first_us = profile_.last_us = mark.event_us;
  if (timed || profile_.timed == 0) {
    profile_.first_us = std::min(profile_.first_us, mark.event_us);
    profile_.last_us = std::max(profile_.last_us, mark.event_us);
  }
  profile_.timed += timed;
}

void Builder::use_slot(PatternProfile& pattern, const Slot& slot, std::string_view text) {
  const std::string_view raw = text.substr(slot.begin, slot.end - slot.begin);
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
  profile.headlines += slot.begin < headline_;
  profile.addresses += slot.kind == TokenKind::kIp;
  profile.times += slot.kind == TokenKind::kTime || slot.kind == TokenKind::kDuration;
  if (const auto quantity = slot_quantity(slot, text, false); quantity && slot.kind != TokenKind::kIp) {
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

std::optional<Quantity> slot_quantity(const Slot& slot, std::string_view text, bool clock) {
  // ".5": the point is no part of the token.
  const auto at = [&](std::size_t back) { return slot.begin >= back ? text[slot.begin - back] : ' '; };
  const bool point = at(1) == '.' && at(2) != '.' && std::isalnum(static_cast<unsigned char>(at(2))) == 0;
  auto out = read_quantity(text.substr(slot.begin - (point ? 1 : 0), kQuantityReach), clock);
  if (!out || out->measure != Measure::kNone || slot.role == Role::kPlain) return out;
  const std::string_view value = text.substr(slot.begin, slot.end - slot.begin);
  out->unit = lower(fold::unit_of(slot.name, value, slot.type));
  if (const auto unit = read_unit(out->unit)) {
    out->measure = unit->measure;
    out->base = out->value * unit->factor;
  }
  return out;
}

std::string slot_value(const Slot& slot, std::string_view text) {
  std::string_view raw = text.substr(slot.begin, slot.end - slot.begin);
  if (slot.name == "severity") {
    const std::string_view severity = fold::severity_of(raw);
    if (!severity.empty()) return std::string(severity);
  }
  if (slot.kind == TokenKind::kIp) {
    if (raw.starts_with('/')) raw.remove_prefix(1);
    const std::size_t colon = raw.rfind(':');
    if (colon != std::string_view::npos && raw.find(':') == colon) raw = raw.substr(0, colon);
  }
  return std::string(raw.substr(0, 300));
}

namespace {

// Reads what is new of a source: all of it, or, where that is much, a sample that has every pattern.
class Reader {
 public:
  Reader(const store::RecordLog& log, Profile& profile, Builder& builder)
      : log_(log), profile_(profile), builder_(builder) {}

  // Finds the folded stretches behind read_seq, and moves it.
  Status survey();
  Status read(std::uint64_t whole_max) { return records_ > whole_max ? read_sample() : read_whole(); }

 private:
  struct Piece {
    store::StretchPtr stretch;
    std::size_t begin = 0;             // index of the first record that is new
    std::uint64_t records_before = 0;  // new ones, in earlier pieces
  };
  Status read_whole();
  Status read_sample();
  Status read_spread(Piece& piece);
  Status read_rare();
  void widen_times(store::Stretch& stretch);
  Status read(store::Stretch& stretch, std::span<const std::size_t> indexes);

  const store::RecordLog& log_;
  Profile& profile_;
  Builder& builder_;
  std::vector<Piece> pieces_;
  std::uint64_t records_ = 0;
  std::uint64_t looked_at_ = 0;
};

Status Reader::survey() {
  for (;;) {
    SILT_ASSIGN(store::StretchPtr stretch, log_.stretch_after(profile_.ref, profile_.read_seq));
    if (!stretch || (stretch->damage().empty() && !stretch->is_folded())) return Status::ok();
    const store::Seq begin = std::max(profile_.read_seq + 1, stretch->first_seq());
    profile_.read_seq = stretch->last_seq();
    if (!stretch->damage().empty()) continue;
    const std::size_t known = begin - stretch->first_seq(), fresh = stretch->size() - known;
    pieces_.push_back({std::move(stretch), known, records_});
    records_ += fresh;
  }
}

// A record that is damaged costs itself.
Status Reader::read(store::Stretch& stretch, std::span<const std::size_t> indexes) {
  const auto marks = stretch.marks();
  const auto told = marks.is_ok() ? stretch.told() : Result<std::span<const std::int64_t>>(marks.status());
  if (!told.is_ok()) return is_gone(told.status()) ? Status::ok() : told.status();
  for (const std::size_t index : indexes) {
    const auto text = stretch.text(index);
    if (is_gone(text.status())) continue;
    SILT_TRY(text.status());
    const auto attributes = stretch.attributes(index);
    if (is_gone(attributes.status())) continue;
    SILT_TRY(attributes.status());
    ++looked_at_;
    builder_.record(stretch.first_seq() + index, *text, *attributes, (*told)[index] != 0, (*marks)[index]);
  }
  return Status::ok();
}

Status Reader::read_whole() {
  for (Piece& piece : pieces_) {
    std::vector<std::size_t> indexes(piece.stretch->size() - piece.begin);
    std::iota(indexes.begin(), indexes.end(), piece.begin);
    SILT_TRY(read(*piece.stretch, indexes));
    piece.stretch.reset();
  }
  return Status::ok();
}

Status Reader::read_sample() {
  for (const Piece& piece : pieces_) widen_times(*piece.stretch);
  const Piece* last = nullptr;
  for (std::size_t i = 0; i < kSampledStretches; ++i) {
    const std::uint64_t at = i * (records_ - 1) / (kSampledStretches - 1);
    Piece& piece = *std::prev(std::ranges::upper_bound(pieces_, at, {}, &Piece::records_before));
    if (&piece != last) SILT_TRY(read_spread(piece));
    last = &piece;
  }
  SILT_TRY(read_rare());
  profile_.left_out += records_ - looked_at_;
  return Status::ok();
}

Status Reader::read_spread(Piece& piece) {
  const std::size_t fresh = piece.stretch->size() - piece.begin, count = std::min(kSampledRecords, fresh);
  std::vector<std::size_t> indexes(count);
  for (std::size_t k = 0; k < count; ++k) indexes[k] = piece.begin + k * fresh / count;
  SILT_TRY(read(*piece.stretch, indexes));
  // Anew, without what was decoded.
  SILT_ASSIGN(piece.stretch, log_.stretch_after(profile_.ref, piece.stretch->first_seq() - 1));
  return Status::ok();
}

// The first records of patterns that the sample lacks.
Status Reader::read_rare() {
  std::size_t stretches = 0;
  for (Piece& piece : pieces_) {
    if (!piece.stretch || piece.stretch->summary() == nullptr) continue;
    std::vector<store::PatternId> rare;
    for (const store::PatternStats& stats : piece.stretch->summary()->patterns) {
      const auto known = profile_.pattern_at.find(stats.pattern);
      if (known != profile_.pattern_at.end() && profile_.patterns[known->second].seen == 0) rare.push_back(stats.pattern);
    }
    if (rare.empty()) continue;
    if (++stretches > kRareStretches) break;
    const auto marks = piece.stretch->marks();
    if (is_gone(marks.status())) continue;
    SILT_TRY(marks.status());
    std::map<store::PatternId, std::size_t> taken;
    std::vector<std::size_t> indexes;
    for (std::size_t i = piece.begin; i < marks->size(); ++i) {
      const store::PatternId pattern = (*marks)[i].pattern;
      if (std::ranges::binary_search(rare, pattern) && taken[pattern]++ < kRareRecords) indexes.push_back(i);
    }
    SILT_TRY(read(*piece.stretch, indexes));
    piece.stretch.reset();
  }
  return Status::ok();
}

void Reader::widen_times(store::Stretch& stretch) {
  const auto widen = [&](std::int64_t first_us, std::int64_t last_us) {
    const bool none = profile_.first_us == 0 && profile_.last_us == 0;
    profile_.first_us = none ? first_us : std::min(profile_.first_us, first_us);
    profile_.last_us = none ? last_us : std::max(profile_.last_us, last_us);
  };
  if (stretch.summary() != nullptr) return widen(stretch.summary()->min_event_us, stretch.summary()->max_event_us);
  const auto marks = stretch.marks();
  if (!marks.is_ok()) return;
  for (const store::FoldMark& mark : *marks) widen(mark.event_us, mark.event_us);
}

}  // namespace

namespace {

constexpr std::size_t kLayoutLines = 40, kLayoutLineBytes = 2000;

// The first lines of a source, not records: a list or a paragraph of a text may be one record.
Result<std::vector<std::string>> first_lines(const store::RecordLog& log, store::SourceRef ref) {
  std::vector<std::string> out;
  SILT_ASSIGN([[maybe_unused]] const Scanned head,
              scan_records(log, ref, {}, [&](const store::RecordView& record, const store::FoldMark&) {
                std::string_view rest = record.text;
                while (!rest.empty() && out.size() < kLayoutLines) {
                  const std::string_view line = rest.substr(0, rest.find('\n'));
                  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
                  if (!line.empty() || rest.empty()) out.emplace_back(line.substr(0, kLayoutLineBytes));
                }
                return out.size() < kLayoutLines;
              }));
  return out;
}

// Few lines do not show how those are built that follow: then it is looked at again when there are more. A
// profile that was made by another layout is begun anew.
Status settle_layout(const store::RecordLog& log, Profile& profile) {
  if (profile.layout_lines >= kLayoutLines) return Status::ok();
  SILT_ASSIGN(const std::vector<std::string> lines, first_lines(log, profile.ref));
  if (lines.size() == profile.layout_lines) return Status::ok();
  Layout layout = find_layout({lines.begin(), lines.end()});
  if (profile.read_seq > 0 && layout != profile.layout) {
    Profile anew;
    anew.ref = profile.ref;
    anew.name = std::move(profile.name);
    anew.items = std::move(profile.items);
    profile = std::move(anew);
  }
  profile.layout = std::move(layout);
  profile.layout_lines = lines.size();
  return Status::ok();
}

}  // namespace

Status update_profile(const store::RecordLog& log, const store::EvidenceStore& evidence, Profile& profile,
                      std::uint64_t whole_max) {
  SILT_TRY(settle_layout(log, profile));
  Builder builder(profile);
  Reader reader(log, profile, builder);
  SILT_TRY(reader.survey());
  // Behind the survey: what is folded meanwhile may be of patterns that were not there before.
  std::vector<store::PatternRow> rows;
  SILT_TRY(evidence.patterns(profile.ref, rows));
  for (const store::PatternRow& row : rows) builder.pattern(row);
  SILT_TRY(reader.read(whole_max));
  index_words(profile);
  return Status::ok();
}

}  // namespace silt::answer::search
