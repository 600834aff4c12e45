// Digests of what a store says, for comparing stores.
#include <algorithm>
#include <tuple>

#include "base/bytes.h"
#include "daemon/store/keys.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"

namespace silt::store {
namespace {

void update(Digester& digester, ByteWriter& writer) {
  digester.update(writer.bytes());
  writer = ByteWriter();
}

void write(const RecordView& record, ByteWriter& writer) {
  writer.varint(record.seq);
  writer.i64(record.arrival_us);
  writer.i64(record.told_us);
  writer.string(record.text);
  writer.string(record.attributes);
  writer.string(record.origin.place);
  writer.varint(record.origin.generation);
  writer.varint(record.origin.begin);
  writer.varint(record.origin.end);
  writer.varint(record.flags);
  writer.varint(record.bytes_cut);
}

void write(const PatternRow& row, ByteWriter& writer) {
  writer.varint(row.id);
  writer.string(row.text);
  writer.varint(row.count);
  writer.varint(row.first_seq);
  writer.varint(row.last_seq);
  writer.i64(row.first_event_us);
  writer.i64(row.last_event_us);
  writer.string(row.state);
}

}  // namespace

std::string SourceDigest::to_string() const {
  return tenant + " " + name + " journal_seq=" + std::to_string(journal_seq) +
         " folded_seq=" + std::to_string(folded_seq) + " learned_seq=" + std::to_string(learned_seq) +
         " journal=" + journal.hex() + " marks=" + marks.hex() + " patterns=" + patterns.hex() +
         " net=" + net.hex() + " scores=" + scores.hex();
}

Result<std::vector<SourceDigest>> RocksStore::digests() const {
  std::vector<SourceDigest> out;
  for (const SourceInfo& info : sources()) {
    SILT_ASSIGN(const Known known, this->known(info.ref));
    SourceDigest digest;
    digest.tenant = info.tenant;
    digest.name = info.name;
    digest.journal_seq = known.intake.journal_seq;
    digest.folded_seq = known.fold.folded_seq;
    if (known.net) digest.learned_seq = known.net->learned_seq;
    Digester journal, marks, patterns, net, scores;
    ByteWriter writer;
    for (Seq after = 0;;) {
      SILT_ASSIGN(const BlockPtr block, block_after(info.ref, after));
      if (!block) break;
      for (const RecordView& record : block->records.records()) write(record, writer);
      if (!block->damage.empty()) writer.string("records up to " + std::to_string(block->last_seq) + " are damaged");
      update(journal, writer);
      for (const FoldMark& mark : block->marks) {
        writer.varint(mark.pattern);
        writer.i64(mark.event_us);
        writer.u8(mark.new_pattern);
      }
      update(marks, writer);
      after = block->last_seq;
    }
    std::vector<PatternRow> rows;
    SILT_TRY(this->patterns(info.ref, rows));
    for (const PatternRow& row : rows) write(row, writer);
    update(patterns, writer);
    if (known.net) net.update(rows::payload_of(rows::encode("", *known.net)));
    std::vector<Score> all;
    SILT_TRY(this->scores(info.ref, 1, ~Seq{0}, all));
    for (const Score& score : all) {
      writer.varint(score.seq);
      writer.u8(static_cast<std::uint8_t>(score.decision));
      writer.u8(score.reason);
      writer.varint(score.tokens);
      writer.f32(score.adapted_nats);
      writer.f32(score.frozen_nats);
    }
    update(scores, writer);
    digest.journal = journal.finish();
    digest.marks = marks.finish();
    digest.patterns = patterns.finish();
    digest.net = net.finish();
    digest.scores = scores.finish();
    out.push_back(std::move(digest));
  }
  std::sort(out.begin(), out.end(), [](const SourceDigest& a, const SourceDigest& b) {
    return std::tie(a.tenant, a.name) < std::tie(b.tenant, b.name);
  });
  return out;
}

}  // namespace silt::store
