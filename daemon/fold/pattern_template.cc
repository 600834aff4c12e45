#include "daemon/fold/pattern_template.h"

#include "base/bytes.h"

namespace silt::fold {
namespace {

constexpr std::uint8_t kRowVersion = 2;

std::uint8_t flags_of(const TemplateChunk& chunk) {
  return static_cast<std::uint8_t>(chunk.slot | chunk.variable << 1 | chunk.free << 2 | chunk.wild << 3 |
                                   chunk.value << 4 | chunk.keyed << 5);
}

}  // namespace

void Template::rebuild_text() {
  pattern.text.clear();
  for (const TemplateChunk& chunk : chunks) {
    if (!pattern.text.empty()) pattern.text.push_back(' ');
    pattern.text += chunk.text;
  }
}

std::string encode_template(const Template& source) {
  ByteWriter out;
  const Pattern& pattern = source.pattern;
  out.u8(kRowVersion);
  out.varint(pattern.id);
  out.varint(pattern.merged_into);
  out.varint(pattern.count);
  out.varint(pattern.first_seq);
  out.varint(pattern.last_seq);
  out.i64(pattern.first_time_us);
  out.i64(pattern.last_time_us);
  out.varint(pattern.example_seq);
  out.u64(source.shape);
  for (const std::uint64_t step : source.route) out.u64(step);
  out.string(pattern.program);
  if (pattern.merged_into != 0) out.string(pattern.text);
  out.varint(source.chunks.size());
  for (const TemplateChunk& chunk : source.chunks) {
    out.u8(flags_of(chunk));
    out.string(chunk.text);
  }
  return out.take();
}

Result<Template> decode_template(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.u8() != kRowVersion) return data_loss("pattern row: unknown version");
  Template out;
  Pattern& pattern = out.pattern;
  pattern.id = static_cast<PatternId>(in.varint());
  pattern.merged_into = static_cast<PatternId>(in.varint());
  pattern.count = in.varint();
  pattern.first_seq = in.varint();
  pattern.last_seq = in.varint();
  pattern.first_time_us = in.i64();
  pattern.last_time_us = in.i64();
  pattern.example_seq = in.varint();
  out.shape = in.u64();
  for (std::uint64_t& step : out.route) step = in.u64();
  pattern.program = in.string();
  if (pattern.merged_into != 0) pattern.text = in.string();
  const std::uint64_t chunks = in.varint();
  if (!in.ok() || chunks > in.remaining() || (pattern.merged_into != 0 && chunks != 0))
    return data_loss("pattern row: damaged");
  for (std::uint64_t i = 0; i < chunks; ++i) {
    const std::uint8_t flags = in.u8();
    TemplateChunk chunk;
    chunk.slot = flags & 1;
    chunk.variable = flags & 2;
    chunk.free = flags & 4;
    chunk.wild = flags & 8;
    chunk.value = flags & 16;
    chunk.keyed = flags & 32;
    chunk.text = in.string();
    chunk.hash = hash_text(chunk.text);
    out.chunks.push_back(std::move(chunk));
  }
  if (!in.ok() || in.remaining() != 0) return data_loss("pattern row: damaged");
  if (pattern.merged_into == 0) out.rebuild_text();
  return out;
}

bool may_vary(const TemplateChunk& chunk, const Chunk& other, std::string_view other_text) {
  if (chunk.value && other.value) return true;
  if (!chunk.keyed || !other.keyed) return false;
  return chunk.key().size() > 1 && other_text.starts_with(chunk.key());
}

std::string wild_text(const TemplateChunk& chunk, std::string_view other) {
  const std::string_view key = chunk.key();
  if (!chunk.free && (key.size() < 2 || !other.starts_with(key))) return std::string(kWild);
  return std::string(key).append(kWild);
}

}  // namespace silt::fold
