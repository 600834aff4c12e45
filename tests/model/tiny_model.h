// A tiny random model in a real weight file, for tests of whatever needs a model but not its wits.
//
// 3 blocks of width 32 (2 of them learn), vocabulary 320, mini-batches of 16 tokens, window 32: a
// learning step takes well under a millisecond on any backend. Its tokenizer knows every byte and a
// few fragments of log words. The same seed gives the same bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/ops/config.h"

namespace silt::model {

struct FileTensor {
  std::string name;
  std::string type;  // "F32", "BF16", "I8", "U8", "I32"
  std::vector<std::int64_t> shape;
  std::string bytes;
};

// What a weight file consists of; serialise() lays it out, whatever the parts say.
struct WeightFileParts {
  std::map<std::string, std::string> metadata;
  std::vector<FileTensor> tensors;

  FileTensor& tensor(const std::string& name);
};

// `mixer` is the metadata's; with TTT layers a mini-batch of 16 tokens is one inner step. `learns` is of
// the others: a file of kGateUpDown does not say so, as those from before there was a choice.
WeightFileParts tiny_model_parts(std::uint64_t seed = 1, const std::string& mixer = "ttt-e2e",
                                 FastLearns learns = FastLearns::kGateUpDown);
// Stores matrix `name` as I8 with row scales instead of BF16.
void quantise(WeightFileParts& parts, const std::string& name);
// In order of falling element size, which aligns every tensor, or in the order of the parts.
enum class TensorOrder { kAligned, kAsGiven };
std::string serialise(const WeightFileParts& parts, TensorOrder order = TensorOrder::kAligned);

// Writes the tiny model to `path`.
Status write_tiny_model(const std::string& path, std::uint64_t seed = 1, const std::string& mixer = "ttt-e2e",
                        FastLearns learns = FastLearns::kGateUpDown);

}  // namespace silt::model
