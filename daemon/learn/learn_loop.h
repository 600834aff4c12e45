// LearnLoop: the learner thread. Lets the nets read what was folded, and commits cursors, digests and
// scores together.
//
// One thread owns the model's Learner and all states in memory. Others see what it does through the store,
// the snapshots and the calls below, which are safe from any thread. A store or model failure is final:
// on_fatal is called once, from the learner thread, and the thread ends. Data never is: a damaged block, a
// missing record or an unusable blob costs itself.
//
// The parts: ready_queue.h says who waits, batch_former.h whose turn it is, residents.h who is in memory, state_loader.h brings
// states back, journal_walk.h leads them on, group_commit.h makes all of it durable. Sources in mode count
// have no state: their heads follow the fold.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/learn/batch_former.h"
#include "daemon/learn/commands.h"
#include "daemon/learn/control.h"
#include "daemon/learn/group_commit.h"
#include "daemon/learn/journal_walk.h"
#include "daemon/learn/latency.h"
#include "daemon/learn/learn_options.h"
#include "daemon/learn/net_reader.h"
#include "daemon/learn/pacer.h"
#include "daemon/learn/ready_queue.h"
#include "daemon/learn/residents.h"
#include "daemon/learn/snapshots.h"
#include "daemon/learn/state_loader.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/record_log.h"
#include "model/learner.h"

namespace silt::learn {

class LearnLoop final : public LearnControl {
 public:
  // Everything must outlive the loop.
  LearnLoop(store::RecordLog& log, const store::FoldStore& folds, store::NetStore& nets, FoldControl& fold,
            Snapshots& snapshots, model::Learner& learner, const model::Tokenizer& tokenizer,
            const Clock& clock, LearnOptions options);
  ~LearnLoop() override;  // stops

  void start();
  // Finishes the mini-batch, commits, stores the states whose replay would take long. Waits for the end.
  void stop();
  // One turn, and what is due, without a thread: for tests. True: there is more to do.
  Result<bool> round();
  // Records of these sources were folded.
  void ready(std::span<const store::SourceRef> sources);

  Result<ResetResult> reset(const ResetRequest& request) override;
  Result<RollbackResult> rollback(const RollbackRequest& request) override;
  Result<ForgetResult> forget(const ForgetRequest& request) override;
  Result<ImportResult> import_state(const ImportRequest& request) override;
  Result<store::Seq> store_state(store::SourceRef source) override;
  Result<std::shared_ptr<const model::FastWeights>> weights_of(store::SourceRef source, store::Seq learned_seq) override;
  LearnerStatus status() const override;
  // Asks for the source's state to be stored, so that retention may remove the records up to it. Does not
  // wait; a failure is logged.
  void keep_state(store::SourceRef source);
  // Commits and forgets what is in memory of a source; done when it returns. Then the source may be
  // renamed or deleted.
  Status drop(store::SourceRef source);

  // What LearnOptions::policy says may have changed: it is in force from the next record of each source.
  // Does not wait.
  void configure_again();

  const LearnCounters& counters() const { return counters_; }
  // Monotonic time of the last sign of life: the thread works, or waits for work.
  std::int64_t last_progress_us() const { return last_progress_us_.load(std::memory_order_relaxed); }

 private:
  // Of a source that has work or whose state is in memory.
  struct Source {
    store::SourceInfo info;
    fold::PolicyConfig config;
    bool counting = false;       // its net reads nothing: no state is needed
    store::Seq learned_seq = 0;  // read, committed or not
    store::Seq folded_seq = 0;
    std::uint64_t processed_bytes = 0;  // of texts up to learned_seq
    std::uint64_t folded_bytes = 0;
    std::uint64_t record_bytes = 0;  // of its texts, on average
    ReplayWork replay;               // while its state is not in memory: what it would take
  };

  // One source's part of a turn.
  struct TurnLane {
    Source* source = nullptr;
    Resident* resident = nullptr;
    ReplayWork before;
    std::uint64_t steps_max = 0;
    std::uint32_t records_max = 0;

    Reading reading;
    std::uint32_t records = 0;
    std::int64_t oldest_arrival_us = 0;
    JournalWalk::End end = JournalWalk::End::kFull;  // of what was gathered so far
    Status status;
  };

  void run();
  Status loop();
  std::int64_t admit_until_us(std::int64_t now_us);
  Result<bool> work();
  Status go_on_without_device();
  std::uint64_t minibatch_bytes() const;
  Status shed_if_needed(const Source& source, Resident& resident);
  Result<bool> warm_up();  // false: nothing to bring back
  bool pace(std::uint64_t tokens);
  void wait_for_work();
  void update_status(std::string_view state);
  bool alive();

  // learn_turn.cc
  Status turn(std::span<const store::SourceRef> sources);
  bool has_room_for(std::size_t lanes) const;
  Status drop_failed(store::SourceRef ref, const Status& failure);
  void hold(const store::SourceInfo& source, const Status& why);
  bool is_held(store::SourceRef ref);
  Status board(Source& source, std::size_t beside, TurnLane& lane);
  void read_side_by_side(std::vector<TurnLane>& lanes);
  void gather(std::span<TurnLane* const> lanes);
  void gather(TurnLane& lane);
  ReplayWork end_turn(TurnLane& lane, std::int64_t began_us);
  std::uint32_t uncommitted_max() const;

  // learn_sources.cc
  Status start_up();
  Status take_reported();
  Result<Source*> open(store::SourceRef ref);
  bool is_gone(store::SourceRef ref, const Status& failure) const;
  Status measure_replay(Source& source, const store::NetHead& head) const;
  Status refresh(Source& source);
  void queue(Source& source);
  void close_if_idle(store::SourceRef ref);
  Result<Resident*> make_resident(Source& source, std::size_t beside = 0);
  Status use_configured_policy(Source& source, Resident& resident);
  Status take_configuration();
  Status start_counting(Source& source);
  Status make_room(std::size_t keep);
  store::SourceRef next_to_leave(std::size_t keep) const;
  Status evict(store::SourceRef ref);

  // learn_commit.cc
  void note_change(store::SourceRef ref, std::set<store::SourceRef>& changed);
  Status commit_due();
  Status commit();
  Status commit_for_stop();
  void choose_blobs(std::int64_t now_us);
  void want_blob(store::SourceRef ref, Resident& resident, std::string_view reason);
  bool is_worth_storing(const Resident& resident) const;
  Result<ResetResult> reset_state(const ResetRequest& request);
  Status store_reset(const ResetRequest& request, const store::NetHead& base, const ResetResult& result);
  Status keep(store::SourceRef ref, std::string_view reason);
  void let_go(store::SourceRef ref);

  // learn_rollback.cc
  Result<RollbackResult> go_back(const RollbackRequest& request);
  Result<store::NetRewind> rewind_of(store::SourceRef ref, Resident& start);
  Result<store::NetHead> present_head(store::SourceRef ref, std::uint64_t expected_version);
  Result<std::uint64_t> versions_that_go(store::SourceRef ref, store::Seq behind) const;

  // learn_forget.cc
  Result<ForgetResult> forget_records(const ForgetRequest& request);
  Status un_learn(Source& source, const ForgetRequest& request, ForgetResult& result);

  // learn_import.cc
  Result<ImportResult> take_state(const ImportRequest& request);
  Status put_in_place(const ImportRequest& request, NetState state, const ImportResult& result);

  store::RecordLog& log_;
  const store::FoldStore& folds_;
  store::NetStore& nets_;
  FoldControl& fold_;
  Snapshots& snapshots_;
  model::Learner& learner_;
  const Clock& clock_;
  const LearnOptions options_;
  LearnCounters counters_;
  Commands commands_;
  ReadyQueue ready_;

  // Learner thread only.
  Pacer pacer_;
  NetReader reader_;
  JournalWalk walk_;
  StateLoader loader_;
  GroupCommit group_;
  Residents residents_;
  ReplayCost cost_;
  LatencyWindow latency_;
  std::map<store::SourceRef, Source> sources_;
  std::deque<store::SourceRef> cold_;   // states that may be brought back while nothing else is to be done
  std::set<store::SourceRef> changed_;  // residents that the next commit writes
  std::map<store::SourceRef, std::int64_t> held_until_us_;  // that wait until a version is unpinned; then it is tried again
  std::set<store::SourceRef> counted_;  // sources in mode count whose heads it moves
  std::int64_t changed_since_us_ = 0;   // monotonic time of the first change; 0: none
  std::uint32_t uncommitted_records_ = 0;
  std::int64_t next_blob_check_us_ = 0;
  bool blobs_wanted_ = false;
  // Steps that may be spent on replays of little use: earned by learning, and slowly by time.
  std::int64_t replay_credit_steps_ = 0;
  std::int64_t credit_since_us_ = 0;
  std::int64_t batch_wait_us_ = 0;  // for more sources
  std::string_view doing_ = "idle";
  bool started_ = false;
  Status failed_;  // a commit for a command

  std::atomic<bool> stopping_{false};
  std::atomic<bool> configured_again_{false};
  std::atomic<std::int64_t> last_progress_us_{0};

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable wake_up_;
  bool woken_ = true;
  LearnerStatus status_;
  std::thread thread_;

  void wake();
};

}  // namespace silt::learn
