#include "daemon/serve/http/routes.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "daemon/serve/client_status.h"
#include "daemon/serve/http/connect.h"
#include "daemon/serve/http/http_call.h"
#include "daemon/serve/http/openapi.h"
#include "daemon/serve/http/page.h"

namespace silt::serve::http {
namespace {

namespace json = boost::json;

Response failure(const Status& status, unsigned http) {
  return {http, std::string(kJsonType), error_json(status)};
}

// Connect has no code for it, so it is not told as an error of Connect's.
Response wrong_method(std::string allowed) {
  Response response{405, "text/plain; charset=utf-8", "this path is asked by " + allowed + "\n"};
  response.headers.emplace_back("Allow", std::move(allowed));
  return response;
}

json::object to_json(const Part& part, bool good) {
  json::object out = {{"ok", good}, {"state", part.state}};
  if (!part.detail.empty()) out["detail"] = part.detail;
  return out;
}

// /healthz and /readyz, with the parts that make them so; /readyz/PART is of one.
Response health_page(const Health& health, std::string_view path) {
  const bool only_alive = path.starts_with("/healthz");
  const std::string_view wanted = path.substr(std::min(path.find('/', 1), path.size()));
  bool all_good = true, found = wanted.empty();
  json::object parts;
  for (const Part& part : health.parts) {
    if (!wanted.empty() && wanted.substr(1) != part.name) continue;
    found = true;
    const bool good = part.alive && (only_alive || part.ready);
    parts[part.name] = to_json(part, good);
    all_good = all_good && (good || (wanted.empty() && !part.decides));
  }
  if (!found) return failure(not_found("there is no such part of siltd"), 404);
  return {all_good ? 200U : 503U, std::string(kJsonType), json::serialize(json::object{{"ok", all_good}, {"parts", parts}}) + "\n"};
}

bool is_health(std::string_view path) {
  return path == "/healthz" || path == "/readyz" || path.starts_with("/healthz/") || path.starts_with("/readyz/");
}

}  // namespace

void Routes::handle(Request request, const std::shared_ptr<Exchange>& exchange) const {
  const std::string path = request.path;
  const Method* const method = find_method(path);
  std::optional<Response> page = page_at(path);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (method == nullptr && !page && !is_health(path) && path != "/metrics" && path != "/openapi.json") {
    return exchange->reply(failure(not_found("there is nothing at this path; /openapi.json says what there is"), 404));
  }
  if (method != nullptr ? request.method != "POST" : !reads) return exchange->reply(wrong_method(method != nullptr ? "POST" : "GET"));
  if (page) return exchange->reply(std::move(*page));
  if (is_health(path)) return exchange->reply(health_page(health_(), path));
  if (path == "/openapi.json") return exchange->reply({200, std::string(kJsonType), openapi_json()});
  const Result<access::Caller> caller = caller_of(request);
  if (!caller.is_ok()) return exchange->reply(failure(to_client(caller.status()), http_status(caller.status().code())));
  const auto shared = std::make_shared<const access::Caller>(*caller);
  if (method != nullptr) return call(std::move(request), exchange, *method, shared);
  metrics(request, exchange, shared);
}

Result<access::Caller> Routes::caller_of(const Request& request) const {
  if (std::holds_alternative<access::Nobody>(request.credential) && request.authorization.empty())
    return Status(Code::kUnauthenticated, "siltd does not know who asks here: use its unix socket, or bring a token");
  return place_.callers.caller_of(request.credential, request.authorization);
}

void Routes::call(Request request, const std::shared_ptr<Exchange>& exchange, const Method& method,
                  const std::shared_ptr<const access::Caller>& caller) const {
  const auto format = format_of(request.content_type, descriptor_of(method).server_streaming());
  if (!format) {
    Response response = failure(invalid_argument("this method takes application/json, or what Connect has for it"), 415);
    response.headers.emplace_back("Accept-Post", kJsonType);
    return exchange->reply(std::move(response));
  }
  const auto timeout = request.timeout;
  HttpCall::start(place_, method.pool, *format, caller, timeout, exchange,
                  [place = place_, &method, format = *format, body = std::move(request.body)](HttpCall& self, const access::Call& call) -> Status {
                    const std::unique_ptr<Message> message = new_request(method);
                    SILT_TRY(decode(format, body, *message));
                    return place.call(method, call, *message, [&self](const Message& reply) { return self.send(reply); });
                  });
}

// What the caller may see, by the methods that anyone would ask for it.
void Routes::metrics(const Request& request, const std::shared_ptr<Exchange>& exchange,
                     const std::shared_ptr<const access::Caller>& caller) const {
  HttpCall::start(place_, Pool::kLook, {}, caller, request.timeout, exchange,
                  [place = place_, health = health_](HttpCall& self, const access::Call& call) -> Status {
                    if (!call.caller.has(access::Right::kAsk)) return permission_denied(call.caller.name + " may not ask: an [[access]] section must grant it");
                    silt::v1::ListSourcesRequest all;
                    all.set_tenant("*");
                    SILT_ASSIGN(const auto status, place.api.get_status(call, {}));
                    SILT_ASSIGN(const auto sources, place.api.list_sources(call, all));
                    const bool whole = !status.learner_state().empty();
                    self.reply({200, "text/plain; version=0.0.4; charset=utf-8", to_metrics(status, sources, health(), whole ? &place.meter : nullptr)});
                    return Status::ok();
                  });
}

}  // namespace silt::serve::http
