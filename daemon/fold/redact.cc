#include "daemon/fold/redact.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "daemon/fold/secret_search.h"

namespace silt::fold {
namespace {

void look_at(SecretSearch& search, const CueHit& hit) {
  switch (hit.word->cue) {
    case Cue::kTag:  // what it says is no cue
      search.taken = hit.begin() + tag_size(search.text.line().substr(hit.begin()));
      return;
    case Cue::kKey: return find_key_value(search, hit);
    case Cue::kCookie: return find_cookies(search, hit);
    case Cue::kToken:
    case Cue::kAwsKeyId:
    case Cue::kJwt:
    case Cue::kWebhook: return find_token(search, hit);
    case Cue::kUrl: return find_url_secret(search, hit);
    case Cue::kBearer:
    case Cue::kBasic: return find_credentials(search, hit);
    case Cue::kCommand:
    case Cue::kOption:
    case Cue::kChpasswd:
    case Cue::kFromLiteral:
    case Cue::kIdentified: return find_command_secret(search, hit);
    case Cue::kBegin:
    case Cue::kEnd:
    case Cue::kKeyText: return find_key_text(search, hit);
    case Cue::kData:
    case Cue::kKubeSecret: return find_kube_secret(search, hit);
  }
}

// Lines between BEGIN and the first base64 of a key.
bool is_key_header(std::string_view line) {
  if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) return true;
  constexpr std::array<std::string_view, 5> kHeaders = {
      "Proc-Type:", "DEK-Info:", "Version:", "Comment:", "Key-Info:"};
  return std::any_of(kHeaders.begin(), kHeaders.end(),
                     [&](std::string_view h) { return line.starts_with(h); });
}

// The part of a line inside a key block that is key: the line, or its last word behind a prefix.
// Empty when the line cannot belong to the block.
std::string_view key_part(std::string_view line, bool body_seen) {
  const auto fits = [&](std::string_view text) {
    return is_key_line(text) || is_short_key_line(text) || (body_seen && is_last_key_line(text));
  };
  if (fits(line)) return line;
  const std::size_t end = line.find_last_not_of(" \t\r\n") + 1;
  const std::size_t space = line.substr(0, end).find_last_of(" \t");
  if (space == std::string_view::npos) return {};
  const std::string_view word = line.substr(space + 1, end - space - 1);
  return fits(word) ? word : std::string_view();
}

// What the state says of this line. Returns true when nothing else need be looked for in it.
bool follow_block(std::string_view line, RedactState& state, std::vector<SecretSpan>& spans) {
  const std::size_t end_mark = line.find("-----END ");
  if (end_mark != std::string_view::npos) {
    const bool was_private = state.in_private_block();
    state.key_lines_left = 0;
    if (!was_private) return false;
    const std::size_t close = line.find("-----", end_mark + 9);
    std::size_t begin = end_mark;
    while (begin > 0 && is_base64(line[begin - 1])) --begin;
    spans.push_back(
        {begin, close == std::string_view::npos ? line.size() : close + 5, SecretKind::kPrivateKey});
    return false;
  }
  if (state.in_public_block()) {
    const bool inside = is_key_header(line) || !key_part(line, true).empty();
    state.key_lines_left =
        inside && state.key_lines_left > RedactState::kPublicBlock + 1 ? state.key_lines_left - 1 : 0;
    return inside;
  }
  const bool body_seen = state.key_lines_left < RedactState::kMaxLines;
  if (!body_seen && is_key_header(line)) return true;
  const std::string_view key = key_part(line, body_seen);
  if (key.empty()) {
    state.key_lines_left = 0;
    return false;
  }
  --state.key_lines_left;
  const std::size_t begin = static_cast<std::size_t>(key.data() - line.data());
  spans.push_back({begin, begin + key.size(), SecretKind::kPrivateKey});
  return true;
}

void search_line(std::string_view line, const RedactConfig& config, RedactState& state,
                 std::vector<SecretSpan>& spans) {
  const bool keys = config.has(SecretKind::kPrivateKey);
  if (state.key_lines_left != 0 && keys && follow_block(line, state, spans)) return;
  const std::span<const CueHit> hits = CueFinder::for_this_thread().find(line);
  SecretSearch search{LineText(line), config, spans, hits};
  for (const CueHit& hit : hits) {
    if (hit.begin() >= search.taken) look_at(search, hit);
  }
  if (search.opens_key_block) state.key_lines_left = RedactState::kMaxLines;
  if (search.opens_public_block) state.key_lines_left = RedactState::kMaxLines + RedactState::kPublicBlock;
  search.taken = 0;
  if (keys) {
    if (is_key_line(line)) {
      search.take(0, line.size(), SecretKind::kPrivateKey);
      search.ends_with_key_line = true;
    } else {
      find_key_lines(search);
    }
    if (search.ends_with_key_line) state.key_lines_left = RedactState::kMaxLines - 1;
  }
  search.taken = 0;
  if (config.has(SecretKind::kIban)) find_ibans(search);
  search.taken = 0;
  if (config.has(SecretKind::kCard)) find_cards(search);
}

// Text as UTF-16 has a NUL beside each letter. Leaves these out; `places` says where each byte was.
// False when there are none.
bool without_nuls(std::string_view line, std::string& text, std::vector<std::uint32_t>& places) {
  if (std::memchr(line.data(), '\0', line.size()) == nullptr) return false;
  text.clear();
  places.clear();
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool between =
        line[i] == '\0' && ((i >= 2 && line[i - 2] == '\0' && line[i - 1] != '\0') ||
                            (i + 2 < line.size() && line[i + 2] == '\0' && line[i + 1] != '\0'));
    if (between) continue;
    text.push_back(line[i]);
    places.push_back(static_cast<std::uint32_t>(i));
  }
  return text.size() != line.size();
}

// Sorted, and those that overlap joined.
void arrange(std::vector<SecretSpan>& spans) {
  std::sort(spans.begin(), spans.end(), [](const SecretSpan& a, const SecretSpan& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  std::size_t kept = 0;
  for (const SecretSpan& span : spans) {
    if (kept > 0 && span.begin < spans[kept - 1].end) {
      spans[kept - 1].end = std::max(spans[kept - 1].end, span.end);
    } else {
      spans[kept++] = span;
    }
  }
  spans.resize(kept);
}

}  // namespace

std::string_view secret_kind_name(SecretKind kind) {
  constexpr std::array<std::string_view, kSecretKinds> kNames = {
      "private-key",  "authorization", "password",     "token",       "api-key",
      "secret",       "cloud-key",     "git-token",    "slack-token", "jwt",
      "url-password", "card",          "vendor-token", "session",     "iban"};
  return kNames[static_cast<std::size_t>(kind)];
}

namespace {

void append_redacted(std::string_view line, const std::vector<SecretSpan>& spans, std::string& out,
                     RedactCounts& counts) {
  std::size_t kept = 0;
  for (const SecretSpan& span : spans) {
    out.append(line.substr(kept, span.begin - kept)).append(kTagStart);
    out.append(secret_kind_name(span.kind)).push_back('>');
    kept = span.end;
    ++counts.by_kind[static_cast<std::size_t>(span.kind)];
  }
  out.append(line.substr(kept));
}

void find_secrets(std::string_view line, const RedactConfig& config, RedactState& state,
                  std::vector<SecretSpan>& spans) {
  thread_local std::string text;
  thread_local std::vector<std::uint32_t> places;
  spans.clear();
  if (!without_nuls(line, text, places)) return search_line(line, config, state, spans);
  search_line(text, config, state, spans);
  for (SecretSpan& span : spans) {
    span.end = places[span.end - 1] + 1;
    span.begin = places[span.begin];
  }
}

}  // namespace

bool redact(std::string_view line, const RedactConfig& config, RedactState& state, std::string& out,
            RedactCounts& counts) {
  constexpr int kPasses = 4;
  thread_local std::vector<SecretSpan> spans;
  thread_local std::string before;
  if (line.empty()) return false;
  find_secrets(line, config, state, spans);
  if (spans.empty()) return false;
  arrange(spans);
  out.clear();
  append_redacted(line, spans, out, counts);
  // A tag may show what a secret hid: "password: a password=b" is prose no more. So on until nothing is
  // left, which is at once but for lines that were made for it.
  for (int pass = 1; pass < kPasses; ++pass) {
    RedactState none;
    find_secrets(out, config, none, spans);
    if (spans.empty()) break;
    arrange(spans);
    before.swap(out);
    out.clear();
    append_redacted(before, spans, out, counts);
  }
  return true;
}

}  // namespace silt::fold
