// Server: the gRPC door of siltd on a unix socket.
//
// Reactions only validate and post; readers (questions) and one control thread (sources, status,
// reset) do the work. Who is calling comes from the kernel (SO_PEERCRED), never from the request:
// the socket's mode decides who gets in, a rule decides who may change something, and each change
// leaves an audit line with the caller's uid.
// start() and stop() are called by one thread. stop() finishes every live call with UNAVAILABLE and
// returns within three seconds if the dependencies honour `cancelled` and a stopped learner
// refuses resets; they must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "daemon/answer/answer.h"
#include "daemon/learn/control.h"
#include "daemon/store/record_log.h"
#include "daemon/store/state_store.h"
#include "proto/silt/v1/admin.pb.h"

namespace silt::daemon {

struct ServerDependencies {
  Answerer& answerer;
  const RecordLog& log;
  const StateStore& states;
  LearnControl& learner;
  std::function<void(silt::v1::GetStatusResponse&)> fill_status;  // called on the control thread
};

struct ServerOptions {
  std::string socket = "/run/silt/query.sock";
  std::uint32_t socket_mode = 0660;
  int reader_threads = 2;
  std::uint32_t queue_max = 64;  // calls that wait for a thread; more are RESOURCE_EXHAUSTED
  std::uint32_t users_max = 16;  // uids connected at a time; one more closes the longest silent
};

class Server {
 public:
  // Listening on return. Fails with a one-line remedy when the socket cannot be made safely.
  static Result<std::unique_ptr<Server>> start(const ServerDependencies& dependencies,
                                               const ServerOptions& options);
  virtual ~Server() = default;  // stops
  virtual void stop() = 0;      // a second call does nothing
};

}  // namespace silt::daemon
