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
  return bytes_of(buffers) + (held == nullptr ? 0 : held->bytes());
}

std::uint64_t AdaptedState::bytes(const FastWeights* initial) const {
  std::uint64_t bytes = sizeof *this + bytes_of(window) + bytes_of(frozen_window);
  bytes += open.capacity() * sizeof(Token);
  if (held != nullptr) bytes += held->bytes();
  if (weights != nullptr && weights.get() != initial) bytes += weights->bytes();
  return recall == nullptr ? bytes : bytes + recall->bytes();
}

}  // namespace silt::model
