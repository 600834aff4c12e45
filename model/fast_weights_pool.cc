#include "model/fast_weights_pool.h"

#include "model/net.h"

namespace silt::model {

FastWeightsPool::FastWeightsPool(const ModelConfig& config, Backend& backend)
    : config_(config), backend_(backend), spare_(std::make_shared<Spare>()) {}

std::shared_ptr<FastWeights> FastWeightsPool::take() {
  std::unique_ptr<FastWeights> weights;
  {
    const std::lock_guard lock(spare_->mutex);
    weights = std::move(spare_->weights);
  }
  if (weights == nullptr) weights = allocate_fast_weights(config_, backend_);
  const auto recycle = [spare = std::weak_ptr<Spare>(spare_)](FastWeights* released) {
    std::unique_ptr<FastWeights> owned(released);
    const std::shared_ptr<Spare> pool = spare.lock();
    if (pool == nullptr) return;
    const std::lock_guard lock(pool->mutex);
    if (pool->weights == nullptr) pool->weights = std::move(owned);
  };
  return std::shared_ptr<FastWeights>(weights.release(), recycle);
}

}  // namespace silt::model
