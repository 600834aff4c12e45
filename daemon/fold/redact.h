// Redaction: secrets are replaced by <redacted:kind> before a line reaches the journal.
//
// Hyperscan finds the places where a secret may be (secret_cues.h); small parsers look there. Time is
// linear in the line whatever its bytes, and lines without such a place, nearly all of them, are only
// scanned. Found are values behind telling keys (password=..., "api_key": "...", Authorization:
// Bearer ..., --token ..., <password>...), cookies, passwords and tokens in urls, on command lines and in
// SQL, tokens of vendors by their prefixes, JWTs, private keys as text with and without their BEGIN line,
// bank accounts with their check digits, and, if asked for, payment cards. Words alone are no secret:
// "Failed password for root" stays. A `key: word` in prose is judged by the look of the word.
//
// Redacting a redacted line changes nothing. A tag that the log wrote itself is trusted only when it is
// one of ours, of which it holds nothing but the kind.
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
  kVendorToken,
  kSession,  // cookies, session ids
  kIban,
};
inline constexpr std::size_t kSecretKinds = 15;
std::string_view secret_kind_name(SecretKind kind);  // "private-key", "authorization", ...

struct RedactConfig {
  // All but kCard: long record numbers pass its checksum by chance.
  std::uint32_t enabled = ((1u << kSecretKinds) - 1) & ~(1u << static_cast<unsigned>(SecretKind::kCard));

  bool has(SecretKind kind) const { return (enabled >> static_cast<unsigned>(kind) & 1u) != 0; }
};

// What must be remembered between the lines of one source: keys span many. Small enough to be stored
// beside the source's cursor, so that a restart inside a block leaks nothing. A block is left at its END
// and at the first line that cannot be a line of it.
struct RedactState {
  static constexpr std::uint32_t kMaxLines = 256;         // a 16384-bit RSA key has about 200 lines of PEM
  static constexpr std::uint32_t kPublicBlock = 1 << 16;  // a certificate or public key: stays as it is

  std::uint32_t key_lines_left = 0;  // 0 = outside; kMaxLines = behind BEGIN; kPublicBlock may be added

  bool in_private_block() const { return key_lines_left != 0 && !in_public_block(); }
  bool in_public_block() const { return (key_lines_left & kPublicBlock) != 0; }
};

struct RedactCounts {
  std::array<std::uint64_t, kSecretKinds> by_kind{};
};

// True when `line` held a secret: then `out` is the line to keep. False: keep `line`; `out` is
// untouched. `line` is one record without its newline, or several lines of one record; below 4 GiB.
// Threads may call this at the same time with states of their own.
bool redact(std::string_view line, const RedactConfig& config, RedactState& state, std::string& out,
            RedactCounts& counts);

}  // namespace silt::fold
