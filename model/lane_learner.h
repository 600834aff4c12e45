// LaneLearner: the Learner over a lane engine.
//
// It forms mini-batches of the lanes handed to it and keeps the engine busy: without recall a lane's mini-batches
// follow each other in flight; with recall, where a mini-batch's candidates depend on the surprises of the one
// before, half of the lanes are on the device while the host looks after the other half, on all its threads.
//
// States live in the engine's memory and are stored in the host backend's form (lane_states.h). When the device is
// lost, every call fails with kUnavailable, and states made before are good for nothing but being dropped.
#pragma once

#include <memory>

#include "model/learner.h"
#include "model/ops/lane_engine.h"

namespace silt::model {

// `host` packs `net`, stores states and looks after recall with so many threads.
std::unique_ptr<Learner> make_lane_learner(std::shared_ptr<const Net> net, std::unique_ptr<Backend> host,
                                           std::unique_ptr<LaneEngine> engine, const LearnerOptions& options,
                                           int threads);

}  // namespace silt::model
