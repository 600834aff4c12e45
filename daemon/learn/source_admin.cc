#include "daemon/learn/source_admin.h"

#include "base/bytes.h"

namespace silt::learn {
namespace {

constexpr char kRename = 'r', kDelete = 'd';  // first byte of a stored result

std::string encode(const RenameResult& result) {
  ByteWriter writer;
  writer.u8(kRename);
  writer.string(result.old_name);
  writer.string(result.new_name);
  return writer.take();
}

std::string encode(const DeleteResult& result) {
  ByteWriter writer;
  writer.u8(kDelete);
  writer.string(result.name);
  for (const std::uint64_t value :
       {result.records, result.bytes, result.stored_bytes, result.patterns, result.steps}) {
    writer.varint(value);
  }
  return writer.take();
}

}  // namespace

Result<RenameResult> StoreAdmin::rename(store::SourceRef source, std::string new_name,
                                        const std::string& request_id) {
  SILT_ASSIGN(const store::SourceInfo info, log_.source(source));
  const RenameResult result{info.name, new_name};
  SILT_TRY(sources_.rename_source(source, new_name, {request_id, encode(result), clock_.wall_us()}));
  return result;
}

Result<DeleteResult> StoreAdmin::remove(store::SourceRef source, bool dry_run, const std::string& request_id) {
  SILT_ASSIGN(const store::SourceInfo info, log_.source(source));
  SILT_ASSIGN(const store::IntakeHead intake, log_.intake_head(source));
  SILT_ASSIGN(const store::FoldHead fold, folds_.fold_head(source));
  SILT_ASSIGN(const auto net, nets_.net_head(source));
  DeleteResult result{info.name, intake.journal_seq - fold.floor_seq, intake.bytes, fold.segment_bytes,
                      fold.patterns, net ? net->steps : 0};
  if (dry_run) return result;
  SILT_TRY(drop_(source));
  SILT_TRY(sources_.delete_source(source, {request_id, encode(result), clock_.wall_us()}));
  // What was folded or learned between the two calls is of a source that is gone.
  SILT_TRY(drop_(source));
  return result;
}

Result<std::optional<std::string>> StoreAdmin::stored(const std::string& tenant,
                                                      const std::string& request_id) const {
  for (const store::SourceInfo& info : log_.sources()) {
    if (info.tenant == tenant) return nets_.request_result(info.ref.tenant, request_id);
  }
  return std::optional<std::string>();
}

Result<std::optional<RenameResult>> StoreAdmin::renamed(const std::string& tenant,
                                                        const std::string& request_id) const {
  SILT_ASSIGN(const auto bytes, stored(tenant, request_id));
  if (!bytes) return std::optional<RenameResult>();
  ByteReader reader(*bytes);
  if (reader.u8() != kRename) return std::optional<RenameResult>();
  RenameResult result;
  result.old_name = reader.string();
  result.new_name = reader.string();
  return std::optional(std::move(result));
}

Result<std::optional<DeleteResult>> StoreAdmin::removed(const std::string& tenant,
                                                        const std::string& request_id) const {
  SILT_ASSIGN(const auto bytes, stored(tenant, request_id));
  if (!bytes) return std::optional<DeleteResult>();
  ByteReader reader(*bytes);
  if (reader.u8() != kDelete) return std::optional<DeleteResult>();
  DeleteResult result;
  result.name = reader.string();
  for (std::uint64_t* value :
       {&result.records, &result.bytes, &result.stored_bytes, &result.patterns, &result.steps}) {
    *value = reader.varint();
  }
  return std::optional(std::move(result));
}

}  // namespace silt::learn
