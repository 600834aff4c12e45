// Seeded random nets of any shape, in memory: no file, no tokenizer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/ops/backend.h"
#include "model/ops/config.h"
#include "model/ops/tensor_source.h"
#include "model/net.h"

namespace silt::model {

// Widths without common factors and shared key heads: any mixed-up dimension shows.
ModelConfig odd_config();
// A shape that every backend accepts.
ModelConfig even_config();

// The same two with TTT layers of this kind.
ModelConfig odd_ttt_config(MixerKind mixer);
ModelConfig even_ttt_config(MixerKind mixer);

// The same seed and configuration give the same values, whatever the backend.
std::shared_ptr<Net> random_net(const ModelConfig& config, Backend& backend, unsigned seed = 1);
// Its tensors.
std::unique_ptr<TensorSource> random_source(const ModelConfig& config, unsigned seed = 1);
// The tensor `name` of random_net(), row-major, for tests that compute on their own.
std::vector<float> random_tensor(const ModelConfig& config, const std::string& name, unsigned seed = 1);

// `count` tokens of a stream that repeats itself with variations, like a log.
std::vector<Token> log_like_tokens(const ModelConfig& config, int count, unsigned seed = 1);

}  // namespace silt::model
