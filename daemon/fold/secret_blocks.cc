// Private keys as text, and the maps of Kubernetes secrets.
#include <algorithm>

#include "daemon/fold/secret_search.h"

namespace silt::fold {
namespace {

using Run = LineText::Run;

// A line of a key has 64 columns (PEM), 70 (OpenSSH) or 76 (MIME); a short key is one line of 60.
constexpr std::size_t kLineLeast = 60;
constexpr std::size_t kLineMost = 76;

bool is_body(char c) {
  return is_alnum(c) || c == '+' || c == '/';
}

struct Classes {
  bool upper = false;
  bool lower = false;
  bool digit = false;
  std::size_t changes = 0;  // places where the class of a character differs from the one before
};

Classes classes_of(std::string_view word) {
  Classes out;
  int last = -1;
  for (const char c : word) {
    const int now = is_upper(c) ? 0 : is_lower(c) ? 1 : is_digit(c) ? 2 : 3;
    out.upper = out.upper || now == 0;
    out.lower = out.lower || now == 1;
    out.digit = out.digit || now == 2;
    out.changes += last >= 0 && now != last;
    last = now;
  }
  return out;
}

// Random letters change their class at two of three places, a path or a name at one of five.
bool looks_random_in_case(std::string_view word) {
  const Classes classes = classes_of(word);
  return classes.upper && classes.lower && classes.digit && classes.changes * 100 >= word.size() * 45;
}

// Base64 without spaces in it; '=' only at its end.
bool is_base64_word(std::string_view word) {
  const std::size_t end = word.find_last_not_of('=') + 1;
  return end > 0 && word.size() - end <= 2 &&
         std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(end), is_body);
}

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  return line;
}

// Behind BEGIN: base64 words, and the spaces and escaped newlines between them.
std::size_t body_end(LineText& text, std::size_t at) {
  const std::size_t begin = at;
  std::size_t end = at;
  while (at < text.size()) {
    if (is_space(text.peek(at))) {
      ++at;
    } else if (text.peek(at) == '\\' && (text.peek(at + 1) == 'n' || text.peek(at + 1) == 'r')) {
      at += 2;
    } else {
      const std::size_t word = text.run_end(Run::kBase64, at);
      const bool last = end > begin && word - at >= 4 && text.peek(word - 1) == '=';
      if (word - at < 20 && !last) break;
      at = end = word;
    }
  }
  return end;
}

void find_begin(SecretSearch& search, const CueHit& hit) {
  LineText& text = search.text;
  const std::string_view head = text.line().substr(hit.end, 64);
  const std::size_t dashes = head.find("-----");
  if (dashes == std::string_view::npos) return;
  const std::size_t body = hit.end + dashes + 5;
  const bool ends_line = trimmed(text.line().substr(body)).empty();
  if (head.substr(0, dashes).find("PRIVATE KEY") == std::string_view::npos) {
    search.opens_public_block = ends_line;
    return;
  }
  while (search.next_end < search.hits.size() &&
         (search.hits[search.next_end].word->cue != Cue::kEnd || search.hits[search.next_end].begin() < body))
    ++search.next_end;
  if (search.next_end < search.hits.size()) {
    const std::size_t label = search.hits[search.next_end].end;
    const std::size_t close = text.line().substr(label, 64).find("-----");
    const std::size_t end = close == std::string_view::npos ? text.size() : label + close + 5;
    return search.take(hit.begin(), end, SecretKind::kPrivateKey);
  }
  const std::size_t end = ends_line ? text.size() : body_end(text, body);
  if (end > body || ends_line) search.take(hit.begin(), end, SecretKind::kPrivateKey);
  search.opens_key_block = ends_line || (end > body && trimmed(text.line().substr(end)).empty());
}

// The base64 of a key without its BEGIN line; escaped newlines may be in it.
void find_headless(SecretSearch& search, const CueHit& hit) {
  LineText& text = search.text;
  std::size_t begin = hit.begin();
  while (begin > 0 && hit.begin() - begin < 16 && is_body(text.peek(begin - 1))) --begin;
  if (begin > 0 && is_body(text.before(begin))) return;
  const std::string_view behind = text.line().substr(hit.end, 6);
  if (behind == "BDRVJU" || behind == "BQVUJM") return;  // "BEGIN CERT", "BEGIN PUBL"
  const std::size_t end = std::max(text.run_end(Run::kBase64, hit.end), body_end(text, hit.end));
  if (end - begin >= 32) search.take(begin, end, SecretKind::kPrivateKey);
}

// {"key": "value", ...}: redacts the values, all of them or those that are base64 of text.
std::size_t take_values(SecretSearch& search, std::size_t at, bool all) {
  LineText& text = search.text;
  const auto skip_marks = [&](std::string_view marks) {
    while (at < text.size() &&
           (is_space(text.peek(at)) || marks.find(text.peek(at)) != std::string_view::npos))
      ++at;
  };
  while (at < text.size()) {
    skip_marks("\\\"',");
    const std::size_t name = at;
    while (at - name < 256 && is_key_char(text.peek(at))) ++at;
    if (at == name) break;
    skip_marks("\\\"'");
    if (text.peek(at) != ':') break;
    ++at;
    skip_marks("\\\"'");
    const std::size_t begin = at;
    at += tag_size(text.line().substr(at));
    while (at < text.size() && !is_space(text.peek(at)) &&
           std::string_view("\\\"',{}[]").find(text.peek(at)) == std::string_view::npos)
      ++at;
    const std::string_view value = text.sub(begin, at);
    if (all || (value.size() >= 8 && value.size() % 4 == 0 && is_base64_of_text(value, '\0')))
      search.take(begin, at, SecretKind::kSecret);
    if (text.peek(at) == '{' || text.peek(at) == '[') break;
  }
  return at;
}

bool is_kind(const LineText& text, const CueHit& hit) {
  const std::string_view before = text.sub(hit.begin() > 12 ? hit.begin() - 12 : 0, hit.begin());
  const std::size_t kind = before.rfind("kind");
  return kind != std::string_view::npos &&
         before.substr(kind + 4).find_first_not_of("\\\"': ") == std::string_view::npos;
}

}  // namespace

void find_key_text(SecretSearch& search, const CueHit& hit) {
  if (!search.wants(SecretKind::kPrivateKey)) return;
  if (hit.word->cue == Cue::kBegin) find_begin(search, hit);
  if (hit.word->cue == Cue::kKeyText) find_headless(search, hit);
}

void find_kube_secret(SecretSearch& search, const CueHit& hit) {
  if (hit.word->cue != Cue::kData || !search.wants(SecretKind::kSecret)) return;
  const std::size_t open = search.text.skip_blanks(hit.end);
  if (search.text.peek(open) != '{' || open < search.map_end) return;
  if (!search.is_kube_secret) {
    search.is_kube_secret = std::any_of(search.hits.begin(), search.hits.end(), [&](const CueHit& other) {
      return other.word->cue == Cue::kKubeSecret && is_kind(search.text, other);
    });
  }
  search.map_end = take_values(search, open + 1, *search.is_kube_secret);
}

void find_key_lines(SecretSearch& search) {
  LineText& text = search.text;
  const std::string_view line = text.line();
  std::size_t from = 0;
  for (std::size_t at = kLineLeast - 1; at < line.size(); at = from + kLineLeast - 1) {
    if (!is_body(line[at])) {
      from = at + 1;
      continue;
    }
    std::size_t begin = at;
    while (begin > from && is_body(line[begin - 1])) --begin;
    if (at - begin + 1 < kLineLeast / 2 && begin == from && begin > 0 && is_body(line[begin - 1])) {
      from = at + 1;
      continue;
    }
    const std::size_t end = text.run_end(Run::kBase64, at);
    from = end;
    const std::string_view word = text.sub(begin, end);
    if (word.size() < kLineLeast || word.size() > kLineMost || word.starts_with("AAAA")) continue;
    const bool bounded =
        (begin == 0 || is_space(line[begin - 1]) || is_quote(line[begin - 1])) &&
        (end == line.size() || is_space(line[end]) || is_quote(line[end]) || line[end] == '\\');
    if (!bounded || !is_base64_word(word)) continue;
    if (!looks_random_in_case(word)) continue;
    search.take(begin, end, SecretKind::kPrivateKey);
    search.ends_with_key_line = trimmed(line.substr(end)).empty();
  }
}

bool is_key_line(std::string_view line) {
  const std::string_view word = trimmed(line);
  if (word.size() < kLineLeast || word.size() > kLineMost || !is_base64_word(word)) return false;
  const Classes classes = classes_of(word);
  return classes.upper && classes.lower && classes.digit;
}

bool is_short_key_line(std::string_view line) {
  const std::string_view word = trimmed(line);
  if (word.size() < 24 || word.size() > kLineMost || word.size() % 4 != 0 || !is_base64_word(word))
    return false;
  return looks_random_in_case(word);
}

bool is_last_key_line(std::string_view line) {
  const std::string_view word = trimmed(line);
  if (word.empty() || word.size() > kLineMost || word.size() % 4 != 0 || !is_base64_word(word)) return false;
  const Classes classes = classes_of(word);
  return word.ends_with('=') || (classes.upper && classes.lower && classes.digit);
}

}  // namespace silt::fold
