// The part of LearnLoop that un-learns: a state goes back to before what is left out, and reads the rest again
// by the usual path. So a crash at any moment finds either the state as it was or one that has gone back.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "daemon/learn/learn_loop.h"
#include "daemon/store/seq_ranges.h"

namespace silt::learn {
namespace {

constexpr char kRollback = 'b';  // first byte of a stored result

std::string encode_result(const RollbackRequest& request, const RollbackResult& result) {
  ByteWriter writer;
  writer.u8(kRollback);
  writer.varint(static_cast<std::uint32_t>(request.source.source));
  writer.varint(request.asked);
  for (const std::uint64_t value : {result.old_version, result.from_version, result.from_seq, result.left_out_records,
                                    result.reread_records, result.dropped_versions}) {
    writer.varint(value);
  }
  return writer.take();
}

Result<RollbackResult> decode_result(std::string_view bytes, const RollbackRequest& request) {
  ByteReader reader(bytes);
  const bool same = reader.u8() == kRollback && reader.varint() == static_cast<std::uint32_t>(request.source.source) &&
                    reader.varint() == request.asked;
  if (!same) return Status(Code::kAlreadyExists, "request_id was used for something else");
  RollbackResult result;
  for (std::uint64_t* value : {&result.old_version, &result.from_version, &result.from_seq, &result.left_out_records,
                               &result.reread_records, &result.dropped_versions}) {
    *value = reader.varint();
  }
  return result;
}

}  // namespace

Result<RollbackResult> LearnLoop::rollback(const RollbackRequest& request) {
  RollbackResult result;
  SILT_TRY(commands_.run([&] {
    auto done = go_back(request);
    if (done.is_ok()) result = *done;
    return done.status();
  }));
  return result;
}

// What is in memory may be ahead of the last commit.
Result<store::NetHead> LearnLoop::present_head(store::SourceRef ref, std::uint64_t expected_version) {
  SILT_ASSIGN(const auto committed, nets_.net_head(ref));
  store::NetHead head = committed.value_or(store::NetHead());
  if (const Resident* const resident = residents_.find(ref)) head = resident->state.head;
  if (expected_version == 0 || expected_version == head.state_version) return head;
  return Status(Code::kAborted, "the state is at version " + std::to_string(head.state_version) + ", not " +
                                    std::to_string(expected_version));
}

Result<std::uint64_t> LearnLoop::versions_that_go(store::SourceRef ref, store::Seq behind) const {
  SILT_ASSIGN(const auto versions, nets_.versions(ref));
  std::uint64_t count = 0;
  for (const store::StateVersionInfo& version : versions) {
    if (version.learned_seq <= behind) continue;
    if (version.pinned)
      return failed_precondition("version " + std::to_string(version.state_version) +
                                 " would go, but is pinned: unpin it first (silt state pin --off)");
    ++count;
  }
  return count;
}

Result<RollbackResult> LearnLoop::go_back(const RollbackRequest& request) {
  if (!request.request_id.empty()) {
    SILT_ASSIGN(const auto stored, nets_.request_result(request.source.tenant, request.request_id));
    if (stored) return decode_result(*stored, request);
  }
  SILT_ASSIGN(Source* const source, open(request.source));
  if (source == nullptr) return not_found("no such source");
  if (source->counting) return failed_precondition("its records are only counted: there is nothing to un-learn");
  SILT_ASSIGN(const store::NetHead head, present_head(request.source, request.expected_version));
  SILT_ASSIGN(const store::IntakeHead intake, log_.intake_head(request.source));
  std::vector<store::SeqRange> left_out = store::normalized(request.left_out);
  for (store::SeqRange& range : left_out) range.last = std::min(range.last, intake.journal_seq);
  left_out = store::normalized(std::move(left_out));
  if (left_out.empty() || left_out.front().first == 0) return invalid_argument("there are no such records");
  SILT_ASSIGN(std::vector<store::SeqRange> all, nets_.left_out(request.source, 0));
  all.insert(all.end(), left_out.begin(), left_out.end());
  all = store::normalized(std::move(all));
  SILT_ASSIGN(Resident start, loader_.not_after(source->info, source->config, left_out.front().first - 1, all));
  const store::Seq from = start.state.head.learned_seq;
  RollbackResult result{head.state_version, start.state.head.state_version, from, store::records_in(left_out), 0, 0};
  result.reread_records = std::max(head.learned_seq, from) - from;
  for (const store::SeqRange& range : all) {
    const store::Seq first = std::max(range.first, from + 1), last = std::min(range.last, head.learned_seq);
    if (first <= last) result.reread_records -= last - first + 1;
  }
  SILT_ASSIGN(result.dropped_versions, versions_that_go(request.source, from));
  if (request.dry_run) return result;
  SILT_ASSIGN(store::NetRewind rewind, rewind_of(request.source, start));
  rewind.left_out = std::move(left_out);
  rewind.request = {request.request_id, encode_result(request, result), clock_.wall_us()};
  options_.point("learn.before_rollback");
  SILT_TRY(nets_.rewind(rewind));
  options_.point("learn.after_rollback");
  log::info("state_rolled_back", {{"source", source->info.name},
                                  {"old_version", result.old_version},
                                  {"from_version", result.from_version},
                                  {"left_out_records", result.left_out_records},
                                  {"reread_records", result.reread_records}});
  snapshots_.publish(snapshot_of(request.source, rewind.head));
  let_go(request.source);
  ready_.report({&request.source, 1});
  return result;
}

// Records that wait for their mini-batch get their final scores once more.
Result<store::NetRewind> LearnLoop::rewind_of(store::SourceRef ref, Resident& start) {
  NetState& state = start.state;
  store::NetRewind rewind;
  rewind.source = ref;
  rewind.final_scores_through =
      state.pending.empty() ? state.head.learned_seq : state.pending.front().score.seq - 1;
  SILT_TRY(reader_.tail(state, rewind.tail));
  state.head.state_digest = digest_of(state, learner_);
  rewind.head = state.head;
  return rewind;
}

Result<store::Seq> LearnLoop::store_state(store::SourceRef source) {
  store::Seq stored = 0;
  SILT_TRY(commands_.run([&]() -> Status {
    SILT_ASSIGN(const auto before, nets_.net_head(source));
    if (!before || before->steps == 0) return failed_precondition("it has learned nothing yet: there is nothing to keep");
    SILT_TRY(keep(source, "pinned"));
    SILT_ASSIGN(const auto versions, nets_.versions(source));
    if (versions.empty()) return failed_precondition("its records are only counted: there is nothing to keep");
    stored = versions.front().learned_seq;
    return Status::ok();
  }));
  return stored;
}

Result<std::shared_ptr<const model::FastWeights>> LearnLoop::weights_of(store::SourceRef source, store::Seq learned_seq) {
  std::shared_ptr<const model::FastWeights> weights;
  SILT_TRY(commands_.run([&]() -> Status {
    SILT_ASSIGN(const std::string blob, nets_.blob(source, learned_seq));
    SILT_ASSIGN(const auto head, nets_.net_head(source));
    const PolicyHistory history = decode_history(head.value_or(store::NetHead()), fold::PolicyConfig());
    SILT_ASSIGN(NetState state, decode_state(blob, learner_, history, key_of(source)));
    weights = std::move(state.net.weights);
    return Status::ok();
  }));
  return weights;
}

}  // namespace silt::learn
