// The Reader over a lane engine: scores many texts side by side. Generating, which goes token by token, is left to a
// reader of the host, which gets a copy of the weights.
#pragma once

#include <memory>

#include "model/ops/lane_engine.h"
#include "model/reader.h"

namespace silt::model {

// `host` packs `net`. The engine must be on the device where the weights are that it is to read.
std::unique_ptr<Reader> make_lane_reader(std::shared_ptr<const Net> net, std::unique_ptr<Backend> host,
                                         std::unique_ptr<LaneEngine> engine);

}  // namespace silt::model
