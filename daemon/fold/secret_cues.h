// Cues: literal texts in whose company secrets are found - words of keys ("password"), beginnings of
// tokens ("ghp_"), commands that take a secret ("sshpass"), marks of key blocks.
//
// One scan by Hyperscan finds all of them; parsers look only at these places (secret_search.h). Nearly
// no line of an ordinary log has a cue, so this scan is what redaction costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/fold/redact.h"

namespace silt::fold {

enum class Cue : std::uint8_t {
  kTag,          // "<redacted:": perhaps one of our own
  kKey,          // the last word of a key: "password", "api_key"
  kCookie,       // "cookie": a header of name=value pairs
  kToken,        // a prefix that token characters follow: "ghp_"
  kAwsKeyId,     // "AKIA"
  kJwt,          // "eyJ"
  kWebhook,      // "hooks.slack.com/services/"
  kUrl,          // "://"
  kBearer,       // "bearer "
  kBasic,        // "basic "
  kCommand,      // a program that takes a secret behind one of the options below
  kOption,       // " -p"
  kChpasswd,     // user:secret goes into it
  kFromLiteral,  // kubectl create secret --from-literal=key=value
  kIdentified,   // SQL: IDENTIFIED BY 'x'
  kBegin,        // "-----BEGIN "
  kEnd,          // "-----END "
  kKeyText,      // how the base64 of a private key begins
  kData,         // "data:", a map of a Kubernetes object
  kKubeSecret,   // "Secret", the kind of that object
};

// How sure a key is that its value is a secret.
enum class Trust : std::uint8_t {
  kAlways,  // password=x
  kLook,    // token=x: only if the value looks random
};

// What a key's value must be like.
enum class ValueForm : std::uint8_t {
  kAny,
  kCode,  // pin=4711: digits, behind a sign
  kPair,  // credentials=otto:x: the part behind the colon, or something random
};

// What a token is made of behind its prefix.
enum class Letters : std::uint8_t { kAlnum, kDashed, kDotted };

struct CueWord {
  std::string_view text;
  Cue cue = Cue::kKey;
  SecretKind kind = SecretKind::kPassword;
  bool any_case = true;
  // Keys:
  Trust trust = Trust::kAlways;
  bool prose = true;               // also "key: value" outside of quotes
  bool part = false;               // only as a part of its own: my_pass, not compass
  bool working_directory = false;  // pwd: PWD=/root is none
  ValueForm form = ValueForm::kAny;
  // Tokens:
  Letters letters = Letters::kAlnum;
  std::uint8_t least = 0;  // characters behind the prefix
};

struct CueHit {
  std::uint32_t end = 0;  // one past the cue
  const CueWord* word = nullptr;

  std::size_t begin() const { return end - word->text.size(); }
};

// The table: in secret_words.cc.
std::span<const CueWord> cue_words();

// Finds cues. Not for concurrent use: for_this_thread gives each thread its own. The process ends with
// a message where Hyperscan cannot run, because nothing may pass unseen.
class CueFinder {
 public:
  CueFinder();
  ~CueFinder();
  CueFinder(const CueFinder&) = delete;
  CueFinder& operator=(const CueFinder&) = delete;
  static CueFinder& for_this_thread();

  // All cues of the line by ascending end; valid until the next call. Lines are below 4 GiB.
  std::span<const CueHit> find(std::string_view line);

 private:
  struct Scratch;
  Scratch* scratch_;  // owned
  std::vector<CueHit> hits_;
};

}  // namespace silt::fold
