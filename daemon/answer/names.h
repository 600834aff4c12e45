// What the answer path calls by its short name: records and what is known of them, and the words of
// the fold.
#pragma once

#include "daemon/fold/scanner.h"
#include "daemon/fold/timestamp.h"
#include "daemon/learn/snapshots.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/record_log.h"
#include "daemon/store/types.h"

namespace silt::answer {

using fold::find_timestamp;
using fold::index_terms;
using store::Evidence;
using store::EvidenceStore;
using store::IntakeHead;
using store::JournalRecord;
using store::NetHead;
using store::NetStore;
using store::PatternId;
using store::RecordLog;
using store::Seq;
using store::SourceInfo;
using store::SourceRef;
using learn::Snapshot;
using learn::Snapshots;

}  // namespace silt::answer
