#include "daemon/store/marks.h"

#include <algorithm>
#include <cmath>

#include "base/bytes.h"
#include "daemon/store/compress.h"

namespace silt::store {
namespace {

constexpr std::size_t kCompressFrom = 192;             // below it a frame costs more than it saves
constexpr std::uint64_t kRowBytesMax = 64ull << 20;    // of one row, decompressed
constexpr float kPerNat = 64;
constexpr float kNatsMax = 1e6f;

// A difference that may pass the ends of the range; the sum below brings it back.
std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

// varint size of the rest when decompressed, 0: the rest is plain.
std::string pack(const std::string& plain) {
  ByteWriter writer;
  if (plain.size() < kCompressFrom) {
    writer.varint(0);
    writer.raw(plain.data(), plain.size());
    return writer.take();
  }
  writer.varint(plain.size());
  std::string out = writer.take();
  compress_append(plain, 1, out);
  return out;
}

Result<std::string> unpack(std::string_view bytes, const char* what) {
  ByteReader reader(bytes);
  const std::uint64_t size = reader.varint();
  if (!reader.ok() || size > kRowBytesMax) return data_loss(std::string(what) + ": bad length");
  const std::string_view rest = bytes.substr(bytes.size() - reader.remaining());
  if (size == 0) return std::string(rest);
  std::string plain(size, '\0');
  const Status done = decompress(rest, plain.data(), plain.size());
  if (!done.is_ok()) return done.with_context(what);
  return plain;
}

std::uint64_t quantised(float nats) {
  if (!(nats > 0)) return 0;  // NaN, too
  return static_cast<std::uint64_t>(std::lround(std::min(nats, kNatsMax) * kPerNat));
}

}  // namespace

std::string encode_marks(std::span<const FoldMark> marks) {
  ByteWriter writer;
  writer.varint(marks.size());
  for (const FoldMark& mark : marks) writer.varint(std::uint64_t{mark.pattern} << 1 | (mark.new_pattern ? 1 : 0));
  std::int64_t last = 0;
  for (const FoldMark& mark : marks) {
    writer.varint(zigzag(minus(mark.event_us, last)));
    last = mark.event_us;
  }
  return pack(writer.bytes());
}

Result<std::vector<FoldMark>> decode_marks(std::string_view bytes) {
  SILT_ASSIGN(const std::string plain, unpack(bytes, "marks"));
  ByteReader reader(plain);
  const std::uint64_t count = reader.varint();
  if (count > reader.remaining()) return data_loss("marks: bad count");
  std::vector<FoldMark> marks(count);
  for (FoldMark& mark : marks) {
    const std::uint64_t value = reader.varint();
    mark.pattern = static_cast<PatternId>(value >> 1);
    mark.new_pattern = (value & 1) != 0;
  }
  std::int64_t last = 0;
  for (FoldMark& mark : marks) mark.event_us = last = plus(last, unzigzag(reader.varint()));
  if (!reader.ok() || reader.remaining() != 0) return data_loss("marks: damaged");
  return marks;
}

std::string encode_scores(std::span<const Score> scores) {
  ByteWriter writer;
  writer.varint(scores.size());
  Seq last = 0;
  for (const Score& score : scores) {
    writer.varint(score.seq - last);
    last = score.seq;
  }
  for (const Score& score : scores) {
    writer.u8(static_cast<std::uint8_t>(score.reason << 2 | static_cast<std::uint8_t>(score.decision)));
  }
  for (const Score& score : scores) writer.varint(score.tokens);
  for (const Score& score : scores) {
    if (score.tokens == 0) continue;
    writer.varint(quantised(score.adapted_nats));
    writer.varint(quantised(score.frozen_nats));
  }
  return pack(writer.bytes());
}

Result<std::vector<Score>> decode_scores(std::string_view bytes) {
  SILT_ASSIGN(const std::string plain, unpack(bytes, "scores"));
  ByteReader reader(plain);
  const std::uint64_t count = reader.varint();
  if (count > reader.remaining()) return data_loss("scores: bad count");
  std::vector<Score> scores(count);
  Seq last = 0;
  for (Score& score : scores) score.seq = last += reader.varint();
  for (Score& score : scores) {
    const std::uint8_t value = reader.u8();
    score.decision = static_cast<Decision>(value & 3);
    score.reason = value >> 2;
  }
  for (Score& score : scores) score.tokens = static_cast<std::uint32_t>(reader.varint());
  for (Score& score : scores) {
    if (score.tokens == 0) continue;
    score.adapted_nats = static_cast<float>(reader.varint()) / kPerNat;
    score.frozen_nats = static_cast<float>(reader.varint()) / kPerNat;
  }
  if (!reader.ok() || reader.remaining() != 0) return data_loss("scores: damaged");
  return scores;
}

}  // namespace silt::store
