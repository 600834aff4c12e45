// FoldLoop: the fold thread. Brings patterns, marks and segments of every source up to the journal's
// end, and tells the learner.
//
// What it makes of a source is a function of the source's records alone: after a crash the fold goes on
// from its head. One commit carries the work of all sources of a round.
// A source is sealed into a segment when enough text is behind its last one, or when it is quiet and
// has left many small chunks; the segment was proved by decoding before the chunks go.
// Retention is the fold's, too: whole segments below a floor.
//
// start() and stop() from one thread; ready(), drop() and reset() from any. A failure of the store is
// final: on_fatal is called once, from the fold thread, and the thread ends.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/fold/miner.h"
#include "daemon/fold/scanner.h"
#include "daemon/learn/control.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/record_log.h"
#include "daemon/store/segment_builder.h"

namespace silt::learn {

// What of a source is kept; 0: no limit.
struct Retention {
  std::int64_t age_s = 0;
  std::uint64_t stored_bytes = 0;
};

// Seconds east of UTC for times without a zone; a pure function of the arrival time.
using Zone = std::function<std::int32_t(std::int64_t arrival_us)>;

struct FoldOptions {
  std::uint64_t segment_bytes = 1 << 20;     // of text
  std::uint64_t segment_bytes_min = 256 << 10;  // a smaller last segment is opened again by the next seal
  std::uint64_t chunks_max = 256;            // a source with more of them is sealed, however little that is
  std::int64_t quiet_s = 60;                 // a source that is quiet so long is sealed if it pays:
  std::uint64_t quiet_chunks_min = 32;
  std::uint64_t turn_bytes = 1 << 20;        // of one source in a round
  std::uint64_t commit_bytes = 4 << 20;      // of all sources in one commit
  std::size_t resident_max = 256;            // miners in memory
  std::size_t builders_max = 8;              // open segments in memory
  std::int64_t retention_every_s = 60;
  std::function<Zone(const store::SourceInfo&)> zone_of = [](const auto&) { return [](std::int64_t) { return 0; }; };
  std::function<Retention(const store::SourceInfo&)> retention = [](const store::SourceInfo&) { return Retention(); };
  std::function<void(std::span<const store::SourceRef>)> on_folded = [](auto) {};
  std::function<void(store::SourceRef)> keep_state = [](store::SourceRef) {};  // so that the floor can move
  std::function<bool()> has_room = [] { return true; };  // on the store's disk; else only retention goes on
  std::function<void(const Status&)> on_fatal = [](const Status&) {};
  std::function<void(std::string_view point)> at_point;  // tests die here
};

class FoldLoop final : public FoldControl {
 public:
  // Everything must outlive the loop.
  FoldLoop(const store::RecordLog& log, store::FoldStore& folds, const Clock& clock, FoldOptions options);
  ~FoldLoop() override;  // stops

  void start();
  void stop();
  // These sources have more in the journal.
  void ready(std::span<const store::SourceRef> sources);
  // One round without a thread, for tests and tools: true when something is left to do.
  Result<bool> round();

  // What zone_of says may have changed: asked again before a source's next records. From any thread.
  void configure_again() { ++configuration_; }

  // Starts the fold of a source again from its floor; does not wait for it.
  Status reset(store::SourceRef source) override;
  Status forget(store::SourceRef source, const std::vector<store::SeqRange>& ranges,
                const std::function<void()>& alive) override;
  // Forgets what is in memory of a source; done when it returns. Then the source may be deleted.
  Status drop(store::SourceRef source);
  std::int64_t last_progress_us() const { return last_progress_us_.load(std::memory_order_relaxed); }

 private:
  struct Resident {
    store::SourceRef ref;
    fold::Miner miner;
    Zone zone = [](std::int64_t) { return 0; };
    std::uint64_t configuration = 0;  // that `zone` is of
    store::FoldHead head;  // as of the last commit or of the work since
    // Holds all records behind sealed_seq up to folded_seq; null: they are read again for the seal.
    std::unique_ptr<store::SegmentBuilder> builder;
    bool begins_again = false;  // its marks are damaged
    std::int64_t last_turn_us = 0;
    std::list<store::SourceRef>::iterator used;
  };
  struct Command {
    store::SourceRef source;  // of which nothing is in memory when it runs
    std::function<Status()> work;
    std::promise<Status> done;
  };

  void run();
  Status loop();
  Result<Resident*> resident(store::SourceRef source);
  Status configure(Resident& resident);
  void evict();
  Status fold_ready(store::SourceRef source, store::FoldCommit& commit, std::uint64_t& bytes);
  // Folds up to turn_bytes of the source into `commit`.
  Status fold_source(Resident& resident, store::FoldCommit& commit, std::uint64_t& bytes);
  Status fold_block(Resident& resident, const store::Block& block, store::FoldCommit& commit);
  Status skip_damage(Resident& resident, const store::Block& block, store::FoldCommit& commit);
  store::FoldMark mark_of(Resident& resident, const store::RecordView& record);
  std::int64_t event_of(Resident& resident, const store::RecordView& record) const;
  void take_patterns(Resident& resident, store::FoldCommit& commit);
  void open_builder(Resident& resident);
  void add(store::SegmentBuilder& builder, const store::RecordView& record, const store::FoldMark& mark);
  Status seal(Resident& resident, store::FoldCommit& commit, bool merge_last);
  Result<bool> seal_again(Resident& resident, store::Seq from, store::FoldCommit& commit);
  Status commit_turn(Resident& resident, store::FoldCommit& commit);
  Status begin_again(Resident& resident);
  void report(store::SourceRef source, const store::Block& block) const;
  Status finish_segment(store::SegmentBuilder& builder, store::FoldCommit& commit);
  Status commit(std::vector<store::FoldCommit>& commits);
  Status seal_quiet(bool& more);
  Status trim_some();
  Result<std::future<Status>> post(store::SourceRef source, std::function<Status()> work);
  Status run_commands();
  // fold_forget.cc
  Status leave_tombstones(store::SourceRef source, const std::vector<store::SeqRange>& ranges);
  Status seal_without(store::SourceRef source, const store::SegmentInfo& segment, const std::vector<store::SeqRange>& ranges,
                      store::FoldCommit& commit);
  void wait();
  void point(std::string_view name) const;

  const store::RecordLog& log_;
  store::FoldStore& folds_;
  const Clock& clock_;
  const FoldOptions options_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> last_progress_us_{0};
  std::atomic<std::uint64_t> configuration_{1};

  // Fold thread only.
  std::unordered_map<store::SourceRef, Resident> residents_;
  std::list<store::SourceRef> used_;  // the latest first
  std::map<store::SourceRef, std::int64_t> quiet_since_us_;  // of sources with something to seal
  std::int64_t next_retention_us_ = 0;
  fold::ScannedLine line_;
  std::vector<store::TokenSpan> spans_;

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable wake_up_;
  std::deque<store::SourceRef> ready_;
  std::unordered_map<store::SourceRef, bool> is_ready_;
  std::deque<Command> commands_;
  bool paused_ = false;  // there is no room
  bool ended_ = false;
  std::thread thread_;
};

// The terms by which records are found again (store::StoreOptions::terms_of).
void terms_of(std::string_view text, std::vector<std::string>& out);

}  // namespace silt::learn
