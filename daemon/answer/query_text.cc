#include "daemon/answer/query_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

#include "daemon/fold/scanner.h"

namespace silt::answer {
namespace {

constexpr std::array<std::pair<Compare, std::string_view>, 7> kCompareMarks = {{{Compare::kIsNot, "!="},
                                                                               {Compare::kAtMost, "<="},
                                                                               {Compare::kAtLeast, ">="},
                                                                               {Compare::kIs, "="},
                                                                               {Compare::kLess, "<"},
                                                                               {Compare::kMore, ">"},
                                                                               {Compare::kHas, "~"}}};

// Quoted when it holds what would end it; quotes and backslashes inside are escaped.
std::string quoted(std::string_view text) {
  if (!text.empty() && text.find_first_of(" \t\n\"\\|") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "|") + quoted(part);
  return out;
}

std::string time_text(std::int64_t us) {
  const std::time_t seconds = us / 1'000'000 - (us % 1'000'000 < 0 ? 1 : 0);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string out = text.data();
  if (const auto micros = us - seconds * 1'000'000; micros != 0) {
    std::snprintf(text.data(), text.size(), ".%06d", static_cast<int>(micros));
    out += text.data();
  }
  return out + "Z";
}

std::string clock_text(std::int32_t s) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  return text.data();
}

std::string double_text(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

void print_window(const Window& window, std::string_view prefix, std::string& out) {
  const std::string p = " " + std::string(prefix);
  if (window.since_us != Window::kMin) out += p + "since:" + time_text(window.since_us);
  if (window.until_us != Window::kMax) out += p + "until:" + time_text(window.until_us);
  if (window.day_from_s >= 0) out += p + "daily:" + clock_text(window.day_from_s) + "-" + clock_text(window.day_to_s);
}

std::string test_text(const Test& test) {
  std::string out = quoted(test.slot);
  for (const auto& [compare, mark] : kCompareMarks) {
    if (compare == test.compare) out += mark;
  }
  if (test.compare == Compare::kIs || test.compare == Compare::kIsNot || test.compare == Compare::kHas) return out + join(test.any);
  return out + double_text(test.number) + test.unit;
}

// One "key:value" of the line; the value's alternatives are unquoted.
struct Part {
  std::string key;
  std::string raw;
  std::vector<std::string> any;
};

class Parser {
 public:
  Parser(std::string_view text, const language::TimeContext& now) : text_(text), now_(now) {}

  Result<Query> run() {
    const std::string name = word();
    const auto op = std::find(kOpNames.begin(), kOpNames.end(), name);
    if (op == kOpNames.end())
      return invalid_argument("query: '" + name + "' is no operation; one of list, count, top, first, max, ... must come first");
    query_.op = static_cast<Op>(op - kOpNames.begin());
    while (skip_space()) {
      Part part = next();
      SILT_TRY(apply(part).with_context("query: '" + part.key + ":" + part.raw + "'"));
    }
    return std::move(query_);
  }

 private:
  bool skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size();
  }
  std::string word() {
    skip_space();
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ' ') ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  // Whether a part's key ends here. "took:num>5" is a test of the slot "took:num", and "from:ip=10.0.0.1" one of
  // "from:ip"; "words:id=5" is none.
  bool ends_key(std::string_view key) const {
    if (text_[at_] != ':') return false;
    const std::string_view rest = text_.substr(at_ + 1);
    const std::size_t end = std::min(rest.find_first_of("=<>!~ \""), rest.size());
    const bool test = end < rest.size() && is_mark(rest[end]);
    const bool before_value = key == "from" || key == "to" || key == "of" || key == "by" || key == "in";
    return !test || (is_part(key) && !(before_value && is_kind(rest.substr(0, end))));
  }
  static bool is_part(std::string_view key) {
    static constexpr std::array<std::string_view, 15> kParts = {"words", "not", "in", "of", "by", "if", "since", "until", "daily",
                                                                "from", "to", "versus", "number", "limit", "pattern"};
    return key.starts_with("other-") || std::find(kParts.begin(), kParts.end(), key) != kParts.end();
  }
  // Of a value, as names of plain slots end: "from:ip".
  static bool is_kind(std::string_view name) {
    for (std::size_t i = 0; i < fold::kTokenKinds; ++i) {
      if (fold::token_kind_name(static_cast<fold::TokenKind>(i)) == name) return true;
    }
    return false;
  }
  static bool is_mark(char c) { return c == '=' || c == '<' || c == '>' || c == '!' || c == '~'; }

  Part next() {
    Part part;
    while (at_ < text_.size() && !is_mark(text_[at_]) && text_[at_] != ' ' && !ends_key(part.key)) part.key += text_[at_++];
    if (at_ < text_.size() && is_mark(text_[at_])) {  // "status>=500" is short for "if:status>=500"
      at_ -= part.key.size();
      part.key = "if";
    } else if (at_ < text_.size() && text_[at_] == ':') {
      ++at_;
    } else if (part.key == "by" || part.key == "of" || part.key == "in") {  // "by user"
      skip_space();
    }
    std::string piece;
    bool quote = false;
    const std::size_t begin = at_;
    for (; at_ < text_.size() && (quote || text_[at_] != ' '); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        quote = !quote;
      } else if (c == '\\' && quote && at_ + 1 < text_.size()) {
        piece += text_[++at_];
      } else if (c == '|' && !quote) {
        part.any.push_back(std::exchange(piece, {}));
      } else {
        piece += c;
      }
    }
    part.any.push_back(piece);
    part.raw = text_.substr(begin, at_ - begin);
    return part;
  }

  Status apply(Part& part);
  Status apply_window(std::string_view key, const std::string& value, Window& window);
  Status apply_test(const Part& part);
  static Result<double> number(std::string_view text, std::string* rest = nullptr);

  std::string_view text_;
  const language::TimeContext& now_;
  std::size_t at_ = 0;
  Query query_;
};

Result<double> Parser::number(std::string_view text, std::string* rest) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size();
  if (error != std::errc() || (!whole && rest == nullptr)) return invalid_argument("'" + std::string(text) + "' is no number");
  if (rest != nullptr) *rest = std::string(end, text.data() + text.size());
  return value;
}

Status Parser::apply_window(std::string_view key, const std::string& value, Window& window) {
  if (key == "daily") {
    int a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
    if (std::sscanf(value.c_str(), "%d:%d:%d-%d:%d:%d", &a, &b, &c, &d, &e, &f) != 6)
      return invalid_argument("write it as 22:00:00-06:00:00");
    window.day_from_s = a * 3600 + b * 60 + c;
    window.day_to_s = d * 3600 + e * 60 + f;
    return Status::ok();
  }
  const auto time_us = language::point_in_time(value, now_);
  if (!time_us) return invalid_argument("write the time as 2026-11-20T09:00:00Z, 2026-11-20, 09:00, yesterday or 2h");
  (key == "since" ? window.since_us : window.until_us) = *time_us;
  return Status::ok();
}

Status Parser::apply_test(const Part& part) {
  std::size_t best = std::string::npos;
  std::pair<Compare, std::string_view> mark;
  const std::string& head = part.any.front();
  for (const auto& each : kCompareMarks) {
    const std::size_t found = head.find(each.second);
    if (found == std::string::npos || found >= best) continue;
    best = found;
    mark = each;
  }
  if (best == std::string::npos) return invalid_argument("a test is slot=value, slot!=value, slot~word, slot>10ms, ...");
  Test test;
  test.slot = head.substr(0, best);
  test.compare = mark.first;
  const std::string value = head.substr(best + mark.second.size());
  if (mark.first == Compare::kIs || mark.first == Compare::kIsNot || mark.first == Compare::kHas) {
    test.any = {value};
    test.any.insert(test.any.end(), part.any.begin() + 1, part.any.end());
  } else {
    SILT_ASSIGN(test.number, number(value, &test.unit));
  }
  query_.tests.push_back(std::move(test));
  return Status::ok();
}

Status Parser::apply(Part& part) {
  const std::string& key = part.key;
  const std::string& value = part.any.front();
  if (key == "words") query_.words.push_back(part.any);
  else if (key == "from") query_.from_words.push_back(part.any);
  else if (key == "to") query_.to_words.push_back(part.any);
  else if (key == "not") query_.not_words.insert(query_.not_words.end(), part.any.begin(), part.any.end());
  else if (key == "in") query_.sources.insert(query_.sources.end(), part.any.begin(), part.any.end());
  else if (key == "versus") query_.versus.insert(query_.versus.end(), part.any.begin(), part.any.end());
  else if (key == "of" || key == "by") {
    std::string& name = key == "of" ? query_.operand : query_.group;
    if (!name.empty()) return invalid_argument("there is one already; a query has one " + key);
    if (value.empty()) return invalid_argument("name a slot, as in by:user; `silt patterns` lists them");
    name = value;
  }
  else if (key == "if") return apply_test(part);
  else if (key == "since" || key == "until" || key == "daily") return apply_window(key, value, query_.window);
  else if (key.starts_with("other-")) return apply_window(std::string_view(key).substr(6), value, query_.other_window);
  else if (key == "number") { SILT_ASSIGN(query_.number, number(value)); }
  else if (key == "limit" || key == "pattern") {
    for (const std::string& each : part.any) {
      SILT_ASSIGN(const double whole, number(each));
      if (key == "limit") query_.limit = static_cast<std::uint32_t>(whole);
      else query_.patterns.push_back(static_cast<std::uint32_t>(whole));
    }
  } else {
    return invalid_argument("unknown part; known are words, not, in, of, by, if, since, until, daily, from, to, versus, number, limit, pattern");
  }
  return Status::ok();
}

}  // namespace

std::string print_query(const Query& query) {
  std::string out(name_of(query.op));
  if (!query.operand.empty()) out += " of:" + quoted(query.operand);
  if (!query.group.empty()) out += " by:" + quoted(query.group);
  for (const WordGroup& group : query.words) out += " words:" + join(group);
  for (const WordGroup& group : query.from_words) out += " from:" + join(group);
  for (const WordGroup& group : query.to_words) out += " to:" + join(group);
  if (!query.not_words.empty()) out += " not:" + join(query.not_words);
  for (const Test& test : query.tests) out += " if:" + test_text(test);
  print_window(query.window, "", out);
  print_window(query.other_window, "other-", out);
  if (!query.versus.empty()) out += " versus:" + join(query.versus);
  if (query.number != 0) out += " number:" + double_text(query.number);
  if (query.limit != 0) out += " limit:" + std::to_string(query.limit);
  for (const std::uint32_t pattern : query.patterns) out += " pattern:" + std::to_string(pattern);
  if (!query.sources.empty()) out += " in:" + join(query.sources);
  return out;
}

Result<Query> parse_query(std::string_view text, const language::TimeContext& now) {
  return Parser(text, now).run();
}

}  // namespace silt::answer
