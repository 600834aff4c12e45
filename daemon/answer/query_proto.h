// Query as the API's message, and back.
#pragma once

#include "base/status.h"
#include "daemon/answer/query.h"
#include "proto/silt/v1/query.pb.h"

namespace silt::answer {

void to_proto(const Query& query, silt::v1::Query& out);
// kInvalidArgument for an unknown operation or comparison.
Result<Query> from_proto(const silt::v1::Query& from);

}  // namespace silt::answer
