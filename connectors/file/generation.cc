#include "connectors/file/generation.h"

#include <cinttypes>
#include <cstdio>

#include "base/bytes.h"

namespace silt::connectors {
namespace {

constexpr std::uint8_t kRowVersion = 1;
constexpr std::uint8_t kLossReported = 1;
constexpr std::uint8_t kIgnored = 2;
constexpr std::uint8_t kUnlinked = 4;

// Fixed width, so that the journal lists generations in order.
std::string row_key(std::uint64_t id) {
  char text[24];
  std::snprintf(text, sizeof text, "g%016" PRIx64, id);
  return text;
}

void write(ByteWriter& to, const Fingerprint& print) {
  to.varint(print.size);
  to.u64(print.digest.high);
  to.u64(print.digest.low);
}

Fingerprint read_fingerprint(ByteReader& from) {
  Fingerprint print;
  print.size = static_cast<std::uint32_t>(from.varint());
  print.digest.high = from.u64();
  print.digest.low = from.u64();
  return print;
}

}  // namespace

CursorRow encode_row(const GenerationRow& row) {
  ByteWriter to;
  to.u8(kRowVersion);
  to.u64(row.id);
  to.string(row.chain);
  to.string(row.path);
  to.u64(row.key.device);
  to.u64(row.key.inode);
  to.i64(row.key.birth_ns);
  to.u32(row.key.version);
  to.u64(row.offset);
  write(to, row.head);
  write(to, row.tail);
  to.u64(row.seen_size);
  to.i64(row.order_ns);
  to.i64(row.gone_since_us);
  to.u8(static_cast<std::uint8_t>((row.loss_reported ? kLossReported : 0) | (row.ignored ? kIgnored : 0) |
                                  (row.unlinked ? kUnlinked : 0)));
  return {row_key(row.id), to.take(), false};
}

Result<GenerationRow> decode_row(const CursorRow& stored) {
  ByteReader from(stored.value);
  if (const std::uint8_t version = from.u8(); version != kRowVersion) {
    return failed_precondition("file cursor " + stored.key + " has version " + std::to_string(version) +
                               ", this siltd reads version 1: run the newer siltd that wrote it");
  }
  GenerationRow row;
  row.id = from.u64();
  row.chain = from.string();
  row.path = from.string();
  row.key.device = from.u64();
  row.key.inode = from.u64();
  row.key.birth_ns = from.i64();
  row.key.version = from.u32();
  row.offset = from.u64();
  row.head = read_fingerprint(from);
  row.tail = read_fingerprint(from);
  row.seen_size = from.u64();
  row.order_ns = from.i64();
  row.gone_since_us = from.i64();
  const std::uint8_t flags = from.u8();
  row.loss_reported = (flags & kLossReported) != 0;
  row.ignored = (flags & kIgnored) != 0;
  row.unlinked = (flags & kUnlinked) != 0;
  const bool sane = from.ok() && from.remaining() == 0 && stored.key == row_key(row.id) &&
                    row.head.size <= kHeadBytes && row.tail.size <= kTailBytes && row.tail.size <= row.offset;
  if (!sane)
    return data_loss("file cursor " + stored.key + " is damaged: restore the journal or delete the row");
  return row;
}

CursorRow deleted_row(std::uint64_t id) {
  return {row_key(id), {}, true};
}

}  // namespace silt::connectors
