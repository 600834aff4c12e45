// Prequential bits per byte: what a stream costs when every token is charged its surprise before the
// model may learn from it. The size, in effect, to which the model compresses the stream.
//
// The stream starts without context: its first token is charged log2(vocabulary) bits and is context
// for the second. Everything after it is charged the model's surprise, the last, part-filled
// mini-batch too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "model/learner.h"
#include "model/tokenizer.h"

namespace silt::model {

struct BitsPerByte {
  static constexpr std::size_t kTenths = 10;

  std::size_t bytes = 0;
  std::size_t tokens = 0;
  double bits_per_byte = 0;
  std::array<double, kTenths> tenths{};  // of the stream by tokens; NaN for one without bytes
  double tokens_per_s = 0;
  int skipped_steps = 0;
  std::vector<float> nats;  // per token, in stream order
};

// Reads one stream from a fresh state. Fails when it is empty or a score is not finite. With `gate`, the
// state's recall begins with that gate, and what it has learned in the end replaces it.
Result<BitsPerByte> measure_bits_per_byte(Learner& learner, const Tokenizer& tokenizer,
                                          std::span<const Token> tokens, LearnMode mode,
                                          RecallGate* gate = nullptr);

}  // namespace silt::model
