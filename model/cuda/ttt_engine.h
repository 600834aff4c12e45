// The lane engine for nets with TTT layers: float32 throughout and one step at a time, to be right rather than fast.
#pragma once

#include <memory>

#include "base/status.h"
#include "model/ops/config.h"
#include "model/ops/lane_engine.h"
#include "model/ops/tensor_source.h"

namespace silt::model::cuda {

// The frozen tensors and the pool of states on one device, for the engines of a process.
class TttNet;
// `bytes_max` of states; 0: nearly all memory that is left.
Result<std::shared_ptr<TttNet>> open_ttt_net(int device, const TensorSource& source, const ModelConfig& config,
                                             std::size_t bytes_max);
Result<std::unique_ptr<LaneEngine>> make_ttt_engine(std::shared_ptr<TttNet> net, const LaneEngineOptions& options);

}  // namespace silt::model::cuda
