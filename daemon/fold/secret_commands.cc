// Secrets on command lines and in SQL.
#include <algorithm>
#include <array>

#include "daemon/fold/secret_search.h"

namespace silt::fold {
namespace {

constexpr std::size_t kCommandReach = 512;  // bytes from a command to its option

// How the options of a command hold its secret.
enum class Form {
  kAttached,    // -px
  kEither,      // -px or -p x
  kAfterColon,  // -u user:x
  kAfterPercent,
};
struct Option {
  std::string_view command;
  std::string_view option;
  Form form;
};
constexpr std::array kOptions = {Option{"mysql", " -p", Form::kAttached},
                                 Option{"mariadb", " -p", Form::kAttached},
                                 Option{"sshpass", " -p", Form::kEither},
                                 Option{"curl", " -u", Form::kAfterColon},
                                 Option{"curl", " --user", Form::kAfterColon},
                                 Option{"curl", " -U", Form::kAfterColon},
                                 Option{"curl", " --proxy-user", Form::kAfterColon},
                                 Option{"redis-cli", " -a", Form::kEither},
                                 Option{"mongo", " -p", Form::kEither},
                                 Option{"ldap", " -w", Form::kEither},
                                 Option{" login", " -p", Form::kEither},
                                 Option{"smbclient", " -U", Form::kAfterPercent},
                                 Option{"useradd", " -p", Form::kEither},
                                 Option{"usermod", " -p", Form::kEither}};

struct Word {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The word of a command line at `at`, without its quotes.
Word shell_word(LineText& text, std::size_t at) {
  if (is_quote(text.peek(at))) return {at + 1, text.quote_end(at + 1, text.peek(at), 0)};
  return {at, text.value_end(at)};
}

void find_option(SecretSearch& search, const CueHit& hit) {
  LineText& text = search.text;
  if (search.command == nullptr || hit.begin() > search.command_end + kCommandReach) return;
  const auto option = std::find_if(kOptions.begin(), kOptions.end(), [&](const Option& o) {
    return o.command == search.command->text && o.option == hit.word->text;
  });
  if (option == kOptions.end()) return;
  const bool is_long = hit.word->text.starts_with(" --");
  const bool spaced = is_blank(text.peek(hit.end)) || (is_long && text.peek(hit.end) == '=');
  if (option->form == Form::kAttached && (spaced || text.peek(hit.end) == '-')) return;
  if (is_long && !spaced) return;
  const Word word = shell_word(text, spaced ? text.skip_blanks(hit.end + 1) : hit.end);
  if (text.peek(word.begin) == '-') return;
  std::size_t begin = word.begin;
  if (option->form == Form::kAfterColon || option->form == Form::kAfterPercent) {
    const char mark = option->form == Form::kAfterColon ? ':' : '%';
    const std::size_t at = text.line().substr(begin, std::min<std::size_t>(word.end - begin, 256)).find(mark);
    if (at == std::string_view::npos) return;
    begin += at + 1;
  }
  const bool quoted = word.begin > 0 && is_quote(text.before(word.begin));
  search.take(begin, quoted ? word.end : text.value_end(begin), SecretKind::kPassword);
}

// user:secret from `at` on, perhaps quoted.
void take_pair(SecretSearch& search, std::size_t at) {
  LineText& text = search.text;
  if (is_quote(text.peek(at))) ++at;
  std::size_t colon = at;
  while (colon - at <= kMaxKeyName && (is_key_char(text.peek(colon)) || text.peek(colon) == '$')) ++colon;
  if (text.peek(colon) != ':' || colon == at) return;
  std::size_t end = colon + 1 + tag_size(text.line().substr(colon + 1));
  while (end < text.size() && !is_space(text.peek(end)) && !is_quote(text.peek(end)) &&
         text.peek(end) != '|' && text.peek(end) != '\\')
    ++end;
  search.take(colon + 1, end, SecretKind::kPassword);
}

// echo user:secret | chpasswd, chpasswd <<< user:secret
void find_chpasswd(SecretSearch& search, const CueHit& hit) {
  LineText& text = search.text;
  constexpr std::size_t kReach = 160;
  const std::size_t from = hit.begin() > kReach ? hit.begin() - kReach : 0;
  const std::string_view before = text.sub(from, hit.begin());
  for (const std::string_view command : {"echo ", "printf "}) {
    const std::size_t at = before.rfind(command);
    if (at == std::string_view::npos) continue;
    std::size_t word = text.skip_blanks(from + at + command.size());
    while (text.peek(word) == '-' && is_lower(text.peek(word + 1))) word = text.skip_blanks(word + 2);
    take_pair(search, word);
  }
  const std::size_t behind = text.skip_blanks(hit.end);
  if (text.at(behind, "<<<")) take_pair(search, text.skip_blanks(behind + 3));
}

// --from-literal=key=value
void find_from_literal(SecretSearch& search, const CueHit& hit) {
  LineText& text = search.text;
  if (text.peek(hit.end) != '=' && text.peek(hit.end) != ' ') return;
  std::size_t at = hit.end + 1;
  if (is_quote(text.peek(at))) ++at;
  std::size_t mark = at;
  while (mark - at <= kMaxKeyName && is_key_char(text.peek(mark))) ++mark;
  if (text.peek(mark) != '=') return;
  const Word word = shell_word(text, mark + 1);
  search.take(word.begin, word.end, hit.word->kind);
}

bool same_word(std::string_view word, std::string_view upper) {
  return word.size() == upper.size() && std::equal(word.begin(), word.end(), upper.begin(),
                                                   [](char a, char b) { return lower(a) == lower(b); });
}

// IDENTIFIED BY 'x', IDENTIFIED WITH plugin BY 'x', IDENTIFIED BY PASSWORD 'x'
void find_identified(SecretSearch& search, const CueHit& hit) {
  LineText& text = search.text;
  std::size_t at = text.skip_blanks(hit.end);
  bool by = false;
  for (int words = 0; words < 4; ++words) {
    std::size_t end = at;
    while (end - at < kMaxKeyName && is_key_char(text.peek(end))) ++end;
    if (end == at) break;
    const std::string_view word = text.sub(at, end);
    const bool key = same_word(word, "BY") || same_word(word, "AS");
    if (by && !same_word(word, "PASSWORD")) break;
    by = by || key;
    at = text.skip_blanks(end);
  }
  if (!by) return;
  const bool escaped = text.peek(at) == '\\';
  if (escaped) ++at;
  const char mark = text.peek(at);
  if (is_quote(mark)) {
    return search.take(at + 1, text.quote_end(at + 1, mark, escaped ? 1 : 0), SecretKind::kPassword);
  }
  // Oracle's passwords stand there bare; in prose a small word follows ("identified by the server").
  const Word word = shell_word(text, at);
  if (hit.begin() + 10 <= text.size() && is_upper(text.peek(hit.begin())))
    search.take(word.begin, word.end, SecretKind::kPassword);
}

}  // namespace

void find_command_secret(SecretSearch& search, const CueHit& hit) {
  if (!search.wants(hit.word->kind)) return;
  switch (hit.word->cue) {
    case Cue::kCommand:
      search.command = hit.word;
      search.command_end = hit.end;
      return;
    case Cue::kOption: return find_option(search, hit);
    case Cue::kChpasswd: return find_chpasswd(search, hit);
    case Cue::kFromLiteral: return find_from_literal(search, hit);
    default: return find_identified(search, hit);
  }
}

}  // namespace silt::fold
