// `silt token create`, `silt token list` and `silt token revoke`.
#include <google/protobuf/util/time_util.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/json_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

using google::protobuf::util::TimeUtil;

std::string rights_of(const silt::v1::Token& token) {
  std::string out;
  for (const std::string& right : token.rights()) out += (out.empty() ? "" : ",") + escape(right);
  return out;
}

std::string state_of(const silt::v1::Token& token) {
  if (token.has_revoked()) return "revoked";
  return token.valid() ? "valid" : "expired";
}

std::string render(const silt::v1::ListTokensResponse& response, const Style& style) {
  Table table({{"ID"}, {"TENANT"}, {"RIGHTS"}, {"STATE"}, {"EXPIRES"}, {"MADE BY"}, {"FOR"}});
  for (const silt::v1::Token& token : response.tokens()) {
    table.add({escape(token.id()), escape(token.tenant()), rights_of(token), state_of(token),
               format_local(TimeUtil::TimestampToMicroseconds(token.expires())), escape(token.created_by()), escape(token.note())});
  }
  return response.tokens().empty() ? "there are no tokens\n" : table.render(style);
}

}  // namespace

// The token alone on standard output: `silt token create > file`.
int run_token_create(Client& client, const TokenCreateOptions& options) {
  const Result<std::int64_t> ttl_us = parse_duration(options.ttl);
  if (!ttl_us.is_ok()) return fail(ttl_us.status());
  silt::v1::CreateTokenRequest request;
  request.set_tenant(options.tenant);
  for (const std::string& right : options.rights) request.add_rights(right);
  *request.mutable_ttl() = TimeUtil::MicrosecondsToDuration(*ttl_us);
  request.set_note(options.note);
  const Result<silt::v1::CreateTokenResponse> made = client.create_token(request);
  if (!made.is_ok()) return fail(made.status());
  const silt::v1::Token& token = made->token();
  print(options.json ? to_json(*made) : escape(made->secret()) + "\n");
  if (!options.json) {
    std::fprintf(stderr, "silt: token %s may %s in %s until %s; it is shown this once\n", escape(token.id()).c_str(), rights_of(token).c_str(),
                 escape(token.tenant()).c_str(), format_local(TimeUtil::TimestampToMicroseconds(token.expires())).c_str());
    if (!made->hint().empty()) std::fprintf(stderr, "silt: %s\n", escape(made->hint()).c_str());
  }
  return kExitOk;
}

int run_token_list(Client& client, const TokenListOptions& options) {
  silt::v1::ListTokensRequest request;
  request.set_tenant(options.tenant);
  const Result<silt::v1::ListTokensResponse> response = client.list_tokens(request);
  if (!response.is_ok()) return fail(response.status());
  print(options.json ? to_json(*response) : render(*response, Style::of_stdout()));
  return kExitOk;
}

int run_token_revoke(Client& client, const TokenRevokeOptions& options) {
  silt::v1::RevokeTokenRequest request;
  request.set_tenant(options.tenant);
  request.set_id(options.id);
  const Result<silt::v1::RevokeTokenResponse> done = client.revoke_token(request);
  if (!done.is_ok()) return fail(done.status());
  print(options.json ? to_json(*done) : "token " + escape(done->token().id()) + " is revoked\n");
  return kExitOk;
}

}  // namespace silt::cli
