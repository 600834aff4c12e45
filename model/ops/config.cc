#include "model/ops/config.h"

#include <cmath>

namespace silt::model {
namespace {

Status check_range(const char* name, int value, int lowest, int highest) {
  if (value >= lowest && value <= highest) return Status::ok();
  return invalid_argument(std::string("model configuration: ") + name + " is " + std::to_string(value) +
                          ", allowed are " + std::to_string(lowest) + " to " + std::to_string(highest));
}

Status check_positive(const char* name, float value) {
  if (std::isfinite(value) && value > 0) return Status::ok();
  return invalid_argument(std::string("model configuration: ") + name + " is " + std::to_string(value) +
                          ", it must be a positive number");
}

Status check_multiple(const char* name, int value, const char* of, int unit) {
  if (value % unit == 0) return Status::ok();
  return invalid_argument(std::string("model configuration: ") + name + " is " + std::to_string(value) +
                          ", it must be a multiple of " + of + " (" + std::to_string(unit) + ")");
}

Status check_equal(const char* name, int value, const char* of, int expected) {
  if (value == expected) return Status::ok();
  return invalid_argument(std::string("model configuration: ") + name + " is " + std::to_string(value) +
                          ", with TTT layers it must be " + of + " (" + std::to_string(expected) + ")");
}

}  // namespace

std::vector<int> ModelConfig::inner_widths() const {
  if (mixer == MixerKind::kTttLinear) return {head_width, head_width};
  return {head_width, 4 * head_width, head_width};
}

double ModelConfig::inner_step() const {
  return (mixer == MixerKind::kTttLinear ? 1.0 : 0.1) / head_width;
}

void ModelConfig::complete_ttt() {
  rule = InnerRule::kMinibatchGd;
  fast_layers = layers;
  kv_heads = heads;
  fast_width = window_tokens = 0;
  clip_norm = 0;
}

Status ModelConfig::validate() const {
  SILT_TRY(check_range("layers", layers, 1, 256));
  SILT_TRY(check_range("fast_layers", fast_layers, 1, layers));
  SILT_TRY(check_range("width", width, 1, 1 << 14));
  SILT_TRY(check_range("heads", heads, 1, 256));
  SILT_TRY(check_range("kv_heads", kv_heads, 1, heads));
  SILT_TRY(check_multiple("heads", heads, "kv_heads", kv_heads));
  SILT_TRY(check_range("head_width", head_width, 2, 512));
  SILT_TRY(check_multiple("head_width", head_width, "a rotary pair", 2));
  SILT_TRY(check_range("mlp_width", mlp_width, 1, 1 << 16));
  SILT_TRY(check_range("vocabulary", vocabulary, 2, 1 << 20));
  SILT_TRY(check_range("minibatch_tokens", minibatch_tokens, 1, 1 << 13));
  if (recall_slots_log2 != 0) {
    SILT_TRY(check_range("recall_slots_log2", recall_slots_log2, kRecallSlotsLog2Min, kRecallSlotsLog2Max));
    SILT_TRY(check_range("vocabulary with recall", vocabulary, 2, kRecallVocabularyMax));
  }
  SILT_TRY(check_positive("rope_theta", rope_theta));
  SILT_TRY(check_positive("norm_epsilon", norm_epsilon));
  return has_ttt_layers() ? validate_ttt() : validate_e2e();
}

Status ModelConfig::validate_e2e() const {
  SILT_TRY(check_range("fast_width", fast_width, 1, 1 << 16));
  SILT_TRY(check_range("window_tokens", window_tokens, minibatch_tokens, 1 << 16));
  SILT_TRY(check_multiple("window_tokens", window_tokens, "minibatch_tokens", minibatch_tokens));
  return check_positive("clip_norm", clip_norm);
}

Status ModelConfig::validate_ttt() const {
  SILT_TRY(check_multiple("minibatch_tokens", minibatch_tokens, "a TTT layer's", kTttTokens));
  SILT_TRY(check_equal("fast_layers", fast_layers, "layers", layers));
  SILT_TRY(check_equal("kv_heads", kv_heads, "heads", heads));
  SILT_TRY(check_equal("fast_width", fast_width, "absent", 0));
  return check_equal("window_tokens", window_tokens, "absent", 0);
}

}  // namespace silt::model
