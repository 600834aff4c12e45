#include "model/adapted_state.h"

namespace silt::model {
namespace {

std::uint64_t bytes_of(const std::vector<BufferPtr>& buffers) {
  std::uint64_t bytes = 0;
  for (const BufferPtr& buffer : buffers) bytes += buffer == nullptr ? 0 : buffer->bytes();
  return bytes;
}

}  // namespace

std::uint64_t FastWeights::bytes() const {
  return bytes_of(buffers);
}

std::uint64_t AdaptedState::bytes(const FastWeights* initial) const {
  std::uint64_t bytes = sizeof *this + bytes_of(window) + bytes_of(frozen_window);
  bytes += open.capacity() * sizeof(Token);
  if (weights != nullptr && weights.get() != initial) bytes += weights->bytes();
  return recall == nullptr ? bytes : bytes + recall->bytes();
}

std::uint64_t full_state_bytes(const ModelConfig& config) {
  const auto product = [](int a, int b) {
    return static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b);
  };
  std::uint64_t bytes = 0;
  if (config.recall_slots_log2 > 0)  // 8 bytes a slot
    bytes = (std::uint64_t{8} << config.recall_slots_log2) + sizeof(float) * RecallGate::kSize;
  if (!config.has_ttt_layers()) {
    const int matrices = config.fast_layers * (config.learns_gate_up() ? 3 : 1);
    return bytes + 4 * matrices * product(config.width, config.fast_width) +
           2 * config.layers * product(config.window_tokens, config.width);
  }
  const std::vector<int> widths = config.inner_widths();
  std::uint64_t numbers = 0;  // of one head
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) numbers += product(widths[i] + 1, widths[i + 1]);
  return bytes + 4 * product(config.layers, config.heads) * numbers;
}

}  // namespace silt::model
