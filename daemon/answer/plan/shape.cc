// The shape of a query: operand, groups and bounds that its operation needs.
#include <algorithm>
#include <utility>

#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/source_planner.h"
#include "daemon/answer/search/quantity.h"

namespace silt::answer::plan {
namespace {

// Minutes for an hour's worth of log, hours for a few days', and so on.
std::string bucket_for(const search::Profile& profile, const Window& window) {
  const double from = static_cast<double>(std::max(profile.first_us, window.since_us));
  const double to = static_cast<double>(std::min(profile.last_us, window.until_us));
  const double hours = (to - from) / 3.6e9;
  return hours < 3 ? "minute" : hours < 72 ? "hour" : hours < 24 * 90 ? "day" : "month";
}

// "longest session": a time, and not the greatest number of a session.
bool asks_time(const language::Reading& reading) {
  static const std::vector<std::string_view> kTimes = {"longest", "shortest", "long", "time", "lasted", "lasts", "stays", "stayed", "duration", "l\xc3\xa4ngste",
                                                       "k\xc3\xbcrzeste", "dauer", "lange", "longue", "dur\xc3\xa9" "e", "temps", "tiempo", "duraci\xc3\xb3n"};
  return std::any_of(reading.words.begin(), reading.words.end(), [](const language::QuestionWord& word) {
    return std::find(kTimes.begin(), kTimes.end(), word.text) != kTimes.end();
  });
}

// "biggest", "hottest": a number, but no time.
bool asks_no_time(const language::Reading& reading) {
  return std::any_of(operand_concepts().begin(), operand_concepts().end(), [&](const OperandConcept& each) {
    const auto of = [&](std::string_view kind) { return std::find(each.kinds.begin(), each.kinds.end(), kind) != each.kinds.end(); };
    return of("num") && !of("dur") && std::any_of(reading.hints.begin(), reading.hints.end(), [&](const std::string& hint) {
             return std::find(each.words.begin(), each.words.end(), Stems{language::stem(hint)}) != each.words.end();
           });
  });
}

// Whether the slot's numbers may be times or sizes: by unit or name. Those of an identifier are neither.
bool may_be_time(const search::SlotProfile& slot) {
  if (is_length_of_time(slot) || search::read_unit(slot.unit)) return true;
  for (const std::string_view part : {"time", "duration", "elapsed", "took", "latency", "length", "len", "size", "ms", "sec", "secs", "seconds", "lag", "delay", "wait", "age"}) {
    if (slot.base().find(part) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

bool is_length_of_time(const search::SlotProfile& slot) {
  const auto unit = search::read_unit(slot.unit);
  if (unit && unit->measure == search::Measure::kTime && slot.numbers * 2 >= slot.count) return true;
  if (slot.times * 2 <= slot.count) return false;
  for (const std::string_view part : {"lifetime", "duration", "elapsed", "took", "runtime", "uptime", "latency", "length", "total", "real"}) {
    if (language::has_word(slot.base(), part)) return true;
  }
  return false;
}

bool SourcePlanner::by_bucket() {
  if (reading_.bucket.empty()) return false;
  out_.query.group = reading_.bucket;
  return true;
}

// Where lines say no times, none can be asked of them; of prose nothing can be computed: its fitting
// lines are the answer.
bool SourcePlanner::settle_untimed() {
  Query& query = out_.query;
  if (profile_.layout.kind == search::Layout::Kind::kProse) {
    out_.prose = true;
    query.tests.clear();  // a text has no slots
    const bool number = query.op == Op::kDuration || query.op == Op::kCount || query.op == Op::kThreshold || query.op == Op::kMin || query.op == Op::kMax;
    if (number) out_.wanted_unit = reading_.unit.empty() ? query.op == Op::kDuration ? "s" : "" : reading_.unit;
    if (query.op != Op::kSummary && query.op != Op::kExplain) query.op = Op::kList;
    return true;
  }
  constexpr std::uint64_t kTimedEnough = 100;  // of a log with long records of many lines
  if (profile_.timed * 20 > profile_.records || profile_.timed >= kTimedEnough) return false;
  const bool timed = query.op == Op::kFirst || query.op == Op::kLast || query.op == Op::kWhen || query.op == Op::kGap ||
                     query.op == Op::kTrend || query.op == Op::kHistogram;
  if (timed) query.op = Op::kList;
  return timed;
}

void SourcePlanner::shape() {
  Query& query = out_.query;
  if (settle_untimed()) return;
  if (!reading_.bounds.empty() && query.op != Op::kRate && query.op != Op::kDuration) return shape_bounds();
  if (query.op == Op::kGap || query.op == Op::kNew || query.op == Op::kSummary) {
    std::erase_if(query.tests, [&](const Test& test) { return std::find(fields_.numbers.begin(), fields_.numbers.end(), test.slot) != fields_.numbers.end(); });
  }
  switch (query.op) {
    case Op::kCount:
      if (total_of_number()) shape_numbers();
      return;
    case Op::kSum:
    case Op::kAverage:
    case Op::kMin:
    case Op::kMax:
    case Op::kPercentile: return shape_numbers();
    case Op::kDistinct:
    case Op::kTop:
    case Op::kBottom: return shape_groups();
    case Op::kThreshold:
    case Op::kList:
    case Op::kExists: return shape_list();
    case Op::kCompare: return shape_compare();
    case Op::kDuration: return shape_duration();
    case Op::kRate: query.group = reading_.share ? "share" : reading_.bucket.empty() ? "second" : reading_.bucket; return;
    case Op::kTrend:
    case Op::kHistogram: query.group = reading_.bucket.empty() ? bucket_for(profile_, query.window) : reading_.bucket; return;
    default: return;
  }
}

// What stands right behind the operation names the number best: "which ticket got the biggest |estimate|".
OperandChoice SourcePlanner::number_operand() {
  if (reading_.measured.empty() || !reading_.operand_leads) return operand_for(OperandUse::kNumber);
  const std::vector<std::size_t> asked = std::exchange(operand_words_, reading_.measured);
  const OperandChoice measured = operand_for(OperandUse::kNumber);
  if (measured.named) return measured;
  operand_words_ = asked;
  return operand_for(OperandUse::kNumber);
}

void SourcePlanner::shape_numbers() {
  if (out_.query.op == Op::kPercentile) out_.query.number = reading_.percentile;
  if (shape_span()) return;
  if (by_bucket() && (out_.query.op == Op::kMax || out_.query.op == Op::kMin)) {
    out_.query.op = out_.query.op == Op::kMax ? Op::kTop : Op::kBottom;
    return;
  }
  out_.query.group.clear();
  OperandChoice choice = number_operand();
  if (!choice.named && operand_words_.empty()) {  // "are estimates higher on average": the topic names the number
    operand_words_ = reading_.topic;
    choice = number_operand();
    if (!choice.named || choice.score < 0.5F) {
      operand_words_.clear();
      choice = number_operand();
    }
  }
  if (!choice.named) {
    give_back_operand();
    const bool time = !asks_no_time(reading_);
    if (time && timed_number()) return;
    choice = number_operand();
    if (!choice.named && time && shape_state()) return;
  }
  if (choice.named && asks_time(reading_) && !may_be_time(*profile_.slot(choice.slot)) && shape_state()) return;
  out_.query.operand = choice.slot;
  out_.operand_score = choice.score;
  if (!choice.named) return;
  // Words of the operand that do not name the slot say which records: "longest |backup| run".
  std::erase_if(operand_, [&](std::size_t t) { return fields_.plain.contains(t); });
  subject_.insert(subject_.end(), operand_.begin(), operand_.end());
  std::sort(subject_.begin(), subject_.end());
  for (const std::size_t t : operand_) topic_.words[t].share = reading_.words[topic_.words[t].at].light ? 0.35F : 1.0F;
  claimed_ |= !operand_.empty();
  operand_.clear();
  claim(choice.slot);
}

// "the most hours": the record with the greatest number, where hours is a slot of numbers.
bool SourcePlanner::most_of_number() {
  Query& query = out_.query;
  if ((query.op != Op::kTop && query.op != Op::kBottom) || reading_.frequent || reading_.measured.empty()) return false;
  OperandRequest request;
  request.profile = &profile_;
  for (const std::size_t i : reading_.measured) request.words.push_back(reading_.words[i].text);
  request.use = OperandUse::kNumber;
  const OperandChoice choice = choose_operand(request);
  const search::SlotProfile* slot = profile_.slot(choice.slot);
  if (!choice.named || choice.score < 0.75F || slot == nullptr || slot->role != search::Role::kNamed) return false;
  query.op = query.op == Op::kTop ? Op::kMax : Op::kMin;
  operand_words_ = reading_.measured;
  return true;
}

void SourcePlanner::shape_groups() {
  if (by_bucket()) return;
  if (most_of_number()) return shape_numbers();
  const OperandChoice choice = operand_for(OperandUse::kValue);
  if (choice.score >= 0.3F) {
    out_.query.operand = choice.slot;
    out_.operand_score = choice.score;
    if (choice.named && profile_.slot(choice.slot)->role == search::Role::kNamed) claim(choice.slot);
  } else if (out_.query.op == Op::kTop || out_.query.op == Op::kBottom) {
    out_.query.operand = "pattern";
    out_.operand_score = operand_.empty() ? 0.6F : 0.2F;
  } else {
    out_.operand_score = choice.score;
  }
  for (const std::size_t t : operand_) {
    weight_[t] = 1.5F;
    if (choice.score >= 0.3F) got_[t] = 1.5F;
  }
}

void SourcePlanner::shape_bounds() {
  Query& query = out_.query;
  const language::Bound& bound = reading_.bounds.front();
  const bool counted = query.op == Op::kCount;
  const bool grouped = bound.unit.empty() && (!reading_.bucket.empty() || !reading_.operand.empty() || reading_.who);
  if (grouped) {
    OperandChoice number = operand_for(OperandUse::kNumber);
    const bool number_slot = number.named && number.score > 0.8F;
    if (!number_slot) {
      query.op = Op::kThreshold;
      query.number = bound.compare == Compare::kAtLeast ? bound.number : bound.number + 1;
      if (by_bucket()) return;
      const OperandChoice choice = operand_for(OperandUse::kValue);
      query.operand = choice.slot;
      out_.operand_score = choice.score;
      for (const std::size_t t : operand_) weight_[t] = got_[t] = choice.score >= 0.3F ? 1.5F : 0;
      return;
    }
  }
  OperandRequest request;
  request.profile = &profile_;
  request.patterns = chosen_;
  for (const std::size_t i : reading_.topic) request.words.push_back(reading_.words[i].text);
  request.use = OperandUse::kNumber;
  request.unit = bound.unit;
  if (!bound.unit.empty()) request.words.push_back(bound.unit);  // "above 5 hours", where hours is a column
  const OperandChoice choice = choose_operand(request);
  out_.operand_score = choice.score;
  out_.bound_lost = choice.slot.empty();
  query.op = counted || (query.op == Op::kList && reading_.operand.empty()) ? Op::kCount : Op::kList;
  if (choice.slot.empty()) return;
  claim(choice.slot);
  query.tests.push_back({choice.slot, bound.compare, {}, bound.number, bound.unit});
  for (const std::size_t t : operand_) weight_[t] = 0.5F;
}

void SourcePlanner::shape_compare() {
  Query& query = out_.query;
  if (reading_.windows.size() >= 2) {
    query.window = reading_.windows[0];
    query.other_window = reading_.windows[1];
    return;
  }
  query.versus = reading_.versus;
  if (query.versus.empty()) query.group = reading_.bucket;
  for (const Test& test : query.tests) {  // "broker 1 or 2": two values of one slot
    const bool both = !query.versus.empty() && std::all_of(query.versus.begin(), query.versus.end(), [&](const std::string& value) {
      return std::any_of(test.any.begin(), test.any.end(), [&](const std::string& any) { return language::lower(any) == value; });
    });
    if (both) query.group = test.slot;
  }
}

// Among the patterns that fit about as well as the best, one that says a time span: "took 12 ms".
bool SourcePlanner::timed_number() {
  for (const PatternMatch& match : matches_.best) {
    if (match.score < 0.5F * matches_.best.front().score) return false;
    for (const auto& [at, uses] : profile_.patterns[match.pattern].slots) {
      const search::SlotProfile& slot = profile_.slots[at];
      if (!is_length_of_time(slot)) continue;
      out_.query.operand = slot.name;
      out_.operand_score = 0.8F;
      out_.query.words.clear();
      out_.query.patterns.clear();
      ground_values();
      chosen_.clear();
      use_match(match, matches_, subject_);
      out_.ground = Ground::kPatterns;
      claimed_ = false;
      return true;
    }
  }
  return false;
}

// "total amount": the sum of a slot, not the number of records.
bool SourcePlanner::total_of_number() {
  const bool total = std::any_of(reading_.words.begin(), reading_.words.end(), [](const language::QuestionWord& word) {
    return word.text == "total" || word.text == "sum" || word.text == "summe" || word.text == "somme" || word.text == "suma" || word.text == "together" || word.text == "altogether";
  });
  if (!total) return false;
  std::vector<std::size_t> measured = reading_.measured;
  if (measured.empty()) {  // "story points all together": what stands before
    for (const std::size_t i : reading_.topic) measured.push_back(i);
  }
  if (measured.empty() || measured.size() > 3) return false;
  OperandRequest request;
  request.profile = &profile_;
  for (const std::size_t i : measured) request.words.push_back(reading_.words[i].text);
  request.use = OperandUse::kNumber;
  const OperandChoice choice = choose_operand(request);
  const search::SlotProfile* slot = profile_.slot(choice.slot);
  if (!choice.named || slot == nullptr || slot->role != search::Role::kNamed) return false;
  out_.query.op = Op::kSum;
  operand_words_ = measured;
  return true;
}

void SourcePlanner::shape_duration() {
  if (shape_span()) return;
  if (timed_number() || shape_state()) return;
  if (out_.ground == Ground::kAll) return;  // from the first to the last record
  const OperandChoice choice = operand_for(OperandUse::kNumber);
  const search::SlotProfile* slot = profile_.slot(choice.slot);
  const auto unit = slot != nullptr ? search::read_unit(slot->unit) : std::nullopt;
  const bool timed = (unit && unit->measure == search::Measure::kTime) || (slot != nullptr && slot->times * 2 > slot->count) ||
                     (choice.named && slot != nullptr && slot->name.find("time") != std::string::npos);
  if (timed) {
    out_.query.operand = choice.slot;
    out_.operand_score = 0.5F + choice.score;
  }
}

void SourcePlanner::shape_list() {
  Query& query = out_.query;
  if (reading_.operand.empty() && !reading_.who && !reading_.where) {
    if (reading_.bucket_asked && by_bucket()) query.op = Op::kDistinct;
    return;
  }
  if (reading_.bucket_asked && by_bucket()) {
    query.op = Op::kDistinct;
    return;
  }
  const OperandChoice choice = operand_for(OperandUse::kValue);
  if (choice.score < 0.3F) {
    out_.operand_score = choice.score;
    for (const std::size_t t : operand_) weight_[t] = 1;
    return;
  }
  query.operand = choice.slot;
  out_.operand_score = choice.score;
  for (const std::size_t t : operand_) weight_[t] = got_[t] = 1.5F;
}

// "titles about a flaky test": words are to stand in the column that the question names.
void SourcePlanner::narrow_to_column() {
  const bool table = profile_.layout.kind == search::Layout::Kind::kCsv || profile_.layout.kind == search::Layout::Kind::kTsv;
  if (!table || out_.query.words.size() <= out_.firm_words) return;
  for (const std::size_t t : fields_.named) {
    const std::string stem = language::stem(topic_.words[t].text);
    const auto column = std::find_if(profile_.slots.begin(), profile_.slots.end(), [&](const search::SlotProfile& slot) {
      return slot.role == search::Role::kNamed && language::stem(slot.base()) == stem;
    });
    if (column == profile_.slots.end() || column->name == out_.query.operand || column->numbers * 2 > column->count) continue;
    auto& groups = out_.query.words;
    for (std::size_t i = out_.firm_words; i < groups.size(); ++i) {
      const bool name = std::any_of(groups[i].begin(), groups[i].end(), [&](const std::string& word) { return language::stem(word) == stem; });
      if (!name) out_.query.tests.push_back({column->name, Compare::kHas, groups[i], 0, ""});
    }
    groups.resize(out_.firm_words);
    out_.word_weights.resize(out_.firm_words);
    out_.query.patterns.clear();
    return;
  }
}

}  // namespace silt::answer::plan
