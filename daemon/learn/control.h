// LearnControl: what other threads may ask of the learner thread. Calls are safe from any thread;
// mutations wait until the learner has carried them out between two commits.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::daemon {

struct ResetRequest {
  SourceRef source;
  std::string request_id;              // empty: not idempotent
  std::uint64_t expected_version = 0;  // 0: any
  bool dry_run = false;
};

struct ResetResult {
  std::uint64_t old_version = 0;
  std::uint64_t new_version = 0;
  std::uint64_t forgotten_steps = 0;
  std::uint64_t forgotten_patterns = 0;
};

struct LearnerStatus {
  std::string state;  // learning, throttled, idle, replaying
  std::uint64_t backlog_records = 0;
  std::uint64_t backlog_bytes = 0;
  std::uint64_t resident_states = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t tokens_per_s = 0;  // over the last minute
  std::string backend;
};

class LearnControl {
 public:
  virtual ~LearnControl() = default;
  virtual Result<ResetResult> reset(const ResetRequest& request) = 0;
  virtual LearnerStatus status() const = 0;
};

}  // namespace silt::daemon
