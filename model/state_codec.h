// The stored form of an AdaptedState, and its digest.
//
// Blob, little endian (base/bytes.h): magic "siltstat", u32 format, backend name, model fingerprint,
// steps, tokens, valid window rows, input token, open tokens, whether frozen windows follow, the fast
// weights' elements, the valid rows of the windows, the memory and gate of a net with recall, and the
// digest of all of that. Elements are
// stored as the backend path holds them, so a blob is continued bit for bit or not at all.
#pragma once

#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/status.h"
#include "model/adapted_state.h"
#include "model/ops/backend.h"
#include "model/net.h"

namespace silt::model {

// A state of this shape with zeroed windows and no weights.
AdaptedState allocate_state(const ModelConfig& config, Backend& backend, bool frozen);

std::string encode_state(const AdaptedState& state, const Net& net, const Backend& backend);
// Fills `state`, which comes from allocate_state(), and `weights`. On failure they hold rubbish.
Status decode_state(std::string_view blob, const Net& net, Backend& backend, AdaptedState& state,
                    FastWeights& weights);

// Over weights, valid windows, open tokens and counters: equal digests mean equal futures.
Digest state_digest(const AdaptedState& state, const Backend& backend);

}  // namespace silt::model
