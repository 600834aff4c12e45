#include "daemon/answer/plan.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace silt::answer {
namespace {

constexpr std::array<std::string_view, kPlanKinds> kKindNames = {
    "find", "count", "top", "first", "last", "between", "compare", "explain", "digest"};
constexpr std::array<std::string_view, kSlots> kSlotNames = {
    "none",  "ip",    "host",    "user",     "port",    "number",  "id",    "path",
    "url",   "email", "package", "duration", "word",    "subject", "state", "component",
    "place", "time",  "hour",    "day",      "pattern", "source"};
constexpr std::array<std::string_view, kOrders> kOrderNames = {"relevance", "time", "newest", "most",
                                                               "least"};

template <class Enum, std::size_t N>
bool find_name(const std::array<std::string_view, N>& names, std::string_view name, Enum& out) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) {
      out = static_cast<Enum>(i);
      return true;
    }
  }
  return false;
}

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '/' || c == '-' || c == '@' || c == '+';
}

void append_string(std::string_view text, std::string& out) {
  bool bare = !text.empty();
  for (const char c : text) bare = bare && is_bare(c);
  if (bare) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\x%02x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_term(std::string_view key, const PlanTerm& term, std::string& out) {
  out += key;
  append_string(term.text, out);
  if (term.stemmed) out += '*';
  for (const std::string& alternative : term.alternatives) {
    out += '|';
    append_string(alternative, out);
  }
  for (const std::string& synonym : term.synonyms) {
    out += '~';
    append_string(synonym, out);
  }
}

void append_range(std::string_view first, std::string_view last, const TimeRange& range, std::string& out) {
  if (range.first_us != TimeRange::kMin) out.append(first).append(format_time(range.first_us));
  if (range.last_us != TimeRange::kMax) out.append(last).append(format_time(range.last_us));
}

// A cursor over canonical text. Every method says whether it found what it was asked for.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool eat(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view until(char stop) {
    const std::string_view found = rest_.substr(0, rest_.find(stop));
    rest_.remove_prefix(found.size());
    return found;
  }
  bool string(std::string& out) {
    out.clear();
    if (eat('"')) return quoted(out);
    while (!rest_.empty() && is_bare(rest_.front())) {
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    return !out.empty();
  }
  bool term(PlanTerm& out) {
    if (!string(out.text)) return false;
    out.stemmed = eat('*');
    while (eat('|')) {
      if (!string(out.alternatives.emplace_back())) return false;
    }
    while (eat('~')) {
      if (!string(out.synonyms.emplace_back())) return false;
    }
    return true;
  }
  template <class Number>
  bool number(Number& out) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    if (error != std::errc()) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }
  bool time(std::int64_t& out) {
    const auto parsed = parse_time(until(' '));
    if (parsed) out = *parsed;
    return parsed.has_value();
  }

 private:
  bool quoted(std::string& out) {
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (rest_.empty()) return false;
      if (rest_.front() == 'x') {
        unsigned value = 0;
        if (rest_.size() < 3) return false;
        const auto [end, error] = std::from_chars(rest_.data() + 1, rest_.data() + 3, value, 16);
        if (error != std::errc() || end != rest_.data() + 3) return false;
        out += static_cast<char>(value);
        rest_.remove_prefix(3);
      } else {
        out += rest_.front();
        rest_.remove_prefix(1);
      }
    }
    return false;
  }

  std::string_view rest_;
};

bool parse_clause(std::string_view key, Scanner& in, QueryPlan& plan) {
  if (key == "must") return in.term(plan.required.emplace_back());
  if (key == "may") return in.term(plan.optional.emplace_back());
  if (key == "to") return in.term(plan.end_terms.emplace_back());
  if (key == "phrase") return in.string(plan.phrases.emplace_back());
  if (key == "near") return in.string(plan.near);
  if (key == "source") return in.string(plan.sources.emplace_back());
  if (key == "field") return find_name(kSlotNames, in.until(' '), plan.slot);
  if (key == "order") return find_name(kOrderNames, in.until(' '), plan.order);
  if (key == "limit") return in.number(plan.limit);
  if (key == "pattern") return in.number(plan.pattern.emplace());
  if (key == "seq") return in.number(plan.seq.emplace());
  if (key == "since") return in.time(plan.time.first_us);
  if (key == "until") return in.time(plan.time.last_us);
  if (key == "base-since") return in.time(plan.baseline.first_us);
  if (key == "base-until") return in.time(plan.baseline.last_us);
  return false;
}

}  // namespace

std::string_view kind_name(PlanKind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}
std::string_view slot_name(Slot slot) {
  return kSlotNames[static_cast<std::size_t>(slot)];
}
std::string_view order_name(Order order) {
  return kOrderNames[static_cast<std::size_t>(order)];
}

std::string format_plan(const QueryPlan& plan) {
  std::string out(kind_name(plan.kind));
  for (const PlanTerm& term : plan.required) append_term(" must:", term, out);
  for (const PlanTerm& term : plan.optional) append_term(" may:", term, out);
  for (const std::string& phrase : plan.phrases) {
    out += " phrase:";
    append_string(phrase, out);
  }
  for (const PlanTerm& term : plan.end_terms) append_term(" to:", term, out);
  if (plan.slot != Slot::kNone) out.append(" field:").append(slot_name(plan.slot));
  if (!plan.near.empty()) {
    out += " near:";
    append_string(plan.near, out);
  }
  if (plan.pattern) out += " pattern:" + std::to_string(*plan.pattern);
  if (plan.seq) out += " seq:" + std::to_string(*plan.seq);
  for (const std::string& source : plan.sources) {
    out += " source:";
    append_string(source, out);
  }
  append_range(" since:", " until:", plan.time, out);
  append_range(" base-since:", " base-until:", plan.baseline, out);
  out += " limit:" + std::to_string(plan.limit);
  if (plan.order != Order::kRelevance) out.append(" order:").append(order_name(plan.order));
  return out;
}

Result<QueryPlan> parse_plan(std::string_view text) {
  Scanner in(text);
  QueryPlan plan;
  const std::string_view kind = in.until(' ');
  if (!find_name(kKindNames, kind, plan.kind)) {
    return invalid_argument("query plan: '" + std::string(kind) + "' is no kind of plan");
  }
  while (!in.done()) {
    if (!in.eat(' ')) return invalid_argument("query plan: clauses must be separated by one space");
    const std::string key(in.until(':'));
    if (!in.eat(':') || !parse_clause(key, in, plan)) {
      return invalid_argument("query plan: clause '" + key + "' is unknown or damaged");
    }
  }
  return plan;
}

std::int64_t civil_us(int year, int month, int day, int hour, int minute, int second) {
  using namespace std::chrono;
  const sys_days days{std::chrono::year{year} / month / day};
  const auto time = days + hours(hour) + minutes(minute) + seconds(second);
  return duration_cast<microseconds>(time.time_since_epoch()).count();
}

std::string format_time(std::int64_t time_us) {
  using namespace std::chrono;
  const sys_time<microseconds> time{microseconds(time_us)};
  const auto days = floor<std::chrono::days>(time);
  const year_month_day date(days);
  const hh_mm_ss clock(time - days);
  char out[48];
  const int size = std::snprintf(out, sizeof(out), "%04d-%02u-%02uT%02d:%02d:%02d", int(date.year()),
                                 unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                                 int(clock.minutes().count()), int(clock.seconds().count()));
  std::string text(out, static_cast<std::size_t>(size));
  if (const auto fraction = clock.subseconds().count(); fraction != 0) {
    std::snprintf(out, sizeof(out), ".%06d", int(fraction));
    text += out;
  }
  return text + "Z";
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  const std::string copy(text);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0, used = 0;
  if (std::sscanf(copy.c_str(), "%6d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second,
                  &used) != 6) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return std::nullopt;
  std::string_view rest = std::string_view(copy).substr(static_cast<std::size_t>(used));
  if (rest.size() == 8 && rest.front() == '.') {
    if (std::sscanf(copy.c_str() + used, ".%6d", &fraction) != 1 || fraction < 0) return std::nullopt;
    rest.remove_prefix(7);
  }
  if (rest != "Z") return std::nullopt;
  return civil_us(year, month, day, hour, minute, second) + fraction;
}

}  // namespace silt::answer
