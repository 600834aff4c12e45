// Api: what the methods do, over the API's own messages. It knows no door and no rights (method.h
// has asked for them), and reaches sources through the catalogue only. Safe from any thread.
#pragma once

#include <functional>
#include <string>

#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/access/catalogue.h"
#include "daemon/serve/server.h"
#include "proto/silt/v1/access.pb.h"
#include "proto/silt/v1/admin.pb.h"
#include "proto/silt/v1/archive.pb.h"
#include "proto/silt/v1/ask.pb.h"
#include "proto/silt/v1/feed.pb.h"
#include "proto/silt/v1/query.pb.h"
#include "proto/silt/v1/state.pb.h"
#include "proto/silt/v1/watch.pb.h"

namespace silt::serve {

// Limits of a request: what is beyond is INVALID_ARGUMENT, never cut silently.
inline constexpr std::size_t kQuestionBytesMax = 4096;
inline constexpr std::size_t kLineBytesMax = 64 * 1024;
inline constexpr std::size_t kNameBytesMax = 4096;  // of an escaped name
inline constexpr std::uint32_t kEvidenceMax = 100;
inline constexpr int kRangesMax = 10'000;  // of a rollback

// Names and ids of a request that are too long; by reflection, so that none is forgotten.
Status check_names(const google::protobuf::Message& request);
Status check_time(std::string_view name, const google::protobuf::Timestamp& time);

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
  // feed_api.cc
  Result<silt::v1::FeedResponse> feed(const access::Call& call, const silt::v1::FeedRequest& request) const;
  // state_api.cc
  Result<silt::v1::ListVersionsResponse> list_versions(const access::Call& call,
                                                       const silt::v1::ListVersionsRequest& request) const;
  Result<silt::v1::ResetStateResponse> reset_state(const access::Call& call,
                                                   const silt::v1::ResetStateRequest& request) const;
  Result<silt::v1::RollbackStateResponse> rollback_state(const access::Call& call,
                                                         const silt::v1::RollbackStateRequest& request) const;
  Result<silt::v1::ForgetResponse> forget(const access::Call& call, const silt::v1::ForgetRequest& request) const;
  Result<silt::v1::PinVersionResponse> pin_version(const access::Call& call,
                                                   const silt::v1::PinVersionRequest& request) const;
  Result<silt::v1::DiffVersionsResponse> diff_versions(const access::Call& call,
                                                       const silt::v1::DiffVersionsRequest& request) const;
  Result<silt::v1::ListAuditResponse> list_audit(const access::Call& call,
                                                 const silt::v1::ListAuditRequest& request) const;
  // archive_api.cc
  Result<silt::v1::BackupResponse> backup(const access::Call& call, const silt::v1::BackupRequest& request) const;
  Status export_state(const access::Call& call, const silt::v1::ExportStateRequest& request,
                      const std::function<bool(const silt::v1::ExportStateResponse&)>& emit) const;
  Result<silt::v1::ImportStateResponse> import_state(const access::Call& call,
                                                     const silt::v1::ImportStateRequest& request) const;
  // watch_api.cc
  Result<silt::v1::WatchResponse> watch(const access::Call& call, const silt::v1::WatchRequest& request) const;
  Result<silt::v1::MarkNormalResponse> mark_normal(const access::Call& call, const silt::v1::MarkNormalRequest& request) const;
  Result<silt::v1::ListNormalResponse> list_normal(const access::Call& call, const silt::v1::ListNormalRequest& request) const;
  Result<silt::v1::RemoveNormalResponse> remove_normal(const access::Call& call, const silt::v1::RemoveNormalRequest& request) const;
  Result<silt::v1::DigestResponse> digest(const access::Call& call, const silt::v1::DigestRequest& request) const;
  Result<silt::v1::GetStatusResponse> get_status(const access::Call& call,
                                                 const silt::v1::GetStatusRequest& request) const;
  // token_api.cc
  Result<silt::v1::CreateTokenResponse> create_token(const access::Call& call,
                                                     const silt::v1::CreateTokenRequest& request) const;
  Result<silt::v1::ListTokensResponse> list_tokens(const access::Call& call,
                                                   const silt::v1::ListTokensRequest& request) const;
  Result<silt::v1::RevokeTokenResponse> revoke_token(const access::Call& call,
                                                     const silt::v1::RevokeTokenRequest& request) const;

  access::AuditLog& audit() const { return dependencies_.audit; }
  access::Quotas& quotas() const { return dependencies_.quotas; }
  const access::Tokens& tokens() const { return dependencies_.tokens; }

 private:
  const ServerDependencies dependencies_;
  const access::Catalogue catalogue_;
};

}  // namespace silt::serve
