// Redaction: secrets are replaced by <redacted:kind> before a line reaches the journal.
//
// One linear pass over any bytes, without regular expressions and without copying lines that hold no
// secret. Found are values behind telling keys (password=..., "api_key": "...", Authorization:
// Bearer ..., --token ...), the password in scheme://user:password@host, tokens of well-known shape
// (AWS, GCP, GitHub, GitLab, Slack, JWT), private-key blocks, and, if asked for, payment card numbers. Words
// alone are no secret: "Failed password for root" stays. A `key: word` in prose is judged by the look
// of the word for keys that prose uses (token, secret).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace silt::fold {

enum class SecretKind : std::uint8_t {
  kPrivateKey,
  kAuthorization,
  kPassword,
  kToken,
  kApiKey,
  kSecret,
  kCloudKey,  // AWS access key ids, GCP API keys
  kGitToken,  // GitHub, GitLab
  kSlackToken,
  kJwt,
  kUrlPassword,
  kCard,
};
inline constexpr std::size_t kSecretKinds = 12;
std::string_view secret_kind_name(SecretKind kind);  // "private-key", "authorization", ...

struct RedactConfig {
  // All but kCard: long record numbers pass its checksum by chance.
  std::uint32_t enabled = ((1u << kSecretKinds) - 1) & ~(1u << static_cast<unsigned>(SecretKind::kCard));

  bool has(SecretKind kind) const { return (enabled >> static_cast<unsigned>(kind) & 1u) != 0; }
};

// What must be remembered between the lines of one source: a private key spans many. Small enough to
// be stored beside the source's cursor, so that a restart inside a block leaks nothing.
struct RedactState {
  std::uint32_t key_lines_left = 0;  // 0 = outside a private-key block
};

struct RedactCounts {
  std::array<std::uint64_t, kSecretKinds> by_kind{};
};

// True when `line` held a secret: then `out` is the line to keep. False: keep `line`; `out` is
// untouched. `line` is one record without its newline, or several lines of one record.
bool redact(std::string_view line, const RedactConfig& config, RedactState& state, std::string& out,
            RedactCounts& counts);

}  // namespace silt::fold
