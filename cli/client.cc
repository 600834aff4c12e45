#include "cli/client.h"

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "proto/silt/v1/access.grpc.pb.h"
#include "proto/silt/v1/admin.grpc.pb.h"
#include "proto/silt/v1/archive.grpc.pb.h"
#include "proto/silt/v1/ask.grpc.pb.h"
#include "proto/silt/v1/feed.grpc.pb.h"
#include "proto/silt/v1/query.grpc.pb.h"
#include "proto/silt/v1/state.grpc.pb.h"
#include "proto/silt/v1/watch.grpc.pb.h"

namespace silt::cli {
namespace {

constexpr char kSystemSocket[] = "/run/silt/query.sock";
constexpr int kAnswerBytesMax = 64 << 20;
constexpr int kConnectSeconds = 5;
constexpr int kReconnectFirstMs = 50, kReconnectLastMs = 1000;  // pauses

// Connects, and closes. Waits while the socket's queue is full. Returns what is in the way, as errno names it; 0: nothing.
int knock(const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, socket.data(), socket.size());
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{kConnectSeconds, 0};
  ::setsockopt(probe, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int connected = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = connected == 0 ? 0 : errno;
  ::close(probe);
  return error;
}

// Why nobody answers, found by trying: gRPC's own text does not tell a missing file from a closed
// door.
std::string unreachable(const std::string& socket) {
  const std::string what = "cannot reach siltd at " + socket + ": ";
  switch (const int error = knock(socket)) {
    case ENAMETOOLONG: return what + "the path is too long for a socket";
    case EAGAIN: return what + "too many connect at once; try again";
    case 0: return what + "it closed the connection (restarting, or too many clients); try again";
    case EACCES:
      return what + "no permission; join the socket's group (sudo usermod -aG silt $USER, then log in again)";
    case ENOENT:
    case ECONNREFUSED: return what + "is it running? systemctl status siltd, or name another with --socket";
    default: return what + std::strerror(error);
  }
}

Result<std::string> contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return invalid_argument("read " + path + ": " + std::strerror(errno));
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return invalid_argument("read " + path + ": it cannot be read");
  return text;
}

// One line of printable characters: what else there is in the file is never sent, nor shown.
Result<std::string> token_in(const std::string& path) {
  SILT_ASSIGN(std::string text, contents(path));
  text.erase(text.find_last_not_of(" \r\n") + 1);
  const bool fits = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!fits) return invalid_argument(path + " holds no token; it must be one line, as `silt token create` prints it");
  return text;
}

}  // namespace

int exit_code(const Status& status) {
  switch (status.code()) {
    case Code::kOk: return kExitOk;
    case Code::kNotFound: return kExitNothingFound;
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition: return kExitUsage;
    case Code::kUnavailable: return kExitUnavailable;
    case Code::kResourceExhausted:
    case Code::kDeadlineExceeded:
    case Code::kAborted:
    case Code::kCancelled: return kExitTryLater;
    case Code::kPermissionDenied:
    case Code::kUnauthenticated: return kExitNoRights;
    default: return kExitInternal;
  }
}

std::string default_socket() {
  if (const char* named = std::getenv("SILT_SOCKET"); named != nullptr && *named != '\0') return named;
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime != '\0') {
    const std::string own = std::string(runtime) + "/silt/query.sock";
    if (::access(own.c_str(), F_OK) == 0) return own;
  }
  return kSystemSocket;
}

std::string admin_socket_of(const std::string& socket) {
  return socket.substr(0, socket.rfind('/') + 1) + "admin.sock";
}

struct Client::Stubs {
  // Of those whose first call is still to come: siltd's sockets.
  std::shared_ptr<grpc::Channel> unused_query, unused_admin;
  std::unique_ptr<silt::v1::AskService::Stub> ask;
  std::unique_ptr<silt::v1::QueryService::Stub> query;
  std::unique_ptr<silt::v1::SourceService::Stub> sources;
  std::unique_ptr<silt::v1::DaemonService::Stub> daemon;
  std::unique_ptr<silt::v1::FeedService::Stub> feed;
  std::unique_ptr<silt::v1::WatchService::Stub> watch;
  // At the admin socket.
  std::unique_ptr<silt::v1::SourceService::Stub> source_admin;
  std::unique_ptr<silt::v1::WatchService::Stub> watch_admin;
  std::unique_ptr<silt::v1::StateAdmin::Stub> state;
  std::unique_ptr<silt::v1::ArchiveService::Stub> archive;
  std::unique_ptr<silt::v1::AuditService::Stub> audit;
  std::unique_ptr<silt::v1::TokenService::Stub> tokens;

  Stubs(const std::shared_ptr<grpc::Channel>& channel, const std::shared_ptr<grpc::Channel>& admin)
      : unused_query(channel),
        unused_admin(admin),
        ask(silt::v1::AskService::NewStub(channel)),
        query(silt::v1::QueryService::NewStub(channel)),
        sources(silt::v1::SourceService::NewStub(channel)),
        daemon(silt::v1::DaemonService::NewStub(channel)),
        feed(silt::v1::FeedService::NewStub(channel)),
        watch(silt::v1::WatchService::NewStub(channel)),
        source_admin(silt::v1::SourceService::NewStub(admin)),
        watch_admin(silt::v1::WatchService::NewStub(admin)),
        state(silt::v1::StateAdmin::NewStub(admin)),
        archive(silt::v1::ArchiveService::NewStub(admin)),
        audit(silt::v1::AuditService::NewStub(admin)),
        tokens(silt::v1::TokenService::NewStub(admin)) {}
};

template <class Response, class Call>
Result<Response> Client::unary(Place place, const Call& call) const {
  grpc::ClientContext context;
  prepare(context, place);
  Response response;
  SILT_TRY(from_grpc(call(context, response), place));
  return response;
}

Client::Client(Connection connection) : connection_(std::move(connection)) {}

Result<std::unique_ptr<Client>> Client::open(const Connection& connection) {
  grpc_init();  // for good: when its last user leaves, shutting the library down can take ten seconds
  std::unique_ptr<Client> client(new Client(connection));
  if (!connection.token_file.empty()) {
    SILT_ASSIGN(client->token_, token_in(connection.token_file));
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kAnswerBytesMax);
  if (!connection.server.empty()) {
    grpc::SslCredentialsOptions tls;
    for (const auto& [path, text] : {std::pair(&connection.certificate, &tls.pem_cert_chain), std::pair(&connection.key, &tls.pem_private_key),
                                     std::pair(&connection.ca, &tls.pem_root_certs)}) {
      if (path->empty()) continue;
      SILT_ASSIGN(*text, contents(*path));
    }
    const auto channel = grpc::CreateCustomChannel(connection.server, grpc::SslCredentials(tls), arguments);
    client->stubs_ = std::make_unique<Stubs>(channel, channel);
    return client;
  }
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectFirstMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectLastMs);
  if (client->connection_.admin_socket.empty()) client->connection_.admin_socket = admin_socket_of(connection.socket);
  const auto channel = [&](const std::string& path) {
    return grpc::CreateCustomChannel("unix:" + path, grpc::InsecureChannelCredentials(), arguments);
  };
  client->stubs_ = std::make_unique<Stubs>(channel(connection.socket), channel(client->connection_.admin_socket));
  return client;
}

Client::~Client() = default;

// gRPC 1.51 does not see that a socket's queue is full: it fails, and connects again after a pause. The first call waits for
// that; later ones fail at once when siltd has gone.
void Client::prepare(grpc::ClientContext& context, Place place) const {
  const auto now = std::chrono::system_clock::now();
  const std::string& socket = place == Place::kQuery ? connection_.socket : connection_.admin_socket;
  const auto unused = std::exchange(place == Place::kQuery ? stubs_->unused_query : stubs_->unused_admin, nullptr);
  if (unused && connection_.server.empty() && knock(socket) == 0)
    unused->WaitForConnected(now + std::chrono::seconds(std::min(kConnectSeconds, connection_.timeout_s)));
  context.set_deadline(now + std::chrono::seconds(connection_.timeout_s));
  if (!token_.empty()) context.AddMetadata("authorization", "Bearer " + token_);
}

Status Client::from_grpc(const grpc::Status& status, Place place) const {
  if (status.ok()) return Status::ok();
  const bool from_server = status.error_message().rfind("siltd ", 0) == 0;
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && !from_server) {
    if (!connection_.server.empty()) return unavailable("cannot reach siltd at " + connection_.server + ": " + status.error_message());
    return unavailable(unreachable(place == Place::kQuery ? connection_.socket : connection_.admin_socket));
  }
  return {static_cast<Code>(status.error_code()), status.error_message()};
}

Status Client::ask(const silt::v1::AskRequest& request, const OnEvent& on_event) {
  grpc::ClientContext context;
  prepare(context, Place::kQuery);
  const auto stream = stubs_->ask->Ask(&context, request);
  silt::v1::AskResponse event;
  while (stream->Read(&event)) on_event(event);
  return from_grpc(stream->Finish(), Place::kQuery);
}

Result<silt::v1::ExplainResponse> Client::explain(const silt::v1::ExplainRequest& request) {
  return unary<silt::v1::ExplainResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->ask->Explain(&context, request, &response);
  });
}

Result<silt::v1::QueryResponse> Client::query(const silt::v1::QueryRequest& request) {
  return unary<silt::v1::QueryResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->query->Query(&context, request, &response);
  });
}

Result<silt::v1::SearchResponse> Client::search(const silt::v1::SearchRequest& request) {
  return unary<silt::v1::SearchResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->query->Search(&context, request, &response);
  });
}

Result<silt::v1::PatternsResponse> Client::patterns(const silt::v1::PatternsRequest& request) {
  return unary<silt::v1::PatternsResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->query->Patterns(&context, request, &response);
  });
}

Result<silt::v1::ListSourcesResponse> Client::list_sources(const silt::v1::ListSourcesRequest& request) {
  return unary<silt::v1::ListSourcesResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->sources->ListSources(&context, request, &response);
  });
}

Result<silt::v1::WatchResponse> Client::watch(const silt::v1::WatchRequest& request) {
  return unary<silt::v1::WatchResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->watch->Watch(&context, request, &response);
  });
}

Result<silt::v1::MarkNormalResponse> Client::mark_normal(const silt::v1::MarkNormalRequest& request) {
  return unary<silt::v1::MarkNormalResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->watch_admin->MarkNormal(&context, request, &response);
  });
}

Result<silt::v1::ListNormalResponse> Client::list_normal(const silt::v1::ListNormalRequest& request) {
  return unary<silt::v1::ListNormalResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->watch->ListNormal(&context, request, &response);
  });
}

Result<silt::v1::RemoveNormalResponse> Client::remove_normal(const silt::v1::RemoveNormalRequest& request) {
  return unary<silt::v1::RemoveNormalResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->watch_admin->RemoveNormal(&context, request, &response);
  });
}

Result<silt::v1::DigestResponse> Client::digest(const silt::v1::DigestRequest& request) {
  return unary<silt::v1::DigestResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->watch->Digest(&context, request, &response);
  });
}

Result<silt::v1::ListGapsResponse> Client::list_gaps(const silt::v1::ListGapsRequest& request) {
  return unary<silt::v1::ListGapsResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->sources->ListGaps(&context, request, &response);
  });
}

Result<silt::v1::RenameSourceResponse> Client::rename_source(const silt::v1::RenameSourceRequest& request) {
  return unary<silt::v1::RenameSourceResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->source_admin->RenameSource(&context, request, &response);
  });
}

Result<silt::v1::DeleteSourceResponse> Client::delete_source(const silt::v1::DeleteSourceRequest& request) {
  return unary<silt::v1::DeleteSourceResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->source_admin->DeleteSource(&context, request, &response);
  });
}

Result<silt::v1::ListVersionsResponse> Client::list_versions(const silt::v1::ListVersionsRequest& request) {
  return unary<silt::v1::ListVersionsResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->state->ListVersions(&context, request, &response);
  });
}

Result<silt::v1::ResetStateResponse> Client::reset_state(const silt::v1::ResetStateRequest& request) {
  return unary<silt::v1::ResetStateResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->state->ResetState(&context, request, &response);
  });
}

Result<silt::v1::RollbackStateResponse> Client::rollback_state(const silt::v1::RollbackStateRequest& request) {
  return unary<silt::v1::RollbackStateResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->state->RollbackState(&context, request, &response);
  });
}

Result<silt::v1::ForgetResponse> Client::forget(const silt::v1::ForgetRequest& request) {
  return unary<silt::v1::ForgetResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->state->Forget(&context, request, &response);
  });
}

Result<silt::v1::PinVersionResponse> Client::pin_version(const silt::v1::PinVersionRequest& request) {
  return unary<silt::v1::PinVersionResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->state->PinVersion(&context, request, &response);
  });
}

Result<silt::v1::DiffVersionsResponse> Client::diff_versions(const silt::v1::DiffVersionsRequest& request) {
  return unary<silt::v1::DiffVersionsResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->state->DiffVersions(&context, request, &response);
  });
}

Result<silt::v1::BackupResponse> Client::backup(const silt::v1::BackupRequest& request) {
  return unary<silt::v1::BackupResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->archive->Backup(&context, request, &response);
  });
}

Result<silt::v1::ExportStateResponse> Client::export_state(const silt::v1::ExportStateRequest& request,
                                                           const std::function<bool(std::string_view piece)>& take) {
  grpc::ClientContext context;
  prepare(context, Place::kAdmin);
  const auto reader = stubs_->archive->ExportState(&context, request);
  silt::v1::ExportStateResponse response;
  while (reader->Read(&response)) {
    if (!response.piece().empty() && !take(response.piece())) context.TryCancel();
  }
  SILT_TRY(from_grpc(reader->Finish(), Place::kAdmin));
  if (response.sha256().empty()) return internal_error("siltd ended the export without saying what it is");
  return response;
}

Result<silt::v1::ImportStateResponse> Client::import_state(const silt::v1::ImportStateRequest& request) {
  return unary<silt::v1::ImportStateResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->archive->ImportState(&context, request, &response);
  });
}

Result<silt::v1::ListAuditResponse> Client::list_audit(const silt::v1::ListAuditRequest& request) {
  return unary<silt::v1::ListAuditResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->audit->ListAudit(&context, request, &response);
  });
}

Result<silt::v1::FeedResponse> Client::feed(const silt::v1::FeedRequest& request) {
  return unary<silt::v1::FeedResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->feed->Feed(&context, request, &response);
  });
}

Result<silt::v1::GetStatusResponse> Client::get_status() {
  return unary<silt::v1::GetStatusResponse>(Place::kQuery, [&](auto& context, auto& response) {
    return stubs_->daemon->GetStatus(&context, silt::v1::GetStatusRequest(), &response);
  });
}

Result<silt::v1::CreateTokenResponse> Client::create_token(const silt::v1::CreateTokenRequest& request) {
  return unary<silt::v1::CreateTokenResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->tokens->CreateToken(&context, request, &response);
  });
}

Result<silt::v1::ListTokensResponse> Client::list_tokens(const silt::v1::ListTokensRequest& request) {
  return unary<silt::v1::ListTokensResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->tokens->ListTokens(&context, request, &response);
  });
}

Result<silt::v1::RevokeTokenResponse> Client::revoke_token(const silt::v1::RevokeTokenRequest& request) {
  return unary<silt::v1::RevokeTokenResponse>(Place::kAdmin, [&](auto& context, auto& response) {
    return stubs_->tokens->RevokeToken(&context, request, &response);
  });
}

}  // namespace silt::cli
