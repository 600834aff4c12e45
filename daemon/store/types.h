// The values that the store keeps. Names are what people see; ids are what keys are made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/digest.h"
#include "connectors/connector.h"

namespace silt::daemon {

using Seq = std::uint64_t;           // dense per source, from 1; 0 means "before the first"
using PatternId = std::uint32_t;     // dense per source, from 1; 0 is the catch-all

enum class SourceId : std::uint32_t {};  // unique in a store, never reused
enum class TenantId : std::uint32_t {};

// Every key of a source's rows starts with both, so a tenant's data is one key range.
struct SourceRef {
  TenantId tenant{};
  SourceId source{};
  friend bool operator==(const SourceRef&, const SourceRef&) = default;
};

struct SourceInfo {
  SourceRef ref;
  std::string tenant;     // name
  std::string name;       // "host:/var/log/dpkg.log": connector name, then the stream if it has one
  std::string connector;  // the configured input it comes from
};

// As connectors::Origin, but owned.
struct JournalOrigin {
  std::string path;
  std::uint64_t generation = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// One journalled record: written once by intake, never changed until retention removes it.
struct JournalRecord {
  Seq seq = 0;
  std::int64_t arrival_us = 0;  // journal time: what policies decide by
  std::string text;             // redacted raw bytes without the line end
  JournalOrigin origin;
  std::uint32_t flags = 0;      // connectors::RecordFlags
  std::uint64_t bytes_cut = 0;
  std::string sha256;           // 32 bytes, of `text`
};

enum class Decision : std::uint8_t { kLearned = 0, kScored = 1, kCounted = 2 };

// What the learner found out about a record. nats are sums over the record's tokens.
struct Evidence {
  Seq seq = 0;
  PatternId pattern = 0;
  std::int64_t event_us = 0;    // from the text, else the arrival time
  Decision decision = Decision::kCounted;
  std::uint8_t reason = 0;      // fold::Reason
  bool new_pattern = false;
  std::uint32_t tokens = 0;     // 0 until scored
  float adapted_nats = 0;       // surprise under the source's weights before learning from it
  float frozen_nats = 0;        // surprise under W_0
};

struct PatternRow {
  PatternId id = 0;
  std::string text;             // "Failed password for <*> from <ip> port <num> ssh2"
  std::uint64_t count = 0;
  Seq first_seq = 0;
  Seq last_seq = 0;
  std::int64_t first_event_us = 0;
  std::int64_t last_event_us = 0;
};

// The durable summary of a source, switched with every step batch.
struct Head {
  Seq learned_seq = 0;          // the net has read all records up to here that it is to read
  Seq folded_seq = 0;           // patterns, index and evidence know all up to here; runs ahead
  std::uint64_t state_version = 0;
  Digest state_digest;          // of the whole source state after learned_seq
  std::uint64_t steps = 0;
  std::uint64_t learned_lines = 0;
  std::uint64_t scored_lines = 0;
  std::uint64_t counted_lines = 0;
  std::vector<std::uint64_t> skipped_by_reason;  // indexed by fold::Reason
  std::uint64_t scored_tokens = 0;
  std::uint64_t scored_bytes = 0;     // bytes of the tokens that were scored
  double scored_nats = 0;             // their total surprise: bits per byte = nats / ln 2 / bytes
  std::vector<float> window_bits;     // of the last mini-batches, bits per byte, newest last
  std::string backend;                // ISA path of the state
  std::string model_fingerprint;
  // The state is a function of the records base_seq < seq <= learned_seq alone: a reset moves the
  // base. state_version = base_version + steps, so it does not depend on when commits happened.
  Seq base_seq = 0;
  std::uint64_t base_version = 1;
  std::uint64_t base_bytes = 0;       // of journal text up to base_seq
  std::uint64_t processed_bytes = 0;  // of journal text up to learned_seq
  std::uint64_t patterns = 0;         // in the miner
  std::string learn_config;           // what decisions depended on (daemon/learn), for replays
};

// Counters that intake moves with its batches.
struct IntakeHead {
  Seq journal_seq = 0;
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;            // of texts
  std::uint64_t gaps = 0;
  std::uint64_t bytes_lost = 0;
  std::uint64_t redactions = 0;
  std::int64_t last_arrival_us = 0;
  std::uint32_t key_lines_left = 0;   // fold/redact.h RedactState, after the last record
};

}  // namespace silt::daemon
