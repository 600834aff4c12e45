#include "daemon/answer/reply/compose.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "daemon/answer/query_text.h"
#include "daemon/answer/search/quantity.h"

namespace silt::answer::reply {
namespace {

using search::Group;
using search::Hit;
using search::number_text;

constexpr std::size_t kLineShown = 400;  // bytes of a record in the text
constexpr std::size_t kPassageShown = 1500;  // of a paragraph
constexpr std::size_t kGroupsShown = 12;

// Whether more records can only make the answer greater.
bool counts_only(const Query& query) {
  return query.op == Op::kCount || query.op == Op::kExists || query.op == Op::kList || query.op == Op::kDistinct;
}

std::string plural(std::uint64_t n, std::string_view one) {
  return std::to_string(n) + " " + std::string(one) + (n == 1 ? "" : "s");
}

class Composer {
 public:
  Composer(const Judged& judged, std::int32_t zone_s, std::size_t citations_max)
      : judged_(judged), query_(judged.candidate.query), found_(judged.outcome), zone_s_(zone_s), most_(citations_max) {}

  Reply run() {
    if (judged_.verdict == Verdict::kStated) {
      state();
      elsewhere();
    }
    else if (judged_.verdict == Verdict::kClosest) closest();
    else if (!judged_.candidate.impossible.empty()) reply_.text = "There is no \"" + judged_.candidate.impossible.front() + "\": nothing is said of that time.";
    else reply_.text = "Nothing in " + scope_name() + " fits this question.";
    footer();
    return std::move(reply_);
  }

 private:
  void state();
  void state_count();
  std::string parts() const;
  void state_time(const std::optional<Hit>& hit, std::string_view what);
  void state_number();
  void state_groups();
  void state_list();
  void state_rate();
  void state_gap();
  void state_duration();
  void state_span();
  void state_numbers_by_group();
  void state_compare();
  void state_trend();
  bool is_cut(const Group& group) const;
  void state_summary();
  void state_explain();
  void state_prose();
  void quote_near(std::size_t most);
  void quote_odd();
  void closest();
  void state_no_number();
  void rivals();
  void elsewhere();
  std::string in_a_line(const Judged& judged) const;
  void footer();
  std::string scope_name() const;
  std::string what() const;
  std::string clip(std::string_view text) const;
  std::size_t shown_of_record() const { return judged_.candidate.prose ? kPassageShown : kLineShown; }
  std::string cite(const Hit& hit);
  void quote(const Hit& hit, std::string_view lead = "");
  void quote_sample(std::size_t most);
  std::string group_name(const Group& group) const;

  const Judged& judged_;
  const Query& query_;
  const search::Outcome& found_;
  std::int32_t zone_s_;
  std::size_t most_;
  Reply reply_;
};

std::string Composer::scope_name() const {
  if (judged_.scope.empty()) return "no source";
  if (judged_.scope.size() == 1) return judged_.scope.front()->name;
  return plural(judged_.scope.size(), "source");
}

// What the query picked, in words: "records with failed|failure and password".
std::string Composer::what() const {
  std::string out;
  for (const WordGroup& group : query_.words) {
    out += out.empty() ? "with " : " and ";
    out += "\"" + group.front() + "\"";
    for (std::size_t i = 1; i < group.size() && i < 3; ++i) out += "/\"" + group[i] + "\"";
  }
  for (const Test& test : query_.tests) {
    out += out.empty() ? "with " : " and ";
    out += test.slot;
    if (test.any.empty()) {
      const std::array<std::string_view, 6> marks = {"=", "!=", "<", "<=", ">", ">="};
      out += " " + std::string(marks[static_cast<std::size_t>(test.compare)]) + " " + number_text(test.number) + " " + test.unit;
    }
    for (std::size_t i = 0; i < test.any.size(); ++i) out += (i == 0 ? (test.compare == Compare::kHas ? " with " : test.compare == Compare::kIsNot ? " not " : " ") : " or ") + test.any[i];
  }
  for (const std::string& word : query_.not_words) out += " without \"" + word + "\"";
  return out.empty() ? "in all" : out;
}

// Log text that looks like a citation gets a space, so that it cannot pass for one of ours.
std::string Composer::clip(std::string_view text) const {
  std::string out;
  for (std::size_t i = 0; i < text.size() && i < shown_of_record(); ++i) {
    out += text[i];
    const bool starts = text[i] == '[' && (i == 0 || text[i - 1] == ' ');
    const std::size_t end = starts ? text.find(']', i) : std::string_view::npos;
    const bool mark = end != std::string_view::npos && end > i + 1 && end <= i + 4 &&
                      text.substr(i + 1, end - i - 1).find_first_not_of("0123456789") == std::string_view::npos;
    if (mark) out += ' ';
  }
  if (text.size() > shown_of_record()) out += "…";
  return out;
}

std::string Composer::cite(const Hit& hit) {
  for (std::size_t i = 0; i < reply_.citations.size(); ++i) {
    if (reply_.citations[i].seq == hit.seq && reply_.citations[i].source == hit.source) return "[" + std::to_string(i + 1) + "]";
  }
  if (reply_.citations.size() >= most_) return "";
  reply_.citations.push_back(hit);
  return "[" + std::to_string(reply_.citations.size()) + "]";
}

void Composer::quote(const Hit& hit, std::string_view lead) {
  reply_.text += "\n" + std::string(lead) + cite(hit) + " " + clip(hit.text);
}

void Composer::quote_sample(std::size_t most) {
  std::vector<const Hit*> order;  // one of each pattern first
  std::vector<store::PatternId> seen;
  for (const Hit& hit : found_.sample) {
    if (std::find(seen.begin(), seen.end(), hit.pattern) != seen.end()) continue;
    seen.push_back(hit.pattern);
    order.push_back(&hit);
  }
  if (found_.matched <= found_.sample.size()) {  // all there are
    for (const Hit& hit : found_.sample) {
      if (std::find(order.begin(), order.end(), &hit) == order.end()) order.push_back(&hit);
    }
  }
  for (std::size_t i = 0; i < order.size() && i < most; ++i) quote(*order[i]);
}

std::string Composer::group_name(const Group& group) const {
  if (query_.operand == "pattern" || query_.group == "pattern") return clip(group.example.text);
  if (query_.group == "source") return judged_.scope[group.example.source]->name;
  if (query_.group != "day") return group.value;
  const std::time_t seconds = group.example.event_us / 1'000'000 + zone_s_;  // with the day's names
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %a %b %-d", &parts);
  return text.data();
}

void Composer::state_count() {
  reply_.text = plural(found_.matched, "record") + " " + what();
  if (found_.matched == 0) return;
  reply_.text += parts() + ", from " + time_text(found_.first->event_us, zone_s_) + " to " + time_text(found_.last->event_us, zone_s_) + ".";
  quote_sample(3);
}

// What kinds of records were counted together. Of a table or a text each row is one of its own.
std::string Composer::parts() const {
  constexpr std::size_t kShown = 3, kTextShown = 90;
  const std::vector<search::PatternCount>& all = found_.patterns;
  if (all.size() < 2 || all.front().count < 2) return "";
  std::string out;
  for (std::size_t i = 0; i < all.size() && i < kShown; ++i) {
    const search::Profile& profile = *judged_.scope[all[i].source];
    const auto at = profile.pattern_at.find(all[i].pattern);
    if (profile.layout.kind != search::Layout::Kind::kLines || at == profile.pattern_at.end()) return "";
    const std::string& text = profile.patterns[at->second].text;
    const std::string line = text.substr(0, std::min(text.find('\n'), text.size()));
    out += (i == 0 ? ": " : "; ") + std::to_string(all[i].count) + " x " + clip(line).substr(0, kTextShown) + (line.size() > kTextShown ? "…" : "");
  }
  if (all.size() > kShown) out += "; and " + std::to_string(all.size() - kShown) + " more kinds";
  return out;
}

void Composer::state_time(const std::optional<Hit>& hit, std::string_view which) {
  if (!hit) return state_count();
  reply_.text = time_text(hit->event_us, zone_s_) + " (" + std::string(which) + " of " + plural(found_.matched, "record") + " " + what() + ")";
  quote(*hit);
}

void Composer::state_number() {
  reply_.text = number_text(*found_.value) + (found_.unit.empty() ? "" : " " + found_.unit) + ": " + std::string(answer::name_of(query_.op)) +
                " of " + query_.operand + " over " + plural(found_.numbers, "record") + " " + what() + ".";
  if (found_.from && (query_.op == Op::kMax || query_.op == Op::kMin)) quote(*found_.from, time_text(found_.from->event_us, zone_s_) + " ");
  else quote_sample(2);
}

void Composer::state_no_number() {
  reply_.text = "None of " + plural(found_.matched, "record") + " " + what() + " has a number in a slot \"" + query_.operand + "\"; `silt patterns` lists what there is.";
}

void Composer::state_groups() {
  const bool threshold = query_.op == Op::kThreshold;
  std::vector<const Group*> groups;
  for (const Group& group : found_.groups) {
    if (!threshold || static_cast<double>(group.count) >= query_.number) groups.push_back(&group);
  }
  const std::string by = query_.group.empty() ? query_.operand : query_.group;
  if (groups.empty() && found_.grouped == 0 && !by.empty()) {
    reply_.text = "None of " + plural(found_.matched, "record") + " " + what() + " has a slot \"" + by + "\"; `silt patterns` lists what there is.";
    return;
  }
  if (query_.op == Op::kDistinct || threshold) {
    reply_.text = plural(groups.size(), "value") + " of " + by + (threshold ? " with at least " + number_text(query_.number) + " records" : "") + ": ";
  } else if (!groups.empty()) {
    reply_.text = group_name(*groups.front()) + " with " + plural(groups.front()->count, "record") + "; by " + by + ": ";
  }
  const std::size_t shown = query_.limit > 0 ? std::min<std::size_t>(query_.limit, search::kGroupsShownMax) : query_.op == Op::kDistinct || threshold ? search::kGroupsShownMax : kGroupsShown;
  for (std::size_t i = 0; i < groups.size() && i < shown; ++i)
    reply_.text += (i == 0 ? "" : ", ") + (by == "pattern" && i > 0 ? clip(groups[i]->example.text).substr(0, 100) : group_name(*groups[i])) + " (" + std::to_string(groups[i]->count) + ")";
  if (groups.size() > shown) reply_.text += ", and " + std::to_string(groups.size() - shown) + " more";
  reply_.text += ". " + std::to_string(found_.grouped) + " of " + plural(found_.matched, "record") + " " + what() + " have it.";
  for (std::size_t i = 0; i < groups.size() && i < 3; ++i) quote(groups[i]->example);
}

void Composer::state_list() {
  if (!found_.groups.empty()) return state_groups();
  if (judged_.candidate.prose) return state_prose();
  if (query_.op == Op::kExists) {
    reply_.text = found_.matched > 0 ? "Yes: " + plural(found_.matched, "record") + " " + what() : "No records " + what();
  } else {
    reply_.text = plural(found_.matched, "record") + " " + what();
  }
  if (found_.matched == 0) return;
  reply_.text += ", from " + time_text(found_.first->event_us, zone_s_) + " to " + time_text(found_.last->event_us, zone_s_) + ".";
  quote_sample(query_.limit > 0 ? query_.limit : 5);
  quote_near(3);
}

// The passages of a text that fit best. Where a number was asked for, it leads, and the passage that has it.
void Composer::state_prose() {
  std::vector<const Passage*> order;
  for (const Passage& passage : judged_.passages) order.push_back(&passage);
  if (const auto wanted = search::read_unit(judged_.candidate.wanted_unit)) {
    for (std::size_t i = 0; i < order.size() && reply_.text.empty(); ++i) {
      const auto found = quantity_in(*order[i], wanted->measure, judged_.candidate.prose_words);
      if (!found) continue;
      reply_.text = number_text(found->value) + " " + found->unit + ", says this:";
      std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(i), order.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  }
  if (reply_.text.empty()) reply_.text = "What fits best:";
  constexpr std::size_t kPassagesShown = 4;
  for (std::size_t i = 0; i < order.size() && i < kPassagesShown; ++i) {
    if (i > 0) reply_.text += "\n";
    for (const Hit& hit : *order[i]) quote(hit);
  }
}

void Composer::state_rate() {
  if (query_.group == "share") {
    const std::uint64_t whole = judged_.other.matched;
    const double share = whole > 0 ? 100.0 * static_cast<double>(found_.matched) / static_cast<double>(whole) : 0;
    reply_.text = number_text(share) + " %: " + std::to_string(found_.matched) + " of " + plural(whole, "record") + " " + what() + ".";
    return quote_sample(2);
  }
  const Window& window = query_.window;
  const bool bounded = window.since_us != Window::kMin && window.until_us != Window::kMax;
  std::int64_t first_us = window.since_us, last_us = window.until_us;
  for (const auto& profile : judged_.scope) {  // as far as the source goes, not as far as it holds such records
    first_us = std::max(first_us, profile->first_us);
    last_us = std::min(last_us, profile->last_us);
  }
  const std::int64_t span_us = bounded ? window.until_us - window.since_us : last_us - first_us;
  const double seconds = static_cast<double>(span_us) / 1e6;
  const double units = std::max(seconds / search::bucket_seconds(query_.group), 1e-9);
  reply_.text = number_text(static_cast<double>(found_.matched) / units) + " per " + query_.group + ": " + plural(found_.matched, "record") +
                " " + what() + " in " + search::duration_text(seconds) + ".";
  quote_sample(2);
}

void Composer::state_gap() {
  reply_.text = search::duration_text(*found_.value) + " without a record " + what() + ", from " + time_text(found_.from->event_us, zone_s_) +
                " to " + time_text(found_.to->event_us, zone_s_) + ".";
  quote(*found_.from);
  quote(*found_.to);
}

// From one kind of record to another.
void Composer::state_span() {
  if (!found_.value) return state_count();
  reply_.text = search::duration_text(*found_.value);
  if (found_.numbers > 1) {
    const std::string_view which = query_.op == Op::kDuration ? "average" : answer::name_of(query_.op);
    reply_.text += ", the " + std::string(which) + " of " + plural(found_.numbers, "time");
  }
  const auto words = [](const std::vector<WordGroup>& groups) {
    std::string out;
    for (const WordGroup& group : groups) out += (out.empty() ? "\"" : " ") + group.front();
    return out + "\"";
  };
  reply_.text += ", from " + words(query_.from_words) + " to " + words(query_.to_words);
  if (!query_.words.empty() || !query_.tests.empty()) reply_.text += " " + what();
  if (!found_.paired_by.empty()) reply_.text += ", each with the same " + found_.paired_by;
  if (found_.open > 0) reply_.text += "; " + plural(found_.open, "start") + " without an end";
  reply_.text += ".";
  if (found_.from) quote(*found_.from, time_text(found_.from->event_us, zone_s_) + " ");
  if (found_.to) quote(*found_.to, time_text(found_.to->event_us, zone_s_) + " ");
}

// "average of took by host"
void Composer::state_numbers_by_group() {
  const std::string unit = found_.unit.empty() ? "" : " " + found_.unit;
  const auto one = [&](const Group& group) { return group_name(group) + " " + number_text(*group.number) + unit; };
  reply_.text = one(found_.groups.front()) + "; " + std::string(answer::name_of(query_.op)) + " of " + query_.operand + " by " + query_.group + ": ";
  const std::size_t shown = query_.limit > 0 ? std::min<std::size_t>(query_.limit, search::kGroupsShownMax) : search::kGroupsShownMax;
  for (std::size_t i = 0; i < found_.groups.size() && i < shown; ++i)
    reply_.text += (i == 0 ? "" : ", ") + one(found_.groups[i]) + " (" + plural(found_.groups[i].count, "record") + ")";
  if (found_.groups.size() > shown) reply_.text += ", and " + std::to_string(found_.groups.size() - shown) + " more";
  reply_.text += ".";
  for (std::size_t i = 0; i < found_.groups.size() && i < 3; ++i) quote(found_.groups[i].example);
}

void Composer::state_duration() {
  if (found_.value || !found_.first) {
    if (found_.value) return state_number();
    return;
  }
  const double seconds = static_cast<double>(found_.last->event_us - found_.first->event_us) / 1e6;
  reply_.text = search::duration_text(seconds) + " from " + time_text(found_.first->event_us, zone_s_) + " to " +
                time_text(found_.last->event_us, zone_s_) + ", first and last of " + plural(found_.matched, "record") + " " + what() + ".";
  quote(*found_.first);
  quote(*found_.last);
}

void Composer::state_compare() {
  if (!query_.other_window.bounded()) return found_.groups.empty() ? state_count() : state_groups();
  const auto& a = judged_.outcome;
  const auto& b = judged_.other;
  const auto name = [&](const Window& window) {
    const std::time_t s = window.since_us / 1'000'000 + zone_s_;
    std::tm parts{};
    gmtime_r(&s, &parts);
    std::array<char, 64> text{};
    std::strftime(text.data(), text.size(), "%A %Y-%m-%d (%b %d)", &parts);
    return std::string(text.data());
  };
  const bool first = a.matched >= b.matched;
  const std::string more = name(first ? query_.window : query_.other_window), less = name(first ? query_.other_window : query_.window);
  reply_.text = more + ": " + std::to_string(std::max(a.matched, b.matched)) + " records " + what() + ", against " +
                std::to_string(std::min(a.matched, b.matched)) + " on " + less + ".";
  quote_sample(2);
}

// Whether the records or the time that was asked about begin or end within the hour, day, ... of the group.
bool Composer::is_cut(const Group& group) const {
  constexpr double kMissing = 0.1;  // of it
  const double length = search::bucket_seconds(query_.group);
  const double at = static_cast<double>(group.example.event_us) / 1e6 + zone_s_;
  const double begin = std::floor(at / length) * length - zone_s_;
  double from = begin, to = begin + length;
  for (const auto& profile : judged_.scope) {
    from = std::max({from, static_cast<double>(profile->first_us) / 1e6, static_cast<double>(query_.window.since_us) / 1e6});
    to = std::min({to, static_cast<double>(profile->last_us) / 1e6, static_cast<double>(query_.window.until_us) / 1e6});
  }
  return to - from < (1 - kMissing) * length;
}

void Composer::state_trend() {
  if (found_.groups.size() < 2) return state_count();
  std::vector<double> counts;
  for (const Group& group : found_.groups) counts.push_back(static_cast<double>(group.count));
  if (counts.size() > 2 && is_cut(found_.groups.back())) counts.pop_back();
  if (counts.size() > 2 && is_cut(found_.groups.front())) counts.erase(counts.begin());
  const double n = static_cast<double>(counts.size());
  double mean = 0, slope = 0, spread = 0;
  for (const double c : counts) mean += c / n;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double x = static_cast<double>(i) - (n - 1) / 2;
    slope += x * (counts[i] - mean);
    spread += x * x;
  }
  slope = spread > 0 ? slope / spread : 0;
  const double change = mean > 0 ? slope * (n - 1) / mean : 0;
  const std::string_view word = change > 0.2 ? "Rising (going up)" : change < -0.2 ? "Falling (going down)" : "Steady (no rise, no fall)";
  reply_.text = std::string(word) + ": per " + query_.group + " ";
  for (std::size_t i = 0; i < found_.groups.size() && i < search::kGroupsShownMax; ++i)
    reply_.text += (i == 0 ? "" : ", ") + found_.groups[i].value + " " + std::to_string(found_.groups[i].count);
  reply_.text += "; " + plural(found_.matched, "record") + " " + what() + ".";
  quote_sample(2);
}

void Composer::state_summary() {
  reply_.text = query_.op == Op::kSummary ? "What happened, in order: " : "What stands out: ";
  reply_.text += plural(found_.matched, "record") + " " + what() + " in " + plural(found_.patterns.size(), "pattern");
  if (found_.first) reply_.text += ", from " + time_text(found_.first->event_us, zone_s_) + " to " + time_text(found_.last->event_us, zone_s_) + ".";
  const std::size_t room = most_ - std::min(most_, judged_.odd.size());
  for (std::size_t i = 0; i < judged_.story.size() && i < room; ++i) quote(judged_.story[i].hit, std::to_string(judged_.story[i].count) + " x ");
  quote_odd();
}

// What the weights did not expect, and by how much.
void Composer::quote_odd() {
  bool begun = false;
  for (const OddLine& line : judged_.odd) {
    const auto is_it = [&](const Hit& hit) { return hit.source == line.hit.source && hit.seq == line.hit.seq; };
    if (std::any_of(reply_.citations.begin(), reply_.citations.end(), is_it)) continue;
    if (!begun) reply_.text += "\nUnlike what the source has taught:";
    begun = true;
    quote(line.hit, std::to_string(std::lround(line.odd.bits)) + " bits, usually " + std::to_string(std::lround(line.odd.usual_bits)) + ": ");
  }
}

// The best records, then what led to them, then the next best patterns.
void Composer::state_explain() {
  if (judged_.candidate.ground == plan::Ground::kAll) return state_summary();
  reply_.text = plural(found_.matched, "record") + " " + what();
  if (found_.matched == 0) return;
  reply_.text += ", from " + time_text(found_.first->event_us, zone_s_) + " to " + time_text(found_.last->event_us, zone_s_) + ".";
  quote_sample(3);
  if (!judged_.story.empty()) reply_.text += "\nAround it:";
  for (const StoryLine& line : judged_.story) quote(line.hit);
  quote_near(3);
  if (!judged_.alarms.empty()) reply_.text += "\nWhat else went wrong:";
  for (const StoryLine& line : judged_.alarms) quote(line.hit, std::to_string(line.count) + " x ");
}

// Examples of the next best patterns.
void Composer::quote_near(std::size_t most) {
  const auto& near = judged_.candidate.near;
  std::size_t shown = 0;
  for (const plan::NearPattern& each : near) {
    const search::Profile& profile = *judged_.scope.front();
    if (shown >= most || each.pattern >= profile.patterns.size() || each.score < 0.55F * near.front().score) continue;
    const auto& pattern = profile.patterns[each.pattern];
    const bool quoted = std::any_of(reply_.citations.begin(), reply_.citations.end(), [&](const Hit& hit) { return hit.pattern == pattern.id; });
    if (quoted || pattern.example.empty()) continue;
    if (shown++ == 0) reply_.text += "\nAlso near:";
    quote({0, pattern.first_seq, pattern.first_us, pattern.id, pattern.example, ""}, std::to_string(pattern.count) + " x ");
  }
}

void Composer::state() {
  if (is_span(query_)) return state_span();
  if (!found_.groups.empty() && found_.groups.front().number) return state_numbers_by_group();
  switch (query_.op) {
    case Op::kCount: return query_.group.empty() ? state_count() : state_groups();
    case Op::kFirst: return state_time(found_.first, "first");
    case Op::kLast: return state_time(found_.last, "last");
    case Op::kWhen: return state_time(found_.first, "first");
    case Op::kSum:
    case Op::kAverage:
    case Op::kMin:
    case Op::kMax:
    case Op::kPercentile: return found_.value ? state_number() : query_.operand.empty() ? state_list() : state_no_number();
    case Op::kDistinct:
    case Op::kTop:
    case Op::kBottom:
    case Op::kThreshold: return state_groups();
    case Op::kRate: return state_rate();
    case Op::kGap: return found_.value ? state_gap() : state_count();
    case Op::kDuration: return state_duration();
    case Op::kCompare: return state_compare();
    case Op::kTrend:
    case Op::kHistogram: return state_trend();
    case Op::kSummary:
    case Op::kNew:
    case Op::kGone: return state_summary();
    case Op::kExplain: return state_explain();
    default: return state_list();
  }
}

// What a source says, in a line that begins with its name.
std::string Composer::in_a_line(const Judged& judged) const {
  Composer one(judged, zone_s_, 1);
  one.state();
  return (judged.scope.empty() ? std::string() : judged.scope.front()->name) + ": " + one.reply_.text.substr(0, one.reply_.text.find('\n'));
}

// Several sources fit, and none by far.
void Composer::rivals() {
  reply_.text = "Several sources fit; name one to be certain.\n" + in_a_line(judged_);
  for (const Judged& rival : judged_.rivals) reply_.text += "\n" + in_a_line(rival);
  quote_sample(1);
}

// Sources that fit less, behind the answer.
void Composer::elsewhere() {
  constexpr std::size_t kShown = 2;
  for (std::size_t i = 0; i < judged_.rivals.size() && i < kShown; ++i) {
    reply_.text += (i == 0 ? "\nFits less:\n" : "\n") + in_a_line(judged_.rivals[i]);
  }
}

void Composer::closest() {
  if (!judged_.rivals.empty()) return rivals();
  reply_.text = "Nothing is certain. The nearest patterns:";
  constexpr std::size_t kShown = 5;
  for (const plan::NearPattern& near : judged_.candidate.near) {
    if (reply_.citations.size() >= kShown) break;
    for (const auto& profile : judged_.scope) {
      if (near.pattern >= profile->patterns.size()) continue;
      const auto& pattern = profile->patterns[near.pattern];
      const Hit hit{0, pattern.first_seq, pattern.first_us, pattern.id, pattern.example, ""};
      reply_.text += "\n" + cite(hit) + " " + std::to_string(pattern.count) + " x " + clip(pattern.example);
      break;
    }
  }
}

void Composer::footer() {
  const std::string lost = [&] {
    std::string out;
    for (const std::string& word : judged_.candidate.lost) out += (out.empty() ? "" : ", ") + word;
    return out;
  }();
  reply_.text += "\nRead as: " + print_query(query_);
  if (!lost.empty()) reply_.text += "\nWithout a match in " + scope_name() + ": " + lost + ".";
  if (judged_.candidate.negation_lost) reply_.text += "\nThe \"not\" of the question was not understood: nothing is excluded for it.";
  if (!found_.complete) reply_.text += "\nThe time was up after " + std::to_string(found_.examined) + " of " + std::to_string(found_.total) + " records: " + (counts_only(query_) ? "counts are lower bounds." : "the answer is that of these alone, not of all.");
}

}  // namespace

std::string time_text(std::int64_t us, std::int32_t zone_s) {
  const std::time_t seconds = us / 1'000'000 - (us % 1'000'000 < 0 ? 1 : 0) + zone_s;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  std::array<char, 16> zone{};
  std::snprintf(zone.data(), zone.size(), " %c%02d:%02d", zone_s < 0 ? '-' : '+', std::abs(zone_s) / 3600, std::abs(zone_s) / 60 % 60);
  return std::string(text.data()) + zone.data();
}

Reply compose(const Judged& judged, std::int32_t zone_s, std::size_t citations_max) {
  return Composer(judged, zone_s, citations_max).run();
}

}  // namespace silt::answer::reply
