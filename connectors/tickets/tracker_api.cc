#include "connectors/tickets/tracker_api.h"

#include <algorithm>
#include <charconv>

#include "connectors/http/credential.h"

namespace silt::connectors {
namespace {

constexpr std::int64_t kPauseMaxMs = 3'600'000;
constexpr std::int64_t kSecondaryLimitMs = 60'000;  // of a 403 or 429 that says nothing else

std::int64_t number_of(std::string_view text, std::int64_t otherwise) {
  std::int64_t out = otherwise;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc() && end == text.data() + text.size() ? out : otherwise;
}

// Retry-After in seconds, else the time at which a used-up allowance begins anew. -1: neither.
std::int64_t asked_pause_ms(const HttpResponse& response) {
  if (const std::int64_t after_s = response.retry_after_s(); after_s >= 0) return after_s * 1000;
  if (response.header("x-ratelimit-remaining") != "0") return -1;
  const std::int64_t reset_s = number_of(response.header("x-ratelimit-reset"), 0);
  return std::clamp<std::int64_t>(reset_s * 1000 - response.date_us() / 1000, 1000, kPauseMaxMs);
}

}  // namespace

Result<std::unique_ptr<TrackerApi>> TrackerApi::create(const TrackerOptions& options, Authorize authorize) {
  SILT_ASSIGN(auto client, HttpClient::create(options.http));
  return std::unique_ptr<TrackerApi>(new TrackerApi(options, std::move(authorize), std::move(client)));
}

TrackerApi::TrackerApi(TrackerOptions options, Authorize authorize, std::unique_ptr<HttpClient> client)
    : options_(std::move(options)), authorize_(std::move(authorize)), client_(std::move(client)) {}

Status TrackerApi::refusal(const HttpResponse& response) {
  const std::string who = options_.http.url + " answers " + std::to_string(response.status);
  const std::int64_t pause_ms = asked_pause_ms(response);
  const bool too_many = response.status == 429 || ((response.status == 403 || response.status == 503) && pause_ms >= 0);
  if (too_many) {
    pause_ms_ = pause_ms >= 0 ? pause_ms : kSecondaryLimitMs;
    return unavailable(who + ": too many calls; it is asked again after " + std::to_string(pause_ms_ / 1000) +
                       " s, or raise poll_ms");
  }
  switch (response.status) {
    case 401: return {Code::kUnauthenticated, who + ": the credential is not valid (any more): put a new one into " + options_.credential};
    case 403: return permission_denied(who + ": the credential's account may not read this: give it the right to read tickets and comments");
    case 404:
    case 410: return not_found(who + ": check url and queues");
    default: return data_loss(who + ": see the tracker's own log; it is tried again");
  }
}

std::int64_t TrackerApi::now_us() const {
  if (now_us_ != 0 || stamp_us_ == 0) return now_us_;
  return stamp_us_ + std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - stamp_at_).count();
}

void TrackerApi::note_stamp(std::int64_t us) {
  if (us <= now_us()) return;
  stamp_us_ = us;
  stamp_at_ = std::chrono::steady_clock::now();
}

Result<ApiAnswer> TrackerApi::call(HttpRequest request) {
  pause_ms_ = 0;
  SILT_ASSIGN(const std::string credential, read_credential(options_.credential));
  request.headers.push_back(authorize_(credential));
  SILT_ASSIGN(HttpResponse response, client_->send(request));
  if (const std::int64_t date_us = response.date_us(); date_us != 0) now_us_ = date_us;
  if (response.status == 304) {
    SILT_ASSIGN(JsonDocument nothing, JsonDocument::parse("null"));
    return ApiAnswer{std::move(nothing), std::move(response)};
  }
  if (response.status < 200 || response.status > 299) return refusal(response);
  auto json = JsonDocument::parse(response.body);
  if (!json.is_ok()) return data_loss(options_.http.url + ": " + json.status().message() + "; it is tried again");
  response.body.clear();
  return ApiAnswer{std::move(json).value(), std::move(response)};
}

}  // namespace silt::connectors
