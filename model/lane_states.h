// LaneStates: moves states between a lane engine's memory and the host form in which they are stored.
//
// The host form is that of a processor's backend, whose elements are those of the engine: so a state that one has
// learned can be read by the other. One thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/adapted_state.h"
#include "model/fast_weights_pool.h"
#include "model/net.h"
#include "model/ops/backend.h"
#include "model/ops/lane_engine.h"
#include "model/state_codec.h"

namespace silt::model {

class LaneStates {
 public:
  LaneStates(std::shared_ptr<const Net> net, Backend& host, LaneEngine& engine, bool frozen, bool recall);

  AdaptedState fresh() const;

  // Makes sure that a state has a window on the device.
  Status hold(AdaptedState& state);
  // Weights that the state's next step may write: its own, where nobody else reads them, else new ones. Until the
  // step is done, what state.weights was must live: it comes back in `before`.
  Status make_writable(AdaptedState& state, std::shared_ptr<const FastWeights>& before);

  // Of each of these states. `on_threads(count, each)` calls each(i) for all i below count.
  using OnThreads = std::function<void(std::size_t count, const std::function<void(std::size_t)>& each)>;
  Status digests(std::span<const AdaptedState* const> states, std::span<Digest> digests, const OnThreads& on_threads) const;
  Result<std::string> save(const AdaptedState& state) const;
  Result<AdaptedState> load(std::string_view blob, bool crosses);

  // A version as the host's readers need it.
  Result<std::shared_ptr<const FastWeights>> host_weights(const FastWeights& weights) const;

 private:
  struct HostForm {
    std::shared_ptr<const FastWeights> weights;  // null: W_0
    std::vector<BufferPtr> window, frozen_window;
    StateMatrices matrices() const;
  };
  HeldState held_of(const AdaptedState& state) const;
  std::shared_ptr<const FastWeights> host_weights(std::span<const float> values) const;
  Result<HostForm> host_form(const AdaptedState& state) const;
  Status upload(AdaptedState& state);

  std::shared_ptr<const Net> net_;
  Backend& host_;
  LaneEngine& engine_;
  const bool frozen_, recall_;
  mutable FastWeightsPool pool_;
};

}  // namespace silt::model
