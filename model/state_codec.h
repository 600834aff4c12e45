// The stored form of an AdaptedState, and its digest.
//
// Blob, little endian (base/bytes.h): magic "siltstat", u32 format, backend name, model fingerprint,
// steps, tokens, window rows, input token, open tokens, what follows (a byte of Parts), the fast weights'
// elements unless they are W_0, the rows of the windows, the memory of a net with recall and its gate unless
// that is still the net's, and the digest of all of that. Elements are stored as the backend path holds them,
// so a blob is continued bit for bit or not at all.
#pragma once

#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/status.h"
#include "model/adapted_state.h"
#include "model/fast_weights_pool.h"
#include "model/net.h"
#include "model/ops/backend.h"

namespace silt::model {

// A state that has read nothing: W_0, no window rows, an empty memory and the net's gate where there is
// recall.
AdaptedState empty_state(const Net& net, bool frozen, bool recall);

// The matrices of a state in the memory of the backend that stores it: the state's own, or copies of what a
// lane engine holds.
struct StateMatrices {
  const std::vector<BufferPtr>* weights;  // null: W_0
  const std::vector<BufferPtr>* window;
  const std::vector<BufferPtr>* frozen_window;
};
StateMatrices matrices_of(const AdaptedState& state, const Net& net);

// `path`: the name of what computed the state.
std::string encode_state(const AdaptedState& state, const StateMatrices& matrices, const Net& net,
                         const Backend& backend, std::string_view path);
// Fills `state`, which comes from empty_state(), with weights from `pool`. On failure it holds rubbish.
// A state of another path of the same elements is converted where `crosses`: it goes on from the values that it
// has, with the bits of this path from here on.
Status decode_state(std::string_view blob, const Net& net, Backend& backend, std::string_view path, bool crosses,
                    FastWeightsPool& pool, AdaptedState& state);
// The path that computed the state of a blob; empty when the blob is none.
std::string path_of(std::string_view blob);

// Over weights, valid windows, open tokens and counters: equal digests mean equal futures.
Digest state_digest(const AdaptedState& state, const StateMatrices& matrices, const Net& net,
                    const Backend& backend);
// The same of a state whose matrices lie in these pieces, in the order of StateMatrices.
Digest state_digest(const AdaptedState& state, std::span<const std::span<const std::byte>> matrices);

}  // namespace silt::model
