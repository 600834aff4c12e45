// The commands. Each returns its exit code, prints its result on standard output and its failure as
// one line on standard error. No command line parsing here: main.cc fills the options.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/client.h"

namespace silt::cli {

struct AskOptions {
  std::string question;
  std::string tenant;
  std::vector<std::string> sources;
  std::string since;
  std::string until;
  std::uint32_t evidence_max = 0;
  bool json = false;
  bool interactive = false;  // questions from standard input, each going on from the one before
};
int run_ask(Client& client, const AskOptions& options);

struct QueryOptions {
  std::string text;
  std::string tenant;
  std::vector<std::string> sources;
  bool json = false;
};
int run_query(Client& client, const QueryOptions& options);

struct SearchOptions {
  std::vector<std::string> words;
  std::string tenant;
  std::vector<std::string> sources;
  std::string since;
  std::string until;
  std::uint32_t context = 0;
  std::uint32_t limit = 0;
  std::string page;
  bool json = false;
};
int run_search(Client& client, const SearchOptions& options);

struct PatternsOptions {
  std::string source;
  std::string tenant;
  std::uint32_t limit = 0;
  std::string page;
  bool json = false;
};
int run_patterns(Client& client, const PatternsOptions& options);

struct SourcesOptions {
  std::string tenant = "*";
  bool json = false;
  bool follow = false;
  int for_s = 3600;
};
int run_sources(Client& client, const SourcesOptions& options);
// Refreshes a table on a terminal, prints a line now and then elsewhere, until all is learned.
int run_follow(Client& client, const SourcesOptions& options);

struct GapsOptions {
  std::string tenant = "*";
  std::vector<std::string> sources;
  bool json = false;
};
int run_gaps(Client& client, const GapsOptions& options);

struct ExplainOptions {
  std::string tenant;
  std::string source;
  std::uint64_t seq = 0;
  std::string line;
  bool json = false;
};
int run_explain(Client& client, const ExplainOptions& options);

struct RenameOptions {
  std::string tenant;
  std::string source;
  std::string new_name;
  std::string request_id;
  bool json = false;
};
int run_rename(Client& client, const RenameOptions& options);

struct DeleteOptions {
  std::string tenant;
  std::string source;
  std::string request_id;
  bool yes = false;  // else it only says what would go
  bool json = false;
};
int run_delete(Client& client, const DeleteOptions& options);

struct FeedOptions {
  std::string tenant;
  std::string source;
  bool json = false;
};
// Standard input, until its end.
int run_feed(Client& client, const FeedOptions& options);

struct ImportOptions : FeedOptions {
  std::vector<std::string> files;
};
int run_import(Client& client, const ImportOptions& options);

struct AuditOptions {
  std::string tenant = "*";
  std::uint32_t limit = 0;
  bool json = false;
};
int run_audit(Client& client, const AuditOptions& options);

struct TokenCreateOptions {
  std::string tenant;
  std::vector<std::string> rights = {"ask"};
  std::string ttl = "1h";
  std::string note;
  bool json = false;
};
int run_token_create(Client& client, const TokenCreateOptions& options);

struct TokenListOptions {
  std::string tenant = "*";
  bool json = false;
};
int run_token_list(Client& client, const TokenListOptions& options);

struct TokenRevokeOptions {
  std::string tenant;
  std::string id;
  bool json = false;
};
int run_token_revoke(Client& client, const TokenRevokeOptions& options);

struct WatchOptions {
  std::string tenant = "*";
  std::vector<std::string> sources;
  std::string token;    // empty: from now on
  bool recent = false;  // from the oldest change that is known
  bool once = false;
  bool json = false;
};
int run_watch(Client& client, const WatchOptions& options);

struct NormalOptions {
  std::string tenant;
  std::string target;  // an incident's id, or SOURCE#PATTERN
  std::string ttl = "30d";
  std::string note;
  bool list = false;
  std::string remove;  // an id of the list
  bool json = false;
};
int run_normal(Client& client, const NormalOptions& options);

struct DigestOptions {
  std::string tenant = "*";
  std::vector<std::string> sources;
  std::string since = "1d";
  std::string until;
  bool json = false;
};
int run_digest(Client& client, const DigestOptions& options);

int run_mcp(Client& client, std::string_view version);

struct StatusOptions {
  bool json = false;
};
int run_status(Client& client, const StatusOptions& options);

// "silt: ..." on standard error; returns the exit code that fits.
int fail(const Status& status);
void print(const std::string& text);
// The same id is carried out once, however often it arrives: a reply lost on the way is harmless.
std::string request_id_or_new(const std::string& given);

}  // namespace silt::cli
