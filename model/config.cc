#include "model/config.h"

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

}  // namespace

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
  SILT_TRY(check_range("fast_width", fast_width, 1, 1 << 16));
  SILT_TRY(check_range("vocabulary", vocabulary, 2, 1 << 20));
  SILT_TRY(check_range("minibatch_tokens", minibatch_tokens, 1, 1 << 13));
  SILT_TRY(check_range("window_tokens", window_tokens, minibatch_tokens, 1 << 16));
  SILT_TRY(check_multiple("window_tokens", window_tokens, "minibatch_tokens", minibatch_tokens));
  SILT_TRY(check_positive("rope_theta", rope_theta));
  SILT_TRY(check_positive("norm_epsilon", norm_epsilon));
  return check_positive("clip_norm", clip_norm);
}

}  // namespace silt::model
