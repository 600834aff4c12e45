#include "daemon/learn/forgetter.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "daemon/learn/state_admin.h"
#include "daemon/store/seq_ranges.h"
#include "daemon/store/sha256.h"
#include "daemon/store/tombstone.h"

namespace silt::learn {
namespace {

// Names neither the tenant nor the request: plans and results outlive what they are of.
std::string plan_id(const std::string& tenant, const std::string& request_id) {
  return store::hex_of(store::sha256(tenant + '\0' + request_id));
}

bool holds(const store::RecordView& record, std::string_view text) {
  const auto found = [text](std::string_view in) { return in.find(text) != std::string_view::npos; };
  return found(record.text) || found(record.attributes) || found(record.origin.place);
}

void add_record(std::vector<store::SeqRange>& ranges, store::Seq seq) {
  if (!ranges.empty() && ranges.back().last + 1 == seq) {
    ranges.back().last = seq;
  } else {
    ranges.push_back({seq, seq});
  }
}

// In hex, of all up to the record.
std::string next_hash(const std::string& before, const store::RecordView& record) {
  return store::hex_of(store::sha256({before, std::to_string(record.seq), " ", record.text}));
}

Status refuse_to_drop_pinned(const ForgetCertificate& plan) {
  for (const ForgottenSource& source : plan.sources) {
    if (source.state.dropped_pinned == 0) continue;
    return failed_precondition(std::to_string(source.state.dropped_pinned) + " pinned versions of " + source.name +
                               " would go, for they have read what is to be forgotten, or would not fit any more; export what "
                               "must stay, then add --drop-pinned (drop_pinned), or unpin them; nothing was done");
  }
  return Status::ok();
}

}  // namespace

// --- what would go ------------------------------------------------------------------------------------------

Result<Forgetter::Searched> Forgetter::search(store::SourceRef source, const Matches& matches,
                                              const std::atomic<bool>* cancelled) const {
  Searched out;
  for (store::Seq after = 0;;) {
    if (cancelled != nullptr && *cancelled) return Status(Code::kCancelled, "cancelled by the caller; nothing was done");
    SILT_ASSIGN(const store::BlockPtr block, parts_.log.block_after(source, after));
    if (!block) break;
    if (!block->damage.empty()) out.unreadable.push_back({block->first_seq, block->last_seq});
    for (const store::RecordView& record : block->records.records()) {
      if (record.seq <= after) continue;
      out.journal_sha256 = next_hash(out.journal_sha256, record);
      if (!store::is_forgotten(record) && matches(record)) add_record(out.found, record.seq);
    }
    after = block->last_seq;
  }
  out.unreadable = store::normalized(std::move(out.unreadable));
  return out;
}

Status Forgetter::plan_records(const ForgetTarget& target, const ForgetCall& call, ForgetCertificate& plan) const {
  const bool by_text = target.kind == ForgetKind::kText;
  for (const store::SourceInfo& info : target.sources) {
    std::vector<store::SeqRange> wanted = target.ranges;
    if (!target.patterns.empty()) SILT_TRY(add_records_of(parts_.log, parts_.folds, info.ref, target.patterns, wanted));
    wanted = store::normalized(std::move(wanted));
    SILT_ASSIGN(Searched searched, search(info.ref, [&](const store::RecordView& record) {
      return by_text ? holds(record, target.text) : store::contains(wanted, record.seq);
    }, &call.cancelled));
    SILT_ASSIGN(const store::FoldHead fold, parts_.folds.fold_head(info.ref));
    SILT_ASSIGN(const auto head, parts_.nets.net_head(info.ref));
    const bool read_what_is_gone = head && head->steps > 0 && head->base_seq < fold.floor_seq;
    ForgottenSource source;
    source.ref = info.ref;
    source.name = info.name;
    source.connector = info.connector;
    source.ranges = std::move(searched.found);
    for (const store::SeqRange& damaged : searched.unreadable) {
      if (!by_text && !store::touches(wanted, damaged.first, damaged.last)) continue;
      source.unreadable_records += damaged.last - damaged.first + 1;
      source.ranges.push_back(damaged);
    }
    source.ranges = store::normalized(std::move(source.ranges));
    source.records = store::records_in(source.ranges);
    source.journal_before = std::move(searched.journal_sha256);
    if (source.records > 0) {
      plan.sources.push_back(std::move(source));
    } else if (by_text && read_what_is_gone) {
      plan.may_remember.push_back(info.name);
    }
  }
  return Status::ok();
}

Result<ForgetCertificate> Forgetter::plan(const ForgetTarget& target, const ForgetCall& call) const {
  ForgetCertificate plan;
  plan.tenant = target.tenant;
  plan.request_id = call.request_id;
  plan.kind = target.kind;
  plan.begun_us = parts_.clock.wall_us();
  if (target.kind == ForgetKind::kText) {
    if (target.text.size() < kTextBytesMin)
      return invalid_argument("a text of fewer than " + std::to_string(kTextBytesMin) + " bytes is in too many records");
    plan.text_sha256 = store::hex_of(store::sha256(target.text));
  }
  const bool whole = target.kind == ForgetKind::kSources || target.kind == ForgetKind::kTenant;
  if (!whole) SILT_TRY(plan_records(target, call, plan));
  for (const store::SourceInfo& info : target.sources) {
    if (!whole) break;
    SILT_ASSIGN(Searched searched, search(info.ref, [](const store::RecordView&) { return true; }, &call.cancelled));
    ForgottenSource& source = plan.sources.emplace_back();
    source.ref = info.ref;
    source.name = info.name;
    source.connector = info.connector;
    source.whole = true;
    source.records = store::records_in(searched.found);
    source.unreadable_records = store::records_in(searched.unreadable);
    source.journal_before = std::move(searched.journal_sha256);
    SILT_ASSIGN(const auto head, parts_.nets.net_head(info.ref));
    SILT_ASSIGN(const auto versions, parts_.nets.versions(info.ref));
    if (head) source.state.old_version = head->state_version;
    if (head) source.state.old_digest = head->state_digest;
    source.state.dropped_versions = versions.size();
    source.state.dropped_pinned = static_cast<std::uint64_t>(std::count_if(versions.begin(), versions.end(), [](const auto& version) { return version.pinned; }));
  }
  for (ForgottenSource& source : plan.sources) {
    if (source.whole) continue;
    SILT_ASSIGN(source.state, parts_.control.forget({source.ref, /*dry_run=*/true, source.ranges}));
  }
  return plan;
}

// --- carrying it out ----------------------------------------------------------------------------------------

Result<ForgetCertificate> Forgetter::forget(const ForgetTarget& target, const ForgetCall& call) {
  if (call.dry_run) return plan(target, call);
  if (call.request_id.empty()) return invalid_argument("request_id is missing: the certificate is kept under it");
  const std::unique_lock busy(busy_, std::try_to_lock);
  if (!busy) return unavailable("something is being forgotten; try again with the same request_id");
  const std::string id = plan_id(target.tenant, call.request_id);
  SILT_ASSIGN(const auto stored, parts_.files.plan_result(id));
  if (stored) return decode_certificate(*stored);
  SILT_ASSIGN(const auto begun, parts_.files.plans());
  for (const store::ForgetPlan& each : begun) {
    if (each.id != id) continue;
    SILT_ASSIGN(ForgetCertificate again, decode_certificate(each.bytes));
    return carry_out(id, std::move(again), target.text);
  }
  SILT_TRY(parts_.files.check_room_to_scrub());
  SILT_ASSIGN(ForgetCertificate planned, plan(target, call));
  if (!call.drop_pinned) SILT_TRY(refuse_to_drop_pinned(planned));
  SILT_TRY(parts_.files.put_plan({id, encode_certificate(planned)}));
  return carry_out(id, std::move(planned), target.text);
}

Result<ForgetCertificate> Forgetter::certificate(const std::string& tenant, const std::string& request_id) const {
  SILT_ASSIGN(const auto stored, parts_.files.plan_result(plan_id(tenant, request_id)));
  return stored ? decode_certificate(*stored) : not_found("nothing was forgotten under this request_id");
}

Status Forgetter::resume(const std::function<void(const ForgetCertificate&)>& done) {
  const std::lock_guard busy(busy_);
  SILT_ASSIGN(const auto begun, parts_.files.plans());
  for (const store::ForgetPlan& each : begun) {
    SILT_ASSIGN(ForgetCertificate plan, decode_certificate(each.bytes));
    SILT_ASSIGN(const ForgetCertificate certificate, carry_out(each.id, std::move(plan), ""));
    done(certificate);
  }
  return Status::ok();
}

Result<ForgetCertificate> Forgetter::carry_out(const std::string& id, ForgetCertificate plan, const std::string& text) {
  for (ForgottenSource& source : plan.sources) SILT_TRY(forget_source(source));
  SILT_TRY(forget_what_outlives(plan));
  SILT_ASSIGN(store::Scrubbed scrubbed, parts_.files.scrub());
  plan.files_replaced = scrubbed.files_replaced;
  plan.files_left = std::move(scrubbed.files_left);
  SILT_TRY(verify(plan, text));
  plan.ended_us = parts_.clock.wall_us();
  SILT_TRY(parts_.files.finish_plan(id, encode_certificate(plan), plan.ended_us));
  log::info("forgotten", {{"tenant", plan.tenant},
                          {"request_id", plan.request_id},
                          {"sources", plan.sources.size()},
                          {"complete", plan.is_complete() ? "true" : "false"}});
  return plan;
}

// A source that was deleted meanwhile is forgotten.
Status Forgetter::forget_source(ForgottenSource& source) {
  Status done;
  if (source.whole) {
    done = parts_.admin.remove(source.ref, /*dry_run=*/false, "").status();
  } else {
    auto state = parts_.control.forget({source.ref, /*dry_run=*/false, source.ranges});
    done = state.status();
    // After a crash, the state of before is what the plan says.
    if (state.is_ok()) {
      state->old_version = source.state.old_version;
      state->old_digest = source.state.old_digest;
      state->dropped_versions = source.state.dropped_versions;
      source.state = *state;
    }
  }
  return done.code() == Code::kNotFound ? Status::ok() : done;
}

Status Forgetter::forget_what_outlives(const ForgetCertificate& plan) {
  std::set<std::string> gone;
  for (const ForgottenSource& source : plan.sources) {
    if (source.whole && !parts_.is_read(source.connector)) gone.insert(source.connector);
  }
  for (const store::SourceInfo& info : parts_.log.sources()) gone.erase(info.connector);
  for (const std::string& connector : gone) SILT_TRY(parts_.files.forget_cursors(connector));
  if (plan.kind != ForgetKind::kTenant || plan.sources.empty()) return Status::ok();
  return parts_.files.forget_tenant(plan.sources.front().ref.tenant, plan.tenant);
}

// Looks again, at what was left of the sources and at the files.
Status Forgetter::verify(ForgetCertificate& certificate, const std::string& text) const {
  for (ForgottenSource& source : certificate.sources) {
    if (source.whole) continue;
    const auto searched = search(source.ref, [&](const store::RecordView& record) {
      return store::contains(source.ranges, record.seq) ||
             (!text.empty() && record.seq <= source.ranges.back().last && holds(record, text));
    }, nullptr);
    if (searched.status().code() == Code::kNotFound) continue;  // deleted since
    SILT_TRY(searched.status());
    if (!searched->found.empty())
      return internal_error("source " + source.name + ": " + std::to_string(store::records_in(searched->found)) +
                            " records are still there; it is tried again at the next start");
    source.journal_after = searched->journal_sha256;
  }
  certificate.files_searched = certificate.kind == ForgetKind::kText && !text.empty();
  if (!certificate.files_searched) return Status::ok();
  SILT_ASSIGN(certificate.files_with_text, parts_.files.files_with(text));
  return Status::ok();
}

}  // namespace silt::learn
