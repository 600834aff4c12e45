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

std::string encode_state(const AdaptedState& state, const Net& net, const Backend& backend);
// Fills `state`, which comes from empty_state(), with weights from `pool`. On failure it holds rubbish.
Status decode_state(std::string_view blob, const Net& net, Backend& backend, FastWeightsPool& pool,
                    AdaptedState& state);

// Over weights, valid windows, open tokens and counters: equal digests mean equal futures.
Digest state_digest(const AdaptedState& state, const Backend& backend);

}  // namespace silt::model
