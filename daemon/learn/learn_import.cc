// The part of LearnLoop that goes on from what another state has learned. Its version is the base from now on, and
// pinned: no replay brings it back.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "daemon/learn/learn_loop.h"

namespace silt::learn {
namespace {

constexpr char kImport = 'i';  // first byte of a stored result

std::string encode_result(const ImportResult& result) {
  ByteWriter writer;
  writer.u8(kImport);
  for (const std::uint64_t value : {result.old_version, result.new_version, result.forgotten_steps, result.dropped_versions})
    writer.varint(value);
  return writer.take();
}

Result<ImportResult> decode_result(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.u8() != kImport) return Status(Code::kAlreadyExists, "request_id was used for something else");
  ImportResult result;
  for (std::uint64_t* value : {&result.old_version, &result.new_version, &result.forgotten_steps, &result.dropped_versions})
    *value = reader.varint();
  return result;
}

}  // namespace

Result<ImportResult> LearnLoop::import_state(const ImportRequest& request) {
  ImportResult result;
  SILT_TRY(commands_.run([&] {
    auto done = take_state(request);
    if (done.is_ok()) result = *done;
    return done.status();
  }));
  return result;
}

Result<ImportResult> LearnLoop::take_state(const ImportRequest& request) {
  if (!request.request_id.empty()) {
    SILT_ASSIGN(const auto stored, nets_.request_result(request.source.tenant, request.request_id));
    if (stored) return decode_result(*stored);
  }
  SILT_ASSIGN(Source* const source, open(request.source));
  if (source == nullptr) return not_found("no such source");
  if (source->counting) return failed_precondition("its records are only counted: it has no use for a state");
  SILT_ASSIGN(const store::NetHead head, present_head(request.source, 0));
  auto state = decode_state(request.blob, learner_, PolicyHistory::from_base(store::NetHead(), source->config),
                            key_of(request.source));
  if (!state.is_ok()) return invalid_argument("the state cannot be used: " + state.status().message());
  SILT_ASSIGN(const std::uint64_t dropped, versions_that_go(request.source, 0));
  const ImportResult result{head.state_version, std::max(head.state_version, request.version) + 1, head.steps, dropped};
  if (request.dry_run) return result;
  SILT_TRY(put_in_place(request, std::move(*state), result));
  log::info("state_imported", {{"source", source->info.name}, {"old_version", result.old_version}, {"new_version", result.new_version}});
  let_go(request.source);
  ready_.report({&request.source, 1});
  return result;
}

// The head is that of a reset, so a crash between the two leaves a state that was reset, and the request to be asked
// again.
Status LearnLoop::put_in_place(const ImportRequest& request, NetState state, const ImportResult& result) {
  const store::SourceRef ref = request.source;
  SILT_ASSIGN(const store::IntakeHead intake, log_.intake_head(ref));
  store::NetHead base;
  base.base_seq = intake.journal_seq;
  base.base_bytes = intake.bytes;
  base.base_version = result.new_version - state.net.steps;  // the version counts on from there
  SILT_ASSIGN(Resident fresh, loader_.start(ref, base, PolicyHistory::from_base(base, sources_.at(ref).config)));
  SILT_TRY(nets_.reset_net(ref, fresh.state.head, store::RequestResult()));
  options_.point("learn.import_reset");
  store::NetHead head = fresh.state.head;
  head.steps = state.net.steps;
  head.state_version = result.new_version;
  head.learned_lines = state.head.learned_lines;
  head.scored_lines = state.head.scored_lines;
  head.scored_tokens = state.head.scored_tokens;
  head.scored_bytes = state.head.scored_bytes;
  head.scored_nats = state.head.scored_nats;
  head.window_bits = state.head.window_bits;
  fresh.state.head = std::move(head);
  fresh.state.net = std::move(state.net);
  fresh.state.settled_tokens = static_cast<std::uint32_t>(fresh.state.net.open.size());
  fresh.state.head.state_digest = digest_of(fresh.state, learner_);
  store::NetCommit commit;
  commit.source = ref;
  commit.head = fresh.state.head;
  commit.blob = encode_state(fresh.state, learner_);
  commit.blob_reason = "imported";
  commit.written_us = clock_.wall_us();
  std::vector<store::NetCommit> commits;
  commits.push_back(std::move(commit));
  SILT_TRY(nets_.commit(std::move(commits)));
  SILT_TRY(nets_.pin(ref, fresh.state.head.learned_seq, true, {request.request_id, encode_result(result), clock_.wall_us()}));
  snapshots_.publish(snapshot_of(ref, fresh.state.head));
  return Status::ok();
}

}  // namespace silt::learn
