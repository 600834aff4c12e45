#include "daemon/serve/services.h"

namespace silt::daemon {

using silt::v1::AskResponse;
using silt::v1::ExplainResponse;
using silt::v1::GetStatusResponse;
using silt::v1::ListSourcesResponse;
using silt::v1::ResetStateResponse;

grpc::ServerWriteReactor<AskResponse>* AskServiceImpl::Ask(grpc::CallbackServerContext* context,
                                                           const silt::v1::AskRequest* request) {
  return StreamCall<AskResponse>::start(
      context, place_.live, place_.readers,
      [&api = place_.api, request = *request](const CancelFlag& cancelled, const auto& emit) -> Status {
        SILT_TRY(Api::check(request));
        return api.answerer().ask(request, cancelled, emit);
      });
}

grpc::ServerUnaryReactor* AskServiceImpl::Explain(grpc::CallbackServerContext* context,
                                                  const silt::v1::ExplainRequest* request,
                                                  ExplainResponse* response) {
  return UnaryCall<ExplainResponse>::start(
      context, response, place_.live, place_.readers,
      [&api = place_.api, request = *request](const CancelFlag&) -> Result<ExplainResponse> {
        SILT_TRY(Api::check(request));
        return api.answerer().explain(request);
      });
}

grpc::ServerUnaryReactor* SourceServiceImpl::ListSources(grpc::CallbackServerContext* context,
                                                         const silt::v1::ListSourcesRequest* request,
                                                         ListSourcesResponse* response) {
  return UnaryCall<ListSourcesResponse>::start(
      context, response, place_.live, place_.control,
      [&api = place_.api, request = *request](const CancelFlag&) { return api.list_sources(request); });
}

grpc::ServerUnaryReactor* StateServiceImpl::ResetState(grpc::CallbackServerContext* context,
                                                       const silt::v1::ResetStateRequest* request,
                                                       ResetStateResponse* response) {
  return UnaryCall<ResetStateResponse>::start(
      context, response, place_.live, place_.control,
      [&api = place_.api, request = *request, peer = peer_](const CancelFlag&) {
        return api.reset_state(request, peer);
      });
}

grpc::ServerUnaryReactor* DaemonServiceImpl::GetStatus(grpc::CallbackServerContext* context,
                                                       const silt::v1::GetStatusRequest*,
                                                       GetStatusResponse* response) {
  return UnaryCall<GetStatusResponse>::start(
      context, response, place_.live, place_.control,
      [&api = place_.api](const CancelFlag&) { return api.get_status(); });
}

}  // namespace silt::daemon
