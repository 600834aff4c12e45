// The Reader over a lane engine: scores many texts side by side. Generating, which goes token by token, is left to a
// reader of the host, which gets a copy of the weights; so is all of nets with TTT layers, which learn from a text.
#pragma once

#include <memory>
#include <vector>

#include "model/ops/lane_engine.h"
#include "model/reader.h"

namespace silt::model {

// `host` packs `net`. The engine must be on the device where the weights are that it is to read.
std::unique_ptr<Reader> make_lane_reader(std::shared_ptr<const Net> net, std::unique_ptr<Backend> host,
                                         std::unique_ptr<LaneEngine> engine);

// Several devices as one, and what is read when they are gone: a text is read where its weights are; under W_0 on the
// first device that was not lost, then by `host`, which has the weights of the host, too. kUnavailable: the device that
// held a text's weights was lost.
struct DeviceReader {
  int device = 0;  // LaneEngine::device()
  std::unique_ptr<Reader> reader;
  bool lost = false;
};
std::unique_ptr<Reader> make_devices_reader(std::vector<DeviceReader> devices, std::unique_ptr<Reader> host);

}  // namespace silt::model
