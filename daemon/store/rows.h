// Rows of the store: a format byte, a checksum of (key, payload), then a protobuf message of
// proto/store/v1/rows.proto. The checksum covers the key, so a row that turns up in another place is
// damage too. Reading never crashes on any bytes: damage is kDataLoss naming the table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/audit_anchor.h"
#include "daemon/store/day_use.h"
#include "daemon/store/record_log.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/normal_store.h"
#include "daemon/store/outbox_store.h"
#include "daemon/store/token_store.h"
#include "daemon/store/types.h"

namespace silt::store::rows {

struct Schema {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
};

// The greatest that were given out.
struct Numbers {
  std::uint32_t source = 0;
  std::uint32_t tenant = 0;
};

struct LeftOut {
  std::vector<SeqRange> ranges;  // ascending, apart
};

struct StateVersion {
  StateVersionInfo info;
  Digest blob_digest;  // of the blob's bytes
};

std::string encode(std::string_view key, const Schema& row);
std::string encode(std::string_view key, const SourceInfo& row);
std::string encode(std::string_view key, const IntakeHead& row);
std::string encode(std::string_view key, const connectors::CursorRow& row);
std::string encode(std::string_view key, const ShedMark& row);
std::string encode(std::string_view key, const Gap& row);
std::string encode(std::string_view key, const FoldHead& row);
std::string encode(std::string_view key, const SegmentInfo& row);
std::string encode(std::string_view key, const NetHead& row);
std::string encode(std::string_view key, const PatternRow& row);
std::string encode(std::string_view key, const StateVersion& row);
std::string encode(std::string_view key, const RequestResult& row);
std::string encode(std::string_view key, const LeftOut& row);
std::string encode(std::string_view key, const AuditAnchor& row);
std::string encode(std::string_view key, const Numbers& row);
std::string encode(std::string_view key, const TokenRow& row);
std::string encode(std::string_view key, const DayUse& row);
std::string encode(std::string_view key, const NormalRow& row);
std::string encode(std::string_view key, const OutboxRow& row);
std::string encode(std::string_view key, const OutboxHead& row);
std::string encode(std::string_view key, const WatchCursor& row);

// Numbers that are part of the key (seq, pattern id, ...) are set by the caller.
Status decode(std::string_view key, std::string_view value, Schema& row);
Status decode(std::string_view key, std::string_view value, SourceInfo& row);
Status decode(std::string_view key, std::string_view value, IntakeHead& row);
Status decode(std::string_view key, std::string_view value, connectors::CursorRow& row);
Status decode(std::string_view key, std::string_view value, ShedMark& row);
Status decode(std::string_view key, std::string_view value, Gap& row);
Status decode(std::string_view key, std::string_view value, FoldHead& row);
Status decode(std::string_view key, std::string_view value, SegmentInfo& row);
Status decode(std::string_view key, std::string_view value, NetHead& row);
Status decode(std::string_view key, std::string_view value, PatternRow& row);
Status decode(std::string_view key, std::string_view value, StateVersion& row);
Status decode(std::string_view key, std::string_view value, RequestResult& row);
Status decode(std::string_view key, std::string_view value, LeftOut& row);
Status decode(std::string_view key, std::string_view value, AuditAnchor& row);
Status decode(std::string_view key, std::string_view value, Numbers& row);
Status decode(std::string_view key, std::string_view value, TokenRow& row);
Status decode(std::string_view key, std::string_view value, DayUse& row);
Status decode(std::string_view key, std::string_view value, NormalRow& row);
Status decode(std::string_view key, std::string_view value, OutboxRow& row);
Status decode(std::string_view key, std::string_view value, OutboxHead& row);
Status decode(std::string_view key, std::string_view value, WatchCursor& row);

// Bytes that are no message, in the same envelope.
std::string seal(std::string_view key, std::string_view payload);
Result<std::string_view> open(std::string_view key, std::string_view value);

// The payload behind format byte and checksum, for digests that must not depend on keys.
std::string_view payload_of(std::string_view value);

}  // namespace silt::store::rows
