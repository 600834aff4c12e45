// What the server needs, under the test's control. The journal and the states are maps; the answerer
// can be held in the middle of a question.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/answer/answer.h"
#include "daemon/learn/control.h"
#include "daemon/store/record_log.h"
#include "daemon/store/state_store.h"

namespace silt::daemon {

class FakeAnswerer final : public Answerer {
 public:
  Status ask(const silt::v1::AskRequest& request, const std::atomic<bool>& cancelled,
             const std::function<bool(const silt::v1::AskResponse&)>& emit) override {
    if (request.question() == "hold") return hold(cancelled);
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

  Result<silt::v1::ExplainResponse> explain(const silt::v1::ExplainRequest& request) override {
    if (request.source() == "absent") return not_found("no such source");
    silt::v1::ExplainResponse response;
    response.set_text("explained");
    return response;
  }

  void wait_until_held(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ >= count; });
  }
  void wait_until_released() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ == 0; });
  }

 private:
  // Until the caller goes away or the server stops: nothing else lets it go.
  Status hold(const std::atomic<bool>& cancelled) {
    std::unique_lock lock(mutex_);
    ++held_;
    changed_.notify_all();
    while (!cancelled) changed_.wait_for(lock, std::chrono::milliseconds(1));
    --held_;
    changed_.notify_all();
    return {Code::kCancelled, "cancelled"};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int held_ = 0;
};

class FakeLog final : public RecordLog {
 public:
  struct Entry {
    SourceInfo info;
    IntakeHead head;
  };
  std::vector<Entry> entries;

  std::vector<SourceInfo> sources() const override {
    std::vector<SourceInfo> infos;
    for (const Entry& entry : entries) infos.push_back(entry.info);
    return infos;
  }
  Result<IntakeHead> intake_head(SourceRef source) const override {
    for (const Entry& entry : entries) {
      if (entry.info.ref == source) return entry.head;
    }
    return not_found("no such source");
  }
  Result<SourceInfo> open_source(const std::string&, const std::string&, const std::string&) override {
    return unimplemented("fake");
  }
  Status append(JournalBatch&) override { return unimplemented("fake"); }
  Result<std::vector<connectors::CursorRow>> cursors(const std::string&) const override {
    return unimplemented("fake");
  }
  Status read_after(SourceRef, Seq, std::uint64_t, std::uint32_t,
                    std::vector<JournalRecord>&) const override {
    return unimplemented("fake");
  }
  Result<JournalRecord> read(SourceRef, Seq) const override { return unimplemented("fake"); }
  Status append_shed_mark(SourceRef, const ShedMark&) override { return unimplemented("fake"); }
  Result<std::vector<ShedMark>> shed_marks(SourceRef, Seq) const override { return unimplemented("fake"); }
};

class FakeStates final : public StateStore {
 public:
  std::map<std::uint32_t, Head> heads;  // by source id

  Result<std::optional<Head>> head(SourceRef source) const override {
    const auto found = heads.find(static_cast<std::uint32_t>(source.source));
    return found == heads.end() ? std::optional<Head>() : std::optional<Head>(found->second);
  }
  Result<std::optional<Checkpoint>> load(SourceRef) const override { return unimplemented("fake"); }
  Status commit(StepBatch) override { return unimplemented("fake"); }
  Result<std::vector<StateVersionInfo>> versions(SourceRef) const override { return unimplemented("fake"); }
  Status reset(SourceRef, const Head&, const RequestResult&) override { return unimplemented("fake"); }
  Result<std::optional<std::string>> request_result(TenantId, const std::string&) const override {
    return unimplemented("fake");
  }
};

class FakeLearner final : public LearnControl {
 public:
  Result<ResetResult> reset(const ResetRequest& request) override {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return ResetResult{.old_version = 7, .new_version = 8, .forgotten_steps = 5, .forgotten_patterns = 3};
  }
  LearnerStatus status() const override { return {}; }
  std::vector<ResetRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<ResetRequest> requests_;
};

}  // namespace silt::daemon
