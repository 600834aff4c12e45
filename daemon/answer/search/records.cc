#include "daemon/answer/search/records.h"

namespace silt::answer::search {

Result<Scanned> scan_records(const store::RecordLog& log, store::SourceRef source, store::SeqRange range,
                             const std::function<bool(const store::RecordView&, const store::FoldMark&)>& visit) {
  Scanned out;
  store::Seq after = range.first > 0 ? range.first - 1 : 0;
  while (after < range.last) {
    SILT_ASSIGN(const store::BlockPtr block, log.block_after(source, after));
    if (!block || block->first_seq > range.last) break;
    after = block->last_seq;
    if (!block->damage.empty()) {
      out.damaged += block->last_seq - block->first_seq + 1;
      continue;
    }
    if (block->marks.empty()) break;  // not folded yet, nor is anything behind it
    const auto records = block->records.records();
    for (std::size_t i = 0; i < records.size() && i < block->marks.size(); ++i) {
      if (records[i].seq < range.first || records[i].seq > range.last) continue;
      ++out.records;
      out.last_seq = records[i].seq;
      if (!visit(records[i], block->marks[i])) {
        out.stopped = true;
        return out;
      }
    }
  }
  return out;
}

}  // namespace silt::answer::search
