// The part of rows.h for the outbox.
#include "daemon/store/rows.h"

#include "proto/store/v1/rows.pb.h"

namespace silt::store::rows {
namespace {

namespace pb = ::store::v1;

std::string sealed(std::string_view key, const google::protobuf::MessageLite& message) {
  return seal(key, message.SerializeAsString());
}

Status parse(std::string_view key, std::string_view value, google::protobuf::MessageLite& message) {
  SILT_ASSIGN(const std::string_view payload, open(key, value));
  if (message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return Status::ok();
  return data_loss("row of table '" + std::string(key.substr(0, 1)) + "' cannot be parsed");
}

std::uint64_t number_of(SourceRef source) {
  return std::uint64_t{static_cast<std::uint32_t>(source.tenant)} << 32 | static_cast<std::uint32_t>(source.source);
}

SourceRef source_of(std::uint64_t number) {
  return {TenantId{static_cast<std::uint32_t>(number >> 32)}, SourceId{static_cast<std::uint32_t>(number)}};
}

void write(const OutboxChange& change, pb::OutboxChange& out) {
  out.set_kind(change.kind);
  out.set_tenant(static_cast<std::uint32_t>(change.source.tenant));
  out.set_source(static_cast<std::uint32_t>(change.source.source));
  out.set_pattern(change.pattern);
  out.set_time_us(change.time_us);
  out.set_seq(change.seq);
  out.set_value(change.value);
  out.set_most_before(change.most_before);
  out.set_score(change.score);
}

OutboxChange read(const pb::OutboxChange& change) {
  return {change.kind(),    {TenantId{change.tenant()}, SourceId{change.source()}}, change.pattern(), change.time_us(), change.seq(), change.value(),
          change.most_before(), change.score()};
}

}  // namespace

std::string encode(std::string_view key, const OutboxRow& row) {
  pb::OutboxRow message;
  message.set_created_us(row.created_us);
  message.set_due_us(row.due_us);
  message.set_id(row.id);
  write(row.cause, *message.mutable_cause());
  message.set_last_us(row.last_us);
  for (const SourceRef source : row.sources) message.add_sources(number_of(source));
  message.set_changes_total(row.changes_total);
  for (const OutboxChange& change : row.changes) write(change, *message.add_changes());
  message.set_digest_since_us(row.digest_since_us);
  message.set_digest_until_us(row.digest_until_us);
  message.set_left_out(row.left_out);
  return sealed(key, message);
}

Status decode(std::string_view key, std::string_view value, OutboxRow& row) {
  pb::OutboxRow message;
  SILT_TRY(parse(key, value, message));
  row.created_us = message.created_us();
  row.due_us = message.due_us();
  row.id = message.id();
  row.cause = read(message.cause());
  row.last_us = message.last_us();
  row.sources.clear();
  for (const std::uint64_t source : message.sources()) row.sources.push_back(source_of(source));
  row.changes_total = message.changes_total();
  row.changes.clear();
  for (const pb::OutboxChange& change : message.changes()) row.changes.push_back(read(change));
  row.digest_since_us = message.digest_since_us();
  row.digest_until_us = message.digest_until_us();
  row.left_out = message.left_out();
  return Status::ok();
}

std::string encode(std::string_view key, const OutboxHead& row) {
  pb::OutboxHeadRow message;
  message.set_next_number(row.next_number);
  message.set_day(row.day);
  message.set_alerts_of_day(row.alerts_of_day);
  message.set_left_out(row.left_out);
  message.set_digest_us(row.digest_us);
  return sealed(key, message);
}

Status decode(std::string_view key, std::string_view value, OutboxHead& row) {
  pb::OutboxHeadRow message;
  SILT_TRY(parse(key, value, message));
  row.next_number = message.next_number();
  row.day = message.day();
  row.alerts_of_day = message.alerts_of_day();
  row.left_out = message.left_out();
  row.digest_us = message.digest_us();
  return Status::ok();
}

std::string encode(std::string_view key, const WatchCursor& row) {
  pb::WatchCursorRow message;
  message.set_folded_seq(row.folded_seq);
  message.set_learned_seq(row.learned_seq);
  message.set_gap_seq(row.gap_seq);
  message.set_news_from_us(row.news_from_us);
  message.set_silent(row.silent);
  return sealed(key, message);
}

Status decode(std::string_view key, std::string_view value, WatchCursor& row) {
  pb::WatchCursorRow message;
  SILT_TRY(parse(key, value, message));
  row.folded_seq = message.folded_seq();
  row.learned_seq = message.learned_seq();
  row.gap_seq = message.gap_seq();
  row.news_from_us = message.news_from_us();
  row.silent = message.silent();
  return Status::ok();
}

}  // namespace silt::store::rows
