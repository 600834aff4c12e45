#include "daemon/fill_status.h"

#include <unistd.h>

#include <cstdio>

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

std::uint64_t resident_bytes() {
  long pages = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  const int read = std::fscanf(file, "%ld %ld", &pages, &resident);
  std::fclose(file);
  return read == 2
             ? static_cast<std::uint64_t>(resident) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))
             : 0;
}

void fill_input(const intake::InputStatus& input, silt::v1::ConnectorStatus& to) {
  to.set_name(escape_bytes(input.name));
  to.set_kind(input.kind);
  to.set_files_open(input.stats.files_open);
  to.set_files_known(input.stats.files_known);
  to.set_bytes_read(input.stats.bytes_read);
  to.set_bytes_lost(input.stats.bytes_lost);
  to.set_read_errors(input.stats.read_errors);
  to.set_backlog_bytes(input.stats.backlog_bytes);
  to.set_last_error(escape_bytes(input.stats.last_error));
  if (input.stats.lag_ms >= 0) to.set_lag_ms(static_cast<std::uint64_t>(input.stats.lag_ms));
  to.set_state(input.state);
}

}  // namespace silt::daemon
