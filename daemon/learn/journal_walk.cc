#include "daemon/learn/journal_walk.h"

#include <algorithm>

#include "base/log.h"
#include "daemon/store/seq_ranges.h"

namespace silt::learn {

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
                            bool first_time) {
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

Status JournalWalk::read(Resident& resident, const store::RecordView& record, const store::FoldMark& mark, bool shed,
                         NetReader::Scores* finals) {
  NetState& state = resident.state;
  if (!store::contains(resident.left_out, record.seq)) return reader_.read(state, record, mark, shed, finals);
  count_unread(state.head, record.seq, fold::Outcome::kLeftOut);
  state.head.processed_bytes += record.text.size();
  return Status::ok();
}

Result<JournalWalk::Walked> JournalWalk::walk(const store::SourceInfo& source, Resident& resident,
                                              const Target& to, NetReader::Scores* finals,
                                              const OnRecord& on_record) {
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
      walked.with_losses |= pass_loss(source, resident, to.seq, finals != nullptr);
      continue;
    }
    const auto records = block.records.records();
    if (block.marks.size() != records.size()) return Walked{End::kShort, walked.with_losses};
    for (std::size_t i = before + 1 - block.first_seq; i < records.size(); ++i) {
      const store::RecordView& record = records[i];
      if (record.seq > to.seq) break;
      const bool shed = resident.is_shed(record.seq);
      SILT_TRY(read(resident, record, block.marks[i], shed, finals));
      if (!on_record(record.seq, shed)) return Walked{End::kPaused, walked.with_losses};
    }
    if (state.head.learned_seq == before) {
      return internal_error("source " + source.name + ": the block of record " + std::to_string(before + 1) +
                            " does not hold it");
    }
  }
  if (resident.block && resident.block->last_seq <= state.head.learned_seq) resident.block = nullptr;
  return walked;
}

}  // namespace silt::learn
