#include "connectors/archive/archive_connector.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/bytes.h"
#include "connectors/decompress/decompressor.h"
#include "connectors/file/file_key.h"
#include "connectors/line_delivery.h"

namespace silt::connectors {
namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t kRowVersion = 1;
constexpr char kRowPrefix[] = "z:";

bool is_compressed(std::string_view path) {
  return path.ends_with(".gz") || path.ends_with(".xz") || path.ends_with(".zst");
}

std::string without_extension(const std::string& path) {
  return path.substr(0, path.rfind('.'));
}

// Of the file as it is.
Result<std::string> digest_of_file(const std::string& path) {
  SILT_ASSIGN(const Fd file, open_regular(path));
  Digester digester;
  std::vector<char> block(256 << 10);
  for (std::uint64_t at = 0;;) {
    SILT_ASSIGN(const std::size_t count, read_at(file, at, block.data(), block.size()));
    if (count == 0) return digester.finish().hex();
    digester.update(block.data(), count);
    at += count;
  }
}

}  // namespace

ArchiveConnector::ArchiveConnector(ArchiveOptions options, Globs include, Globs exclude, StreamName stream_name, const Clock& clock)
    : options_(std::move(options)),
      include_(std::move(include)),
      exclude_(std::move(exclude)),
      stream_name_(std::move(stream_name)),
      clock_(clock),
      inbox_(kLinesInbox) {}

Result<std::unique_ptr<ArchiveConnector>> ArchiveConnector::create(ArchiveOptions options, const Clock& clock) {
  SILT_ASSIGN(Globs include, Globs::compile(options.include, false));
  SILT_ASSIGN(Globs exclude, Globs::compile(options.exclude, true));
  SILT_ASSIGN(StreamName stream_name, StreamName::compile(options.stream_name, include));
  return std::unique_ptr<ArchiveConnector>(
      new ArchiveConnector(std::move(options), std::move(include), std::move(exclude), std::move(stream_name), clock));
}

ArchiveConnector::~ArchiveConnector() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  inbox_.stop();
  if (thread_.joinable()) thread_.join();
}

Status ArchiveConnector::resume(std::span<const CursorRow> rows) {
  std::vector<CursorRow> of_inbox;
  for (const CursorRow& each : rows) {
    if (!each.key.starts_with(kRowPrefix)) {
      of_inbox.push_back(each);
      continue;
    }
    ByteReader from(each.value);
    const std::uint8_t version = from.u8();
    Row row;
    row.stamp = from.string();
    row.offset = from.varint();
    row.done = from.u8() != 0;
    if (version != kRowVersion || !from.ok() || from.remaining() != 0)
      return data_loss("the row of an archive is damaged, or of a newer siltd: restore the journal or delete the row");
    if (row.done) stamps_.insert(row.stamp);
    rows_[each.key] = std::move(row);
  }
  SILT_TRY(inbox_.resume(of_inbox));
  thread_ = std::thread([this] { run(); });
  return Status::ok();
}

ConnectorStats ArchiveConnector::stats() const {
  ConnectorStats stats = inbox_.stats();
  const std::lock_guard lock(mutex_);
  stats.files_known = files_;
  stats.read_errors = errors_;
  stats.last_error = last_error_;
  return stats;
}

bool ArchiveConnector::ending() const {
  const std::lock_guard lock(mutex_);
  return ending_;
}

void ArchiveConnector::run() {
  while (!ending()) {
    scan();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(options_.scan_ms), [this] { return ending_; });
  }
}

void ArchiveConnector::scan() {
  const std::vector<Found> found = find();
  std::string error;
  std::uint64_t errors = 0;
  for (const Found& file : found) {
    if (ending()) return;
    const Status done = read(file);
    if (done.code() == Code::kDataLoss) damaged_[file.stamp] = done.message();
    if (const auto damaged = damaged_.find(file.stamp); damaged != damaged_.end()) error = damaged->second;
    if (done.is_ok() || done.code() == Code::kCancelled) continue;
    error = done.message();
    ++errors;
  }
  const std::lock_guard lock(mutex_);
  files_ = found.size();
  errors_ += errors;
  last_error_ = error;
}

// Oldest first. Links are not followed.
std::vector<ArchiveConnector::Found> ArchiveConnector::find() const {
  std::vector<Found> out;
  std::set<std::string> seen;
  for (const std::string& root : include_.roots()) {
    std::error_code failed;
    for (fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, failed), end; !failed && at != end; at.increment(failed)) {
      const std::string path = at->path().string();
      std::error_code ignored;
      if (at->is_directory(ignored) && !include_.may_contain(path)) at.disable_recursion_pending();
      if (!is_compressed(path) || !include_.matches(path) || exclude_.matches(path) || at->is_symlink(ignored)) continue;
      const auto look = look_at(path);
      if (!look.is_ok() || !look->regular || !seen.insert(path).second) continue;
      const std::int64_t modified_us = look->modified_ns / 1000;
      if (clock_.wall_us() - modified_us < options_.quiet_ms * 1000) continue;
      out.push_back({path, std::to_string(look->key.inode) + ":" + std::to_string(look->size) + ":" + std::to_string(look->modified_ns), modified_us});
    }
  }
  std::sort(out.begin(), out.end(), [](const Found& a, const Found& b) { return std::pair(a.modified_us, a.path) < std::pair(b.modified_us, b.path); });
  return out;
}

Status ArchiveConnector::read(const Found& file) {
  if (stamps_.contains(file.stamp)) return Status::ok();
  SILT_ASSIGN(const std::string digest, digest_of_file(file.path));
  const std::string key = kRowPrefix + digest;
  Row row = rows_[key];
  row.stamp = file.stamp;
  const Status done = row.done ? Status::ok() : read_from(file, key, std::move(row));
  // One that is damaged is so the next time; it is looked at again when it changes.
  if (done.is_ok() || done.code() == Code::kDataLoss) stamps_.insert(file.stamp);
  return done;
}

Status ArchiveConnector::read_from(const Found& file, const std::string& key, Row row) {
  SILT_ASSIGN(Decompressor from, Decompressor::open(file.path));
  const std::string stream = stream_name_.of(without_extension(file.path), include_);
  std::string text(options_.part_bytes, '\0');
  for (std::uint64_t skipped = 0; skipped < row.offset;) {  // what is stored
    SILT_ASSIGN(const std::size_t count, from.read(text.data(), std::min<std::uint64_t>(text.size(), row.offset - skipped)));
    if (count == 0) return data_loss(file.path + " is shorter than it was: restore the file, or remove it");
    skipped += count;
  }
  std::size_t have = 0;
  while (!row.done) {
    if (have == text.size()) text.resize(2 * text.size());  // a record that is longer than a part
    const Result<std::size_t> count = from.read(text.data() + have, text.size() - have);
    const bool end = !count.is_ok() || *count == 0;
    if (!end) have += *count;
    if (!end && have < text.size()) continue;
    Delivery delivery;
    delivery.stream = stream;
    const bool all = end || have > kJoinedBytesMax;
    const std::size_t taken = deliver_lines(std::string_view(text).substr(0, have), options_.rules.get(), all, {file.path, row.offset, file.modified_us}, delivery);
    row.offset += taken;
    row.done = end && count.is_ok();
    if (taken > 0 || row.done) SILT_TRY(offer(std::move(delivery), key, row));
    text.erase(0, taken);
    have -= taken;
    text.resize(std::max(options_.part_bytes, have));
    if (!count.is_ok()) return count.status();
  }
  return Status::ok();
}

// Waits for room; the next part is not read meanwhile.
Status ArchiveConnector::offer(Delivery delivery, const std::string& key, const Row& row) {
  ByteWriter to;
  to.u8(kRowVersion);
  to.string(row.stamp);
  to.varint(row.offset);
  to.u8(row.done ? 1 : 0);
  delivery.rows = {{key, to.take(), false}};
  rows_[key] = row;
  while (true) {
    const Inbox::Answer answer = inbox_.offer(std::move(delivery), [](const Status&) {});
    if (answer == Inbox::Answer::kTaken) return Status::ok();
    if (answer == Inbox::Answer::kTooLarge) return data_loss("a record is larger than the inbox takes; the rest of its file is not read");
    if (answer != Inbox::Answer::kFull || ending()) return {Code::kCancelled, "stopped"};
    auto room = std::make_shared<bool>(false);
    inbox_.when_room([this, room] {
      const std::lock_guard lock(mutex_);
      *room = true;
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return *room || ending_; });
  }
}

}  // namespace silt::connectors
