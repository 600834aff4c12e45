// `silt state ...`: what destroys says what it would do, and does it with --yes.
#include <algorithm>
#include <charconv>
#include <chrono>

#include "cli/commands.h"
#include "cli/state_commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

constexpr std::size_t kDigestShown = 12;
constexpr char kHint[] = "; add --yes to do it";

std::string versions(std::uint64_t count) {
  return format_count(count) + (count == 1 ? " stored version" : " stored versions");
}

std::string render(const silt::v1::ListVersionsResponse& response, const Style& style) {
  if (response.sources().empty()) return "no sources\n";
  Table table({{"SOURCE"}, {"VERSION", true}, {"WHEN"}, {"RECORDS", true}, {"TEXT", true}, {"BITS/B", true}, {"STORED", true},
               {"DIGEST"}, {"BACKEND"}, {"WEIGHTS"}, {"WHY"}});
  std::string notes;
  for (const auto& source : response.sources()) {
    const std::string name = (source.tenant() == "default" ? "" : escape(source.tenant()) + ": ") + escape(source.source());
    for (const auto& version : source.versions()) {
      table.add({name, format_count(version.version()),
                 version.has_written() ? format_local(version.written().seconds() * 1'000'000) : "now",
                 format_count(version.learned_seq()), format_bytes(version.bytes()), format_fixed(version.bits_per_byte(), 3),
                 version.has_written() ? format_bytes(version.stored_bytes()) : "", version.digest().substr(0, kDigestShown),
                 escape(version.backend()), version.weights().substr(0, kDigestShown),
                 escape(version.reason()) + (version.pinned() ? " (kept)" : "")});
    }
    if (source.left_out_records() > 0)
      notes += name + ": " + format_count(source.left_out_records()) + " records were left out by rollbacks\n";
    if (source.floor_seq() > 0)
      notes += name + ": records up to " + format_count(source.floor_seq()) + " were removed and cannot be replayed\n";
  }
  return table.render(style) + notes;
}

std::string render(const silt::v1::ResetStateResponse& response) {
  const bool dry = response.dry_run();
  const bool fold = response.scope() == silt::v1::RESET_SCOPE_NET_AND_FOLD;
  std::string out;
  for (const silt::v1::StateReset& reset : response.resets()) {
    out += escape(reset.source()) + ": " + format_count(reset.forgotten_steps()) + " learning steps and " +
           versions(reset.dropped_versions()) + (dry ? " would be" : " are") + " forgotten (state v" +
           std::to_string(reset.old_version());
    if (!dry) out += " -> v" + std::to_string(reset.new_version());
    out += fold ? "), and " + format_count(reset.forgotten_patterns()) + " patterns and the index " + (dry ? "would be" : "are") +
                      " made again from the journal, which is kept\n"
                : "); journal, patterns and index are kept\n";
  }
  return out + (dry ? "nothing was done" + std::string(kHint) + "\n" : "");
}

std::string render(const silt::v1::RollbackStateResponse& from) {
  const bool dry = from.dry_run();
  return escape(from.source()) + ": " + format_count(from.left_out_records()) + " records " + (dry ? "would be" : "are") +
         " left out, now and in all replays; the state " + (dry ? "would go" : "goes") + " from v" +
         std::to_string(from.old_version()) + " back to v" + std::to_string(from.from_version()) + " (record " +
         format_count(from.from_seq()) + ") and " + (dry ? "read " : "reads ") + format_count(from.reread_records()) +
         " records again; " + versions(from.dropped_versions()) + (dry ? " would go" + std::string(kHint) : " are gone") + "\n";
}

std::string render(const silt::v1::DiffVersionsResponse& from, const Style& style) {
  const std::string one = "v" + std::to_string(from.from()), other = from.to() == 0 ? "fresh" : "v" + std::to_string(from.to());
  std::string out = escape(from.source()) + ": " + one + " and " + other + ", " + format_count(from.patterns_compared()) +
                    " patterns compared\n";
  Table table({{"BITS " + one, true}, {"BITS " + other, true}, {"CHANGE", true}, {"RECORDS", true}, {"PATTERN"}});
  for (const auto& change : from.changes()) {
    table.add({format_fixed(change.from_bits(), 1), format_fixed(change.to_bits(), 1),
               format_fixed(change.to_bits() - change.from_bits(), 1), format_count(change.count()), escape(change.text())});
  }
  return out + table.render(style);
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// A version is a number, "12" or "v12"; all else is a time.
Status set_target(const std::string& to, silt::v1::RollbackStateRequest& request) {
  const std::string_view digits = to.starts_with('v') ? std::string_view(to).substr(1) : std::string_view(to);
  if (const auto version = number_of(digits)) {
    request.set_version(*version);
    return Status::ok();
  }
  const std::int64_t now_us = std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::system_clock::now().time_since_epoch()).count();
  SILT_ASSIGN(const std::int64_t time_us, parse_when(to, now_us));
  request.mutable_time()->set_seconds(time_us / 1'000'000);
  request.mutable_time()->set_nanos(static_cast<std::int32_t>(time_us % 1'000'000 * 1000));
  return Status::ok();
}

}  // namespace

Status add_records(const std::string& what, silt::v1::Without& to) {
  constexpr std::string_view kPattern = "pattern:";
  const std::string_view text = what;
  if (text.starts_with(kPattern)) {
    const auto id = number_of(text.substr(kPattern.size()));
    if (!id) return invalid_argument("\"" + what + "\": a pattern is a number, as silt patterns shows it: pattern:17");
    to.add_patterns(static_cast<std::uint32_t>(*id));
    return Status::ok();
  }
  const std::size_t dash = std::min(text.find('-'), text.size());
  const auto first = number_of(text.substr(0, dash));
  const auto last = dash == text.size() ? first : number_of(text.substr(dash + 1));
  if (!first || !last) return invalid_argument("\"" + what + "\": name records, 120 or 120-340, or pattern:17");
  silt::v1::SeqRange& range = *to.add_ranges();
  range.set_first(*first);
  range.set_last(*last);
  return Status::ok();
}

int run_state_list(Client& client, const StateListOptions& options) {
  silt::v1::ListVersionsRequest request;
  request.set_tenant(options.tenant);
  for (const std::string& source : options.sources) request.add_sources(source);
  const Result<silt::v1::ListVersionsResponse> response = client.list_versions(request);
  if (!response.is_ok()) return fail(response.status());
  print(options.json ? to_json(*response) : render(*response, Style::of_stdout()));
  return kExitOk;
}

int run_reset(Client& client, const ResetOptions& options) {
  silt::v1::ResetStateRequest request;
  request.set_tenant(options.tenant);
  for (const std::string& source : options.sources) request.add_sources(source);
  request.set_all(options.all);
  request.set_expected_version(options.expected_version);
  request.set_scope(options.fold ? silt::v1::RESET_SCOPE_NET_AND_FOLD : silt::v1::RESET_SCOPE_NET);
  request.set_dry_run(!options.yes);
  request.set_request_id(request_id_or_new(options.request_id));
  const Result<silt::v1::ResetStateResponse> reset = client.reset_state(request);
  if (!reset.is_ok()) return fail(reset.status());
  print(options.json ? to_json(*reset) : render(*reset));
  return kExitOk;
}

int run_rollback(Client& client, const RollbackOptions& options) {
  silt::v1::RollbackStateRequest request;
  request.set_tenant(options.tenant);
  request.set_source(options.source);
  request.set_expected_version(options.expected_version);
  request.set_dry_run(!options.yes);
  request.set_request_id(request_id_or_new(options.request_id));
  if (!options.to.empty()) {
    if (const Status set = set_target(options.to, request); !set.is_ok()) return fail(set);
  }
  for (const std::string& what : options.without) {
    if (const Status added = add_records(what, *request.mutable_without()); !added.is_ok()) return fail(added);
  }
  const Result<silt::v1::RollbackStateResponse> done = client.rollback_state(request);
  if (!done.is_ok()) return fail(done.status());
  print(options.json ? to_json(*done) : render(*done));
  return kExitOk;
}

int run_pin(Client& client, const PinOptions& options) {
  silt::v1::PinVersionRequest request;
  request.set_tenant(options.tenant);
  request.set_source(options.source);
  request.set_version(options.version);
  request.set_off(options.off);
  request.set_request_id(request_id_or_new(options.request_id));
  const Result<silt::v1::PinVersionResponse> done = client.pin_version(request);
  if (!done.is_ok()) return fail(done.status());
  print(options.json ? to_json(*done)
                     : escape(done->source()) + ": v" + std::to_string(done->version()) +
                           (done->pinned() ? " is kept until it is unpinned\n" : " is no longer pinned\n"));
  return kExitOk;
}

int run_state_diff(Client& client, const StateDiffOptions& options) {
  silt::v1::DiffVersionsRequest request;
  request.set_tenant(options.tenant);
  request.set_source(options.source);
  request.set_from(options.from);
  request.set_to(options.to);
  request.set_fresh(options.fresh);
  request.set_limit(options.limit);
  const Result<silt::v1::DiffVersionsResponse> done = client.diff_versions(request);
  if (!done.is_ok()) return fail(done.status());
  print(options.json ? to_json(*done) : render(*done, Style::of_stdout()));
  return kExitOk;
}

}  // namespace silt::cli
