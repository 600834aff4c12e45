#include "daemon/learn/net_state.h"

#include <numeric>
#include <utility>

#include "base/bytes.h"

namespace silt::learn {
namespace {

constexpr std::uint8_t kFormat = 2;

// Of reading the journal, however little of it the net saw.
void write_counts(const store::NetHead& head, ByteWriter& writer) {
  for (const std::uint64_t value : {head.learned_seq, head.counted_lines, head.processed_bytes, head.base_seq,
                                    head.base_version, head.base_bytes}) {
    writer.varint(value);
  }
  writer.varint(head.skipped_by_reason.size());
  for (const std::uint64_t value : head.skipped_by_reason) writer.varint(value);
}

void read_counts(ByteReader& reader, store::NetHead& head) {
  for (std::uint64_t* value : {&head.learned_seq, &head.counted_lines, &head.processed_bytes, &head.base_seq,
                               &head.base_version, &head.base_bytes}) {
    *value = reader.varint();
  }
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    head.skipped_by_reason.push_back(reader.varint());
  }
}

void write_pending(const PendingRecord& record, ByteWriter& writer) {
  writer.varint(record.score.seq);
  writer.u8(static_cast<std::uint8_t>(record.score.decision));
  writer.u8(record.score.reason);
  writer.varint(record.score.tokens);
  writer.varint(record.waiting);
  writer.f64(record.adapted_nats);
  writer.f64(record.frozen_nats);
}

PendingRecord read_pending(ByteReader& reader) {
  PendingRecord record;
  record.score.seq = reader.varint();
  record.score.decision = static_cast<store::Decision>(reader.u8());
  record.score.reason = reader.u8();
  record.score.tokens = static_cast<std::uint32_t>(reader.varint());
  record.waiting = static_cast<std::uint32_t>(reader.varint());
  record.adapted_nats = reader.f64();
  record.frozen_nats = reader.f64();
  return record;
}

// What decides the future besides the weights, and what the net has to show for itself.
void write_reading(const NetState& state, ByteWriter& writer) {
  const store::NetHead& head = state.head;
  for (const std::uint64_t value : {head.state_version, head.steps, head.learned_lines, head.scored_lines,
                                    head.scored_tokens, head.scored_bytes}) {
    writer.varint(value);
  }
  writer.f64(head.scored_nats);
  writer.varint(head.window_bits.size());
  for (const float value : head.window_bits) writer.f32(value);
  writer.varint(state.settled_tokens);
  writer.varint(state.pending.size());
  for (const PendingRecord& record : state.pending) write_pending(record, writer);
  writer.string(state.policy.serialize());
}

Status read_reading(ByteReader& reader, const PolicyHistory& history, NetState& state) {
  store::NetHead& head = state.head;
  for (std::uint64_t* value : {&head.state_version, &head.steps, &head.learned_lines, &head.scored_lines,
                               &head.scored_tokens, &head.scored_bytes}) {
    *value = reader.varint();
  }
  head.scored_nats = reader.f64();
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    head.window_bits.push_back(reader.f32());
  }
  state.settled_tokens = static_cast<std::uint32_t>(reader.varint());
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    state.pending.push_back(read_pending(reader));
  }
  const std::string_view policy = reader.string();
  if (!reader.ok() || reader.remaining() != 0) return data_loss("state blob is damaged");
  SILT_ASSIGN(state.policy, fold::Policy::deserialize(policy, history.at(head.learned_seq)));
  return Status::ok();
}

// Every open token belongs to a pending record or to a settled one: scores rely on it.
bool is_consistent(const NetState& state) {
  std::uint64_t open = state.settled_tokens;
  for (const PendingRecord& record : state.pending) open += record.waiting;
  return open == state.net.open.size() && (state.pending.empty() || state.pending.front().waiting > 0);
}

}  // namespace

store::Score PendingRecord::scored(double adapted, double frozen) const {
  store::Score result = score;
  result.adapted_nats = static_cast<float>(adapted);
  result.frozen_nats = static_cast<float>(frozen);
  return result;
}

std::uint64_t key_of(store::SourceRef source) {
  return static_cast<std::uint64_t>(source.tenant) << 32 | static_cast<std::uint32_t>(source.source);
}

NetState fresh_state(model::Learner& learner, const store::NetHead& base, const PolicyHistory& history, std::uint64_t key) {
  NetState state;
  state.net = learner.fresh_for(key);
  state.policy = fold::Policy(history.at(base.base_seq));
  store::NetHead& head = state.head;
  head.learned_seq = head.base_seq = base.base_seq;
  head.state_version = head.base_version = base.base_version;
  head.processed_bytes = head.base_bytes = base.base_bytes;
  head.skipped_by_reason = history.counted_before;
  head.skipped_by_reason.resize(fold::kOutcomes);
  head.counted_lines =
      std::accumulate(history.counted_before.begin(), history.counted_before.end(), std::uint64_t{0});
  return state;
}

bool has_net(const store::NetHead& head) {
  return head.learned_lines + head.scored_lines > 0;
}

void count_unread(store::NetHead& head, store::Seq last, fold::Outcome outcome) {
  if (last <= head.learned_seq) return;
  const std::uint64_t records = last - head.learned_seq;
  head.skipped_by_reason.resize(fold::kOutcomes);
  head.skipped_by_reason[static_cast<std::size_t>(outcome)] += records;
  head.counted_lines += records;
  head.learned_seq = last;
}

void count(store::NetHead& head, store::Decision decision, fold::Outcome outcome) {
  if (decision == store::Decision::kLearned) ++head.learned_lines;
  if (decision == store::Decision::kScored) ++head.scored_lines;
  if (decision == store::Decision::kCounted) ++head.counted_lines;
  head.skipped_by_reason.resize(fold::kOutcomes);
  ++head.skipped_by_reason[static_cast<std::size_t>(outcome)];
}

bool same_counts(const store::NetHead& a, const store::NetHead& b) {
  std::vector<std::uint64_t> reasons_a = a.skipped_by_reason, reasons_b = b.skipped_by_reason;
  reasons_a.resize(fold::kOutcomes);  // heads from before a reason existed are shorter
  reasons_b.resize(fold::kOutcomes);
  return a.learned_seq == b.learned_seq && a.counted_lines == b.counted_lines &&
         a.processed_bytes == b.processed_bytes && reasons_a == reasons_b;
}

Digest digest_of(const NetState& state, const model::Learner& learner) {
  const NetState* const one = &state;
  return digests_of(std::span(&one, 1), learner).front();
}

std::vector<Digest> digests_of(std::span<const NetState* const> states, const model::Learner& learner) {
  std::vector<const model::AdaptedState*> nets;
  for (const NetState* const state : states) nets.push_back(&state->net);
  std::vector<Digest> digests(states.size());
  learner.digests(nets, digests);
  for (std::size_t i = 0; i < states.size(); ++i) {
    ByteWriter writer;
    write_reading(*states[i], writer);
    Digester digester;
    digester.update(&digests[i], sizeof digests[i]);
    digester.update(writer.bytes());
    digests[i] = digester.finish();
  }
  return digests;
}

std::string encode_state(const NetState& state, const model::Learner& learner) {
  ByteWriter counts, reading, blob;
  write_counts(state.head, counts);
  write_reading(state, reading);
  blob.u8(kFormat);
  blob.string(counts.bytes());
  blob.string(reading.bytes());
  std::string bytes = learner.save(state.net);
  bytes.insert(0, blob.bytes());  // megabytes behind kilobytes: no second copy of the net
  return bytes;
}

Result<NetState> decode_state(std::string_view blob, model::Learner& learner, const PolicyHistory& history,
                              std::uint64_t key) {
  ByteReader reader(blob);
  if (reader.u8() != kFormat) return data_loss("state blob of an unknown format");
  ByteReader counts(reader.string());
  ByteReader reading(reader.string());
  if (!reader.ok()) return data_loss("state blob is cut");
  NetState state;
  read_counts(counts, state.head);
  if (!counts.ok() || counts.remaining() != 0) return data_loss("state blob is damaged");
  SILT_TRY(read_reading(reading, history, state));
  SILT_ASSIGN(state.net, learner.load_for(key, blob.substr(blob.size() - reader.remaining())));
  if (!is_consistent(state)) return data_loss("state blob is damaged: its open tokens belong to no record");
  return state;
}

}  // namespace silt::learn
