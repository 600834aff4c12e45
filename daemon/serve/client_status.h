// What a client may see of a Status: messages are printable and bounded; failures of our own are logged in full
// here and reach the client without detail.
#pragma once

#include "base/status.h"

namespace silt::serve {

Status to_client(const Status& status);

}  // namespace silt::serve
