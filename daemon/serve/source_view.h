// How a source's three summaries, of journal, fold and net, are shown as one.
#pragma once

#include <optional>

#include "daemon/store/types.h"
#include "proto/silt/v1/admin.pb.h"

namespace silt::serve {

// `net` is empty while nothing of the source has been learned.
void fill_source(const store::SourceInfo& info, const store::IntakeHead& intake, const store::FoldHead& fold,
                 const std::optional<store::NetHead>& net, silt::v1::Source& out);

// 0 where nothing was scored.
double bits_per_byte(double nats, std::uint64_t bytes);

}  // namespace silt::serve
