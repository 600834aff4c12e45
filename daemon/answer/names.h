// What the answer path calls by its short name: records and what is known of them, and the words of
// the fold.
#pragma once

#include "daemon/fold/miner.h"
#include "daemon/fold/policy.h"
#include "daemon/fold/scanner.h"
#include "daemon/fold/timestamp.h"
#include "daemon/learn/snapshots.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/record_log.h"
#include "daemon/store/types.h"

namespace silt::answer {

using fold::Field;
using fold::fields_of;
using fold::find_timestamp;
using fold::index_terms;
using fold::kMaxTermBytes;
using fold::Outcome;
using fold::parse_timestamp;
using fold::resolve_time;
using fold::scan_line;
using fold::ScannedLine;
using fold::Token;
using fold::TimeText;
using fold::TokenKind;
using fold::text_of;
using store::Decision;
using store::Evidence;
using store::EvidenceStore;
using store::IntakeHead;
using store::JournalRecord;
using store::NetHead;
using store::NetStore;
using store::PatternId;
using store::PatternRow;
using store::RecordLog;
using store::Seq;
using store::SeqRange;
using store::SourceInfo;
using store::SourceRef;
using learn::Snapshot;
using learn::Snapshots;

}  // namespace silt::answer
