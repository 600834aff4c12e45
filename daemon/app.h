// App: everything that siltd is made of, in the order in which it is made; taken apart in reverse.
//
// The thread that calls run() waits (signals, timers, inotify); intake and learner have a thread
// each; gRPC has its own. create() fails with one line that says what to do; nothing of the outside
// has been touched then, except that the store directory may have been created. A SIGTERM that comes
// before run() is ready is obeyed as soon as the step in hand is done: kCancelled, exit code 0.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/config.h"

namespace silt::daemon {

class App {
 public:
  static Result<std::unique_ptr<App>> create(const Config& config, const Clock& clock);
  virtual ~App() = default;

  // Until SIGTERM or SIGINT (OK: everything is committed) or a failure that only a restart can
  // mend. A second signal while stopping ends the process at once; recovery makes that safe.
  // SIGHUP reads the configuration again: the log level is applied, what else differs is logged.
  virtual Status run() = 0;
};

// First thing in main(), before anything that takes time: SIGTERM, SIGINT and SIGHUP wait until an App
// takes them, instead of ending the process. create() lets them through.
void hold_signals();

// sysexits(3): 74 store or device failed, 75 try again later, 77 no rights, 78 configuration.
int exit_code(const Status& status);

std::string version();
// The backends in this build, as --version and status say them.
std::string built_backends();


}  // namespace silt::daemon
