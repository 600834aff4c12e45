#include "daemon/fill_learner.h"

#include "base/escape.h"

namespace silt::daemon {

void fill_learner(const learn::LearnerStatus& learner, int minibatch_tokens, silt::v1::GetStatusResponse& out) {
  out.set_backlog_records(learner.backlog_records);
  out.set_backlog_bytes(learner.backlog_bytes);
  out.set_resident_states(learner.resident_states);
  out.set_resident_bytes(learner.resident_bytes);
  out.set_learned_tokens_per_s(learner.tokens_per_s);
  out.set_learn_latency_p50_ms(learner.latency_p50_ms);
  out.set_learn_latency_p99_ms(learner.latency_p99_ms);
  out.set_commits(learner.commits);
  out.set_commit_us(learner.commit_us);
  out.set_learner_state(learner.state);
  for (const model::DeviceUse& device : learner.devices) {
    silt::v1::DeviceUse& to = *out.add_devices();
    to.set_name(device.name);
    to.set_lost(escape_bytes(device.lost));
    to.set_states(device.states);
    to.set_states_max(device.states_max);
    to.set_learned_tokens(device.minibatches * static_cast<std::uint64_t>(minibatch_tokens));
    to.set_host_s(device.host_s);
    to.set_wait_s(device.wait_s);
  }
}

}  // namespace silt::daemon
