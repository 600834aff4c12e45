// Records of one source, with what the fold made of them, in seq order.
#pragma once

#include <cstdint>
#include <functional>

#include "base/status.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/record_log.h"

namespace silt::answer::search {

// Of a read: retention took the record, or its block is damaged. That costs an answer this record only.
inline bool is_gone(const Status& status) {
  return status.code() == Code::kNotFound || status.code() == Code::kDataLoss;
}

struct Scanned {
  std::uint64_t records = 0;
  std::uint64_t damaged = 0;  // records in blocks that fail their check
  store::Seq last_seq = 0;
  bool stopped = false;       // by the visitor
};

// Visits the folded records of the range until `visit` returns false, with their texts. A damaged block costs
// itself.
Result<Scanned> scan_records(const store::RecordLog& log, store::SourceRef source, store::SeqRange range,
                             const std::function<bool(const store::RecordView&, const store::FoldMark&)>& visit);

}  // namespace silt::answer::search
