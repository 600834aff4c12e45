// What silt status says of the learner, to who sees the whole daemon.
#pragma once

#include "daemon/learn/control.h"
#include "proto/silt/v1/admin.pb.h"

namespace silt::daemon {

void fill_learner(const learn::LearnerStatus& learner, int minibatch_tokens, silt::v1::GetStatusResponse& out);

}  // namespace silt::daemon
