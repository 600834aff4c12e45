// What stays of a forgotten record: its number, its arrival, and that it was forgotten. Numbers are dense, so
// something has to stand in its place; nobody finds, counts as a pattern or learns it.
#pragma once

#include <cstdint>

#include "daemon/store/record.h"

namespace silt::store {

// Beside connectors::RecordFlags, which are the origin's.
inline constexpr std::uint32_t kRecordForgotten = 1U << 16;

inline bool is_forgotten(const RecordView& record) {
  return (record.flags & kRecordForgotten) != 0;
}

inline RecordView tombstone_of(const RecordView& record) {
  RecordView tombstone;
  tombstone.seq = record.seq;
  tombstone.arrival_us = record.arrival_us;
  tombstone.flags = kRecordForgotten;
  return tombstone;
}

}  // namespace silt::store
