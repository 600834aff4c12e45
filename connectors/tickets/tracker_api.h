// TrackerApi: JSON calls to one tracker, and what its answers mean: no rights, no such thing, too many calls.
// Used by one thread; cancel() from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "connectors/http/http_client.h"
#include "connectors/json.h"

namespace silt::connectors {

struct TrackerOptions {
  HttpOptions http;
  std::string credential;           // see read_credential()
  std::vector<std::string> queues;  // queues, projects or repositories; empty: all that the credential may see
  std::string place;                // what place names of tickets begin with: "rm" of "rm:#42"
};

struct ApiAnswer {
  JsonDocument json;
  HttpResponse http;  // its body was taken
};

class TrackerApi {
 public:
  // `authorize`: the header that a credential is sent in.
  using Authorize = std::function<std::string(const std::string& credential)>;
  static Result<std::unique_ptr<TrackerApi>> create(const TrackerOptions& options, Authorize authorize);

  // kUnauthenticated, kPermissionDenied, kNotFound (404, 410); kUnavailable: no answer, or too many calls;
  // kDataLoss: an answer that is no good (5xx, no JSON), perhaps only for this target.
  Result<ApiAnswer> get(const std::string& target, std::vector<std::string> headers = {}) { return call({target, std::move(headers), ""}); }
  Result<ApiAnswer> post(const std::string& target, std::string body) { return call({target, {}, std::move(body)}); }
  Result<ApiAnswer> call(HttpRequest request);

  // So long the tracker wants to be left alone, as its last refusal said; 0: it did not.
  std::int64_t pause_ms() const { return pause_ms_; }
  // The tracker's clock at its last answer, or before it where answers bear no date: then it is the newest stamp that
  // was noted, and the time since. 0: not known.
  std::int64_t now_us() const;
  void note_stamp(std::int64_t us);  // of a change, by the tracker's clock
  void cancel() { client_->cancel(); }

 private:
  TrackerApi(TrackerOptions options, Authorize authorize, std::unique_ptr<HttpClient> client);
  Status refusal(const HttpResponse& response);

  const TrackerOptions options_;
  const Authorize authorize_;
  std::unique_ptr<HttpClient> client_;
  std::int64_t pause_ms_ = 0;
  std::int64_t now_us_ = 0;  // as answers say
  std::int64_t stamp_us_ = 0;
  std::chrono::steady_clock::time_point stamp_at_;  // when it was noted
};

}  // namespace silt::connectors
