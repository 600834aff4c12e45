// What systemd is told (sd_notify(3)): ready, a status line, still alive, stopping. Nothing happens
// when systemd did not start us. Safe from any thread.
#pragma once

#include <cstdint>
#include <string>

namespace silt::daemon::sd_notify {

void ready();
void reloading();  // until ready() is said again
void stopping();
void alive();
void status(const std::string& text);
// How often alive() must be called; 0: systemd does not watch.
std::int64_t watchdog_us();

}  // namespace silt::daemon::sd_notify
