// A learner that packs its net when the first call needs it.
#include <utility>

#include "base/check.h"
#include "model/backends/backends.h"
#include "model/lanes.h"
#include "model/learner.h"

namespace silt::model {
namespace {

class DeferredLearner final : public Learner {
 public:
  using Learner::append;

  DeferredLearner(std::shared_ptr<const Model> model, std::unique_ptr<Backend> backend, const LearnerOptions& options)
      : model_(std::move(model)),
        backend_(std::move(backend)),
        options_(options),
        backend_name_(backend_->name()),
        lanes_max_(backend_->lanes_max()) {}

  AdaptedState fresh() override { return ready().is_ok() ? learner_->fresh() : AdaptedState(); }
  AdaptedState fresh(Token first) override { return ready().is_ok() ? learner_->fresh(first) : AdaptedState(); }

  void append(std::span<Lane> lanes) override {
    const Status packed = ready();
    if (packed.is_ok()) return learner_->append(lanes);
    for (Lane& lane : lanes) {
      lane.report = {};
      lane.status = packed;
    }
  }
  int lanes_max() const override { return lanes_max_; }

  Status score_tail(const AdaptedState& state, std::vector<TokenScore>& scores) override {
    SILT_TRY(ready());
    return learner_->score_tail(state, scores);
  }

  Result<AdaptedState> load(std::string_view blob) override {
    SILT_TRY(ready());
    return learner_->load(blob);
  }

  // A state came from fresh() or load(), and with it the net.
  std::uint64_t bytes(const AdaptedState& state) const override { return packed().bytes(state); }
  Digest digest(const AdaptedState& state) const override { return packed().digest(state); }
  std::string save(const AdaptedState& state) const override { return packed().save(state); }
  std::uint64_t full_state_bytes() override { return ready().is_ok() ? learner_->full_state_bytes() : 0; }

  const ModelConfig& config() const override { return model_->config(); }
  std::string_view backend_name() const override { return backend_name_; }

 private:
  Status ready() {
    if (learner_) return Status::ok();
    SILT_ASSIGN(std::shared_ptr<const Net> net, model_->net(*backend_));
    learner_ = Learner::create(std::move(net), std::move(backend_), options_);
    return Status::ok();
  }
  const Learner& packed() const {
    SILT_CHECK(learner_);
    return *learner_;
  }

  const std::shared_ptr<const Model> model_;
  std::unique_ptr<Backend> backend_;  // the learner's, as soon as there is one
  const LearnerOptions options_;
  const std::string backend_name_;
  const int lanes_max_;
  std::unique_ptr<Learner> learner_;
};

}  // namespace

Result<std::unique_ptr<Learner>> Learner::create_deferred(std::shared_ptr<const Model> model,
                                                          const BackendOptions& backend,
                                                          const LearnerOptions& options) {
  if (is_lane_backend(backend.name)) return create(std::move(model), backend, options);  // named by what the device computes
  SILT_ASSIGN(std::unique_ptr<Backend> opened, open_backend(backend, model->config()));
  return std::unique_ptr<Learner>(std::make_unique<DeferredLearner>(std::move(model), std::move(opened), options));
}

}  // namespace silt::model
