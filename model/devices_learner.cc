// A learner over several devices, each with a learner of its own.
#include <algorithm>
#include <utility>

#include "model/cpu/thread_team.h"
#include "model/learner.h"

namespace silt::model {
namespace {

// Keys that follow each other are spread evenly, whatever else they have in common (Fibonacci hashing).
std::size_t place_of(std::uint64_t key, std::size_t places) {
  return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15U >> 32) * places >> 32);
}

class DevicesLearner final : public Learner {
 public:
  using Learner::append;

  explicit DevicesLearner(std::vector<std::unique_ptr<Learner>> devices) : devices_(std::move(devices)) { gather(); }

  AdaptedState fresh() override { return fresh_for(0); }
  AdaptedState fresh(Token first) override { return devices_.front()->fresh(first); }
  AdaptedState fresh_for(std::uint64_t key) override {
    const std::size_t place = place_of(key, devices_.size());
    AdaptedState state = devices_[place]->fresh_for(key);
    state.place = static_cast<int>(place);
    return state;
  }
  Result<AdaptedState> load(std::string_view blob) override { return load_for(0, blob); }
  Result<AdaptedState> load_for(std::uint64_t key, std::string_view blob) override {
    const std::size_t place = place_of(key, devices_.size());
    Result<AdaptedState> state = devices_[place]->load_for(key, blob);
    if (state.is_ok()) state->place = static_cast<int>(place);
    return state;
  }

  void append(std::span<Lane> lanes) override;
  int lanes_max() const override { return lanes_max_; }
  Status score_tail(const AdaptedState& state, std::vector<TokenScore>& scores) override {
    return at(state).score_tail(state, scores);
  }
  Status score_tails(std::span<const Tail> tails) override;

  std::uint64_t bytes(const AdaptedState& state) const override { return at(state).bytes(state); }
  Digest digest(const AdaptedState& state) const override { return at(state).digest(state); }
  void digests(std::span<const AdaptedState* const> states, std::span<Digest> digests) const override;
  std::string save(const AdaptedState& state) const override { return at(state).save(state); }
  std::uint64_t full_state_bytes() override { return devices_.front()->full_state_bytes(); }
  std::uint64_t states_max() const override { return states_max_; }

  std::vector<DeviceUse> devices() const override {
    std::vector<DeviceUse> all;
    for (const auto* some : {&devices_, &lost_}) {
      for (const auto& device : *some) {
        for (DeviceUse& use : device->devices()) all.push_back(std::move(use));
      }
    }
    std::sort(all.begin(), all.end(), [](const DeviceUse& a, const DeviceUse& b) { return a.name < b.name; });
    return all;
  }
  Status health() const override {
    for (const auto& device : devices_) SILT_TRY(device->health());
    return Status::ok();
  }
  Status recover() override {
    const auto is_lost = [](const auto& device) { return !device->health().is_ok(); };
    if (std::all_of(devices_.begin(), devices_.end(), is_lost)) return health();
    const auto lost = std::stable_partition(devices_.begin(), devices_.end(), [&](const auto& device) { return !is_lost(device); });
    std::move(lost, devices_.end(), std::back_inserter(lost_));
    devices_.erase(lost, devices_.end());
    gather();
    return Status::ok();
  }

  const ModelConfig& config() const override { return devices_.front()->config(); }
  std::string_view backend_name() const override { return devices_.front()->backend_name(); }

 private:
  Learner& at(const AdaptedState& state) const { return *devices_[static_cast<std::size_t>(state.place)]; }
  void gather();

  std::vector<std::unique_ptr<Learner>> devices_;
  std::vector<std::unique_ptr<Learner>> lost_;
  std::unique_ptr<cpu::ThreadTeam> team_;  // a thread for each device
  int lanes_max_ = 0;
  std::uint64_t states_max_ = 0;
};

// Of what there is room for, a tenth is left for keys that are not spread evenly.
void DevicesLearner::gather() {
  lanes_max_ = 0;
  states_max_ = 0;
  for (const auto& device : devices_) {
    lanes_max_ += device->lanes_max();
    states_max_ += device->states_max() - device->states_max() / 10;
  }
  team_ = std::make_unique<cpu::ThreadTeam>(static_cast<int>(devices_.size()));
}

void DevicesLearner::append(std::span<Lane> lanes) {
  struct Share {
    std::vector<Lane> lanes;
    std::vector<Lane*> from;
  };
  std::vector<Share> shares(devices_.size());
  for (Lane& lane : lanes) {
    const auto place = lane.state == nullptr ? 0 : static_cast<std::size_t>(lane.state->place);
    Share& share = shares[place < shares.size() ? place : 0];
    share.lanes.push_back(lane);
    share.from.push_back(&lane);
  }
  team_->run([&](int member) {
    const auto place = static_cast<std::size_t>(member);
    Share& share = shares[place];
    if (!share.lanes.empty()) devices_[place]->append(share.lanes);
    for (std::size_t i = 0; i < share.from.size(); ++i) {
      share.from[i]->report = share.lanes[i].report;
      share.from[i]->status = share.lanes[i].status;
    }
  });
}

Status DevicesLearner::score_tails(std::span<const Tail> tails) {
  std::vector<Status> done(devices_.size());
  team_->run([&](int member) {
    std::vector<Tail> mine;
    for (const Tail& tail : tails) {
      if (tail.state->place == member) mine.push_back(tail);
    }
    const auto place = static_cast<std::size_t>(member);
    done[place] = devices_[place]->score_tails(mine);
  });
  for (const Status& status : done) SILT_TRY(status);
  return Status::ok();
}

void DevicesLearner::digests(std::span<const AdaptedState* const> states, std::span<Digest> digests) const {
  team_->run([&](int member) {
    std::vector<const AdaptedState*> mine;
    for (const AdaptedState* const state : states) {
      if (state->place == member) mine.push_back(state);
    }
    std::vector<Digest> found(mine.size());
    devices_[static_cast<std::size_t>(member)]->digests(mine, found);
    auto next = found.begin();
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (states[i]->place == member) digests[i] = *next++;
    }
  });
}

}  // namespace

Result<std::unique_ptr<Learner>> Learner::over_devices(std::vector<std::unique_ptr<Learner>> devices) {
  for (const auto& device : devices) {
    if (device->backend_name() == devices.front()->backend_name()) continue;
    return invalid_argument("the devices compute differently (" + std::string(devices.front()->backend_name()) + ", " +
                            std::string(device->backend_name()) + "): use those of one kind, or one alone");
  }
  return std::unique_ptr<Learner>(std::make_unique<DevicesLearner>(std::move(devices)));
}

}  // namespace silt::model
