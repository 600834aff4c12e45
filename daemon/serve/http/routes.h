// Routes: what each path of the HTTP door does. Methods of the table are asked by POST, in the Connect protocol; the rest
// is read by GET: /metrics, /healthz, /readyz, /openapi.json and the web page.
//
// Health, the OpenAPI document and the page are for whoever gets to the door: they hold nothing of any tenant. All else
// needs a caller.
#pragma once

#include <memory>

#include "daemon/serve/health.h"
#include "daemon/serve/http/exchange.h"
#include "daemon/serve/workplace.h"

namespace silt::serve::http {

class Routes {
 public:
  Routes(const Workplace& place, std::function<Health()> health) : place_(place), health_(std::move(health)) {}
  void handle(Request request, const std::shared_ptr<Exchange>& exchange) const;

 private:
  Result<access::Caller> caller_of(const Request& request) const;
  void call(Request request, const std::shared_ptr<Exchange>& exchange, const Method& method,
            const std::shared_ptr<const access::Caller>& caller) const;
  void metrics(const Request& request, const std::shared_ptr<Exchange>& exchange,
               const std::shared_ptr<const access::Caller>& caller) const;

  const Workplace place_;
  const std::function<Health()> health_;
};

}  // namespace silt::serve::http
