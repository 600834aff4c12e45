// Encoder: vectors of short texts whose directions are close when the texts mean the same.
//
// The file is safetensors with metadata format "silt-encoder-1", the shape (layers, width, heads,
// mlp_width, vocabulary, positions, norm_epsilon) and the tokenizer's numbers (word_characters_max,
// unknown_token, start_token, end_token); tensors are those of encoder_net.h and word_piece.h, no others.
// It is mapped and used in place: open() reads the vocabulary and the scales, later calls page in the net.
//
// The same text gives the same bits for any number of threads, any company in a batch and on any machine,
// so vectors may be stored beside fingerprint() and compared later.
// Immutable after open(); safe for concurrent use.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/encoder/encoder_net.h"
#include "model/encoder/word_piece.h"
#include "model/safetensors.h"

namespace silt::model {

class Encoder {
 public:
  static constexpr int kTokensMax = 64;

  // `threads` is how many a batch may use, the caller's included. `isa`: an instruction-set path that this
  // machine has (cpu/features.h); empty: the fastest.
  static Result<std::unique_ptr<Encoder>> open(const std::string& path, int threads = 1,
                                               std::string_view isa = {});

  int width() const { return net_.shape().width; }
  const WordPiece& tokenizer() const { return pieces_; }

  // A vector of `width()` numbers and length 1. Of a text that is longer than `tokens_max` tokens (marks of
  // start and end among them; at most the file's positions) the beginning counts. Fails only when damaged
  // weights give no finite numbers.
  Result<std::vector<float>> encode(std::string_view text, int tokens_max = kTokensMax) const;
  // Replaces `out` by the vectors of all texts, one behind the other.
  Status encode(std::span<const std::string_view> texts, std::vector<float>& out,
                int tokens_max = kTokensMax) const;

  // Equal ones mean equal vectors of equal texts. Reads the whole file: keep it.
  std::string fingerprint() const;

 private:
  Encoder(std::unique_ptr<SafetensorsFile> file, WordPiece pieces, EncoderNet net, int threads);
  void encode_share(std::span<const std::string_view> texts, int tokens_max, EncoderNet::Workspace& work,
                    float* out) const;

  std::unique_ptr<SafetensorsFile> file_;
  WordPiece pieces_;
  EncoderNet net_;
  int threads_;
};

// The cosine of the angle between vectors of length 1.
float cosine(std::span<const float> a, std::span<const float> b);

}  // namespace silt::model
