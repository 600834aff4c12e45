// The part of Api for tokens.
#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "base/escape.h"
#include "daemon/serve/api.h"

namespace silt::serve {
namespace {

using access::Call;
using access::Catalogue;
using google::protobuf::util::TimeUtil;

constexpr std::int64_t kTtlDefaultUs = 3'600'000'000;
constexpr std::size_t kNoteBytesMax = 256;

void fill_token(const store::TokenRow& row, bool valid, silt::v1::Token& to) {
  to.set_id(row.id);
  to.set_tenant(escape_bytes(row.tenant));
  for (const std::string& name : access::names_of(access::Rights::of_bits(row.rights))) to.add_rights(name);
  to.set_note(escape_bytes(row.note));
  to.set_created_by(escape_bytes(row.created_by));
  *to.mutable_created() = TimeUtil::MicrosecondsToTimestamp(row.created_us);
  *to.mutable_expires() = TimeUtil::MicrosecondsToTimestamp(row.expires_us);
  if (row.revoked_us != 0) *to.mutable_revoked() = TimeUtil::MicrosecondsToTimestamp(row.revoked_us);
  to.set_valid(valid);
}

Result<std::int64_t> ttl_of(const silt::v1::CreateTokenRequest& request) {
  if (!request.has_ttl()) return kTtlDefaultUs;
  const bool known = request.ttl().seconds() >= 0 && request.ttl().nanos() >= 0 && request.ttl().nanos() < 1'000'000'000 &&
                     request.ttl().seconds() <= access::Tokens::kTtlMaxUs / 1'000'000;
  if (!known) return invalid_argument("ttl must be a time of 366 days at most");
  return TimeUtil::DurationToMicroseconds(request.ttl());
}

}  // namespace

Result<silt::v1::CreateTokenResponse> Api::create_token(const Call& call, const silt::v1::CreateTokenRequest& request) const {
  SILT_TRY(check_names(request));
  if (request.note().size() > kNoteBytesMax) return invalid_argument("the note is longer than " + std::to_string(kNoteBytesMax) + " bytes");
  const std::vector<std::string> names(request.rights().begin(), request.rights().end());
  const std::optional<access::Rights> rights = access::rights_of(names);
  if (!rights) return invalid_argument("rights must be some of ask, change, audit, feed");
  SILT_ASSIGN(const std::string tenant, Catalogue::tenant_of(call, request.tenant()));
  SILT_ASSIGN(const std::int64_t ttl_us, ttl_of(request));
  SILT_ASSIGN(const access::NewToken made,
              dependencies_.tokens.create(call.caller, {.tenant = tenant, .rights = *rights, .ttl_us = ttl_us, .note = request.note()}));
  silt::v1::CreateTokenResponse response;
  fill_token(made.row, true, *response.mutable_token());
  response.set_secret(made.token);
  const std::vector<store::SourceInfo> sources = dependencies_.log.sources();
  if (std::none_of(sources.begin(), sources.end(), [&](const auto& source) { return source.tenant == tenant; }))
    response.set_hint("tenant '" + escape_bytes(tenant) + "' has no sources so far");
  return response;
}

Result<silt::v1::ListTokensResponse> Api::list_tokens(const Call& call, const silt::v1::ListTokensRequest& request) const {
  SILT_TRY(check_names(request));
  std::string only;
  if (request.tenant() != "*") {
    SILT_ASSIGN(only, Catalogue::tenant_of(call, request.tenant()));
  }
  silt::v1::ListTokensResponse response;
  for (const store::TokenRow& row : dependencies_.tokens.list()) {
    if (only.empty() ? call.tenants().sees(row.tenant) : row.tenant == only)
      fill_token(row, tokens().is_valid(row), *response.add_tokens());
  }
  return response;
}

Result<silt::v1::RevokeTokenResponse> Api::revoke_token(const Call& call, const silt::v1::RevokeTokenRequest& request) const {
  SILT_TRY(check_names(request));
  if (request.id().empty()) return invalid_argument("id is missing; list tokens with: silt token list");
  SILT_ASSIGN(const std::string tenant, Catalogue::tenant_of(call, request.tenant()));
  SILT_ASSIGN(const store::TokenRow row, dependencies_.tokens.revoke(tenant, request.id()));
  silt::v1::RevokeTokenResponse response;
  fill_token(row, false, *response.mutable_token());
  return response;
}

}  // namespace silt::serve
