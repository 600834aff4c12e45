#include "daemon/telemetry/sd_notify.h"

#include <systemd/sd-daemon.h>

namespace silt::daemon::sd_notify {

void ready() {
  (void)::sd_notify(0, "READY=1");
}
void reloading() {
  (void)::sd_notify(0, "RELOADING=1");
}
void stopping() {
  (void)::sd_notify(0, "STOPPING=1");
}
void alive() {
  (void)::sd_notify(0, "WATCHDOG=1");
}
void status(const std::string& text) {
  (void)::sd_notify(0, ("STATUS=" + text).c_str());
}

std::int64_t watchdog_us() {
  std::uint64_t interval_us = 0;
  return sd_watchdog_enabled(0, &interval_us) > 0 ? static_cast<std::int64_t>(interval_us) : 0;
}

}  // namespace silt::daemon::sd_notify
