#include "daemon/learn/forget_certificate.h"

#include "base/bytes.h"

namespace silt::learn {
namespace {

constexpr std::uint8_t kFormat = 1;

void write(const Digest& digest, ByteWriter& writer) {
  writer.varint(digest.high);
  writer.varint(digest.low);
}

Digest read_digest(ByteReader& reader) {
  const std::uint64_t high = reader.varint();
  return {high, reader.varint()};
}

void write(const std::vector<std::string>& names, ByteWriter& writer) {
  writer.varint(names.size());
  for (const std::string& name : names) writer.string(name);
}

void read(ByteReader& reader, std::vector<std::string>& names) {
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) names.emplace_back(reader.string());
}

void write(const ForgottenSource& source, ByteWriter& writer) {
  writer.varint(static_cast<std::uint32_t>(source.ref.tenant));
  writer.varint(static_cast<std::uint32_t>(source.ref.source));
  for (const std::string* text : {&source.name, &source.connector, &source.journal_before, &source.journal_after}) writer.string(*text);
  writer.u8(source.whole ? 1 : 0);
  writer.varint(source.ranges.size());
  for (const store::SeqRange& range : source.ranges) {
    writer.varint(range.first);
    writer.varint(range.last - range.first);
  }
  const ForgetResult& state = source.state;
  for (const std::uint64_t value : {source.records, source.unreadable_records, state.old_version, state.from_version, state.from_seq,
                                    state.dropped_versions}) {
    writer.varint(value);
  }
  write(state.old_digest, writer);
  write(state.from_digest, writer);
}

ForgottenSource read_source(ByteReader& reader) {
  ForgottenSource source;
  source.ref.tenant = store::TenantId{static_cast<std::uint32_t>(reader.varint())};
  source.ref.source = store::SourceId{static_cast<std::uint32_t>(reader.varint())};
  for (std::string* text : {&source.name, &source.connector, &source.journal_before, &source.journal_after}) *text = reader.string();
  source.whole = reader.u8() == 1;
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    const store::Seq first = reader.varint();
    source.ranges.push_back({first, first + reader.varint()});
  }
  ForgetResult& state = source.state;
  for (std::uint64_t* value : {&source.records, &source.unreadable_records, &state.old_version, &state.from_version, &state.from_seq,
                               &state.dropped_versions}) {
    *value = reader.varint();
  }
  state.old_digest = read_digest(reader);
  state.from_digest = read_digest(reader);
  return source;
}

}  // namespace

std::string encode_certificate(const ForgetCertificate& certificate) {
  ByteWriter writer;
  writer.u8(kFormat);
  for (const std::string* text : {&certificate.tenant, &certificate.request_id, &certificate.text_sha256}) writer.string(*text);
  writer.u8(static_cast<std::uint8_t>(certificate.kind));
  writer.i64(certificate.begun_us);
  writer.i64(certificate.ended_us);
  writer.varint(certificate.sources.size());
  for (const ForgottenSource& source : certificate.sources) write(source, writer);
  write(certificate.may_remember, writer);
  writer.varint(certificate.files_replaced);
  write(certificate.files_left, writer);
  writer.u8(certificate.files_searched ? 1 : 0);
  write(certificate.files_with_text, writer);
  return writer.take();
}

Result<ForgetCertificate> decode_certificate(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.u8() != kFormat) return data_loss("a certificate of forgetting has an unknown format");
  ForgetCertificate out;
  for (std::string* text : {&out.tenant, &out.request_id, &out.text_sha256}) *text = reader.string();
  out.kind = static_cast<ForgetKind>(reader.u8());
  out.begun_us = reader.i64();
  out.ended_us = reader.i64();
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) out.sources.push_back(read_source(reader));
  read(reader, out.may_remember);
  out.files_replaced = reader.varint();
  read(reader, out.files_left);
  out.files_searched = reader.u8() == 1;
  read(reader, out.files_with_text);
  if (!reader.ok()) return data_loss("a certificate of forgetting is damaged");
  return out;
}

}  // namespace silt::learn
