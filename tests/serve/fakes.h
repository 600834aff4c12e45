// What the server needs, under the test's control. The journal and the states are maps; the answerer
// can be held in the middle of a question.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/answer/answer.h"
#include "daemon/access/audit_log.h"
#include "daemon/learn/control.h"
#include "daemon/learn/state_admin.h"
#include "daemon/serve/server.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/net_store.h"
#include "daemon/watch/board.h"
#include "tests/access/fake_tokens.h"
#include "tests/support/fake_log.h"
#include "tests/support/temp_dir.h"

namespace silt::serve {

using learn::ResetRequest;
using learn::ResetResult;
using store::SourceRef;
using store::TenantId;

class FakeAnswerer final : public answer::Answerer {
 public:
  Status ask(const access::Call& call, const silt::v1::AskRequest& request,
             const std::function<bool(const silt::v1::AskResponse&)>& emit) override {
    if (request.question() == "hold") return hold(call);
    if (request.question() == "hold, then tell") static_cast<void>(hold(call));
    if (request.question() == "much") return tell_much(emit);
    if (request.question() == "broken") return internal_error("line: password=hunter2 at /var/lib/silt");
    silt::v1::AskResponse event;
    event.mutable_plan()->set_kind("find");
    if (!emit(event)) return {Code::kCancelled, "cancelled"};
    event.mutable_evidence()->set_text(request.question());
    if (!emit(event)) return {Code::kCancelled, "cancelled"};
    event.set_text("text");
    if (!emit(event)) return {Code::kCancelled, "cancelled"};
    event.mutable_final()->set_answer("answer to " + request.question());
    emit(event);
    return Status::ok();
  }

  Result<silt::v1::QueryResponse> query(const access::Call&, const silt::v1::QueryRequest& request) override {
    silt::v1::QueryResponse response;
    response.set_text(request.text());
    return response;
  }
  Result<silt::v1::SearchResponse> search(const access::Call&, const silt::v1::SearchRequest&) override {
    return silt::v1::SearchResponse();
  }
  Result<silt::v1::PatternsResponse> patterns(const access::Call&, const silt::v1::PatternsRequest&) override {
    return silt::v1::PatternsResponse();
  }

  Result<silt::v1::ExplainResponse> explain(const access::Call&,
                                            const silt::v1::ExplainRequest& request) override {
    if (request.source() == "absent") return not_found("no such source");
    silt::v1::ExplainResponse response;
    response.set_text("explained");
    return response;
  }
  Result<silt::v1::DiffVersionsResponse> diff(const access::Call&, const store::SourceInfo&, const answer::WeightsPair&,
                                              std::uint32_t) override {
    return silt::v1::DiffVersionsResponse();
  }

  void wait_until_held(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ >= count; });
  }
  // Lets the held questions of one caller go.
  void release(const std::string& caller) {
    const std::lock_guard lock(mutex_);
    released_.insert(caller);
  }
  void wait_until_released() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ == 0; });
  }

 private:
  // More than a client that reads nothing has room for.
  static Status tell_much(const std::function<bool(const silt::v1::AskResponse&)>& emit) {
    silt::v1::AskResponse event;
    event.set_text(std::string(64 << 10, 'm'));
    for (int i = 0; i < 100'000; ++i) {
      if (!emit(event)) return {Code::kCancelled, "cancelled"};
    }
    return Status::ok();
  }
  // Until the caller goes away, the server stops, or a test lets it go.
  Status hold(const access::Call& call) {
    std::unique_lock lock(mutex_);
    ++held_;
    changed_.notify_all();
    while (!call.cancelled && !released_.contains(call.caller.name))
      changed_.wait_for(lock, std::chrono::milliseconds(1));
    --held_;
    changed_.notify_all();
    return {Code::kCancelled, "cancelled"};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int held_ = 0;
  std::set<std::string> released_;
};

using testing::FakeLog;

class FakeNets final : public store::NetStore {
 public:
  std::map<std::uint32_t, store::NetHead> heads;  // by source id
  std::map<std::uint32_t, std::vector<store::StateVersionInfo>> kept;

  Result<std::optional<store::NetHead>> net_head(SourceRef source) const override {
    const auto found = heads.find(static_cast<std::uint32_t>(source.source));
    return found == heads.end() ? std::optional<store::NetHead>()
                                : std::optional<store::NetHead>(found->second);
  }
  Result<std::optional<store::Checkpoint>> load(SourceRef) const override { return unimplemented("fake"); }
  Status commit(std::vector<store::NetCommit>) override { return unimplemented("fake"); }
  Result<std::vector<store::StateVersionInfo>> versions(SourceRef source) const override {
    const auto found = kept.find(static_cast<std::uint32_t>(source.source));
    return found == kept.end() ? std::vector<store::StateVersionInfo>() : found->second;
  }
  Result<std::string> blob(SourceRef, store::Seq) const override { return unimplemented("fake"); }
  Status pin(SourceRef source, store::Seq learned_seq, bool pinned, const store::RequestResult&) override {
    for (store::StateVersionInfo& version : kept[static_cast<std::uint32_t>(source.source)]) {
      if (version.learned_seq == learned_seq) version.pinned = pinned;
    }
    return Status::ok();
  }
  Status scores(SourceRef, store::Seq, store::Seq, std::vector<store::Score>&) const override {
    return unimplemented("fake");
  }
  Status reset_net(SourceRef, const store::NetHead&, const store::RequestResult&) override {
    return unimplemented("fake");
  }
  Status rewind(const store::NetRewind&) override { return unimplemented("fake"); }
  Result<std::vector<store::SeqRange>> left_out(SourceRef, store::Seq) const override {
    return std::vector<store::SeqRange>();
  }
  Status put_request(TenantId, const store::RequestResult& request) override {
    requests_[request.request_id] = request.result;
    return Status::ok();
  }
  Result<std::optional<std::string>> request_result(TenantId, const std::string& id) const override {
    const auto found = requests_.find(id);
    return found == requests_.end() ? std::optional<std::string>() : found->second;
  }

 private:
  std::map<std::string, std::string> requests_;
};

class FakeFolds final : public store::FoldStore {
 public:
  std::map<std::uint32_t, store::FoldHead> heads;  // by source id

  Result<store::FoldHead> fold_head(SourceRef source) const override {
    const auto found = heads.find(static_cast<std::uint32_t>(source.source));
    return found == heads.end() ? store::FoldHead() : found->second;
  }
  Status patterns(SourceRef, std::vector<store::PatternRow>&) const override { return unimplemented("fake"); }
  Status commit(std::span<const store::FoldCommit>) override { return unimplemented("fake"); }
  Result<std::vector<store::SegmentInfo>> segments(SourceRef) const override { return unimplemented("fake"); }
  Result<store::Seq> trim(SourceRef, store::Seq) override { return unimplemented("fake"); }
  Status reset_fold(SourceRef) override { return unimplemented("fake"); }
  Status forget(SourceRef, const std::vector<store::SeqRange>&) override { return unimplemented("fake"); }
  std::uint64_t fold_generation(SourceRef) const override { return 0; }
};

// Has no records.
class FakeEvidence final : public store::EvidenceStore {
 public:
  Status scan(SourceRef, store::SeqRange, bool, const std::function<bool(const store::Evidence&)>&) const override { return Status::ok(); }
  Result<store::Evidence> evidence(SourceRef, store::Seq) const override { return not_found("none"); }
  Status look_up(SourceRef, std::span<const store::Seq>, bool, const std::function<bool(const store::Evidence&)>&) const override {
    return Status::ok();
  }
  Status postings(SourceRef, std::string_view, store::SeqRange, std::size_t, std::vector<store::Seq>&) const override { return Status::ok(); }
  Status terms_with_prefix(SourceRef, std::string_view, std::size_t, std::vector<std::string>&) const override { return Status::ok(); }
  Status patterns(SourceRef, std::vector<store::PatternRow>&) const override { return Status::ok(); }
  Result<store::PatternRow> pattern(SourceRef, store::PatternId) const override { return not_found("none"); }
  Result<store::SeqRange> seqs_between(SourceRef, std::int64_t, std::int64_t) const override { return store::SeqRange{1, 0}; }
};

class FakeNormals final : public store::NormalStore {
 public:
  Result<std::vector<store::NormalRow>> normals() const override { return rows; }
  Status put_normals(const std::vector<store::NormalRow>& added) override {
    rows.insert(rows.end(), added.begin(), added.end());
    return Status::ok();
  }
  Status remove_normals(const std::vector<store::NormalRow>& gone) override {
    std::erase_if(rows, [&gone](const auto& row) { return std::find(gone.begin(), gone.end(), row) != gone.end(); });
    return Status::ok();
  }
  std::vector<store::NormalRow> rows;
};

class FakeLearner final : public learn::LearnControl {
 public:
  Result<ResetResult> reset(const ResetRequest& request) override {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return ResetResult{.old_version = 7, .new_version = 8, .forgotten_steps = 5, .forgotten_patterns = 3};
  }
  Result<learn::RollbackResult> rollback(const learn::RollbackRequest& request) override {
    const std::lock_guard lock(mutex_);
    rollbacks_.push_back(request);
    return learn::RollbackResult{.old_version = 7, .from_version = 3, .from_seq = 4, .left_out_records = 2};
  }
  Result<learn::ForgetResult> forget(const learn::ForgetRequest& request) override {
    const std::lock_guard lock(mutex_);
    forgotten_.push_back(request);
    return learn::ForgetResult{.old_version = 7, .from_version = 3, .from_seq = 4, .dropped_versions = 1};
  }
  Result<learn::ImportResult> import_state(const learn::ImportRequest& request) override {
    return learn::ImportResult{.old_version = 7, .new_version = request.version + 1};
  }
  Result<store::Seq> store_state(SourceRef) override { return store::Seq{4}; }
  Result<std::shared_ptr<const model::FastWeights>> weights_of(SourceRef, store::Seq) override {
    return std::shared_ptr<const model::FastWeights>();
  }
  learn::LearnerStatus status() const override { return {}; }
  std::vector<learn::RollbackRequest> rollbacks() const {
    const std::lock_guard lock(mutex_);
    return rollbacks_;
  }
  std::vector<learn::ForgetRequest> forgotten() const {
    const std::lock_guard lock(mutex_);
    return forgotten_;
  }
  std::vector<ResetRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<ResetRequest> requests_;
  std::vector<learn::RollbackRequest> rollbacks_;
  std::vector<learn::ForgetRequest> forgotten_;
};

class FakeForgets final : public store::ForgetStore {
 public:
  Status put_plan(const store::ForgetPlan&) override { return Status::ok(); }
  Result<std::vector<store::ForgetPlan>> plans() const override { return std::vector<store::ForgetPlan>(); }
  Status finish_plan(const std::string& id, const std::string& result, std::int64_t) override {
    results_[id] = result;
    return Status::ok();
  }
  Result<std::optional<std::string>> plan_result(const std::string& id) const override {
    const auto found = results_.find(id);
    return found == results_.end() ? std::optional<std::string>() : found->second;
  }
  Status forget_tenant(TenantId, const std::string&) override { return Status::ok(); }
  Status forget_cursors(const std::string&) override { return Status::ok(); }
  Status check_room_to_scrub() const override { return Status::ok(); }
  Result<store::Scrubbed> scrub() override { return store::Scrubbed{3, {}}; }
  void end_scrubs() override {}
  Result<std::vector<std::string>> files_with(std::string_view) const override { return std::vector<std::string>(); }

 private:
  std::map<std::string, std::string> results_;
};

class FakeAnchors final : public store::AuditAnchors {
 public:
  Result<store::AuditAnchor> audit_anchor() const override { return anchor_; }
  Status put_audit_anchor(const store::AuditAnchor& anchor) override {
    anchor_ = anchor;
    return Status::ok();
  }

 private:
  store::AuditAnchor anchor_;
};

// Keeps results by request id, as the store does, and takes deleted sources out of the journal.
class FakeAdmin final : public learn::SourceAdmin {
 public:
  explicit FakeAdmin(FakeLog& log) : log_(log) {}

  Result<learn::RenameResult> rename(SourceRef source, std::string new_name,
                                     const std::string& request_id) override {
    for (auto& entry : log_.entries) {
      if (!(entry.info.ref == source)) continue;
      const learn::RenameResult result{entry.info.name, new_name};
      entry.info.name = std::move(new_name);
      ++changes;
      if (!request_id.empty()) renames_[request_id] = result;
      return result;
    }
    return not_found("no such source");
  }
  Result<learn::DeleteResult> remove(SourceRef source, bool dry_run, const std::string& request_id) override {
    for (auto at = log_.entries.begin(); at != log_.entries.end(); ++at) {
      if (!(at->info.ref == source)) continue;
      const learn::DeleteResult result{at->info.name, at->head.lines, at->head.bytes, 17, 3, 5};
      if (dry_run) return result;
      log_.entries.erase(at);
      ++changes;
      if (!request_id.empty()) deletes_[request_id] = result;
      return result;
    }
    return not_found("no such source");
  }
  Result<std::optional<learn::RenameResult>> renamed(const std::string&,
                                                     const std::string& id) const override {
    const auto found = renames_.find(id);
    return found == renames_.end() ? std::optional<learn::RenameResult>() : found->second;
  }
  Result<std::optional<learn::DeleteResult>> removed(const std::string&,
                                                     const std::string& id) const override {
    const auto found = deletes_.find(id);
    return found == deletes_.end() ? std::optional<learn::DeleteResult>() : found->second;
  }
  int changes = 0;

 private:
  FakeLog& log_;
  std::map<std::string, learn::RenameResult> renames_;
  std::map<std::string, learn::DeleteResult> deletes_;
};

// All that a server needs; `log` is the test's.
struct FakeParts {
  FakeLog log;
  FakeAnswerer answerer;
  FakeNets nets;
  FakeFolds folds;
  FakeLearner learner;
  FakeAdmin admin{log};
  SystemClock clock;
  learn::StateAdmin states{log, folds, nets, learner, clock};
  FakeForgets forgets;
  learn::Forgetter forgetter{learn::Forgetter::Parts{log, folds, nets, forgets, learner, admin, clock}};
  learn::StateArchive archive{states, nets, learner, "weights", false, std::nullopt};
  FakeAnchors anchors;
  intake::Feeds feeds;
  testing::TempDir dir;
  std::unique_ptr<access::AuditLog> audit = access::AuditLog::open(dir.path("audit.log"), anchors, clock).value();

  access::FakeTokens tokens;
  access::Callers callers{*tokens.tokens};
  access::Quotas quotas{clock};

  watch::Board board{"board"};
  FakeEvidence evidence;
  FakeNormals normal_rows;
  SystemClock wall;
  watch::Normals normals{normal_rows, wall};

  ServerDependencies dependencies() {
    ServerDependencies all{answerer, log, nets, folds, admin, states, forgetter, archive, *audit, *tokens.tokens, callers, feeds, quotas};
    all.backup = [](const std::string&) { return store::BackupReport{}; };
    all.evidence = &evidence;
    all.board = &board;
    all.normals = &normals;
    return all;
  }
};

}  // namespace silt::serve
