// WordPiece: BERT's uncased tokenizer, by the tables of an encoder's file.
//
// Text is cleaned and cut into words by code point (lower case, no accents, no control characters; each
// punctuation mark and each CJK ideograph is a word by itself), then each word into the longest pieces of
// the vocabulary, from its front. A word that the pieces do not cover, or that is longer than the file
// allows, becomes the unknown token. Bytes that are not valid UTF-8 leave no trace. No text encodes to
// another special token, so log lines cannot forge one.
//
// Tensors (file of encoder.h; V = vocabulary, pieces that continue a word begin with "##"):
//   tokenizer.bytes    [bytes]   U8     all pieces, joined
//   tokenizer.offsets  [V + 1]   I32    piece t is bytes [offsets[t], offsets[t + 1])
//   tokenizer.order    [V]       I32    tokens, by the bytes of their pieces
//   tokenizer.classes  [n, 3]    I32    first, last, class: 1 ends a word, 2 leaves no trace, 3 is a word
//                                       alone; all other code points continue a word
//   tokenizer.folds    [m, 4]    I32    code point, what it becomes (one to three, then zeros); sorted.
//                                       Hangul syllables become their jamo without being listed.
// Immutable after load(); safe for concurrent use. Reads the mapped tables, copies none of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/safetensors.h"

namespace silt::model {

class WordPiece {
 public:
  // `file` must outlive the result.
  static Result<WordPiece> load(const SafetensorsFile& file);

  // Replaces `tokens` by the start token, those of the text and the end token. What does not fit into
  // `tokens_max` (at least 2) is cut off behind the text's first tokens.
  void encode(std::string_view text, int tokens_max, std::vector<std::int32_t>& tokens) const;

  int size() const { return static_cast<int>(order_.size()); }

 private:
  struct ClassRange {
    std::int32_t first, last, kind;
  };
  struct Fold {
    std::int32_t code;
    std::int32_t parts[3];
  };
  class Words;

  std::string_view piece(std::int32_t token) const;
  Status check(const SafetensorsFile& file) const;
  std::int32_t class_of(std::int32_t code) const;
  // The code points that `code` becomes, in `parts`; returns how many.
  int fold(std::int32_t code, std::int32_t (&parts)[3]) const;
  void encode_word(std::string_view word, std::vector<std::int32_t>& tokens) const;
  // The longest piece that begins `prefix` + `text`, longer than `prefix`; its size without it, or 0.
  std::size_t longest_piece(std::string_view prefix, std::string_view text, std::int32_t& token) const;

  std::span<const char> bytes_;
  std::span<const std::int32_t> offsets_;
  std::span<const std::int32_t> order_;
  std::span<const ClassRange> classes_;
  std::span<const Fold> folds_;
  std::int32_t unknown_ = 0, start_ = 0, end_ = 0;
  int word_characters_max_ = 0;
};

}  // namespace silt::model
