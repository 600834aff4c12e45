// FastWeightsPool: recycles the buffers of versions that nobody reads any more.
//
// Every step publishes a new version while snapshots may still hold older ones. With the pool, a
// source in steady state costs its current version plus one spare, and a step allocates nothing.
// take() belongs to the learner's thread; the last reader may let go of a version on any thread and
// at any time, also after the pool is gone.
#pragma once

#include <memory>
#include <mutex>

#include "model/adapted_state.h"
#include "model/ops/backend.h"
#include "model/ops/config.h"

namespace silt::model {

class FastWeightsPool {
 public:
  FastWeightsPool(const ModelConfig& config, Backend& backend);

  // Buffers with any contents, to be filled and then published as const. Each gets an ownership of
  // its own: a weak_ptr to an older version never comes to mean a newer one.
  std::shared_ptr<FastWeights> take();

 private:
  struct Spare {
    std::mutex mutex;
    std::unique_ptr<FastWeights> weights;
  };
  ModelConfig config_;
  Backend& backend_;
  std::shared_ptr<Spare> spare_;
};

}  // namespace silt::model
