#include "daemon/answer/search/filter.h"

#include <algorithm>

#include "daemon/answer/language/words.h"
#include "daemon/fold/severity.h"

namespace silt::answer::search {

std::int32_t time_of_day_s(std::int64_t us, std::int32_t zone_s) {
  const std::int64_t s = us / 1'000'000 + zone_s;
  return static_cast<std::int32_t>((s % 86400 + 86400) % 86400);
}

void RecordInHand::read() {
  read_ = true;
  text_ = {};
  const auto text = stretch_->text(index_);
  if (text.is_ok()) {
    text_ = *text;
  } else {
    status_ = text.status();
  }
}

std::uint32_t RecordInHand::same_slots(const std::string& name) {
  if (find_attribute(name, Called::kInFull) || find_attribute(name, Called::kInShort)) return 0;
  const auto same = finder_.same(name);
  if (same.is_ok()) return *same;
  status_ = same.status();
  return 0;
}

void RecordInHand::look() {
  if (const Status status = finder_.look(); !status.is_ok()) status_ = status;
}

std::span<const store::Attribute> RecordInHand::attributes() {
  if (attributes_) return *attributes_;
  attributes_.emplace();
  const auto encoded = stretch_->attributes(index_);
  if (!encoded.is_ok()) {
    status_ = encoded.status();
  } else if (!encoded->empty()) {
    auto decoded = store::decode_attributes(*encoded);
    if (decoded.is_ok()) attributes_ = std::move(*decoded);
  }
  return *attributes_;
}

bool RecordInHand::holds(const std::string& word) {
  if (language::has_word(text(), word)) return true;
  if (word.find_first_not_of("0123456789") == std::string::npos) return false;
  return std::ranges::any_of(attributes(), [&](const store::Attribute& each) { return language::has_word(each.value, word); });
}

bool RecordInHand::find_attribute(const std::string& name, Called called) {
  attribute_.reset();
  for (const store::Attribute& each : attributes()) {
    if (each.value.empty() || is_called(each.key, name) != called) continue;
    attribute_ = attribute_reader_.slot_of(each);
    return true;
  }
  return false;
}

std::span<const Slot> RecordInHand::slots(const std::string& name) {
  if (find_attribute(name, Called::kInFull)) return {&attribute_->slot, 1};
  const auto found = finder_.find(name);
  if (!found.is_ok()) {
    status_ = found.status();
    return {};
  }
  if (found->empty() && find_attribute(name, Called::kInShort)) return {&attribute_->slot, 1};
  return *found;
}

namespace {

// What a text with the word must have, too: a run of letters stays one, whatever stands around the word.
std::string_view longest_letters(std::string_view word) {
  std::string_view best;
  for (std::size_t at = 0; at < word.size();) {
    std::size_t end = at;
    while (end < word.size() && ((word[end] >= 'a' && word[end] <= 'z') || static_cast<unsigned char>(word[end]) >= 0x80)) ++end;
    if (end - at > best.size()) best = word.substr(at, end - at);
    at = end + 1;
  }
  return best;
}

// False: `visit` wants no more.
bool visit_stretch(store::Stretch& stretch, std::span<const store::FoldMark> marks, store::SeqRange range,
                   std::span<const store::PatternId> patterns, RecordInHand& hand,
                   const std::function<bool(RecordInHand&)>& visit, Scanned& out) {
  hand.enter(stretch);
  const store::Seq first = std::max(range.first, stretch.first_seq());
  const store::Seq last = std::min(range.last, stretch.last_seq());
  for (store::Seq seq = first; seq <= last; ++seq) {
    const std::size_t index = seq - stretch.first_seq();
    ++out.records;
    if (!patterns.empty() && !std::ranges::binary_search(patterns, marks[index].pattern)) continue;
    hand.take(index, marks[index]);
    const bool more = visit(hand);
    out.damaged += hand.status().is_ok() ? 0 : 1;
    if (!more) return false;
  }
  return true;
}

// Whether a slot's value is one of those: severities are, however they are written.
bool is_one_of(const Slot& slot, std::string_view text, const std::vector<std::string>& wanted) {
  const std::string value = language::lower(slot_value(slot, text));
  const std::string_view severity = slot.name == "severity" ? fold::severity_of(value) : std::string_view();
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
    return language::lower(one) == value || (!severity.empty() && fold::severity_of(one) == severity);
  });
}

bool has_words(RecordInHand& record, const std::vector<WordGroup>& groups) {
  return std::ranges::all_of(groups, [&](const WordGroup& group) {
    return std::ranges::any_of(group, [&](const std::string& word) { return record.holds(word); });
  });
}

}  // namespace

Result<Scanned> visit_records(const store::RecordLog& log, store::SourceRef source, store::SeqRange range,
                              std::span<const store::PatternId> patterns, RecordInHand& hand,
                              const std::function<bool(RecordInHand&)>& visit) {
  Scanned out;
  store::Seq after = range.first > 0 ? range.first - 1 : 0;
  while (after < range.last) {
    SILT_ASSIGN(const store::StretchPtr stretch, log.stretch_after(source, after));
    if (!stretch || stretch->first_seq() > range.last) break;
    const store::SeqRange rest{after + 1, range.last};
    after = stretch->last_seq();
    if (stretch->damage().empty() && !stretch->is_folded()) break;
    const auto marks = stretch->damage().empty() ? stretch->marks() : data_loss(std::string(stretch->damage()));
    if (marks.status().code() == Code::kDataLoss) {
      out.damaged += std::min(after, range.last) - std::max(rest.first, stretch->first_seq()) + 1;
      continue;
    }
    SILT_TRY(marks.status());
    out.stopped = !visit_stretch(*stretch, *marks, rest, patterns, hand, visit, out);
    if (out.stopped) break;
  }
  return out;
}

Filter::Filter(const Query& query, const Profile& profile, std::int32_t zone_s)
    : query_(query), zone_s_(zone_s), layout_(profile.layout.kind), items_(*profile.items), spans_(is_span(query)) {
  store::PatternId greatest = 0;
  for (const PatternProfile& pattern : profile.patterns) greatest = std::max(greatest, pattern.id);
  has_words_.resize(profile.patterns.empty() ? 0 : greatest + std::size_t{1});
  for (const PatternProfile& pattern : profile.patterns) {
    has_words_[pattern.id] = std::all_of(query.words.begin(), query.words.end(), [&](const WordGroup& group) {
      return std::any_of(group.begin(), group.end(), [&](const std::string& word) {
        const auto id = profile.word_at.find(word);
        if (id == profile.word_at.end()) return false;
        const auto at = pattern.word_at.find(id->second);
        return at != pattern.word_at.end() && pattern.words[at->second].literal;
      });
    });
  }
  tested_.resize(query.tests.size());
  for (store::PatternId id = 0; id < has_words_.size(); ++id) needs_.push_back(unknown_need(id));
}

Need Filter::unknown_need(store::PatternId pattern) const {
  const auto& wanted = query_.patterns;
  if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), pattern) == wanted.end()) return Need::kNever;
  const bool words = query_.words.empty() || knows_words(pattern);
  // Comments of a table are records of any pattern.
  const bool plain = words && query_.not_words.empty() && query_.tests.empty() && !spans_ && layout_ != Layout::Kind::kTsv && !items_.has_history();
  return plain ? Need::kTime : Need::kText;
}

Result<Need> Filter::need_in(store::Stretch& stretch, store::PatternId pattern) const {
  const Need need = need_of(pattern);
  if (need != Need::kText || layout_ == Layout::Kind::kTsv || items_.has_history()) return need;
  const auto may_have = [&](const std::string& word) -> Result<bool> {
    const std::string_view letters = longest_letters(word);
    return letters.empty() ? Result<bool>(true) : stretch.may_hold(pattern, letters);
  };
  const bool known = query_.words.empty() || knows_words(pattern);
  for (const WordGroup& group : query_.words) {
    bool any = known;
    for (std::size_t i = 0; i < group.size() && !any; ++i) {
      SILT_ASSIGN(any, may_have(group[i]));
    }
    if (!any) return Need::kNever;
  }
  if (!known || !query_.tests.empty() || spans_) return Need::kText;
  for (const std::string& word : query_.not_words) {
    SILT_ASSIGN(const bool any, may_have(word));
    if (any) return Need::kText;
  }
  return Need::kTime;
}

bool Filter::in_time(std::int64_t event_us) const {
  const Window& window = query_.window;
  if (event_us < window.since_us || event_us > window.until_us) return false;
  if (window.day_from_s < 0) return true;
  const std::int32_t at = time_of_day_s(event_us, zone_s_);
  if (window.day_from_s <= window.day_to_s) return at >= window.day_from_s && at < window.day_to_s;
  return at >= window.day_from_s || at < window.day_to_s;
}

bool Filter::may_be_in_time(std::int64_t first_us, std::int64_t last_us) const {
  return first_us <= query_.window.until_us && last_us >= query_.window.since_us;
}

bool Filter::all_in_time(std::int64_t first_us, std::int64_t last_us) const {
  return query_.window.day_from_s < 0 && first_us >= query_.window.since_us && last_us <= query_.window.until_us;
}

bool Filter::passes(RecordInHand& record, std::size_t test) const {
  const Compare compare = query_.tests[test].compare;
  const bool of_values = compare == Compare::kIs || compare == Compare::kIsNot || compare == Compare::kHas;
  const std::uint32_t same = of_values ? record.same_slots(query_.tests[test].slot) : 0;
  if (same == 0) return test_slots(record, query_.tests[test]);
  Tested& known = tested_[test][same % tested_[test].size()];
  if (known.same != same) known = {same, test_slots(record, query_.tests[test])};
  return known.passes;
}

bool Filter::test_slots(RecordInHand& record, const Test& test) const {
  const std::span<const Slot> slots = record.slots(test.slot);
  const Slot* slot = slots.empty() ? nullptr : &slots.front();
  if (test.compare == Compare::kIs || test.compare == Compare::kIsNot) {
    if (slot != nullptr) return is_one_of(*slot, record.slot_text(), test.any) == (test.compare == Compare::kIs);
    const bool none = std::any_of(test.any.begin(), test.any.end(), [](const std::string& wanted) { return wanted.empty(); });
    return none && test.compare == Compare::kIs;  // what has no status has none that is not 200, either
  }
  if (slot == nullptr) return false;
  if (test.compare == Compare::kHas) {
    const std::string_view value = record.slot_text().substr(slot->begin, slot->end - slot->begin);
    return std::any_of(test.any.begin(), test.any.end(), [&](const std::string& word) { return language::has_word(value, word); });
  }
  const auto quantity = slot_quantity(*slot, record.slot_text(), slot->kind == fold::TokenKind::kTime);
  if (!quantity) return false;
  double value = quantity->value, bound = test.number;
  if (const auto unit = read_unit(test.unit); unit && unit->measure == quantity->measure) {
    value = quantity->base;
    bound = test.number * unit->factor;
  }
  switch (test.compare) {
    case Compare::kLess: return value < bound;
    case Compare::kAtMost: return value <= bound;
    case Compare::kMore: return value > bound;
    default: return value >= bound;
  }
}

bool Filter::matches(RecordInHand& record) const {
  const Need need = need_of(record.mark().pattern);
  if (need == Need::kNever || !in_time(record.mark().event_us)) return false;
  if (is_head_of_csv(layout_, record.seq()) || items_.is_history(record.seq())) return false;
  if (need == Need::kTime) return true;
  if (layout_ == Layout::Kind::kTsv && is_comment_of_tsv(layout_, record.text())) return false;
  if (!knows_words(record.mark().pattern) && !has_words(record, query_.words)) return false;
  if (spans_ && !has_words(record, query_.from_words) && !has_words(record, query_.to_words)) return false;
  for (const std::string& word : query_.not_words) {
    if (record.holds(word)) return false;
  }
  for (std::size_t test = 0; test < query_.tests.size(); ++test) {
    if (!passes(record, test)) return false;
  }
  return true;
}

}  // namespace silt::answer::search
