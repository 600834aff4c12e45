// Numbers with check digits: bank accounts (IBAN, ISO 13616) and payment cards (ISO/IEC 7812).
#include <algorithm>

#include "daemon/fold/secret_search.h"

namespace silt::fold {
namespace {

constexpr std::size_t kIbanMost = 34;

struct Country {
  std::string_view code;
  std::uint8_t size;
};
constexpr std::array<Country, 76> kCountries = {
    {{"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22},
     {"BH", 22}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22},
     {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FO", 18}, {"FR", 27},
     {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28},
     {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20},
     {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27},
     {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NL", 18}, {"NO", 15},
     {"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"SA", 24},
     {"SC", 31}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"ST", 25}, {"SV", 28}, {"TL", 23},
     {"TN", 24}, {"TR", 26}, {"UA", 29}, {"XK", 20}}};

constexpr std::array<bool, 256> make_iban_chars() {
  std::array<bool, 256> chars{};
  for (int c = 0; c < 256; ++c) {
    const char letter = static_cast<char>(c);
    chars[static_cast<std::size_t>(c)] = is_upper(letter) || is_digit(letter) || letter == ' ';
  }
  return chars;
}
constexpr std::array<bool, 256> kIbanChars = make_iban_chars();

bool may_be_iban(char c) {
  return kIbanChars[static_cast<unsigned char>(c)];
}

// ISO 7064, 97-10: the first four characters go to the end, letters count 10 to 35.
bool passes_97(std::string_view iban) {
  unsigned rest = 0;
  for (std::size_t i = 0; i < iban.size(); ++i) {
    const char c = iban[(i + 4) % iban.size()];
    rest = is_digit(c) ? rest * 10 + static_cast<unsigned>(c - '0')
                       : rest * 100 + static_cast<unsigned>(c - 'A') + 10;
    rest %= 97;
  }
  return rest == 1;
}

// Takes the account number that begins at `begin`, whole or in groups of four.
void take_iban(SecretSearch& search, std::size_t begin) {
  const LineText& text = search.text;
  const auto country = std::find_if(kCountries.begin(), kCountries.end(),
                                    [&](const Country& c) { return text.at(begin, c.code); });
  if (country == kCountries.end()) return;
  std::array<char, kIbanMost> iban;
  std::size_t size = 0;
  std::size_t at = begin;
  const bool grouped = text.peek(begin + 4) == ' ';
  while (size < country->size && at < text.size()) {
    if (grouped && size > 0 && size % 4 == 0 && text.peek(at) == ' ') ++at;
    const char c = text.peek(at);
    if (!is_upper(c) && !is_digit(c)) return;
    iban[size++] = c;
    ++at;
  }
  if (size == country->size && !is_alnum(text.peek(at)) && passes_97({iban.data(), size}))
    search.take(begin, at, SecretKind::kIban);
}

// The last digit checks the others.
bool passes_luhn(std::string_view digits) {
  unsigned sum = 0;
  bool twice = false;
  for (std::size_t i = digits.size(); i-- > 0;) {
    unsigned value = static_cast<unsigned>(digits[i] - '0') << (twice ? 1 : 0);
    if (value > 9) value -= 9;
    sum += value;
    twice = !twice;
  }
  return sum % 10 == 0;
}

// 13 to 19 digits, in groups or not. Returns where to go on.
std::size_t take_card(SecretSearch& search, std::size_t at) {
  const LineText& text = search.text;
  const auto digits_end = [&](std::size_t from) {
    while (is_digit(text.peek(from))) ++from;
    return from;
  };
  std::array<char, 19> digits;
  std::size_t count = 0;
  std::size_t end = at;
  while (end < text.size()) {
    const char c = text.peek(end);
    if (is_digit(c)) {
      if (count == digits.size()) return digits_end(end);
      digits[count++] = c;
    } else if ((c != ' ' && c != '-') || !is_digit(text.peek(end + 1))) {
      break;
    }
    ++end;
  }
  if (count < 13 || is_alnum(text.peek(end)) || !passes_luhn({digits.data(), count})) return digits_end(at);
  search.take(at, end, SecretKind::kCard);
  return end;
}

}  // namespace

// Any account number fills a window of eight with capitals, digits and spaces: only such windows are
// looked at.
void find_ibans(SecretSearch& search) {
  constexpr std::size_t kWindow = 8;
  const std::string_view line = search.text.line();
  std::size_t from = 0;
  for (std::size_t at = 0; at + kWindow <= line.size(); at += kWindow) {
    std::size_t i = kWindow;
    while (i > 0 && may_be_iban(line[at + i - 1])) --i;
    if (i > 0) continue;
    std::size_t begin = at;
    while (begin > from && may_be_iban(line[begin - 1])) --begin;
    std::size_t end = at + kWindow;
    while (end < line.size() && may_be_iban(line[end])) ++end;
    for (std::size_t start = begin; start + 15 <= line.size() && start < end; ++start) {
      if (is_upper(line[start]) && is_upper(line[start + 1]) && is_digit(line[start + 2]) &&
          is_digit(line[start + 3]) && (start == 0 || !is_alnum(line[start - 1])))
        take_iban(search, start);
    }
    from = end;
    at = end / kWindow * kWindow;
  }
}

void find_cards(SecretSearch& search) {
  const std::string_view line = search.text.line();
  std::size_t at = 0;
  while (at < line.size()) {
    const bool starts = is_digit(line[at]) && (at == 0 || !is_alnum(line[at - 1]));
    at = starts ? std::max(take_card(search, at), at + 1) : at + 1;
  }
}

}  // namespace silt::fold
