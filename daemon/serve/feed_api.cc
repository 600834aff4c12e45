#include <google/protobuf/util/time_util.h>

#include "base/escape.h"
#include "daemon/intake/feeds.h"
#include "daemon/serve/api.h"

namespace silt::serve {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::size_t kTextBytesMax = 512 << 10;

Status check(const silt::v1::FeedRequest& request) {
  SILT_TRY(check_names(request));
  if (request.source().empty()) return invalid_argument("source is missing: name an input of type \"feed\"");
  if (escape_bytes(request.source()) != request.source()) return invalid_argument("source has control characters or a backslash");
  if (request.text().size() > kTextBytesMax) return invalid_argument("text is longer than " + std::to_string(kTextBytesMax) + " bytes: send it in parts");
  if (request.place().size() > kNameBytesMax) return invalid_argument("place is longer than " + std::to_string(kNameBytesMax) + " bytes");
  return request.has_modified() ? check_time("modified", request.modified()) : Status::ok();
}

}  // namespace

Result<silt::v1::FeedResponse> Api::feed(const access::Call& call, const silt::v1::FeedRequest& request) const {
  SILT_TRY(check(request));
  SILT_ASSIGN(const std::string tenant, access::Catalogue::tenant_of(call, request.tenant()));
  intake::FedLines lines{.source = request.source(), .id = request.id(), .text = request.text(), .all = request.all()};
  lines.place = request.place();
  lines.begin = request.begin();
  if (request.has_modified()) lines.modified_us = TimeUtil::TimestampToMicroseconds(request.modified());
  const auto wanted = [&] { return !call.cancelled && std::chrono::system_clock::now() < call.deadline; };
  SILT_ASSIGN(const intake::Fed fed, dependencies_.feeds.feed(tenant, lines, wanted));
  silt::v1::FeedResponse response;
  response.set_taken(fed.bytes);
  response.set_records(fed.records);
  response.set_records_cut(fed.records_cut);
  return response;
}

}  // namespace silt::serve
