// The part of LearnLoop that decides what is written when, and carries out what administrators ask.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "daemon/learn/learn_loop.h"

namespace silt::learn {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

constexpr char kReset = 'z';  // first byte of a stored result

std::string encode_result(const ResetResult& result) {
  ByteWriter writer;
  writer.u8(kReset);
  for (const std::uint64_t value : {result.old_version, result.new_version, result.forgotten_steps,
                                    result.forgotten_patterns, result.dropped_versions}) {
    writer.varint(value);
  }
  return writer.take();
}

Result<ResetResult> decode_result(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.u8() != kReset) return Status(Code::kAlreadyExists, "request_id was used for something else");
  ResetResult result;
  for (std::uint64_t* value : {&result.old_version, &result.new_version, &result.forgotten_steps,
                               &result.forgotten_patterns, &result.dropped_versions}) {
    *value = reader.varint();
  }
  return result;
}

}  // namespace

void LearnLoop::note_change(store::SourceRef ref, std::set<store::SourceRef>& changed) {
  changed.insert(ref);
  if (changed_since_us_ == 0) changed_since_us_ = std::max<std::int64_t>(1, clock_.monotonic_us());
}

Status LearnLoop::commit_due() {
  const std::int64_t now = clock_.monotonic_us();
  if (now >= next_blob_check_us_) choose_blobs(now);
  if (changed_since_us_ == 0) return Status::ok();
  const bool due = now - changed_since_us_ >= options_.commit_ms * 1000 ||
                   uncommitted_records_ >= uncommitted_max() || blobs_wanted_;
  return due ? commit() : Status::ok();
}

// Everything that changed, in one batch.
Status LearnLoop::commit() {
  const std::int64_t began_us = clock_.monotonic_us();
  std::vector<GroupCommit::Member> members;
  for (const store::SourceRef ref : changed_) {
    const Source& source = sources_.at(ref);
    members.push_back({ref, residents_.find(ref), source.learned_seq >= source.folded_seq});
  }
  SILT_TRY(group_.add(members));
  for (const store::SourceRef ref : counted_) {
    const auto fold = folds_.fold_head(ref);
    if (fold.status().code() == Code::kNotFound) continue;  // deleted since
    SILT_TRY(fold.status());
    SILT_TRY(group_.add_counted(ref, *fold, sources_.at(ref).config));
  }
  SILT_TRY(group_.flush());
  changed_.clear();
  for (const store::SourceRef ref : std::exchange(counted_, {})) close_if_idle(ref);
  changed_since_us_ = 0;
  uncommitted_records_ = 0;
  blobs_wanted_ = false;
  last_progress_us_ = clock_.monotonic_us();
  counters_.commit_us += static_cast<std::uint64_t>(last_progress_us_ - began_us);
  return Status::ok();
}

// On a full disk what was not committed is learned again.
Status LearnLoop::commit_for_stop() {
  if (!options_.has_room()) return Status::ok();
  residents_.for_each([&](store::SourceRef ref, Resident& resident) {
    if (!is_worth_storing(resident)) return;
    resident.blob_reason = "stop";
    changed_.insert(ref);
  });
  return commit();
}

// Before the first step there is nothing that replay would not bring back at once.
bool LearnLoop::is_worth_storing(const Resident& resident) const {
  return resident.state.net.steps > 0 && cost_.us(resident.since_blob) > options_.replay_ms_max * 1000;
}

// What a restart would have to replay is bounded, of a state that stays in memory by its age, and of all
// together: beyond that, those with most of it are stored. What is replayed quickly never is.
void LearnLoop::choose_blobs(std::int64_t now_us) {
  next_blob_check_us_ = now_us + std::min(kSecondUs, options_.commit_ms * 1000);
  const std::int64_t born_us = now_us - options_.blob_age_s * kSecondUs;
  std::uint64_t steps = 0;
  std::vector<std::pair<std::uint64_t, store::SourceRef>> large;
  residents_.for_each([&](store::SourceRef ref, Resident& resident) {
    const std::uint64_t its_steps = cost_.steps(resident.since_blob);
    steps += its_steps;
    if (!is_worth_storing(resident)) return;
    large.emplace_back(its_steps, ref);
    if (resident.aged_since_us != 0 && resident.aged_since_us <= born_us) want_blob(ref, resident, "age");
  });
  std::sort(large.rbegin(), large.rend());
  for (const auto& [its_steps, ref] : large) {
    if (steps <= options_.replay_steps_max) return;
    want_blob(ref, *residents_.find(ref), "budget");
    steps -= its_steps;
  }
}

void LearnLoop::want_blob(store::SourceRef ref, Resident& resident, std::string_view reason) {
  resident.blob_reason = reason;
  note_change(ref, changed_);
  blobs_wanted_ = true;
}

// --- what administrators ask ---------------------------------------------------------------------------

Result<ResetResult> LearnLoop::reset_state(const ResetRequest& request) {
  if (!request.request_id.empty()) {
    SILT_ASSIGN(const auto stored, nets_.request_result(request.source.tenant, request.request_id));
    if (stored) return decode_result(*stored);
  }
  SILT_ASSIGN(Source* const source, open(request.source));
  if (source == nullptr) return not_found("no such source");
  SILT_ASSIGN(const store::NetHead head, present_head(request.source, request.expected_version));
  const bool with_fold = request.scope == ResetScope::kNetAndFold;
  SILT_ASSIGN(const store::FoldHead fold, folds_.fold_head(request.source));
  SILT_ASSIGN(const std::uint64_t dropped, versions_that_go(request.source, 0));
  const ResetResult result{head.state_version, head.state_version + 1, head.steps, with_fold ? fold.patterns : 0,
                           dropped};
  if (request.dry_run) return result;
  SILT_ASSIGN(const store::IntakeHead intake, log_.intake_head(request.source));
  store::NetHead base;
  base.base_seq = intake.journal_seq;
  base.base_bytes = intake.bytes;
  base.base_version = result.new_version;
  SILT_TRY(store_reset(request, base, result));
  log::info("state_reset", {{"source", source->info.name},
                            {"old_version", result.old_version},
                            {"new_version", result.new_version},
                            {"fold", with_fold ? "reset" : "kept"}});
  let_go(request.source);
  ready_.report({&request.source, 1});
  return result;
}

Status LearnLoop::store_reset(const ResetRequest& request, const store::NetHead& base,
                              const ResetResult& result) {
  const fold::PolicyConfig config = sources_.at(request.source).config;
  SILT_ASSIGN(Resident fresh, loader_.start(request.source, base, PolicyHistory::from_base(base, config)));
  store::NetHead& head = fresh.state.head;
  head.state_digest = digest_of(fresh.state, learner_);
  const store::RequestResult done{request.request_id, encode_result(result), clock_.wall_us()};
  options_.point("learn.before_reset");
  if (request.scope == ResetScope::kNetAndFold) {
    // The request counts as carried out after both; a crash in between leaves it to be asked again.
    SILT_TRY(nets_.reset_net(request.source, head, store::RequestResult()));
    SILT_TRY(fold_.reset(request.source));
  }
  SILT_TRY(nets_.reset_net(request.source, head, done));
  options_.point("learn.after_reset");
  snapshots_.publish(snapshot_of(request.source, head));
  return Status::ok();
}

Status LearnLoop::keep(store::SourceRef ref, std::string_view reason) {
  SILT_ASSIGN(Source * source, open(ref));
  if (source == nullptr) return not_found("no such source");
  SILT_ASSIGN(const auto head, nets_.net_head(ref));
  const bool counting = source->counting;
  if (counting && !(head && has_net(*head))) {  // its base comes along
    close_if_idle(ref);
    return Status::ok();
  }
  SILT_TRY(failed_ = commit());
  SILT_ASSIGN(source, open(ref));  // a commit may have closed it
  if (!counting) SILT_TRY(refresh(*source));
  SILT_ASSIGN(Resident* const resident, make_resident(*source));
  resident->blob_reason = reason;
  note_change(ref, changed_);
  SILT_TRY(failed_ = commit());
  return counting ? failed_ = evict(ref) : Status::ok();
}

// Forgets what is held of a source, without a trace in the store.
void LearnLoop::let_go(store::SourceRef ref) {
  residents_.erase(ref);
  changed_.erase(ref);
  counted_.erase(ref);
  ready_.set(ref, {}, 0, clock_.monotonic_us());
  sources_.erase(ref);
}

}  // namespace silt::learn
