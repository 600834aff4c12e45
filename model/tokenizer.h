// Tokenizer: byte-level BPE, lossless on any bytes.
//
// Text is first cut into pieces (words, up to three digits, punctuation, white space, by the rule that
// the weight file names; see pretokenizer.h), then each piece's bytes are merged by rank.
// Bytes that are not valid UTF-8 count as punctuation, one by one: every input encodes and
// decode(encode(x)) == x. No text encodes to a special token, so log lines cannot forge one.
// Immutable after construction; safe for concurrent use.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/ops/backend.h"

namespace silt::model {

class WeightsFile;

class Tokenizer {
 public:
  static Result<std::shared_ptr<const Tokenizer>> load(const WeightsFile& file);
  virtual ~Tokenizer() = default;

  // Appends the tokens of `text` to `out`.
  virtual void encode(std::string_view text, std::vector<Token>& out) const = 0;
  // The exact bytes of a token; empty for special tokens and ids out of range.
  virtual std::string_view piece(Token token) const = 0;
  virtual int size() const = 0;
  // Put in front of a stream, so that its first token is predicted from something.
  virtual Token start_token() const = 0;

  std::string decode(std::span<const Token> tokens) const;
};

}  // namespace silt::model
