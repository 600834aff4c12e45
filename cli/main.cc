// silt: asks siltd. Reads the command line and nothing else; each command is in its own file.
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/state_commands.h"

namespace silt::cli {
namespace {

constexpr char kFooter[] =
    "Exit codes: 0 done, 1 nothing found, 2 wrong use, 69 siltd not reachable, 70 failed, 75 try later,\n"
    "77 no rights. The socket may also be named by SILT_SOCKET.";

struct Options {
  Connection connection = {.socket = default_socket()};
  AskOptions ask;
  QueryOptions query;
  SearchOptions search;
  PatternsOptions patterns;
  SourcesOptions sources;
  GapsOptions gaps;
  ExplainOptions explain;
  FeedOptions feed;
  ImportOptions import;
  RenameOptions rename;
  DeleteOptions remove;
  StateListOptions state_list;
  ResetOptions reset;
  RollbackOptions rollback;
  ForgetOptions forget;
  PinOptions pin;
  StateDiffOptions state_diff;
  BackupOptions backup;
  ExportStateOptions export_state;
  ImportStateOptions import_state;
  RecallOptions recall;
  AuditOptions audit;
  TokenCreateOptions token_create;
  TokenListOptions token_list;
  TokenRevokeOptions token_revoke;
  WatchOptions watch;
  NormalOptions normal;
  DigestOptions digest;
  StatusOptions status;
};

// One name an option: what follows it is the question.
void add_sources(CLI::App& command, std::vector<std::string>& to) {
  command.add_option("-s,--source", to, "Only this source (name or glob; repeatable)")->allow_extra_args(false);
}

CLI::App* add_ask(CLI::App& app, AskOptions& to) {
  CLI::App* ask = app.add_subcommand("ask", "Ask a question; the answer cites the lines it rests on");
  CLI::Option* question = ask->add_option("question", to.question, "The question, in quotes");
  add_sources(*ask, to.sources);
  ask->add_option("--since", to.since, "Only from then on: 09:00, 2h, yesterday, 2026-11-21T09:00:00Z");
  ask->add_option("--until", to.until, "Only until then");
  ask->add_option("--tenant", to.tenant, "Tenant (default: default)");
  ask->add_option("-n,--evidence", to.evidence_max, "Citations at most (default 8)");
  ask->add_flag("--json", to.json, "One JSON object");
  CLI::Option* interactive = ask->add_flag("-i,--interactive", to.interactive, "Questions from the input, a line each; each may go on from the last: \"and yesterday?\"");
  interactive->excludes(question);
  ask->callback([question, interactive] {
    if (question->count() == 0 && interactive->count() == 0) throw CLI::RequiredError("question, or -i,");
  });
  return ask;
}

CLI::App* add_query(CLI::App& app, QueryOptions& to) {
  CLI::App* query = app.add_subcommand("query", "Run a query, as the answers of `silt ask` show it");
  query->add_option("query", to.text, "One line: count words:failed if:user=root since:2026-11-21T09:00:00Z")->required();
  add_sources(*query, to.sources);
  query->add_option("--tenant", to.tenant, "Tenant (default: default)");
  query->add_flag("--json", to.json, "One JSON object");
  return query;
}

CLI::App* add_search(CLI::App& app, SearchOptions& to) {
  CLI::App* search = app.add_subcommand("search", "Records that hold words, newest first");
  search->add_option("words", to.words, "Words that must all be there, or a /regular expression/")->required();
  add_sources(*search, to.sources);
  search->add_option("--since", to.since, "Only from then on: 09:00, 2h, yesterday, 2026-11-21T09:00:00Z");
  search->add_option("--until", to.until, "Only until then");
  search->add_option("-C,--context", to.context, "Records before and after each match");
  search->add_option("-n,--limit", to.limit, "Matches at most (default 20)");
  search->add_option("--page", to.page, "Older matches: what the last reply said");
  search->add_option("--tenant", to.tenant, "Tenant (default: default)");
  search->add_flag("--json", to.json, "One JSON object");
  return search;
}

CLI::App* add_patterns(CLI::App& app, PatternsOptions& to) {
  CLI::App* patterns = app.add_subcommand("patterns", "What kinds of lines there are, with counts and values");
  patterns->add_option("source", to.source, "Only this source (name or glob)");
  patterns->add_option("-n,--limit", to.limit, "Patterns at most (default 50)");
  patterns->add_option("--page", to.page, "More: what the last reply said");
  patterns->add_option("--tenant", to.tenant, "Tenant (default: default)");
  patterns->add_flag("--json", to.json, "One JSON object");
  return patterns;
}

CLI::App* add_sources(CLI::App& app, SourcesOptions& to) {
  CLI::App* sources = app.add_subcommand("sources", "What siltd reads and how well it knows it");
  sources->add_option("--tenant", to.tenant, "Tenant (default: all)");
  CLI::Option* json = sources->add_flag("--json", to.json, "One JSON object");
  CLI::Option* follow = sources->add_flag("-f,--follow", to.follow, "Refresh until everything is learned");
  sources->add_option("--for-s", to.for_s, "With --follow: no longer than this")->needs(follow);
  follow->excludes(json);
  return sources;
}

CLI::App* add_gaps(CLI::App& app, GapsOptions& to) {
  CLI::App* gaps = app.add_subcommand("gaps", "What was lost: bytes that are gone and were never read");
  gaps->add_option("source", to.sources, "Only these sources (names or globs)");
  gaps->add_option("--tenant", to.tenant, "Tenant (default: all)");
  gaps->add_flag("--json", to.json, "One JSON object");
  return gaps;
}

CLI::App* add_explain(CLI::App& app, ExplainOptions& to) {
  CLI::App* explain = app.add_subcommand("explain", "Why a record is, or is not, surprising");
  explain->add_option("source", to.source, "The source, as `silt sources` names it")->required();
  explain->add_option("seq", to.seq, "The record's number in its source (the #1234 of a citation)");
  explain->add_option("--line", to.line, "A text to look at instead of a record");
  explain->add_option("--tenant", to.tenant, "Tenant (default: default)");
  explain->add_flag("--json", to.json, "One JSON object");
  return explain;
}

// Where what is sent goes.
CLI::App* add_push(CLI::App& app, const std::string& name, const std::string& what, FeedOptions& to) {
  CLI::App* command = app.add_subcommand(name, what);
  command->add_option("-s,--source", to.source, "An input of type \"feed\", or INPUT:NAME for a source beside others of it")->required()->allow_extra_args(false);
  command->add_option("--tenant", to.tenant, "Tenant (default: default)");
  return command;
}

struct SourceCommands {
  CLI::App* rename;
  CLI::App* remove;
};

SourceCommands add_source(CLI::App& app, RenameOptions& to_rename, DeleteOptions& to_delete) {
  CLI::App* source = app.add_subcommand("source", "Rename or delete a source");
  source->require_subcommand(1);
  CLI::App* rename = source->add_subcommand("rename", "Give a source, and its future lines, another name");
  rename->add_option("old", to_rename.source, "The source, as `silt sources` names it")->required();
  rename->add_option("new", to_rename.new_name, "Its new name")->required();
  CLI::App* remove = source->add_subcommand("delete", "Delete a source and all that is stored of it");
  remove->add_option("source", to_delete.source, "The source, as `silt sources` names it")->required();
  remove->add_flag("-y,--yes", to_delete.yes, "Do it; without, only say what would go");
  const auto common = [](CLI::App* command, auto& to) {
    command->add_option("--tenant", to.tenant, "Tenant (default: default)");
    command->add_option("--request-id", to.request_id, "The same id is carried out once");
    command->add_flag("--json", to.json, "One JSON object");
  };
  common(rename, to_rename);
  common(remove, to_delete);
  return {rename, remove};
}

struct StateCommands {
  CLI::App* list;
  CLI::App* reset;
  CLI::App* rollback;
  CLI::App* forget;
  CLI::App* export_state;
  CLI::App* import_state;
  CLI::App* pin;
  CLI::App* diff;
  CLI::App* compare;
};

void add_change(CLI::App& command, ChangeOptions& to) {
  command.add_option("--tenant", to.tenant, "Tenant (default: default)");
  command.add_option("--request-id", to.request_id, "The same id is carried out once");
  command.add_flag("--json", to.json, "One JSON object");
}

void add_dry_change(CLI::App& command, ChangeOptions& to) {
  add_change(command, to);
  command.add_flag("-y,--yes", to.yes, "Do it; without, only say what would be done");
}

void add_destructive(CLI::App& command, ChangeOptions& to) {
  add_dry_change(command, to);
  command.add_option("--expected-version", to.expected_version, "Only if the state is still at this version");
}

CLI::App* add_rollback(CLI::App& state, RollbackOptions& to) {
  CLI::App* rollback = state.add_subcommand(
      "rollback", "Un-learn records: they are left out, now and in all later replays; the journal keeps them");
  rollback->add_option("source", to.source, "The source, as `silt sources` names it")->required();
  CLI::Option* target = rollback->add_option("--to", to.to, "Leave out all behind this version or time: 1234, 09:00, yesterday");
  CLI::Option* without = rollback->add_option("--without", to.without, "Leave out these records: 120-340, or pattern:17 (repeatable)")
                             ->allow_extra_args(false);
  without->excludes(target);
  rollback->callback([target, without] {
    if (target->count() == 0 && without->count() == 0) throw CLI::RequiredError("--to or --without");
  });
  add_destructive(*rollback, to);
  return rollback;
}

CLI::App* add_forget(CLI::App& state, ForgetOptions& to) {
  CLI::App* forget = state.add_subcommand(
      "forget", "Take records out of everything: journal, patterns, index, states, versions and files");
  CLI::Option* sources = forget->add_option("source", to.sources, "Only of these sources (names or globs)");
  CLI::Option* all = forget->add_flag("--all", to.all, "Of all sources of the tenant; with --whole the tenant")->excludes(sources);
  CLI::Option* what = forget->add_option("--records", to.records, "These records of one source: 120-340, or pattern:17 (repeatable)")
                          ->allow_extra_args(false);
  CLI::Option* text = forget->add_option("--containing", to.text, "All records that contain this text");
  CLI::Option* file = forget->add_option("--containing-file", to.text_file, "The same; the text is in this file, or - for standard input");
  CLI::Option* whole = forget->add_flag("--whole", to.whole, "The sources with all that is of them");
  forget->add_flag("--drop-pinned", to.drop_pinned, "Though versions that are pinned go, too");
  forget->callback([=] {
    if (sources->count() + all->count() == 0) throw CLI::RequiredError("source, or --all,");
    if (what->count() + text->count() + file->count() + whole->count() == 0)
      throw CLI::RequiredError("--records, --containing, --containing-file or --whole");
    if ((what->count() > 0) + (text->count() > 0) + (file->count() > 0) + (whole->count() > 0) > 1)
      throw CLI::ValidationError("--records, --containing, --containing-file and --whole go one at a time");
  });
  add_dry_change(*forget, to);
  return forget;
}

CLI::App* add_export_state(CLI::App& state, ExportStateOptions& to) {
  CLI::App* command = state.add_subcommand("export", "Write what a source's net has learned to a file");
  command->add_option("source", to.source, "The source, as `silt sources` names it")->required();
  command->add_option("file", to.file, "The file, which is written over")->required();
  command->add_option("--version", to.version, "As `silt state list` shows it (default: the state of now, which is stored)");
  command->add_option("--tenant", to.tenant, "Tenant (default: default)");
  command->add_flag("--json", to.json, "One JSON object");
  return command;
}

CLI::App* add_import_state(CLI::App& state, ImportStateOptions& to) {
  CLI::App* command = state.add_subcommand("import", "Put an exported state in the place of what a source's net has learned");
  command->add_option("source", to.source, "The source, as `silt sources` names it")->required();
  command->add_option("file", to.file, "What `silt state export` wrote")->required();
  command->add_flag("--any-tenant", to.any_tenant, "Take the state of a tenant of another name, too");
  add_dry_change(*command, to);
  return command;
}

StateCommands add_state(CLI::App& app, Options& to) {
  CLI::App* state = app.add_subcommand("state", "What was learned: list it, keep it, take it back");
  state->require_subcommand(1);
  CLI::App* list = state->add_subcommand("list", "The states of sources: that of now, and the versions that are kept");
  list->add_option("source", to.state_list.sources, "Only these (names or globs)");
  list->add_option("--tenant", to.state_list.tenant, "Tenant (default: all)");
  list->add_flag("--json", to.state_list.json, "One JSON object");
  CLI::App* reset = state->add_subcommand(
      "reset", "Forget what sources taught their nets; their lines, patterns and index are kept");
  CLI::Option* sources = reset->add_option("source", to.reset.sources, "The sources (names or globs)");
  reset->add_flag("--all", to.reset.all, "All sources of the tenant")->excludes(sources);
  reset->add_flag("--fold", to.reset.fold, "Make their patterns and index again, too");
  add_destructive(*reset, to.reset);
  CLI::App* pin = state->add_subcommand("pin", "Keep a version until it is unpinned");
  pin->add_option("source", to.pin.source, "The source, as `silt sources` names it")->required();
  pin->add_option("version", to.pin.version, "As `silt state list` shows it (default: the state of now, which is stored)");
  pin->add_flag("--off", to.pin.off, "No longer");
  add_change(*pin, to.pin);
  CLI::App* diff = state->add_subcommand("diff", "What two versions predict differently, pattern by pattern");
  CLI::App* compare = state->add_subcommand("compare", "What a version has learned: how it differs from a net that has learned nothing");
  for (CLI::App* const command : {diff, compare}) {
    const bool fresh = command == compare;
    command->add_option("source", to.state_diff.source, "The source, as `silt sources` names it")->required();
    command->add_option("from", to.state_diff.from, fresh ? "A version that is kept (default: the newest)" : "A version that is kept")->required(!fresh);
    if (!fresh) command->add_option("to", to.state_diff.to, "Another (default: the newest that is kept)");
    command->add_option("-n,--limit", to.state_diff.limit, "Patterns at most (default 20)");
    command->add_option("--tenant", to.state_diff.tenant, "Tenant (default: default)");
    command->add_flag("--json", to.state_diff.json, "One JSON object");
  }
  compare->callback([&to] { to.state_diff.fresh = true; });
  return {list, reset, add_rollback(*state, to.rollback), add_forget(*state, to.forget), add_export_state(*state, to.export_state),
          add_import_state(*state, to.import_state), pin, diff, compare};
}

CLI::App* add_audit(CLI::App& app, AuditOptions& to) {
  CLI::App* audit = app.add_subcommand("audit", "Who changed something, or tried to; verifies that the log is whole");
  audit->add_option("--tenant", to.tenant, "Tenant (default: all)");
  audit->add_option("-n,--limit", to.limit, "The newest so many entries (default 100)");
  audit->add_flag("--json", to.json, "One JSON object");
  return audit;
}

struct TokenCommands {
  CLI::App* create;
  CLI::App* list;
  CLI::App* revoke;
};

TokenCommands add_token(CLI::App& app, Options& to) {
  CLI::App* token = app.add_subcommand("token", "Credentials for programs: make, list, revoke");
  token->require_subcommand(1);
  CLI::App* create = token->add_subcommand("create", "Make a token, and print it this once");
  create->add_option("--tenant", to.token_create.tenant, "Tenant (default: default)");
  create->add_option("--rights", to.token_create.rights, "What it may do there: some of ask,change,audit,feed (default ask)")->delimiter(',');
  create->add_option("--ttl", to.token_create.ttl, "How long it is valid: 15m, 1h, 30d (default 1h)");
  create->add_option("--note", to.token_create.note, "What it is for");
  create->add_flag("--json", to.token_create.json, "One JSON object");
  CLI::App* list = token->add_subcommand("list", "Tokens, by their ids");
  list->add_option("--tenant", to.token_list.tenant, "Tenant (default: all)");
  list->add_flag("--json", to.token_list.json, "One JSON object");
  CLI::App* revoke = token->add_subcommand("revoke", "End a token, at once");
  revoke->add_option("id", to.token_revoke.id, "As `silt token list` shows it")->required();
  revoke->add_option("--tenant", to.token_revoke.tenant, "Tenant (default: default)");
  revoke->add_flag("--json", to.token_revoke.json, "One JSON object");
  return {create, list, revoke};
}

void add_connection(CLI::App& app, Connection& to) {
  app.add_option("--socket", to.socket, "Where siltd listens")->capture_default_str();
  app.add_option("--admin-socket", to.admin_socket, "Where it is administered (default: admin.sock beside it)");
  CLI::Option* server = app.add_option("--server", to.server, "host:port of a siltd, over TLS");
  CLI::Option* certificate = app.add_option("--cert", to.certificate, "This client's certificate (PEM)")->needs(server);
  certificate->needs(app.add_option("--key", to.key, "Its key (PEM)")->needs(certificate));
  app.add_option("--ca", to.ca, "Who must have signed the server's certificate (PEM; default: the system's)")->needs(server);
  app.add_option("--token-file", to.token_file, "A file with the token to call with");
  app.add_option("--timeout-s", to.timeout_s, "Give up after this long")->check(CLI::Range(1, 3600));
}

CLI::App* add_backup(CLI::App& app, BackupOptions& to) {
  CLI::App* backup = app.add_subcommand("backup", "Copy all that siltd knows while it runs, and verify the copy");
  backup->add_option("directory", to.directory, "Where siltd makes it; it must not be there")->required();
  backup->add_flag("--json", to.json, "One JSON object");
  return backup;
}

CLI::App* add_recall(CLI::App& app, RecallOptions& to) {
  CLI::App* recall = app.add_subcommand("recall", "What a state remembers: bits of lines with and without what was learned");
  recall->add_option("source", to.source, "The source, as `silt sources` names it")->required();
  recall->add_option("--probe", to.probe, "A file of lines, or - for standard input")->required();
  recall->add_option("--tenant", to.tenant, "Tenant (default: default)");
  recall->add_flag("--json", to.json, "One JSON object");
  return recall;
}

CLI::App* add_watch(CLI::App& app, WatchOptions& to) {
  CLI::App* watch = app.add_subcommand("watch", "What changes in the logs, as it changes, in incidents");
  watch->add_option("source", to.sources, "Only these sources (names or globs)");
  watch->add_option("--tenant", to.tenant, "Tenant (default: all)");
  CLI::Option* token = watch->add_option("--token", to.token, "From there on: what an earlier --json said");
  watch->add_flag("--recent", to.recent, "From the oldest change that is still known")->excludes(token);
  watch->add_flag("--once", to.once, "Look once; exit code 1: nothing has changed");
  watch->add_flag("--json", to.json, "A JSON object for each reply that has something");
  return watch;
}

CLI::App* add_normal(CLI::App& app, NormalOptions& to) {
  CLI::App* normal = app.add_subcommand("normal", "Say that an incident, or a pattern, is normal: no news for a while");
  CLI::Option* target = normal->add_option("target", to.target, "An incident's number, or SOURCE#PATTERN as silt patterns shows them");
  normal->add_option("--for", to.ttl, "For so long: 12h, 30d (default), 1w");
  normal->add_option("--note", to.note, "Why, for people");
  CLI::Option* list = normal->add_flag("--list", to.list, "What is normal now")->excludes(target);
  normal->add_option("--remove", to.remove, "It is news again: an id of the list")->excludes(target)->excludes(list);
  normal->add_option("--tenant", to.tenant, "Tenant");
  normal->add_flag("--json", to.json, "One JSON object");
  return normal;
}

CLI::App* add_digest(CLI::App& app, DigestOptions& to) {
  CLI::App* digest = app.add_subcommand("digest", "What is new, gone, louder, quieter and slower, in twenty lines");
  digest->add_option("source", to.sources, "Only these sources (names or globs)");
  digest->add_option("--since", to.since, "Since then, against as long before: 1d (default), 09:00, yesterday");
  digest->add_option("--until", to.until, "Until then (default: now)");
  digest->add_option("--tenant", to.tenant, "Tenant (default: all)");
  digest->add_flag("--json", to.json, "One JSON object");
  return digest;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Ask siltd about the logs of this host.", "silt");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kFooter);
  app.set_version_flag("--version", "silt " SILT_VERSION);
  add_connection(app, options.connection);
  const CLI::App* ask = add_ask(app, options.ask);
  const CLI::App* query = add_query(app, options.query);
  const CLI::App* search = add_search(app, options.search);
  const CLI::App* patterns = add_patterns(app, options.patterns);
  const CLI::App* sources = add_sources(app, options.sources);
  const CLI::App* gaps = add_gaps(app, options.gaps);
  const CLI::App* explain = add_explain(app, options.explain);
  CLI::App* feed = add_push(app, "feed", "Lines of standard input into a source; each is durable before the next is asked for", options.feed);
  feed->add_flag("--json", options.feed.json, "One JSON object at the end");
  CLI::App* import = add_push(app, "import", "Whole files into a source, also compressed ones (gzip, xz, zstd); run again, it goes on where it was stopped", options.import);
  import->add_option("file", options.import.files, "The files")->required();
  const SourceCommands source = add_source(app, options.rename, options.remove);
  const StateCommands state = add_state(app, options);
  const CLI::App* backup = add_backup(app, options.backup);
  const CLI::App* recall = add_recall(app, options.recall);
  const CLI::App* audit = add_audit(app, options.audit);
  const TokenCommands token = add_token(app, options);
  const CLI::App* watch = add_watch(app, options.watch);
  const CLI::App* normal = add_normal(app, options.normal);
  const CLI::App* digest = add_digest(app, options.digest);
  const CLI::App* mcp = app.add_subcommand("mcp", "The read-only calls as tools for a model (MCP), over standard input and output");
  CLI::App* status = app.add_subcommand("status", "How siltd is doing");
  status->add_flag("--json", options.status.json, "One JSON object");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  const Result<std::unique_ptr<Client>> opened = Client::open(options.connection);
  if (!opened.is_ok()) return fail(opened.status());
  Client& client = **opened;
  if (ask->parsed()) return run_ask(client, options.ask);
  if (query->parsed()) return run_query(client, options.query);
  if (search->parsed()) return run_search(client, options.search);
  if (patterns->parsed()) return run_patterns(client, options.patterns);
  if (sources->parsed()) return run_sources(client, options.sources);
  if (gaps->parsed()) return run_gaps(client, options.gaps);
  if (explain->parsed()) return run_explain(client, options.explain);
  if (feed->parsed()) return run_feed(client, options.feed);
  if (import->parsed()) return run_import(client, options.import);
  if (source.rename->parsed()) return run_rename(client, options.rename);
  if (source.remove->parsed()) return run_delete(client, options.remove);
  if (state.list->parsed()) return run_state_list(client, options.state_list);
  if (state.reset->parsed()) return run_reset(client, options.reset);
  if (state.rollback->parsed()) return run_rollback(client, options.rollback);
  if (state.forget->parsed()) return run_forget(client, options.forget);
  if (state.export_state->parsed()) return run_export_state(client, options.export_state);
  if (state.import_state->parsed()) return run_import_state(client, options.import_state);
  if (state.pin->parsed()) return run_pin(client, options.pin);
  if (state.diff->parsed() || state.compare->parsed()) return run_state_diff(client, options.state_diff);
  if (backup->parsed()) return run_backup(client, options.backup);
  if (recall->parsed()) return run_recall(client, options.recall);
  if (audit->parsed()) return run_audit(client, options.audit);
  if (token.create->parsed()) return run_token_create(client, options.token_create);
  if (token.list->parsed()) return run_token_list(client, options.token_list);
  if (token.revoke->parsed()) return run_token_revoke(client, options.token_revoke);
  if (watch->parsed()) return run_watch(client, options.watch);
  if (normal->parsed()) return run_normal(client, options.normal);
  if (digest->parsed()) return run_digest(client, options.digest);
  if (mcp->parsed()) return run_mcp(client, SILT_VERSION);
  return run_status(client, options.status);
}

}  // namespace
}  // namespace silt::cli

int main(int argc, char** argv) {
  return silt::cli::run(argc, argv);
}
