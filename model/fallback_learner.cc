// A learner that goes on without its device: another takes its place.
#include <utility>

#include "model/learner.h"

namespace silt::model {
namespace {

class FallbackLearner final : public Learner {
 public:
  using Learner::append;

  FallbackLearner(std::unique_ptr<Learner> learner, std::function<Result<std::unique_ptr<Learner>>()> open_other)
      : learner_(std::move(learner)), open_other_(std::move(open_other)) {}

  AdaptedState fresh() override { return learner_->fresh(); }
  AdaptedState fresh(Token first) override { return learner_->fresh(first); }
  AdaptedState fresh_for(std::uint64_t key) override { return learner_->fresh_for(key); }
  void append(std::span<Lane> lanes) override { learner_->append(lanes); }
  int lanes_max() const override { return learner_->lanes_max(); }
  Status score_tail(const AdaptedState& state, std::vector<TokenScore>& scores) override {
    return learner_->score_tail(state, scores);
  }
  Status score_tails(std::span<const Tail> tails) override { return learner_->score_tails(tails); }
  Result<AdaptedState> load(std::string_view blob) override { return learner_->load(blob); }
  Result<AdaptedState> load_for(std::uint64_t key, std::string_view blob) override { return learner_->load_for(key, blob); }
  std::uint64_t bytes(const AdaptedState& state) const override { return learner_->bytes(state); }
  Digest digest(const AdaptedState& state) const override { return learner_->digest(state); }
  void digests(std::span<const AdaptedState* const> states, std::span<Digest> digests) const override {
    learner_->digests(states, digests);
  }
  std::string save(const AdaptedState& state) const override { return learner_->save(state); }
  std::uint64_t full_state_bytes() override { return learner_->full_state_bytes(); }
  std::uint64_t states_max() const override { return learner_->states_max(); }
  std::vector<DeviceUse> devices() const override {
    std::vector<DeviceUse> devices;
    for (const auto& lost : lost_) {
      for (DeviceUse& device : lost->devices()) devices.push_back(std::move(device));
    }
    for (DeviceUse& device : learner_->devices()) devices.push_back(std::move(device));
    return devices;
  }
  Status health() const override { return learner_->health(); }
  const ModelConfig& config() const override { return learner_->config(); }
  std::string_view backend_name() const override { return learner_->backend_name(); }

  Status recover() override {
    if (learner_->recover().is_ok()) return Status::ok();
    SILT_ASSIGN(std::unique_ptr<Learner> other, open_other_());
    lost_.push_back(std::exchange(learner_, std::move(other)));
    return Status::ok();
  }

 private:
  std::unique_ptr<Learner> learner_;
  const std::function<Result<std::unique_ptr<Learner>>()> open_other_;
  std::vector<std::unique_ptr<Learner>> lost_;  // names of theirs may still be in use
};

}  // namespace

std::unique_ptr<Learner> Learner::with_fallback(std::unique_ptr<Learner> learner,
                                                std::function<Result<std::unique_ptr<Learner>>()> open_other) {
  return std::make_unique<FallbackLearner>(std::move(learner), std::move(open_other));
}

}  // namespace silt::model
