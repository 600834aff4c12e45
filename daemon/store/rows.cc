#include "daemon/store/rows.h"

#include "proto/store/v1/rows.pb.h"

namespace silt::store::rows {
namespace {

namespace pb = ::store::v1;

constexpr char kFormat = 1;
constexpr std::size_t kEnvelopeBytes = 1 + 4;

std::uint32_t checksum(std::string_view key, std::string_view payload) {
  Digester digester;
  digester.update(key);
  digester.update(payload);
  return static_cast<std::uint32_t>(digester.finish().low);
}

Status damaged(std::string_view key, std::string_view why) {
  std::string message = "row of table '";
  message += key.empty() ? '?' : key[0];
  message += "' ";
  message += why;
  return data_loss(std::move(message));
}

// Room for the envelope, then the payload.
std::string finish(std::string_view key, std::string value) {
  const std::uint32_t sum = checksum(key, std::string_view(value).substr(kEnvelopeBytes));
  for (int i = 0; i < 4; ++i) value[1 + i] = static_cast<char>(sum >> (8 * i));
  return value;
}

std::string wrap(std::string_view key, const google::protobuf::MessageLite& message) {
  std::string value(kEnvelopeBytes, kFormat);
  message.AppendToString(&value);
  return finish(key, std::move(value));
}

Status unwrap(std::string_view key, std::string_view value, google::protobuf::MessageLite& message) {
  SILT_ASSIGN(const std::string_view payload, open(key, value));
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return damaged(key, "cannot be parsed");
  }
  return Status::ok();
}

}  // namespace

std::string seal(std::string_view key, std::string_view payload) {
  std::string value(kEnvelopeBytes, kFormat);
  value += payload;
  return finish(key, std::move(value));
}

Result<std::string_view> open(std::string_view key, std::string_view value) {
  if (value.size() < kEnvelopeBytes) return damaged(key, "is too short");
  if (value[0] != kFormat) return damaged(key, "has an unknown format");
  std::uint32_t sum = 0;
  for (int i = 0; i < 4; ++i)
    sum |= static_cast<std::uint32_t>(static_cast<unsigned char>(value[1 + i])) << (8 * i);
  const std::string_view payload = value.substr(kEnvelopeBytes);
  if (sum != checksum(key, payload)) return damaged(key, "fails its checksum");
  return payload;
}

std::string_view payload_of(std::string_view value) {
  return value.size() < kEnvelopeBytes ? value : value.substr(kEnvelopeBytes);
}

std::string encode(std::string_view key, const Schema& row) {
  pb::SchemaRow message;
  message.set_major(row.major);
  message.set_minor(row.minor);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, Schema& row) {
  pb::SchemaRow message;
  SILT_TRY(unwrap(key, value, message));
  row = {message.major(), message.minor()};
  return Status::ok();
}

std::string encode(std::string_view key, const SourceInfo& row) {
  pb::SourceRow message;
  message.set_tenant(row.tenant);
  message.set_name(row.name);
  message.set_connector(row.connector);
  message.set_stream(row.stream);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, SourceInfo& row) {
  pb::SourceRow message;
  SILT_TRY(unwrap(key, value, message));
  row.tenant = message.tenant();
  row.name = message.name();
  row.connector = message.connector();
  row.stream = message.stream();
  return Status::ok();
}

std::string encode(std::string_view key, const IntakeHead& row) {
  pb::IntakeHeadRow message;
  message.set_journal_seq(row.journal_seq);
  message.set_lines(row.lines);
  message.set_bytes(row.bytes);
  message.set_gaps(row.gaps);
  message.set_bytes_lost(row.bytes_lost);
  message.set_redactions(row.redactions);
  message.set_last_arrival_us(row.last_arrival_us);
  message.set_redaction(row.redaction);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, IntakeHead& row) {
  pb::IntakeHeadRow message;
  SILT_TRY(unwrap(key, value, message));
  row.journal_seq = message.journal_seq();
  row.lines = message.lines();
  row.bytes = message.bytes();
  row.gaps = message.gaps();
  row.bytes_lost = message.bytes_lost();
  row.redactions = message.redactions();
  row.last_arrival_us = message.last_arrival_us();
  row.redaction = message.redaction();
  return Status::ok();
}

std::string encode(std::string_view key, const connectors::CursorRow& row) {
  pb::CursorRow message;
  message.set_value(row.value);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, connectors::CursorRow& row) {
  pb::CursorRow message;
  SILT_TRY(unwrap(key, value, message));
  row.value = message.value();
  return Status::ok();
}

std::string encode(std::string_view key, const ShedMark& row) {
  pb::ShedRow message;
  message.set_last_seq(row.last_seq);
  message.set_reason(row.reason);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, ShedMark& row) {
  pb::ShedRow message;
  SILT_TRY(unwrap(key, value, message));
  row.last_seq = message.last_seq();
  row.reason = message.reason();
  return Status::ok();
}

std::string encode(std::string_view key, const Gap& row) {
  pb::GapRow message;
  message.set_seq(row.seq);
  message.set_found_us(row.found_us);
  message.set_place(row.place);
  message.set_begin(row.begin);
  message.set_bytes(row.bytes);
  message.set_cause(row.cause);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, Gap& row) {
  pb::GapRow message;
  SILT_TRY(unwrap(key, value, message));
  row.seq = message.seq();
  row.found_us = message.found_us();
  row.place = message.place();
  row.begin = message.begin();
  row.bytes = message.bytes();
  row.cause = message.cause();
  return Status::ok();
}

std::string encode(std::string_view key, const FoldHead& row) {
  pb::FoldHeadRow message;
  message.set_folded_seq(row.folded_seq);
  message.set_sealed_seq(row.sealed_seq);
  message.set_floor_seq(row.floor_seq);
  message.set_folded_bytes(row.folded_bytes);
  message.set_segment_bytes(row.segment_bytes);
  message.set_sealed_bytes(row.sealed_bytes);
  message.set_open_chunks(row.open_chunks);
  message.set_patterns(row.patterns);
  message.set_last_event_us(row.last_event_us);
  message.set_last_event_arrival_us(row.last_event_arrival_us);
  message.set_last_event_place(row.last_event_place);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, FoldHead& row) {
  pb::FoldHeadRow message;
  SILT_TRY(unwrap(key, value, message));
  row.folded_seq = message.folded_seq();
  row.sealed_seq = message.sealed_seq();
  row.floor_seq = message.floor_seq();
  row.folded_bytes = message.folded_bytes();
  row.segment_bytes = message.segment_bytes();
  row.sealed_bytes = message.sealed_bytes();
  row.open_chunks = message.open_chunks();
  row.patterns = message.patterns();
  row.last_event_us = message.last_event_us();
  row.last_event_arrival_us = message.last_event_arrival_us();
  row.last_event_place = message.last_event_place();
  return Status::ok();
}

std::string encode(std::string_view key, const SegmentInfo& row) {
  pb::SegmentRow message;
  message.set_last_seq(row.last_seq);
  message.set_stored_bytes(row.stored_bytes);
  message.set_raw_bytes(row.raw_bytes);
  message.set_last_arrival_us(row.last_arrival_us);
  message.set_first_event_us(row.first_event_us);
  message.set_last_event_us(row.last_event_us);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, SegmentInfo& row) {
  pb::SegmentRow message;
  SILT_TRY(unwrap(key, value, message));
  row.last_seq = message.last_seq();
  row.stored_bytes = message.stored_bytes();
  row.raw_bytes = message.raw_bytes();
  row.last_arrival_us = message.last_arrival_us();
  row.first_event_us = message.first_event_us();
  row.last_event_us = message.last_event_us();
  return Status::ok();
}

std::string encode(std::string_view key, const NetHead& row) {
  pb::NetHeadRow message;
  message.set_learned_seq(row.learned_seq);
  message.set_state_version(row.state_version);
  message.set_digest_high(row.state_digest.high);
  message.set_digest_low(row.state_digest.low);
  message.set_steps(row.steps);
  message.set_learned_lines(row.learned_lines);
  message.set_scored_lines(row.scored_lines);
  message.set_counted_lines(row.counted_lines);
  message.mutable_skipped_by_reason()->Assign(row.skipped_by_reason.begin(), row.skipped_by_reason.end());
  message.set_scored_tokens(row.scored_tokens);
  message.set_scored_bytes(row.scored_bytes);
  message.set_scored_nats(row.scored_nats);
  message.mutable_window_bits()->Assign(row.window_bits.begin(), row.window_bits.end());
  message.set_backend(row.backend);
  message.set_model_fingerprint(row.model_fingerprint);
  message.set_base_seq(row.base_seq);
  message.set_base_version(row.base_version);
  message.set_processed_bytes(row.processed_bytes);
  message.set_learn_config(row.learn_config);
  message.set_base_bytes(row.base_bytes);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, NetHead& row) {
  pb::NetHeadRow message;
  SILT_TRY(unwrap(key, value, message));
  row.learned_seq = message.learned_seq();
  row.state_version = message.state_version();
  row.state_digest = {message.digest_high(), message.digest_low()};
  row.steps = message.steps();
  row.learned_lines = message.learned_lines();
  row.scored_lines = message.scored_lines();
  row.counted_lines = message.counted_lines();
  row.skipped_by_reason.assign(message.skipped_by_reason().begin(), message.skipped_by_reason().end());
  row.scored_tokens = message.scored_tokens();
  row.scored_bytes = message.scored_bytes();
  row.scored_nats = message.scored_nats();
  row.window_bits.assign(message.window_bits().begin(), message.window_bits().end());
  row.backend = message.backend();
  row.model_fingerprint = message.model_fingerprint();
  row.base_seq = message.base_seq();
  row.base_version = message.base_version();
  row.processed_bytes = message.processed_bytes();
  row.learn_config = message.learn_config();
  row.base_bytes = message.base_bytes();
  return Status::ok();
}

std::string encode(std::string_view key, const PatternRow& row) {
  pb::PatternRow message;
  message.set_text(row.text);
  message.set_count(row.count);
  message.set_first_seq(row.first_seq);
  message.set_last_seq(row.last_seq);
  message.set_first_event_us(row.first_event_us);
  message.set_last_event_us(row.last_event_us);
  message.set_state(row.state);
  message.set_program(row.program);
  message.set_merged_into(row.merged_into);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, PatternRow& row) {
  pb::PatternRow message;
  SILT_TRY(unwrap(key, value, message));
  row.text = message.text();
  row.count = message.count();
  row.first_seq = message.first_seq();
  row.last_seq = message.last_seq();
  row.first_event_us = message.first_event_us();
  row.last_event_us = message.last_event_us();
  row.state = std::move(*message.mutable_state());
  row.program = std::move(*message.mutable_program());
  row.merged_into = message.merged_into();
  return Status::ok();
}

std::string encode(std::string_view key, const StateVersion& row) {
  pb::StateVersionRow message;
  message.set_state_version(row.info.state_version);
  message.set_digest_high(row.info.state_digest.high);
  message.set_digest_low(row.info.state_digest.low);
  message.set_blob_bytes(row.info.blob_bytes);
  message.set_blob_digest_high(row.blob_digest.high);
  message.set_blob_digest_low(row.blob_digest.low);
  message.set_written_us(row.info.written_us);
  message.set_reason(row.info.reason);
  message.set_pinned(row.info.pinned);
  message.set_processed_bytes(row.info.processed_bytes);
  message.set_scored_bytes(row.info.scored_bytes);
  message.set_scored_nats(row.info.scored_nats);
  message.set_backend(row.info.backend);
  message.set_model_fingerprint(row.info.model_fingerprint);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, StateVersion& row) {
  pb::StateVersionRow message;
  SILT_TRY(unwrap(key, value, message));
  row.info.state_version = message.state_version();
  row.info.state_digest = {message.digest_high(), message.digest_low()};
  row.info.blob_bytes = message.blob_bytes();
  row.blob_digest = {message.blob_digest_high(), message.blob_digest_low()};
  row.info.written_us = message.written_us();
  row.info.reason = message.reason();
  row.info.pinned = message.pinned();
  row.info.processed_bytes = message.processed_bytes();
  row.info.scored_bytes = message.scored_bytes();
  row.info.scored_nats = message.scored_nats();
  row.info.backend = message.backend();
  row.info.model_fingerprint = message.model_fingerprint();
  return Status::ok();
}

std::string encode(std::string_view key, const LeftOut& row) {
  pb::LeftOutRow message;
  Seq before = 0;
  for (const SeqRange& range : row.ranges) {
    message.add_steps(range.first - before);
    message.add_steps(range.last - range.first);
    before = range.last;
  }
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, LeftOut& row) {
  pb::LeftOutRow message;
  SILT_TRY(unwrap(key, value, message));
  Seq before = 0;
  for (int i = 0; i + 1 < message.steps_size(); i += 2) {
    const Seq first = before + message.steps(i);
    before = first + message.steps(i + 1);
    row.ranges.push_back({first, before});
  }
  return Status::ok();
}

std::string encode(std::string_view key, const AuditAnchor& row) {
  pb::AuditAnchorRow message;
  message.set_number(row.number);
  message.set_sha256(row.sha256);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, AuditAnchor& row) {
  pb::AuditAnchorRow message;
  SILT_TRY(unwrap(key, value, message));
  row.number = message.number();
  row.sha256 = message.sha256();
  return Status::ok();
}

std::string encode(std::string_view key, const Numbers& row) {
  pb::NumbersRow message;
  message.set_source(row.source);
  message.set_tenant(row.tenant);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, Numbers& row) {
  pb::NumbersRow message;
  SILT_TRY(unwrap(key, value, message));
  row.source = message.source();
  row.tenant = message.tenant();
  return Status::ok();
}

std::string encode(std::string_view key, const DayUse& row) {
  pb::DayUseRow message;
  message.set_day(row.day);
  message.set_bytes(row.bytes);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, DayUse& row) {
  pb::DayUseRow message;
  SILT_TRY(unwrap(key, value, message));
  row.day = message.day();
  row.bytes = message.bytes();
  return Status::ok();
}

std::string encode(std::string_view key, const RequestResult& row) {
  pb::RequestRow message;
  message.set_written_us(row.written_us);
  message.set_result(row.result);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, RequestResult& row) {
  pb::RequestRow message;
  SILT_TRY(unwrap(key, value, message));
  row.written_us = message.written_us();
  row.result = message.result();
  return Status::ok();
}

std::string encode(std::string_view key, const TokenRow& row) {
  pb::TokenRow message;
  message.set_sha256(row.sha256);
  message.set_tenant(row.tenant);
  message.set_rights(row.rights);
  message.set_note(row.note);
  message.set_created_by(row.created_by);
  message.set_created_us(row.created_us);
  message.set_expires_us(row.expires_us);
  message.set_revoked_us(row.revoked_us);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, TokenRow& row) {
  pb::TokenRow message;
  SILT_TRY(unwrap(key, value, message));
  row.sha256 = message.sha256();
  row.tenant = message.tenant();
  row.rights = message.rights();
  row.note = message.note();
  row.created_by = message.created_by();
  row.created_us = message.created_us();
  row.expires_us = message.expires_us();
  row.revoked_us = message.revoked_us();
  return Status::ok();
}

std::string encode(std::string_view key, const NormalRow& row) {
  pb::NormalRow message;
  message.set_until_us(row.until_us);
  message.set_created_us(row.created_us);
  message.set_created_by(row.created_by);
  message.set_note(row.note);
  return wrap(key, message);
}

Status decode(std::string_view key, std::string_view value, NormalRow& row) {
  pb::NormalRow message;
  SILT_TRY(unwrap(key, value, message));
  row.until_us = message.until_us();
  row.created_us = message.created_us();
  row.created_by = message.created_by();
  row.note = message.note();
  return Status::ok();
}

}  // namespace silt::store::rows
