// How a source's two summaries, the journal's and the learner's, are shown as one.
#pragma once

#include <optional>

#include "daemon/store/types.h"
#include "proto/silt/v1/admin.pb.h"

namespace silt::serve {

// `head` is empty while nothing of the source has been learned.
void fill_source(const daemon::SourceInfo& info, const daemon::IntakeHead& intake,
                 const std::optional<daemon::Head>& head, silt::v1::Source& out);

}  // namespace silt::serve
