// The API's messages as JSON for scripts, whole: every field, nothing cut. Numbers are numbers, times
// are RFC 3339 in UTC. Names, places and patterns are escaped (base/escape.h) and can be used as they
// are in the next command. Record texts are UTF-8 with U+FFFD for each byte that is not; such a text
// also comes as it is in text_base64.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/answer_view.h"
#include "proto/silt/v1/access.pb.h"
#include "proto/silt/v1/admin.pb.h"
#include "proto/silt/v1/archive.pb.h"
#include "proto/silt/v1/ask.pb.h"
#include "proto/silt/v1/query.pb.h"
#include "proto/silt/v1/state.pb.h"
#include "proto/silt/v1/watch.pb.h"

namespace silt::cli {

std::string to_json(const Answer& answer);
std::string to_json(const silt::v1::QueryResponse& from);
std::string to_json(const silt::v1::SearchResponse& from);
std::string to_json(const silt::v1::PatternsResponse& from);
std::string to_json(const silt::v1::ExplainResponse& explanation);
std::string to_json(const silt::v1::ListSourcesResponse& sources);
std::string to_json(const silt::v1::ListGapsResponse& gaps);
std::string to_json(const silt::v1::MarkNormalResponse& from);
std::string to_json(const silt::v1::ListNormalResponse& from);
std::string to_json(const silt::v1::RemoveNormalResponse& from);
std::string to_json(const silt::v1::DigestResponse& from);
std::string to_json(const silt::v1::RenameSourceResponse& renamed);
std::string to_json(const silt::v1::DeleteSourceResponse& deleted);
std::string to_json(const silt::v1::GetStatusResponse& status);
std::string to_json(const silt::v1::ListVersionsResponse& from);
std::string to_json(const silt::v1::ResetStateResponse& from);
std::string to_json(const silt::v1::RollbackStateResponse& from);
std::string to_json(const silt::v1::ForgetResponse& from);
std::string to_json(const silt::v1::PinVersionResponse& from);
std::string to_json(const silt::v1::DiffVersionsResponse& from);
std::string to_json(const silt::v1::ListAuditResponse& from);
std::string to_json(const silt::v1::CreateTokenResponse& from);
std::string to_json(const silt::v1::ListTokensResponse& from);
std::string to_json(const silt::v1::RevokeTokenResponse& from);
std::string to_json(const silt::v1::WatchResponse& from);
std::string to_json(const silt::v1::BackupResponse& from);
std::string to_json(const silt::v1::ExportStateResponse& from);  // without the piece
std::string to_json(const silt::v1::ImportStateResponse& from);

// A line of a probe, as a state and the frozen net find it.
struct Recalled {
  std::string text;
  double adapted_bits = 0;
  double frozen_bits = 0;
  std::uint64_t state_version = 0;
};
std::string to_json(const std::vector<Recalled>& lines);

}  // namespace silt::cli
