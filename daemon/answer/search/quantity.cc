#include "daemon/answer/search/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "daemon/answer/language/words.h"

namespace silt::answer::search {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The size of "e-05" where `text` begins with an exponent; 0: with something else. Without a sign it must end a word.
std::size_t exponent_size(std::string_view text) {
  if (text.empty() || (text[0] | 0x20) != 'e') return 0;
  std::size_t at = 1;
  const bool sign = at < text.size() && (text[at] == '+' || text[at] == '-');
  if (sign) ++at;
  const std::size_t digits = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  const bool goes_on = !sign && at < text.size() && ((text[at] | 0x20) >= 'a' && (text[at] | 0x20) <= 'z');
  return at > digits && at - digits <= 3 && !goes_on ? at : 0;
}

std::optional<double> plain_number(std::string_view text, std::size_t& used) {
  std::string digits;
  std::size_t at = 0;
  if (at < text.size() && text[at] == '-') digits += text[at++];
  bool point = false, any = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    const bool digit_next = at + 1 < text.size() && is_digit(text[at + 1]);
    if (is_digit(c)) {
      digits += c;
      any = true;
    } else if (c == '.' && !point && digit_next) {
      point = true;
      digits += c;
    } else if (c != ',' || point || !any || !digit_next || at + 3 >= text.size() + 0 ||
               (at + 4 < text.size() && is_digit(text[at + 4]))) {
      break;
    }
  }
  if (const std::size_t size = any ? exponent_size(text.substr(std::min(at, text.size()))) : 0; size > 0) {
    for (std::size_t i = at; i < at + size; ++i) {
      if (text[i] != '+') digits += text[i];
    }
    at += size;
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
