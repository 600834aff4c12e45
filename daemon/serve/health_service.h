// HealthService: grpc.health.v1.Health, told from the parts as they are when it is asked, as /readyz does. Known are "" and
// every service of the door (siltd as a whole), and the parts by their names: store, intake, fold, learner, inputs.
#pragma once

#include <grpcpp/impl/codegen/service_type.h>

#include <functional>
#include <optional>
#include <string_view>

#include "daemon/serve/health.h"
#include "proto/grpc/health/v1/health.pb.h"

namespace silt::serve {

class HealthService final : public grpc::Service {
 public:
  // `health` must be safe from any thread.
  explicit HealthService(std::function<Health()> health);

 private:
  const std::function<Health()> health_;
};

// Nothing: there is no such service or part.
std::optional<grpc::health::v1::HealthCheckResponse::ServingStatus> serving_status(const Health& health, std::string_view service);

}  // namespace silt::serve
