// `silt state forget ...`: says what would go; with --yes it goes, and the certificate is printed.
#include <fstream>
#include <iostream>
#include <iterator>

#include "cli/commands.h"
#include "cli/state_commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + escape(name);
  return out;
}

std::string records(std::uint64_t count) {
  return format_count(count) + (count == 1 ? " record" : " records");
}

std::string render(const silt::v1::Forgotten& source, bool dry) {
  std::string out = escape(source.source()) + ": " + records(source.records());
  if (source.unreadable_records() > 0) out += " (" + format_count(source.unreadable_records()) + " of them damaged)";
  if (source.whole()) {
    out += " and all else that is of it " + std::string(dry ? "would go" : "are gone") + "\n";
  } else {
    out += std::string(dry ? " would go" : " are gone") + "; the state " + (dry ? "would go" : "goes") + " from v" +
           std::to_string(source.old_version()) + " to v" + std::to_string(source.from_version()) + " and reads on behind record " +
           format_count(source.from_seq()) + "; " + format_count(source.dropped_versions()) + " stored versions " +
           (dry ? "would go" : "are gone") + "\n";
  }
  if (dry && source.dropped_pinned() > 0)
    out += "  " + format_count(source.dropped_pinned()) + " versions of them are pinned: export what must stay, and add --drop-pinned\n";
  if (dry) return out;
  out += "  journal before  " + source.journal_before() + "\n";
  if (!source.whole()) out += "  journal after   " + source.journal_after() + "\n";
  out += "  state before    " + source.old_digest() + "\n";
  if (!source.whole()) out += "  state after     " + source.from_digest() + "\n";
  return out;
}

std::string ending(const silt::v1::ForgetResponse& from) {
  if (from.dry_run()) return "nothing was done; add --yes to do it\n";
  std::string out = "files replaced: " + format_count(from.files_replaced());
  if (from.files_searched()) out += ", all searched for the text";
  out += from.complete() ? "\ncomplete: nothing of it is in the store any more; backups and logs are yours to look after\n" : "\nNOT complete\n";
  if (from.files_left_size() > 0) out += "  still held by a reader, and gone after a restart: " + joined(from.files_left()) + "\n";
  if (from.files_with_text_size() > 0)
    out += "  the text is in these, as part of a name, say: " + joined(from.files_with_text()) + "\n";
  return out;
}

std::string render(const silt::v1::ForgetResponse& from) {
  std::string out;
  if (!from.dry_run()) {
    out = "certificate of forgetting " + escape(from.request_id()) + " in tenant " + escape(from.tenant()) + "\nbegun " +
          format_local(from.begun().seconds() * 1'000'000) + ", ended " + format_local(from.ended().seconds() * 1'000'000) + "\n";
  }
  if (!from.text_sha256().empty()) out += "SHA-256 of the text: " + from.text_sha256() + "\n";
  for (const auto& source : from.sources()) out += render(source, from.dry_run());
  if (from.sources().empty()) out += "no such records\n";
  if (from.may_remember_size() > 0) {
    out += "these states have read records that retention removed before; whether those held the text, nobody can tell, and "
           "silt state reset makes sure: " + joined(from.may_remember()) + "\n";
  }
  return out + ending(from);
}

Result<std::string> text_of(const ForgetOptions& options) {
  if (options.text_file.empty()) return options.text;
  std::ifstream file;
  if (options.text_file != "-") file.open(options.text_file, std::ios::binary);
  std::istream& in = options.text_file == "-" ? std::cin : file;
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in.eof() && in.fail()) return not_found(options.text_file + ": cannot be read");
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

int run_forget(Client& client, const ForgetOptions& options) {
  silt::v1::ForgetRequest request;
  request.set_tenant(options.tenant);
  for (const std::string& source : options.sources) request.add_sources(source);
  request.set_all(options.all);
  request.set_dry_run(!options.yes);
  request.set_drop_pinned(options.drop_pinned);
  request.set_request_id(request_id_or_new(options.request_id));
  for (const std::string& what : options.records) {
    if (const Status added = add_records(what, *request.mutable_records()); !added.is_ok()) return fail(added);
  }
  if (!options.text.empty() || !options.text_file.empty()) {
    Result<std::string> text = text_of(options);
    if (!text.is_ok()) return fail(text.status());
    request.set_text(std::move(*text));
  }
  if (options.whole) request.set_whole(true);
  const Result<silt::v1::ForgetResponse> done = client.forget(request);
  if (!done.is_ok()) return fail(done.status());
  print(options.json ? to_json(*done) : render(*done));
  if (options.yes && !done->complete()) return kExitTryLater;
  return done->sources().empty() ? kExitNothingFound : kExitOk;
}

}  // namespace silt::cli
