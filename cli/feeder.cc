#include "cli/feeder.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "base/digest.h"
#include "cli/terminal.h"

namespace silt::cli {
namespace {

constexpr std::size_t kPartBytes = 512 << 10;  // what siltd takes at once
constexpr auto kPauseFirst = std::chrono::milliseconds(100);
constexpr auto kPauseLast = std::chrono::seconds(5);

bool may_pass(const Status& status) {
  return status.code() == Code::kUnavailable || status.code() == Code::kResourceExhausted || status.code() == Code::kDeadlineExceeded ||
         status.code() == Code::kCancelled;
}

}  // namespace

Feeder::Feeder(Client& client, const FeedOptions& options, std::string place, std::string id)
    : client_(client), options_(options), place_(std::move(place)), id_(std::move(id)) {}

Status Feeder::send(std::string& text, std::size_t size, bool all) {
  while (size > 0) {
    const std::size_t part = std::min(size, kPartBytes);
    const std::size_t before = text.size();
    SILT_TRY(send_part(text, part, all && part == size));
    if (text.size() == before && part == kPartBytes) SILT_TRY(send_part(text, part, true));  // a line without an end
    const std::size_t taken = before - text.size();
    if (part == size || taken == 0) return Status::ok();
    size -= taken;
  }
  return Status::ok();
}

Status Feeder::send_all(std::string& text) {
  return send(text, text.size(), true);
}

Status Feeder::send_part(std::string& text, std::size_t size, bool all) {
  silt::v1::FeedRequest request;
  request.set_tenant(options_.tenant);
  request.set_source(options_.source);
  request.set_place(place_);
  request.set_begin(begin_);
  request.set_text(text.substr(0, size));
  request.set_all(all);
  request.set_id(id_ + ":" + std::to_string(begin_) + ":" + digest_of(request.text()).hex() + (all ? "." : ""));
  if (modified_us_ != 0) request.mutable_modified()->set_seconds(modified_us_ / 1'000'000);
  Result<silt::v1::FeedResponse> stored = client_.feed(request);
  bool said = false;
  for (auto pause = std::chrono::milliseconds(kPauseFirst); !stored.is_ok() && may_pass(stored.status()); stored = client_.feed(request)) {
    if (!said && pause > kPauseFirst) std::fprintf(stderr, "silt: waiting: %s\n", escape(stored.status().message()).c_str());
    said = said || pause > kPauseFirst;
    std::this_thread::sleep_for(pause);
    pause = std::min<std::chrono::milliseconds>(2 * pause, kPauseLast);
  }
  SILT_TRY(stored.status());
  begin_ += stored->taken();
  records_ += stored->records();
  records_cut_ += stored->records_cut();
  text.erase(0, stored->taken());
  return Status::ok();
}

}  // namespace silt::cli
