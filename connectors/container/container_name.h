// Whose log is it? By the path, as kubelet and Docker lay out their files:
//   .../<namespace>_<pod>_<uid>/<container>/0.log                  /var/log/pods
//   .../<pod>_<namespace>_<container>-<64 hex digits>.log          /var/log/containers, links to the former
//   .../<64 hex digits>/<the same>-json.log                        /var/lib/docker/containers
// Of Docker's the name stands in config.v2.json beside the log.
#pragma once

#include <string>
#include <string_view>

namespace silt::connectors {

struct ContainerName {
  std::string space;  // its namespace; empty: not of Kubernetes
  std::string pod;
  std::string container;  // of Docker without a configuration: the first digits of its id

  // What stays when pods come and go: "shop/cart/web" of namespace, what the pod is one of, and container;
  // of Docker the container; of other paths empty.
  std::string source() const;
};

ContainerName container_of(std::string_view path);

// "cart" of "cart-7d9c5b9f4-x2x5z" (a deployment), "cart-x2x5z" (a daemon set, a job), "cart-29405670-x2x5z" (a
// cron job) and "cart-0" (a stateful set).
std::string_view workload_of(std::string_view pod);

}  // namespace silt::connectors
