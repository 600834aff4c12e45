#include "daemon/learn/source_state.h"

#include "base/bytes.h"

namespace silt::daemon {
namespace {

constexpr std::uint8_t kFormat = 1;

void write_counters(const Head& head, ByteWriter& writer) {
  for (const std::uint64_t value :
       {head.learned_seq, head.folded_seq, head.state_version, head.steps, head.learned_lines,
        head.scored_lines, head.counted_lines, head.scored_tokens, head.scored_bytes, head.base_seq,
        head.base_version, head.base_bytes, head.processed_bytes}) {
    writer.varint(value);
  }
  writer.f64(head.scored_nats);
  writer.varint(head.skipped_by_reason.size());
  for (const std::uint64_t value : head.skipped_by_reason) writer.varint(value);
  writer.varint(head.window_bits.size());
  for (const float value : head.window_bits) writer.f32(value);
}

void read_counters(ByteReader& reader, Head& head) {
  for (std::uint64_t* value :
       {&head.learned_seq, &head.folded_seq, &head.state_version, &head.steps, &head.learned_lines,
        &head.scored_lines, &head.counted_lines, &head.scored_tokens, &head.scored_bytes, &head.base_seq,
        &head.base_version, &head.base_bytes, &head.processed_bytes}) {
    *value = reader.varint();
  }
  head.scored_nats = reader.f64();
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    head.skipped_by_reason.push_back(reader.varint());
  }
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    head.window_bits.push_back(reader.f32());
  }
}

void write_pending(const PendingRecord& record, ByteWriter& writer) {
  writer.varint(record.evidence.seq);
  writer.varint(record.evidence.pattern);
  writer.i64(record.evidence.event_us);
  writer.u8(static_cast<std::uint8_t>(record.evidence.decision));
  writer.u8(record.evidence.reason);
  writer.u8(record.evidence.new_pattern);
  writer.varint(record.tokens);
  writer.varint(record.waiting);
  writer.f64(record.adapted_nats);
  writer.f64(record.frozen_nats);
}

PendingRecord read_pending(ByteReader& reader) {
  PendingRecord record;
  record.evidence.seq = reader.varint();
  record.evidence.pattern = static_cast<PatternId>(reader.varint());
  record.evidence.event_us = reader.i64();
  record.evidence.decision = static_cast<decltype(record.evidence.decision)>(reader.u8());
  record.evidence.reason = reader.u8();
  record.evidence.new_pattern = reader.u8() != 0;
  record.tokens = static_cast<std::uint32_t>(reader.varint());
  record.waiting = static_cast<std::uint32_t>(reader.varint());
  record.adapted_nats = reader.f64();
  record.frozen_nats = reader.f64();
  return record;
}

// All but the net.
std::string encode_fold(const SourceState& state) {
  ByteWriter writer;
  write_counters(state.head, writer);
  writer.varint(state.pending.size());
  for (const PendingRecord& record : state.pending) write_pending(record, writer);
  writer.string(state.miner.serialize());
  writer.string(state.policy.serialize());
  return writer.take();
}

}  // namespace

Evidence PendingRecord::scored(double adapted, double frozen) const {
  Evidence row = evidence;
  row.tokens = tokens;
  row.adapted_nats = static_cast<float>(adapted);
  row.frozen_nats = static_cast<float>(frozen);
  return row;
}

SourceState fresh_state(model::Learner& learner, const PolicyConfig& config, const Head& base) {
  SourceState state;
  state.net = learner.fresh();
  state.policy = Policy(config);
  state.head.learned_seq = state.head.folded_seq = state.head.base_seq = base.base_seq;
  state.head.state_version = state.head.base_version = base.base_version;
  state.head.processed_bytes = state.head.base_bytes = base.base_bytes;
  state.head.skipped_by_reason.resize(kOutcomes);
  return state;
}

Digest digest_of(const SourceState& state, const model::Learner& learner) {
  const Digest net = learner.digest(state.net);
  Digester digester;
  digester.update(&net, sizeof net);
  digester.update(encode_fold(state));
  return digester.finish();
}

std::string encode_state(const SourceState& state, const model::Learner& learner) {
  ByteWriter writer;
  writer.u8(kFormat);
  writer.string(encode_fold(state));
  std::string blob = learner.save(state.net);
  blob.insert(0, writer.bytes());  // megabytes behind kilobytes: no second copy of the net
  return blob;
}

Result<SourceState> decode_state(std::string_view blob, model::Learner& learner, const PolicyConfig& config) {
  ByteReader reader(blob);
  if (reader.u8() != kFormat) return data_loss("state blob of an unknown format");
  const std::string_view fold_bytes = reader.string();
  if (!reader.ok()) return data_loss("state blob is cut");
  const std::string_view net_bytes = blob.substr(blob.size() - reader.remaining());
  ByteReader fold(fold_bytes);
  SourceState state;
  read_counters(fold, state.head);
  for (std::uint64_t left = fold.varint(); left > 0 && fold.ok(); --left) {
    state.pending.push_back(read_pending(fold));
  }
  const std::string_view miner = fold.string();
  const std::string_view policy = fold.string();
  if (!fold.ok() || fold.remaining() != 0) return data_loss("state blob is damaged");
  SILT_ASSIGN(state.miner, Miner::deserialize(miner));
  SILT_ASSIGN(state.policy, Policy::deserialize(policy, config));
  SILT_ASSIGN(state.net, learner.load(net_bytes));
  return state;
}

std::string encode_config(const PolicyConfig& config) {
  ByteWriter writer;
  writer.u8(1);
  writer.u8(static_cast<std::uint8_t>(config.mode));
  writer.varint(config.learn_tokens_per_s);
  writer.varint(config.burst_tokens);
  writer.varint(config.new_pattern_learn_count);
  return writer.take();
}

PolicyConfig decode_config(std::string_view bytes, const PolicyConfig& fallback) {
  ByteReader reader(bytes);
  if (reader.u8() != 1) return fallback;
  PolicyConfig config;
  config.mode = static_cast<SourceMode>(reader.u8());
  config.learn_tokens_per_s = reader.varint();
  config.burst_tokens = reader.varint();
  config.new_pattern_learn_count = static_cast<std::uint32_t>(reader.varint());
  return reader.ok() ? config : fallback;
}

}  // namespace silt::daemon
