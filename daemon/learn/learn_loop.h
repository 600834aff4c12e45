// LearnLoop: the learner thread. Folds what was journalled, lets the nets read what the policy chose,
// and commits cursors, state digest and evidence together (see source_state.h for the two cursors).
//
// One thread owns the model's Learner and all resident states. Others see what it does through the
// store, the snapshots and the calls below, which are safe from any thread. A store or model failure
// is final: on_fatal is called once, from the learner thread, and the thread ends.
//
// Folding goes first, for all sources. Then sources take turns at the net, the one served longest ago first,
// each for a quantum of records or steps. At most resident_states_max states are in memory: the one used
// longest ago is committed with its blob and dropped. Recovery of a source is load (newest readable blob) and
// replay to the head, whose digest must match.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/learn/control.h"
#include "daemon/learn/cpu_share.h"
#include "daemon/learn/record_reader.h"
#include "daemon/learn/snapshots.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/record_log.h"
#include "daemon/store/state_store.h"
#include "model/learner.h"

namespace silt::daemon {

enum class OnMismatch { kRelearn, kStop };

struct LearnOptions {
  double cpu_share = 0.5;         // cores; 0: no limit
  int threads = 1;                // of the learner's backend, for the CPU share
  std::int64_t commit_ms = 1000;  // a source's work is durable and published after so long
  std::uint32_t commit_records_max = 4096;
  std::uint32_t quantum_records = 1024;  // one turn of a source: so many records or steps
  std::uint32_t quantum_steps = 8;
  std::uint32_t replay_steps_max = 128;  // what a restart replays at most, over all sources
  std::uint32_t replay_records_max = 500'000;
  std::int64_t blob_age_s = 600;  // a changed state is stored after so long
  std::uint32_t resident_states_max = 32;
  std::uint64_t backlog_bytes_max = 1ull << 30;  // of a source; beyond it records are only counted
  OnMismatch on_digest_mismatch = OnMismatch::kRelearn;
  std::string model_fingerprint;
  // By the source's connector: mode and budget.
  std::function<PolicyConfig(const SourceInfo&)> policy = [](const SourceInfo&) { return PolicyConfig(); };
  RecordReader::ZoneOffset zone = [](std::int64_t) { return 0; };
  std::function<void(const Status&)> on_fatal = [](const Status&) {};
  std::function<void(std::string_view point)> at_point;  // tests die here
};

struct LearnCounters {
  std::atomic<std::uint64_t> records{0}, tokens{0}, steps{0}, commits{0}, blobs{0};
  std::atomic<std::uint64_t> replayed_records{0}, relearned_sources{0}, shed_records{0}, failed_sources{0};
};

class LearnLoop final : public LearnControl {
 public:
  // Everything must outlive the loop.
  LearnLoop(RecordLog& log, StateStore& states, const EvidenceStore& evidence, Snapshots& snapshots,
            model::Learner& learner, const model::Tokenizer& tokenizer, const Clock& clock,
            LearnOptions options);
  ~LearnLoop() override;  // stops

  void start();
  // Finishes the mini-batch, commits with blobs, ends the thread. Waits for it.
  void stop();
  // Something was journalled.
  void wake();

  Result<ResetResult> reset(const ResetRequest& request) override;
  LearnerStatus status() const override;
  const LearnCounters& counters() const { return counters_; }
  // Monotonic time of the last sign of life: the thread works, or waits for work.
  std::int64_t last_progress_us() const { return last_progress_us_.load(std::memory_order_relaxed); }

 private:
  struct Resident {
    SourceState state;
    Changes changes;  // since the last commit
    std::vector<ShedMark> sheds;
    std::uint32_t records_since_commit = 0;
    std::uint64_t records_since_blob = 0;
    std::uint64_t steps_at_blob = 0;
    std::int64_t changed_us = 0;   // monotonic time of the first change that is not committed; 0: none
    std::int64_t blob_due_us = 0;  // monotonic; 0: the newest blob is the state
    bool tail_scored = true;
  };
  struct Source {
    SourceInfo info;
    std::unique_ptr<Resident> resident;
    Seq learned_seq = 0;  // read by the learner, committed or not
    Seq folded_seq = 0;
    std::uint64_t processed_bytes = 0;
    std::uint64_t last_turn = 0;
    Status failed;  // its journal cannot be read; others go on
  };
  struct Command {
    ResetRequest request;
    std::promise<Result<ResetResult>> done;
  };

  void run();
  Status loop();
  Status discover_sources();
  Source* next_source(const std::vector<Source*>& candidates);
  std::vector<Source*> sources_with_backlog();
  Status fold_all();
  Status fold_ahead(Source& source);
  Status turn(Source& source);
  void source_failed(Source& source, const Status& status);
  Status decisions(const Source& source, const std::vector<JournalRecord>& records,
                   std::vector<Evidence>& out) const;
  Status learn_records(Source& source, const std::vector<JournalRecord>& records,
                       const std::vector<Evidence>& decided);
  void note_change(Resident& resident);
  Status shed_if_needed(Source& source);
  bool is_shed(const Resident& resident, Seq seq) const;
  Status commit_due(bool idle);
  const Source* over_replay_budget() const;
  Status commit(Source& source, bool tail, std::string_view blob_reason);
  Status commit_all_for_stop();
  void publish(const Source& source);
  bool pace(std::uint64_t tokens);
  void wait_for_work();
  void update_status(std::string_view state);
  void point(std::string_view name) const;

  // learn_recovery.cc
  Status recover_sources();
  Status make_resident(Source& source);
  Status make_room();
  Status load(Source& source, const Checkpoint& checkpoint);
  Status replay(Source& source, const Head& to);
  Status replay_folding(Resident& resident, SourceRef ref, Seq to);
  Status replay_learning(Source& source, Seq to);
  Status relearn(Source& source, const Head& head, std::string_view why);
  Status use_configured_policy(Source& source);
  void put_away(Source& source);
  void start_state(Source& source, SourceState state, const PolicyConfig& config);
  void run_commands();
  Result<ResetResult> carry_out(const ResetRequest& request);
  Result<ResetResult> forget(Source& source, const ResetRequest& request);

  RecordLog& log_;
  StateStore& states_;
  const EvidenceStore& evidence_;
  Snapshots& snapshots_;
  model::Learner& learner_;
  const Clock& clock_;
  const LearnOptions options_;
  RecordReader reader_;
  CpuShare cpu_share_;
  LearnCounters counters_;

  // Learner thread only.
  std::map<std::pair<std::uint32_t, std::uint32_t>, Source> sources_;
  std::uint64_t turns_ = 0;
  std::deque<std::pair<std::int64_t, std::uint64_t>> recent_tokens_;  // per second, for a minute
  bool replaying_ = false;

  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> last_progress_us_{0};

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable wake_up_;
  bool woken_ = true;
  bool ended_ = false;
  std::deque<Command> commands_;
  LearnerStatus status_;
  std::thread thread_;
};

}  // namespace silt::daemon
