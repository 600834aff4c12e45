#include "daemon/store_tools.h"

#include <map>

#include "base/escape.h"
#include "daemon/export.h"
#include "daemon/learn/fold_loop.h"
#include "daemon/store/attributes.h"
#include "daemon/store/rocks_store.h"

namespace silt::daemon {
namespace {

Result<std::unique_ptr<store::RocksStore>> open(const std::string& path) {
  store::StoreOptions options;
  options.database.path = path;
  options.database.read_only = true;
  options.terms_of = learn::terms_of;
  return store::RocksStore::open(options);
}

using Patterns = std::map<store::PatternId, std::string>;

ExportRecord export_record(const store::SourceInfo& info, const store::RecordView& record,
                           const store::FoldMark* mark, const Patterns& patterns) {
  ExportRecord out;
  out.tenant = info.tenant;
  out.source = info.name;
  out.seq = record.seq;
  out.place = record.origin.place;
  out.arrival_us = record.arrival_us;
  if (mark != nullptr) out.event_us = mark->event_us;
  if (mark == nullptr && record.told_us != 0) out.event_us = record.told_us;
  out.text = record.text;
  if (const auto attributes = store::decode_attributes(record.attributes); attributes.is_ok()) {
    for (const store::Attribute& one : *attributes) out.attributes.emplace_back(one.key, one.value);
  }
  out.flags = record.flags;
  out.bytes_cut = record.bytes_cut;
  if (mark == nullptr) return out;
  const auto pattern = patterns.find(mark->pattern);
  if (pattern != patterns.end()) out.pattern = pattern->second;
  return out;
}

Status export_source(const store::RocksStore& store, const store::SourceInfo& info,
                     const std::function<void(std::string_view)>& write,
                     const std::function<void(const std::string&)>& warn) {
  std::vector<store::PatternRow> rows;
  SILT_TRY(store.patterns(info.ref, rows));
  Patterns patterns;
  for (store::PatternRow& row : rows) patterns[row.id] = std::move(row.text);
  for (store::Seq after = 0;;) {
    SILT_ASSIGN(const store::BlockPtr block, store.block_after(info.ref, after));
    if (!block) return Status::ok();
    if (!block->damage.empty()) {
      warn(escape_bytes(info.name) + ": records " + std::to_string(block->first_seq) + " to " +
           std::to_string(block->last_seq) + " cannot be read: " + block->damage);
    }
    const auto records = block->records.records();
    for (std::size_t i = 0; i < records.size(); ++i) {
      const store::FoldMark* const mark = i < block->marks.size() ? &block->marks[i] : nullptr;
      if (records[i].seq > after) write(to_json_line(export_record(info, records[i], mark, patterns)));
    }
    after = block->last_seq;
  }
}

}  // namespace

Result<std::string> store_digest(const std::string& path) {
  SILT_ASSIGN(const auto store, open(path));
  SILT_ASSIGN(const auto digests, store->digests());
  std::string out;
  for (const store::SourceDigest& digest : digests) out += digest.to_string() + "\n";
  return out;
}

Status export_store(const std::string& path, const std::string& source,
                    const std::function<void(std::string_view)>& write,
                    const std::function<void(const std::string&)>& warn) {
  SILT_ASSIGN(const auto store, open(path));
  bool found = source.empty();
  for (const store::SourceInfo& info : store->sources()) {
    if (!source.empty() && escape_bytes(info.name) != source) continue;
    found = true;
    SILT_TRY(export_source(*store, info, write, warn));
  }
  return found ? Status::ok() : not_found("no source '" + source + "' in " + path);
}

}  // namespace silt::daemon
