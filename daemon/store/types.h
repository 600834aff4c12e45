// The values that the store keeps. Names are what people see; ids are what keys are made of. Names
// and places are bytes: whoever shows them escapes them (base/escape.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "connectors/connector.h"
#include "daemon/store/record.h"

namespace silt::store {

enum class SourceId : std::uint32_t {};  // unique in a store, never reused
enum class TenantId : std::uint32_t {};

// Every key of a source's rows starts with both, so a tenant's data is one key range.
struct SourceRef {
  TenantId tenant{};
  SourceId source{};
  friend bool operator==(const SourceRef&, const SourceRef&) = default;
  friend auto operator<=>(const SourceRef&, const SourceRef&) = default;
};

struct SourceInfo {
  SourceRef ref;
  std::string tenant;     // name
  std::string name;       // "host:/var/log/dpkg.log": what people see; a rename changes only this
  std::string stream;     // the name that its input gives it, by which intake finds it again
  std::string connector;  // the configured input it comes from
};

struct SeqRange {
  Seq first = 1;
  Seq last = ~Seq{0};  // inclusive
  friend bool operator==(const SeqRange&, const SeqRange&) = default;
};

// One journalled record on its own.
struct JournalRecord {
  Seq seq = 0;
  std::int64_t arrival_us = 0;
  std::int64_t told_us = 0;
  std::string text;
  std::string attributes;  // encoded
  std::string place;       // of the origin, as the next three
  std::uint64_t generation = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint32_t flags = 0;
  std::uint64_t bytes_cut = 0;
};

// Counters that intake moves with its batches.
struct IntakeHead {
  Seq journal_seq = 0;
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;  // of texts
  std::uint64_t gaps = 0;
  std::uint64_t bytes_lost = 0;
  std::uint64_t redactions = 0;
  std::int64_t last_arrival_us = 0;
  std::string redaction;    // what redaction remembers between lines, after the last record
};

// What is missing of a source: bytes that were known to be there and were never read.
struct Gap {
  Seq seq = 0;  // of the record that stands in their place
  std::int64_t found_us = 0;
  std::string place;
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;  // 0: not known
  std::string cause;
};

// The fold of a source: what patterns, marks and segments stand for. Moved by the fold alone.
struct FoldHead {
  Seq folded_seq = 0;             // patterns and marks know all records up to here
  Seq sealed_seq = 0;             // records up to here are in segments, later ones in chunks
  Seq floor_seq = 0;              // records up to here were removed by retention
  std::uint64_t folded_bytes = 0; // of texts up to folded_seq
  std::uint64_t sealed_bytes = 0; // of texts up to sealed_seq
  std::uint64_t open_chunks = 0;  // folded chunks behind sealed_seq
  std::uint64_t segment_bytes = 0;  // stored bytes of all segments
  std::uint64_t patterns = 0;
  // The last record that has a time of its own: lines without one go with it. 0: there was none.
  std::int64_t last_event_us = 0;
  std::int64_t last_event_arrival_us = 0;
  std::uint64_t last_event_place = 0;  // hash64 of its place
};

struct PatternRow {
  PatternId id = 0;
  std::string text;               // "Failed password for <*> from <ip> port <num>"
  std::uint64_t count = 0;
  Seq first_seq = 0;
  Seq last_seq = 0;
  std::int64_t first_event_us = 0;
  std::int64_t last_event_us = 0;
  std::string program;            // of its first line; empty: it named none
  PatternId merged_into = 0;      // the pattern that it turned out to be part of; 0: none
  std::string state;              // the miner's own row: all rows together are the whole miner
};

enum class Decision : std::uint8_t { kLearned = 0, kScored = 1, kCounted = 2 };

// What the net's way made of a record. nats are sums over its tokens, stored to a 64th.
struct Score {
  Seq seq = 0;
  Decision decision = Decision::kCounted;
  std::uint8_t reason = 0;        // fold::Outcome
  std::uint32_t tokens = 0;       // 0: not read by the net
  float adapted_nats = 0;         // surprise under the source's weights before learning from it
  float frozen_nats = 0;          // surprise under W_0
};

// The net of a source. Its state is a function of the records base_seq < seq <= learned_seq, their
// marks, the shed marks and the learn config: a reset moves the base. state_version = base_version +
// steps, so it does not depend on when commits happened.
struct NetHead {
  Seq learned_seq = 0;            // the net's way has seen all records up to here
  std::uint64_t state_version = 0;
  Digest state_digest;            // of the whole net state after learned_seq
  std::uint64_t steps = 0;
  std::uint64_t learned_lines = 0;
  std::uint64_t scored_lines = 0;
  std::uint64_t counted_lines = 0;
  std::vector<std::uint64_t> skipped_by_reason;  // indexed by fold::Outcome
  std::uint64_t scored_tokens = 0;
  std::uint64_t scored_bytes = 0;     // bytes of the tokens that were scored
  double scored_nats = 0;             // their total surprise: bits per byte = nats / ln 2 / bytes
  std::vector<float> window_bits;     // of the last mini-batches, bits per byte, newest last
  std::string backend;                // ISA path of the state
  std::string model_fingerprint;
  Seq base_seq = 0;
  std::uint64_t base_version = 1;
  std::uint64_t base_bytes = 0;       // of journal text up to base_seq
  std::uint64_t processed_bytes = 0;  // of journal text up to learned_seq
  std::string learn_config;           // what decisions depend on (daemon/learn), for replays
};

}  // namespace silt::store

template <>
struct std::hash<silt::store::SourceRef> {
  std::size_t operator()(const silt::store::SourceRef& ref) const noexcept {
    return std::hash<std::uint64_t>()(static_cast<std::uint64_t>(ref.tenant) << 32 |
                                      static_cast<std::uint64_t>(ref.source));
  }
};
