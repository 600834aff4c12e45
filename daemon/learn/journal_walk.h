// JournalWalk: goes along the journal of a source, block by block, for the first time or as a replay, and takes
// its records for the net. What cannot be read is counted, and costs itself; what a rollback left out is counted,
// too, and neither policy nor net is told of it.
#pragma once

#include <functional>

#include "base/status.h"
#include "daemon/learn/learn_options.h"
#include "daemon/learn/net_reader.h"
#include "daemon/learn/residents.h"
#include "daemon/store/record_log.h"
#include "daemon/store/types.h"

namespace silt::learn {

class JournalWalk {
 public:
  struct Target {
    store::Seq seq = 0;
    std::uint64_t bytes = 0;  // of journal text up to it
  };
  enum class End {
    kReached,
    kPaused,  // the caller said so
    kFull,    // what was taken must be read before more is
    kShort,   // there are no folded records up to the target
  };
  struct Walked {
    End end = End::kReached;
    bool with_losses = false;  // records were missing or damaged
  };
  using OnRecord = std::function<bool(const store::RecordView& record, bool shed)>;  // after each; false: pause

  JournalWalk(const store::RecordLog& log, NetReader& reader, LearnCounters& counters)
      : log_(log), reader_(reader), counters_(counters) {}

  // Takes records into `reading`, until they must be read: NetReader::read() is the caller's. `first_time`: else
  // nothing is logged again. Safe for several sources at once, on as many threads.
  Result<Walked> gather(const store::SourceInfo& source, Resident& resident, const Target& to, bool first_time,
                        Reading& reading, const OnRecord& on_record) const;
  // A replay: gathers and reads, of one source alone. kCancelled: the pace gave up, and the state is of no use.
  Result<Walked> replay(const store::SourceInfo& source, Resident& resident, const Target& to,
                        const OnRecord& on_record);

 private:
  Status fetch(store::SourceRef source, Resident& resident) const;
  bool pass_loss(const store::SourceInfo& source, Resident& resident, store::Seq to, bool first_time) const;

  const store::RecordLog& log_;
  NetReader& reader_;
  LearnCounters& counters_;
};

}  // namespace silt::learn
