// What silt status says of the daemon's parts.
#pragma once

#include "daemon/intake/intake.h"
#include "daemon/learn/control.h"
#include "proto/silt/v1/admin.pb.h"

namespace silt::daemon {

// To who sees the whole daemon.
void fill_learner(const learn::LearnerStatus& learner, int minibatch_tokens, silt::v1::GetStatusResponse& out);
// Of this process, in memory.
std::uint64_t resident_bytes();
void fill_input(const intake::InputStatus& input, silt::v1::ConnectorStatus& to);

}  // namespace silt::daemon
