#include "daemon/learn/journal_walk.h"

#include <algorithm>

#include "base/log.h"
#include "daemon/store/seq_ranges.h"
#include "daemon/store/tombstone.h"

namespace silt::learn {
namespace {

void leave_out(store::NetHead& head, const store::RecordView& record) {
  count_unread(head, record.seq, fold::Outcome::kLeftOut);
  head.processed_bytes += record.text.size();
}

}  // namespace

// The block of the record behind learned_seq; null: there is none.
Status JournalWalk::fetch(store::SourceRef source, Resident& resident) const {
  const store::Seq after = resident.state.head.learned_seq;
  const store::BlockPtr& held = resident.block;
  if (held && held->first_seq <= after + 1 && after < held->last_seq) return Status::ok();
  SILT_ASSIGN(resident.block, log_.block_after(source, after));
  return Status::ok();
}

// Passes records that are gone: in a block that fails its check, or in none. False: nobody wanted them.
bool JournalWalk::pass_loss(const store::SourceInfo& source, Resident& resident, store::Seq to,
                            bool first_time) const {
  store::NetHead& head = resident.state.head;
  const store::Block& block = *resident.block;
  const bool missing = block.first_seq > head.learned_seq + 1;
  const store::Seq first = head.learned_seq + 1;
  const store::Seq last = std::min(to, missing ? block.first_seq - 1 : block.last_seq);
  if (store::covers(resident.left_out, first, last)) {
    count_unread(head, last, fold::Outcome::kLeftOut);
    return false;
  }
  count_unread(head, last, fold::Outcome::kDamaged);
  if (!first_time) return true;
  counters_.damaged_records += last + 1 - first;
  log::error("records_lost",
             {{"source", source.name},
              {"first_seq", first},
              {"last_seq", last},
              {"why", missing ? std::string("they are not in the store") : block.damage},
              {"action", "counted, not learned; the source goes on"},
              {"remedy", "check the disk; to have these records again, restore a backup of the store"}});
  return true;
}

Result<JournalWalk::Walked> JournalWalk::gather(const store::SourceInfo& source, Resident& resident,
                                                const Target& to, bool first_time, Reading& reading,
                                                const OnRecord& on_record) const {
  Walked walked;
  NetState& state = resident.state;
  while (state.head.learned_seq < to.seq) {
    const store::Seq before = state.head.learned_seq;
    if (resident.history.behind(before).mode == fold::SourceMode::kCount) {
      count_unread(state.head, to.seq, fold::Outcome::kModeCount);
      state.head.processed_bytes = to.bytes;
      break;
    }
    SILT_TRY(fetch(source.ref, resident));
    if (!resident.block) return Walked{End::kShort, walked.with_losses};
    const store::Block& block = *resident.block;
    if (!block.damage.empty() || block.first_seq > before + 1) {
      walked.with_losses |= pass_loss(source, resident, to.seq, first_time);
      continue;
    }
    const auto records = block.records.records();
    if (block.marks.size() != records.size()) return Walked{End::kShort, walked.with_losses};
    for (std::size_t i = before + 1 - block.first_seq; i < records.size(); ++i) {
      const store::RecordView& record = records[i];
      if (record.seq > to.seq) break;
      const bool shed = resident.is_shed(record.seq);
      if (store::is_forgotten(record) || store::contains(resident.left_out, record.seq)) {
        leave_out(state.head, record);
      } else {
        reader_.take(state, record, block.marks[i], shed, reading);
      }
      if (!on_record(record, shed)) return Walked{End::kPaused, walked.with_losses};
      if (reader_.is_full(state, reading)) return Walked{End::kFull, walked.with_losses};
    }
    if (state.head.learned_seq == before) {
      return internal_error("source " + source.name + ": the block of record " + std::to_string(before + 1) +
                            " does not hold it");
    }
  }
  if (resident.block && resident.block->last_seq <= state.head.learned_seq) resident.block = nullptr;
  return walked;
}

Result<JournalWalk::Walked> JournalWalk::replay(const store::SourceInfo& source, Resident& resident,
                                                const Target& to, const OnRecord& on_record) {
  Reading reading;
  for (bool with_losses = false;;) {
    SILT_ASSIGN(Walked walked, gather(source, resident, to, /*first_time=*/false, reading, on_record));
    walked.with_losses = with_losses |= walked.with_losses;
    NetReader::Lane lane{.state = &resident.state, .reading = &reading, .finals = nullptr, .status = {}};
    reader_.read({&lane, 1});
    SILT_TRY(lane.status);
    if (walked.end != End::kFull) return walked;
  }
}

}  // namespace silt::learn
