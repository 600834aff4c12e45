// Secrets that are known by their own look: vendors' tokens, JWTs, webhooks, urls, credentials.
#include <algorithm>

#include "daemon/fold/secret_search.h"

namespace silt::fold {
namespace {

using Run = LineText::Run;

bool has_digit(std::string_view text) {
  text = text.substr(0, 64);
  return std::any_of(text.begin(), text.end(), is_digit);
}
bool has_letter(std::string_view text) {
  text = text.substr(0, 64);
  return std::any_of(text.begin(), text.end(), [](char c) { return is_upper(c) || is_lower(c); });
}

void find_prefixed(SecretSearch& search, const CueHit& hit) {
  const Letters letters = hit.word->letters;
  const Run run = letters == Letters::kAlnum    ? Run::kAlnum
                  : letters == Letters::kDashed ? Run::kDashed
                                                : Run::kDotted;
  const std::size_t end = search.text.run_end(run, hit.end);
  if (end - hit.end < hit.word->least) return;
  // Names may be as long ("sk-learn-..."), but hold no digits.
  if (has_digit(search.text.sub(hit.end, end))) search.take(hit.begin(), end, hit.word->kind);
}

// AKIA or ASIA and 16 more.
void find_aws_key_id(SecretSearch& search, const CueHit& hit) {
  const std::string_view id = search.text.line().substr(hit.end, 16);
  const bool fits =
      id.size() == 16 && std::all_of(id.begin(), id.end(), [](char c) { return is_upper(c) || is_digit(c); });
  if (fits && !is_alnum(search.text.peek(hit.end + 16)))
    search.take(hit.begin(), hit.end + 16, SecretKind::kCloudKey);
}

// Three base64url parts; the first two are JSON and never short.
void find_jwt(SecretSearch& search, const CueHit& hit) {
  LineText& text = search.text;
  const std::size_t head = text.run_end(Run::kDashed, hit.begin());
  if (head - hit.begin() < 10 || text.peek(head) != '.') return;
  const std::size_t body = text.run_end(Run::kDashed, head + 1);
  if (body - head < 10 || text.peek(body) != '.') return;
  std::size_t end = text.run_end(Run::kDashed, body + 1);
  while (text.peek(end) == '.') end = text.run_end(Run::kDashed, end + 1);  // an encrypted one has five
  search.take(hit.begin(), end, SecretKind::kJwt);
}

// Everything behind the fixed part of the address is the secret.
void find_webhook(SecretSearch& search, const CueHit& hit) {
  const std::size_t end = search.text.run_end(Run::kWebPath, hit.end);
  if (end - hit.end >= 16) search.take(hit.end, end, hit.word->kind);
}

// A user in front of '@' that is a token: https://TOKEN@host.
bool is_token_user(std::string_view user) {
  if (user.find_first_of(".%") != std::string_view::npos) return false;  // an address
  return (user.size() >= 12 && has_digit(user) && has_letter(user) && looks_random(user)) ||
         (user.size() >= 20 && looks_random(user));
}

}  // namespace

void find_token(SecretSearch& search, const CueHit& hit) {
  if (!search.wants(hit.word->kind)) return;
  if (hit.word->cue == Cue::kWebhook) return find_webhook(search, hit);
  if (is_alnum(search.text.before(hit.begin()))) return;
  switch (hit.word->cue) {
    case Cue::kAwsKeyId: return find_aws_key_id(search, hit);
    case Cue::kJwt: return find_jwt(search, hit);
    default: return find_prefixed(search, hit);
  }
}

// scheme://user:password@host and https://token@host
void find_url_secret(SecretSearch& search, const CueHit& hit) {
  LineText& text = search.text;
  if (!search.wants(SecretKind::kUrlPassword)) return;
  const std::size_t begin = hit.end;
  std::size_t mark = text.url_mark(begin);  // the first '@', or where the url ends
  if (text.peek(mark) != '@' || text.peek(begin) == '[') return;
  // Of several '@' the last one before the path ends the password.
  std::size_t slash = begin;
  while (slash < mark && std::string_view("/?#").find(text.peek(slash)) == std::string_view::npos &&
         slash - begin < 512)
    ++slash;
  const std::size_t colon =
      begin + std::min(text.line().substr(begin, slash - begin).find(':'), slash - begin);
  if (slash < mark) {  // a '/' before the '@': in a password, or the path
    const std::string_view port = text.sub(colon + 1, slash);
    if (colon == slash || std::all_of(port.begin(), port.end(), is_digit)) return;
  } else {
    for (std::size_t next = mark; text.peek(next) == '@' && next - mark < 512;) {
      mark = next;
      next = text.url_mark(next + 1);
      const std::string_view between = text.line().substr(mark, std::min<std::size_t>(next - mark, 512));
      if (between.find_first_of("/?#") != std::string_view::npos) break;
    }
  }
  if (colon < slash && colon + 1 < mark) {
    const bool token = is_token_user(text.sub(begin, colon)) && colon - begin >= 20;
    return search.take(token ? begin : colon + 1, mark, SecretKind::kUrlPassword);
  }
  if (text.sub(0, hit.begin()).ends_with("http") || text.sub(0, hit.begin()).ends_with("https")) {
    if (is_token_user(text.sub(begin, std::min(mark, colon))))
      search.take(begin, std::min(mark, colon), SecretKind::kUrlPassword);
  }
}

// "Bearer eyJ..." and "Basic dXNlcjpw..." without a key before them.
void find_credentials(SecretSearch& search, const CueHit& hit) {
  LineText& text = search.text;
  if (!search.wants(SecretKind::kAuthorization) || is_alnum(text.before(hit.begin()))) return;
  const std::size_t begin = text.skip_blanks(hit.end);
  const std::size_t end = text.run_end(Run::kToken, begin);
  const std::string_view value = text.sub(begin, end);
  const bool found = hit.word->cue == Cue::kBasic ? value.size() >= 4 && is_base64_of_text(value, ':')
                                                  : value.size() >= 16 && looks_random(value);
  if (found) search.take(begin, end, SecretKind::kAuthorization);
}

}  // namespace silt::fold
