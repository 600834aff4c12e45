// Client: the connection of the command line to siltd, and what its failures mean to a person and to
// a script. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "proto/silt/v1/access.pb.h"
#include "proto/silt/v1/admin.pb.h"
#include "proto/silt/v1/archive.pb.h"
#include "proto/silt/v1/ask.pb.h"
#include "proto/silt/v1/feed.pb.h"
#include "proto/silt/v1/query.pb.h"
#include "proto/silt/v1/state.pb.h"
#include "proto/silt/v1/watch.pb.h"

namespace grpc {
class ClientContext;
class Status;
}  // namespace grpc

namespace silt::cli {

// Exit codes, as in sysexits(3) where it has one.
inline constexpr int kExitOk = 0;
inline constexpr int kExitNothingFound = 1;  // abstained, or no such source or record
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnavailable = 69;
inline constexpr int kExitInternal = 70;
inline constexpr int kExitTryLater = 75;
inline constexpr int kExitNoRights = 77;

int exit_code(const Status& status);

// Where siltd is, and what proves who asks.
struct Connection {
  std::string socket;        // for questions
  std::string admin_socket;  // for what changes something; empty: admin.sock beside it
  std::string server;        // "host:port" instead of both, over TLS
  std::string certificate;   // files of PEM, for TLS: the client's certificate and key,
  std::string key;
  std::string ca;            // and who must have signed the server's; empty: the system's
  std::string token_file;    // what the calls bring, instead of what the connection proves
  int timeout_s = 60;
};

// Where siltd is administered: admin.sock beside the socket for questions.
std::string admin_socket_of(const std::string& socket);
// --socket, else $SILT_SOCKET, else the user's own daemon if there is one, else the system's.
std::string default_socket();

class Client {
 public:
  // Fails when a file cannot be read. Connects when it is first used.
  static Result<std::unique_ptr<Client>> open(const Connection& connection);
  ~Client();

  using OnEvent = std::function<void(const silt::v1::AskResponse&)>;
  Status ask(const silt::v1::AskRequest& request, const OnEvent& on_event);
  Result<silt::v1::ExplainResponse> explain(const silt::v1::ExplainRequest& request);
  Result<silt::v1::QueryResponse> query(const silt::v1::QueryRequest& request);
  Result<silt::v1::SearchResponse> search(const silt::v1::SearchRequest& request);
  Result<silt::v1::PatternsResponse> patterns(const silt::v1::PatternsRequest& request);
  Result<silt::v1::ListGapsResponse> list_gaps(const silt::v1::ListGapsRequest& request);
  Result<silt::v1::ListSourcesResponse> list_sources(const silt::v1::ListSourcesRequest& request);
  Result<silt::v1::RenameSourceResponse> rename_source(const silt::v1::RenameSourceRequest& request);
  Result<silt::v1::DeleteSourceResponse> delete_source(const silt::v1::DeleteSourceRequest& request);
  Result<silt::v1::ListVersionsResponse> list_versions(const silt::v1::ListVersionsRequest& request);
  Result<silt::v1::ResetStateResponse> reset_state(const silt::v1::ResetStateRequest& request);
  Result<silt::v1::RollbackStateResponse> rollback_state(const silt::v1::RollbackStateRequest& request);
  Result<silt::v1::ForgetResponse> forget(const silt::v1::ForgetRequest& request);
  Result<silt::v1::PinVersionResponse> pin_version(const silt::v1::PinVersionRequest& request);
  Result<silt::v1::DiffVersionsResponse> diff_versions(const silt::v1::DiffVersionsRequest& request);
  Result<silt::v1::BackupResponse> backup(const silt::v1::BackupRequest& request);
  // `take` gets the file piece by piece; false: no more is wanted.
  Result<silt::v1::ExportStateResponse> export_state(const silt::v1::ExportStateRequest& request,
                                                     const std::function<bool(std::string_view piece)>& take);
  Result<silt::v1::ImportStateResponse> import_state(const silt::v1::ImportStateRequest& request);
  Result<silt::v1::ListAuditResponse> list_audit(const silt::v1::ListAuditRequest& request);
  Result<silt::v1::FeedResponse> feed(const silt::v1::FeedRequest& request);
  Result<silt::v1::WatchResponse> watch(const silt::v1::WatchRequest& request);
  Result<silt::v1::MarkNormalResponse> mark_normal(const silt::v1::MarkNormalRequest& request);
  Result<silt::v1::ListNormalResponse> list_normal(const silt::v1::ListNormalRequest& request);
  Result<silt::v1::RemoveNormalResponse> remove_normal(const silt::v1::RemoveNormalRequest& request);
  Result<silt::v1::DigestResponse> digest(const silt::v1::DigestRequest& request);
  Result<silt::v1::GetStatusResponse> get_status();
  Result<silt::v1::CreateTokenResponse> create_token(const silt::v1::CreateTokenRequest& request);
  Result<silt::v1::ListTokensResponse> list_tokens(const silt::v1::ListTokensRequest& request);
  Result<silt::v1::RevokeTokenResponse> revoke_token(const silt::v1::RevokeTokenRequest& request);

 private:
  struct Stubs;
  explicit Client(Connection connection);
  // At which of its two places siltd is, for `call`, and what its failure means.
  enum class Place { kQuery, kAdmin };
  void prepare(grpc::ClientContext& context, Place place) const;
  Status from_grpc(const grpc::Status& status, Place place) const;
  template <class Response, class Call>
  Result<Response> unary(Place place, const Call& call) const;

  Connection connection_;
  std::string token_;
  std::unique_ptr<Stubs> stubs_;
};

}  // namespace silt::cli
