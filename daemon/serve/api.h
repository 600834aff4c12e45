// Api: what the methods do, over the API's own messages. It knows no door and no rights (method.h
// has asked for them), and reaches sources through the catalogue only. Safe from any thread.
#pragma once

#include <functional>
#include <string>

#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/access/catalogue.h"
#include "daemon/serve/server.h"
#include "proto/silt/v1/admin.pb.h"
#include "proto/silt/v1/ask.pb.h"
#include "proto/silt/v1/query.pb.h"

namespace silt::serve {

// Limits of a request: what is beyond is INVALID_ARGUMENT, never cut silently.
inline constexpr std::size_t kQuestionBytesMax = 4096;
inline constexpr std::size_t kLineBytesMax = 64 * 1024;
inline constexpr std::size_t kNameBytesMax = 4096;  // of an escaped name
inline constexpr std::uint32_t kEvidenceMax = 100;

class Api {
 public:
  explicit Api(const ServerDependencies& dependencies)
      : dependencies_(dependencies), catalogue_(dependencies.log) {}

  Status ask(const access::Call& call, const silt::v1::AskRequest& request,
             const std::function<bool(const silt::v1::AskResponse&)>& emit) const;
  Result<silt::v1::ExplainResponse> explain(const access::Call& call,
                                            const silt::v1::ExplainRequest& request) const;
  Result<silt::v1::QueryResponse> query(const access::Call& call, const silt::v1::QueryRequest& request) const;
  Result<silt::v1::SearchResponse> search(const access::Call& call, const silt::v1::SearchRequest& request) const;
  Result<silt::v1::PatternsResponse> patterns(const access::Call& call,
                                              const silt::v1::PatternsRequest& request) const;
  Result<silt::v1::ListSourcesResponse> list_sources(const access::Call& call,
                                                     const silt::v1::ListSourcesRequest& request) const;
  Result<silt::v1::ListGapsResponse> list_gaps(const access::Call& call,
                                               const silt::v1::ListGapsRequest& request) const;
  Result<silt::v1::RenameSourceResponse> rename_source(const access::Call& call,
                                                       const silt::v1::RenameSourceRequest& request) const;
  Result<silt::v1::DeleteSourceResponse> delete_source(const access::Call& call,
                                                       const silt::v1::DeleteSourceRequest& request) const;
  Result<silt::v1::ResetStateResponse> reset_state(const access::Call& call,
                                                   const silt::v1::ResetStateRequest& request) const;
  Result<silt::v1::GetStatusResponse> get_status(const access::Call& call,
                                                 const silt::v1::GetStatusRequest& request) const;

 private:
  const ServerDependencies dependencies_;
  const access::Catalogue catalogue_;
};

}  // namespace silt::serve
