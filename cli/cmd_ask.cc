#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "base/clock.h"
#include "cli/answer_view.h"
#include "cli/commands.h"
#include "cli/json_view.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

Status set_time(const std::string& text, std::int64_t now_us,
                google::protobuf::Timestamp* (*field)(silt::v1::AskRequest&), silt::v1::AskRequest& request) {
  if (text.empty()) return Status::ok();
  SILT_ASSIGN(const std::int64_t time_us, parse_when(text, now_us));
  auto* time = field(request);
  time->set_seconds(time_us / 1'000'000);
  time->set_nanos(static_cast<int>(time_us % 1'000'000) * 1000);
  return Status::ok();
}

Result<silt::v1::AskRequest> request_of(const AskOptions& options) {
  silt::v1::AskRequest request;
  request.set_question(options.question);
  request.set_tenant(options.tenant);
  for (const std::string& source : options.sources) request.add_sources(source);
  request.set_evidence_max(options.evidence_max);
  request.set_zone_s(local_zone_s());
  const std::int64_t now_us = SystemClock().wall_us();
  SILT_TRY(set_time(
      options.since, now_us, [](auto& to) { return to.mutable_since(); }, request));
  SILT_TRY(set_time(
      options.until, now_us, [](auto& to) { return to.mutable_until(); }, request));
  return request;
}

}  // namespace

namespace {

// Asks and prints; the reading of the question comes first, before records are looked at.
int ask_once(Client& client, const silt::v1::AskRequest& request, bool json, Answer& answer) {
  const Style style = Style::of_stdout();
  std::string shown;
  const Status status = client.ask(request, [&](const silt::v1::AskResponse& event) {
    answer.add(event);
    if (json || !event.has_plan() || event.plan().text() == shown) return;
    shown = event.plan().text();
    print(render(event.plan(), style));
  });
  if (!status.is_ok()) return fail(status);
  if (!answer.complete) return fail(internal_error("siltd ended the answer without its final message"));
  print(json ? to_json(answer) : render(answer, style));
  return answer.final.abstained() ? kExitNothingFound : kExitOk;
}

// One question a line until the input ends. A question that fails does not end the conversation.
int converse(Client& client, silt::v1::AskRequest request, bool json) {
  int code = kExitOk;
  const bool terminal = isatty(STDIN_FILENO) != 0;
  for (;;) {
    if (terminal && !json) {
      std::fputs("? ", stdout);
      std::fflush(stdout);
    }
    std::string line;
    if (!std::getline(std::cin, line)) return code;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    request.set_question(line);
    Answer answer;
    code = ask_once(client, request, json, answer);
    if (answer.complete) request.set_conversation(answer.final.conversation());
  }
}

}  // namespace

int run_ask(Client& client, const AskOptions& options) {
  const Result<silt::v1::AskRequest> request = request_of(options);
  if (!request.is_ok()) return fail(request.status());
  if (options.interactive) return converse(client, *request, options.json);
  Answer answer;
  return ask_once(client, *request, options.json, answer);
}

}  // namespace silt::cli
