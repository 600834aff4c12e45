// What the threads and inputs of siltd say of its health: for /healthz and /readyz, and for systemd's watchdog.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "daemon/intake/intake.h"
#include "daemon/serve/health.h"

namespace silt::daemon {

struct Heartbeat {
  std::string thread;
  std::string state;                  // what it says it does
  std::int64_t last_progress_us = 0;  // monotonic
};

// `has_room`: on the store's disk.
serve::Health health_of(std::int64_t now_us, bool has_room, std::span<const Heartbeat> threads,
                        const std::vector<intake::InputStatus>& inputs);

}  // namespace silt::daemon
