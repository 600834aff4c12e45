// The gRPC services: reactions that check a request and post its work. One set per door, because a
// door knows who is behind it.
#pragma once

#include "daemon/serve/api.h"
#include "daemon/serve/calls.h"
#include "daemon/serve/live_calls.h"
#include "daemon/serve/worker_pool.h"
#include "proto/silt/v1/admin.grpc.pb.h"
#include "proto/silt/v1/ask.grpc.pb.h"

namespace silt::daemon {

// Owned by the server, shared by all doors.
struct Workplace {
  Api& api;
  LiveCalls& live;
  WorkerPool& readers;
  WorkerPool& control;
};

class AskServiceImpl final : public silt::v1::AskService::CallbackService {
 public:
  explicit AskServiceImpl(const Workplace& place) : place_(place) {}
  grpc::ServerWriteReactor<silt::v1::AskResponse>* Ask(grpc::CallbackServerContext* context,
                                                       const silt::v1::AskRequest* request) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const silt::v1::ExplainRequest* request,
                                    silt::v1::ExplainResponse* response) override;

 private:
  const Workplace place_;
};

class SourceServiceImpl final : public silt::v1::SourceService::CallbackService {
 public:
  explicit SourceServiceImpl(const Workplace& place) : place_(place) {}
  grpc::ServerUnaryReactor* ListSources(grpc::CallbackServerContext* context,
                                        const silt::v1::ListSourcesRequest* request,
                                        silt::v1::ListSourcesResponse* response) override;

 private:
  const Workplace place_;
};

class StateServiceImpl final : public silt::v1::StateService::CallbackService {
 public:
  StateServiceImpl(const Workplace& place, Peer peer) : place_(place), peer_(std::move(peer)) {}
  grpc::ServerUnaryReactor* ResetState(grpc::CallbackServerContext* context,
                                       const silt::v1::ResetStateRequest* request,
                                       silt::v1::ResetStateResponse* response) override;

 private:
  const Workplace place_;
  const Peer peer_;
};

class DaemonServiceImpl final : public silt::v1::DaemonService::CallbackService {
 public:
  explicit DaemonServiceImpl(const Workplace& place) : place_(place) {}
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const silt::v1::GetStatusRequest* request,
                                      silt::v1::GetStatusResponse* response) override;

 private:
  const Workplace place_;
};

}  // namespace silt::daemon
