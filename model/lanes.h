// Opens what reads lanes side by side: the GPU, and the processor that stores its states.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/model.h"
#include "model/ops/backend.h"
#include "model/ops/lane_engine.h"

namespace silt::model {

struct Lanes {
  std::shared_ptr<const Net> net;  // packed for `host`
  std::unique_ptr<Backend> host;
  std::unique_ptr<LaneEngine> engine;
};

// "cuda", or "cuda:1" of a certain device.
bool is_lane_backend(std::string_view name);
// One entry for each of BackendOptions::devices, from the named one on, with its share of the threads.
Result<std::vector<BackendOptions>> each_device(const BackendOptions& options);
// Nets that the device does not run are refused.
Result<Lanes> open_lanes(const Model& model, const BackendOptions& options, bool frozen_scores);
// The options for a reader beside a learner: few lanes.
BackendOptions reading(BackendOptions options);

}  // namespace silt::model
