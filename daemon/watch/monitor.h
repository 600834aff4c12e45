// Monitor: a thread that goes along behind fold and learner, commit by commit, and puts what is unusual on the board.
// It only reads; a source that cannot be read is left out until it can. What happened long before a source was looked
// at first is history: it says what is usual, and is no news. With a ledger that first time is the first of all processes,
// and news are what the last one had not kept there.
//
// start() and stop() from one thread; ready() from any.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <thread>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/record_log.h"
#include "daemon/watch/board.h"
#include "daemon/watch/ledger.h"
#include "daemon/watch/normals.h"
#include "daemon/watch/source_watch.h"

namespace silt::watch {

class Monitor {
 public:
  static constexpr std::uint64_t kHistoryRecords = 5'000;      // of a source, that are looked at first
  static constexpr std::int64_t kHistoryUs = 600'000'000;      // before the first look: what is older is no news
  static constexpr std::int64_t kSilenceEveryUs = 10'000'000;
  static constexpr std::int64_t kKeepEveryUs = 60'000'000;    // of cursors without news
  // A source with fewer has no rhythm yet, and nothing is kept of it: most of many thousand are such.
  static constexpr store::Seq kRecordsMin = SourceWatch::kMinutesMin;

  struct Stores {
    const store::RecordLog& log;
    const store::FoldStore& folds;
    const store::NetStore& nets;
    const store::EvidenceStore& evidence;
  };

  // Everything must outlive it. What `normals` covers is not put on the board. `ledger`: null for none.
  Monitor(const Stores& stores, const Clock& clock, Board& board, Normals& normals, Ledger* ledger)
      : stores_(stores), clock_(clock), board_(board), normals_(normals), ledger_(ledger), started_us_(clock.wall_us()) {}
  ~Monitor() { stop(); }

  void start();
  void stop();
  // These sources have been folded further.
  void ready(std::span<const store::SourceRef> sources);
  // One round without a thread, for tests.
  void round();
  std::size_t watched() const { return watched_.size(); }

 private:
  struct Watched {
    explicit Watched(store::SourceRef source) : watch(source) {}
    SourceWatch watch;
    store::Seq folded_seq = 0, learned_seq = 0;  // looked at so far
    std::int64_t news_from_us = 0;               // event time
    // What the ledger has: up to here nothing is news.
    store::Seq kept_folded_seq = 0, kept_learned_seq = 0;
    bool has_cursor = false;
    bool trigger_is_news = true;  // of the record that is looked at
    store::Seq gap_seq = 0;  // of gaps: looked at so far
    std::uint64_t gaps = 0;
    bool silence_known = false;  // that there was when siltd was started is no news
    bool counts_from_start = false;  // silence, of siltd
  };

  void run();
  Status look(store::SourceRef source);
  Status look_at_records(store::SourceRef source, Watched& watched, store::Seq folded_seq, const SourceWatch::Emit& emit);
  Status look_at_surprise(store::SourceRef source, Watched& watched, const SourceWatch::Emit& emit);
  Status look_at_gaps(store::SourceRef source, Watched& watched, const store::IntakeHead& intake);
  Watched& watch(store::SourceRef source, const store::FoldHead& fold);
  void look_at_silence();
  void tell(const Change& change);
  void keep(bool now);

  const Stores stores_;
  const Clock& clock_;
  Board& board_;
  Normals& normals_;
  Ledger* const ledger_;
  const std::int64_t started_us_;
  std::map<store::SourceRef, Watched> watched_;  // the thread's
  std::int64_t next_silence_us_ = 0, next_keep_us_ = 0;
  std::set<std::uint64_t> changed_;      // incidents that the ledger does not know so
  std::set<store::SourceRef> advanced_;  // sources whose cursor it does not know so
  bool must_keep_ = false;
  std::mutex mutex_;  // of what follows
  std::condition_variable wake_up_;
  std::set<store::SourceRef> ready_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace silt::watch
