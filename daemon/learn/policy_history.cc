#include "daemon/learn/policy_history.h"

#include <algorithm>

#include "base/bytes.h"

namespace silt::learn {
namespace {

constexpr std::uint8_t kFormat = 2;

void write_config(const fold::PolicyConfig& config, ByteWriter& writer) {
  writer.u8(static_cast<std::uint8_t>(config.mode));
  writer.varint(config.learn_tokens_per_s);
  writer.varint(config.burst_tokens);
  writer.varint(config.new_pattern_learn_count);
}

fold::PolicyConfig read_config(ByteReader& reader) {
  fold::PolicyConfig config;
  config.mode = static_cast<fold::SourceMode>(std::min<std::uint8_t>(reader.u8(), 2));
  config.learn_tokens_per_s = reader.varint();
  config.burst_tokens = reader.varint();
  config.new_pattern_learn_count = static_cast<std::uint32_t>(reader.varint());
  return config;
}

}  // namespace

PolicyHistory PolicyHistory::from_base(const store::NetHead& head, const fold::PolicyConfig& config) {
  return {{{head.base_seq, head.base_bytes, config}}, {}};
}

const fold::PolicyConfig& PolicyHistory::behind(store::Seq seq) const {
  const auto later =
      std::upper_bound(changes.begin() + 1, changes.end(), seq,
                       [](store::Seq value, const PolicyChange& change) { return value < change.after_seq; });
  return std::prev(later)->config;
}

const fold::PolicyConfig& PolicyHistory::at(store::Seq seq) const {
  return behind(seq == 0 ? 0 : seq - 1);
}

const PolicyChange* PolicyHistory::next(store::Seq seq) const {
  const auto found = std::find_if(changes.begin(), changes.end(),
                                  [&](const PolicyChange& change) { return change.after_seq > seq; });
  return found == changes.end() ? nullptr : &*found;
}

std::string encode_history(const PolicyHistory& history) {
  ByteWriter writer;
  writer.u8(kFormat);
  writer.varint(history.changes.size());
  for (const PolicyChange& change : history.changes) {
    writer.varint(change.after_seq);
    writer.varint(change.after_bytes);
    write_config(change.config, writer);
  }
  writer.varint(history.counted_before.size());
  for (const std::uint64_t count : history.counted_before) writer.varint(count);
  return writer.take();
}

PolicyHistory decode_history(const store::NetHead& head, const fold::PolicyConfig& fallback) {
  PolicyHistory history;
  ByteReader reader(head.learn_config);
  const bool known = reader.u8() == kFormat;
  for (std::uint64_t left = known ? reader.varint() : 0; left > 0 && reader.ok(); --left) {
    const store::Seq after_seq = reader.varint();
    const std::uint64_t after_bytes = reader.varint();
    history.changes.push_back({after_seq, after_bytes, read_config(reader)});
  }
  for (std::uint64_t left = known ? reader.varint() : 0; left > 0 && reader.ok(); --left) {
    history.counted_before.push_back(reader.varint());
  }
  if (reader.ok() && !history.changes.empty()) return history;
  return PolicyHistory::from_base(head, fallback);
}

bool same_policy(const fold::PolicyConfig& a, const fold::PolicyConfig& b) {
  return a.mode == b.mode && a.learn_tokens_per_s == b.learn_tokens_per_s &&
         a.burst_tokens == b.burst_tokens && a.new_pattern_learn_count == b.new_pattern_learn_count;
}

}  // namespace silt::learn
