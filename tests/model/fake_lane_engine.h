// A LaneEngine on the processor: each lane by the loop that the plain learner uses, when it is waited for.
//
// So a LaneLearner over it must give the plain learner's bits. It also checks its callers: that steps are waited for in
// order, never too many at once, and that what they need still lives. And it can be lost, or out of room, at any call.
// What is about to be read or written is of this device, or the caller has mixed up devices.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "model/mixer_loop.h"
#include "model/net.h"
#include "model/ops/lane_engine.h"

namespace silt::model {

struct FakeDevice {
  int number = 0;
  std::atomic<int> calls = 0;
  int lost_at = 0;       // this call and all after it fail; 0: none does
  int states_max = 1000;
  std::atomic<int> weights = 0, windows = 0;  // allocated now
  std::atomic<int> most_in_flight = 0, most_lanes = 0, steps = 0;

  Status call();
};

// `net` must be packed by `backend`. `device` is the caller's to look into.
std::unique_ptr<LaneEngine> make_fake_lane_engine(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend,
                                                  const LaneEngineOptions& options, std::shared_ptr<FakeDevice> device,
                                                  std::string name = "cuda-fake");

}  // namespace silt::model
