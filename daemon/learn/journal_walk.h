// JournalWalk: leads the net's state along the journal of its source, block by block, for the first time
// or as a replay. What cannot be read is counted, and costs itself; what a rollback left out is counted, too,
// and neither policy nor net is told of it.
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
    kShort,   // there are no folded records up to the target
  };
  struct Walked {
    End end = End::kReached;
    bool with_losses = false;  // records were missing or damaged
  };
  using OnRecord = std::function<bool(store::Seq seq, bool shed)>;  // after each; false: pause

  JournalWalk(const store::RecordLog& log, NetReader& reader, LearnCounters& counters)
      : log_(log), reader_(reader), counters_(counters) {}

  // `finals`: as for NetReader; where it is null nothing is logged a second time. kCancelled: the pace
  // gave up inside a record, and the state is of no use.
  Result<Walked> walk(const store::SourceInfo& source, Resident& resident, const Target& to,
                      NetReader::Scores* finals, const OnRecord& on_record);

 private:
  Status fetch(store::SourceRef source, Resident& resident) const;
  bool pass_loss(const store::SourceInfo& source, Resident& resident, store::Seq to, bool first_time);
  Status read(Resident& resident, const store::RecordView& record, const store::FoldMark& mark, bool shed,
              NetReader::Scores* finals);

  const store::RecordLog& log_;
  NetReader& reader_;
  LearnCounters& counters_;
};

}  // namespace silt::learn
