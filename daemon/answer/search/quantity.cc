#include "daemon/answer/search/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "daemon/answer/language/words.h"

namespace silt::answer::search {
namespace {

struct NamedUnit {
  std::string_view name;
  Unit unit;
};
constexpr double kKilo = 1024;
constexpr std::array<NamedUnit, 48> kUnits = {{
    {"ns", {Measure::kTime, 1e-9}},      {"us", {Measure::kTime, 1e-6}},
    {"µs", {Measure::kTime, 1e-6}},      {"usec", {Measure::kTime, 1e-6}},
    {"ms", {Measure::kTime, 1e-3}},      {"msec", {Measure::kTime, 1e-3}},
    {"msecs", {Measure::kTime, 1e-3}},   {"millis", {Measure::kTime, 1e-3}},
    {"millisecond", {Measure::kTime, 1e-3}}, {"milliseconds", {Measure::kTime, 1e-3}},
    {"microseconds", {Measure::kTime, 1e-6}}, {"nanoseconds", {Measure::kTime, 1e-9}},
    {"s", {Measure::kTime, 1}},          {"sec", {Measure::kTime, 1}},
    {"secs", {Measure::kTime, 1}},       {"second", {Measure::kTime, 1}},
    {"seconds", {Measure::kTime, 1}},    {"m", {Measure::kTime, 60}},
    {"min", {Measure::kTime, 60}},       {"mins", {Measure::kTime, 60}},
    {"minute", {Measure::kTime, 60}},    {"minutes", {Measure::kTime, 60}},
    {"h", {Measure::kTime, 3600}},       {"hr", {Measure::kTime, 3600}},
    {"hrs", {Measure::kTime, 3600}},     {"hour", {Measure::kTime, 3600}},
    {"hours", {Measure::kTime, 3600}},   {"day", {Measure::kTime, 86400}},
    {"days", {Measure::kTime, 86400}},   {"b", {Measure::kBytes, 1}},
    {"byte", {Measure::kBytes, 1}},      {"bytes", {Measure::kBytes, 1}},
    {"k", {Measure::kBytes, kKilo}},     {"kb", {Measure::kBytes, kKilo}},
    {"kib", {Measure::kBytes, kKilo}},   {"mb", {Measure::kBytes, kKilo * kKilo}},
    {"mib", {Measure::kBytes, kKilo * kKilo}}, {"gb", {Measure::kBytes, kKilo * kKilo * kKilo}},
    {"gib", {Measure::kBytes, kKilo * kKilo * kKilo}}, {"g", {Measure::kBytes, kKilo * kKilo * kKilo}},
    {"tb", {Measure::kBytes, kKilo * kKilo * kKilo * kKilo}},
    {"tib", {Measure::kBytes, kKilo * kKilo * kKilo * kKilo}},
    {"%", {Measure::kShare, 1}},         {"percent", {Measure::kShare, 1}},
    {"pct", {Measure::kShare, 1}},       {"prozent", {Measure::kShare, 1}},
    {"sekunden", {Measure::kTime, 1}},   {"minuten", {Measure::kTime, 60}},
}};

std::optional<double> plain_number(std::string_view text, std::size_t& used) {
  std::string digits;
  std::size_t at = 0;
  if (at < text.size() && text[at] == '-') digits += text[at++];
  bool point = false, any = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    const bool digit_next = at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9';
    if (c >= '0' && c <= '9') {
      digits += c;
      any = true;
    } else if (c == '.' && !point && digit_next) {
      point = true;
      digits += c;
    } else if (c != ',' || point || !any || !digit_next || at + 3 >= text.size() + 0 ||
               (at + 4 < text.size() && text[at + 4] >= '0' && text[at + 4] <= '9')) {
      break;
    }
  }
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (!any || error != std::errc()) return std::nullopt;
  used = at;
  return value;
}

std::optional<Quantity> clock_span(std::string_view text) {
  unsigned a = 0, b = 0, c = 0;
  int used = 0;
  const std::string copy(text.substr(0, 16));
  Quantity out;
  out.measure = Measure::kTime;
  out.unit = "s";
  if (std::sscanf(copy.c_str(), "%u:%2u:%2u%n", &a, &b, &c, &used) == 3) {
    out.value = a * 3600.0 + b * 60.0 + c;
  } else if (std::sscanf(copy.c_str(), "%u:%2u%n", &a, &b, &used) == 2) {
    out.value = a * 60.0 + b;
  } else {
    return std::nullopt;
  }
  out.base = out.value;
  return out;
}

}  // namespace

std::optional<Unit> read_unit(std::string_view word) {
  const std::string lowered = language::lower(word);
  for (const NamedUnit& known : kUnits) {
    if (known.name == lowered) return known.unit;
  }
  return std::nullopt;
}

std::optional<Quantity> read_quantity(std::string_view text, bool clock) {
  if (clock) {
    if (auto span = clock_span(text)) return span;
  }
  std::size_t used = 0;
  const auto value = plain_number(text, used);
  if (!value) return std::nullopt;
  Quantity out;
  out.value = out.base = *value;
  std::size_t at = used;
  if (at < text.size() && text[at] == ' ') ++at;
  std::size_t end = at;
  if (end < text.size() && text[end] == '%') {
    ++end;
  } else {
    while (end < text.size() && (static_cast<unsigned char>(text[end]) >= 0x80 ||
                                 ((text[end] | 0x20) >= 'a' && (text[end] | 0x20) <= 'z')))
      ++end;
  }
  if (const auto unit = read_unit(text.substr(at, end - at)); unit && end > at) {
    if (at != used && end - at == 1 && text[at] != '%' && text[at] != 's') return out;
    out.unit = language::lower(text.substr(at, end - at));
    out.measure = unit->measure;
    out.base = *value * unit->factor;
  }
  return out;
}

std::string number_text(double value) {
  if (std::abs(value - std::round(value)) < 1e-9 && std::abs(value) < 1e15) {
    return std::to_string(static_cast<long long>(std::round(value)));
  }
  const double size = std::abs(value);
  const int digits = size >= 1000 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : size >= 0.01 ? 4 : 6;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  std::string out(text.data());
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out;
}

std::string duration_text(double seconds) {
  std::string out = number_text(seconds) + " s";
  if (seconds < 60) return out;
  const auto whole = static_cast<long long>(seconds);
  out += " (";
  if (whole >= 86400) out += std::to_string(whole / 86400) + " d ";
  if (whole >= 3600) out += std::to_string(whole % 86400 / 3600) + " h ";
  return out + std::to_string(whole % 3600 / 60) + " min " + std::to_string(whole % 60) + " s)";
}

}  // namespace silt::answer::search
