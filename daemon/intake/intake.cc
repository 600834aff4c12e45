#include "daemon/intake/intake.h"

#include <openssl/evp.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/log.h"

namespace silt::daemon {
namespace {

std::string sha256(std::string_view text) {
  std::string hash(32, '\0');
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(hash.data()), &size, EVP_sha256(),
             nullptr);
  return hash;
}

constexpr std::int64_t kDiskCheckUs = 2'000'000;
constexpr std::int64_t kWaitMs = 1000;  // without a wake-up; keeps the sign of life fresh

}  // namespace

Intake::Intake(RecordLog& log, const Clock& clock, IntakeOptions options)
    : log_(log), clock_(clock), options_(std::move(options)) {
  last_progress_us_ = clock.monotonic_us();
}

Intake::~Intake() {
  stop();
}

void Intake::add(std::string tenant, std::string name, std::string kind,
                 std::unique_ptr<connectors::Connector> connector) {
  auto input = std::make_unique<Input>();
  input->tenant = std::move(tenant);
  input->name = std::move(name);
  input->kind = std::move(kind);
  input->connector = std::move(connector);
  note_status(*input, "waiting");
  inputs_.push_back(std::move(input));
}

void Intake::start() {
  thread_ = std::thread([this] { run(); });
}

void Intake::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

void Intake::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_up_.notify_all();
}

void Intake::point(std::string_view name) const {
  if (options_.at_point) options_.at_point(name);
}

void Intake::run() {
  while (!stopping_) {
    bool more = false;
    const Status polled = poll_all(more);
    if (!polled.is_ok()) {
      options_.on_fatal(polled.with_context("intake"));
      return;
    }
    if (!more && !stopping_) wait(more);
  }
}

Result<bool> Intake::round() {
  bool more = false;
  SILT_TRY(poll_all(more));
  return more;
}

// One batch of each input in turn, so that a busy one does not hold up the others.
Status Intake::poll_all(bool& more) {
  last_progress_us_ = clock_.monotonic_us();
  if (!disk_has_room()) {
    for (const auto& input : inputs_) note_status(*input, "paused");
    return Status::ok();
  }
  for (const auto& input : inputs_) {
    if (stopping_) return Status::ok();
    SILT_TRY(poll_input(*input, more));
    last_progress_us_ = clock_.monotonic_us();
  }
  return Status::ok();
}

Status Intake::poll_input(Input& input, bool& more) {
  const std::int64_t now = clock_.monotonic_us();
  if (!input.ready || now < input.not_before_us) return Status::ok();
  if (!input.resumed) {
    SILT_ASSIGN(const auto rows, log_.cursors(input.name));
    const Status resumed = input.connector->resume(rows);
    if (!resumed.is_ok()) {
      connector_failed(input, resumed);
      return Status::ok();
    }
    input.resumed = true;
  }
  connectors::Batch batch;
  const Result<bool> polled = input.connector->poll(options_.limits, batch);
  if (!polled.is_ok()) {
    connector_failed(input, polled.status());
    return Status::ok();
  }
  input.retry_ms = 0;
  if (!batch.empty()) {
    point("intake.polled");
    SILT_TRY(journal(input, batch));
  }
  note_status(input, *polled ? "reading" : "waiting");
  if (*polled) {
    more = true;
    return Status::ok();
  }
  // Small batches are grouped by not looking again for a while; full ones are never delayed.
  input.not_before_us = clock_.monotonic_us() + options_.group_ms * 1000;
  input.ready = false;
  input.connector->notify_when_ready([this, &input] {
    input.ready = true;
    wake();
  });
  return Status::ok();
}

Result<Intake::Stream*> Intake::stream_of(Input& input, const std::string& name) {
  const auto found = input.streams.find(name);
  if (found != input.streams.end()) return &found->second;
  const std::string& source = name.empty() ? input.name : name;
  Stream stream;
  SILT_ASSIGN(stream.info, log_.open_source(input.tenant, source, input.name));
  SILT_ASSIGN(const IntakeHead head, log_.intake_head(stream.info.ref));
  stream.redaction.key_lines_left = head.key_lines_left;
  return &input.streams.emplace(name, std::move(stream)).first->second;
}

JournalRecord Intake::make_record(const connectors::Record& record, RedactState& redaction,
                                  IntakeHead& delta) {
  JournalRecord out;
  out.arrival_us = clock_.wall_us();
  RedactCounts counts;
  if (!redact(record.text, RedactConfig(), redaction, out.text, counts)) out.text.assign(record.text);
  delta.redactions += std::accumulate(counts.by_kind.begin(), counts.by_kind.end(), std::uint64_t{0});
  out.origin = {std::string(record.origin.place), record.origin.generation, record.origin.begin,
                record.origin.end};
  out.flags = record.flags;
  out.bytes_cut = record.bytes_cut;
  out.sha256 = sha256(out.text);
  const bool gap = (record.flags & connectors::kRecordGap) != 0;
  delta.lines += gap ? 0 : 1;
  delta.gaps += gap ? 1 : 0;
  delta.bytes += out.text.size();
  delta.bytes_lost += record.bytes_cut;
  delta.last_arrival_us = std::max(delta.last_arrival_us, out.arrival_us);
  return out;
}

// One append for each stream until the store takes many at once; the cursor rows go with the last, so
// a crash in between repeats records and loses none.
Status Intake::journal(Input& input, const connectors::Batch& batch) {
  point("intake.before_append");
  const std::size_t appends = std::max<std::size_t>(1, batch.streams.size());
  for (std::size_t i = 0; i < appends; ++i) {
    JournalBatch journal;
    journal.connector = input.name;
    if (i + 1 == appends) journal.cursors = batch.cursors;
    if (i < batch.streams.size()) SILT_TRY(make_records(input, batch.streams[i], journal));
    SILT_TRY(log_.append(journal));
    counters_.records += journal.records.size();
    counters_.bytes += journal.head_delta.bytes;
    counters_.redactions += journal.head_delta.redactions;
  }
  point("intake.after_append");
  input.connector->confirm();
  point("intake.after_confirm");
  ++counters_.batches;
  if (batch.records > 0) options_.on_journalled();
  return Status::ok();
}

Status Intake::make_records(Input& input, const connectors::StreamBatch& from, JournalBatch& journal) {
  SILT_ASSIGN(Stream* const stream, stream_of(input, from.stream));
  journal.source = stream->info.ref;
  journal.records.reserve(from.records.size());
  for (const connectors::Record& record : from.records) {
    journal.records.push_back(make_record(record, stream->redaction, journal.head_delta));
  }
  journal.head_delta.key_lines_left = stream->redaction.key_lines_left;
  return Status::ok();
}

void Intake::connector_failed(Input& input, const Status& status) {
  ++counters_.connector_failures;
  input.retry_ms = std::clamp(2 * input.retry_ms, options_.retry_first_ms, options_.retry_last_ms);
  input.not_before_us = clock_.monotonic_us() + input.retry_ms * 1000;
  log::warning("connector_failed",
               {{"input", input.name}, {"error", status.message()}, {"retry_ms", input.retry_ms}});
  note_status(input, "failing");
  const std::lock_guard lock(mutex_);
  status_[input.name].stats.last_error = status.message();
}

bool Intake::disk_has_room() {
  if (options_.store_path.empty()) return true;
  const std::int64_t now = clock_.monotonic_us();
  if (disk_checked_us_ != 0 && now - disk_checked_us_ < kDiskCheckUs) return !disk_full_;
  disk_checked_us_ = now;
  struct statvfs space {};
  if (::statvfs(options_.store_path.c_str(), &space) != 0) return true;  // the store will say it better
  const std::uint64_t free_bytes = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
  const bool full = free_bytes < options_.free_bytes_min;
  if (full != disk_full_) {
    if (full) {
      log::error("disk_full",
                 {{"store", options_.store_path},
                  {"free_bytes", free_bytes},
                  {"needed_bytes", options_.free_bytes_min},
                  {"action", "reading stops until space is free; nothing is lost while the logs are kept"}});
    } else {
      log::info("disk_has_room", {{"free_bytes", free_bytes}});
    }
  }
  disk_full_ = full;
  return !full;
}

void Intake::wait(bool more) {
  if (more) return;
  std::int64_t wait_us = kWaitMs * 1000;
  const std::int64_t now = clock_.monotonic_us();
  for (const auto& input : inputs_) {
    if (input->ready && !disk_full_)
      wait_us = std::min(wait_us, std::max<std::int64_t>(input->not_before_us - now, 1000));
  }
  std::unique_lock lock(mutex_);
  wake_up_.wait_for(lock, std::chrono::microseconds(wait_us), [this] { return woken_ || stopping_.load(); });
  woken_ = false;
}

void Intake::note_status(const Input& input, std::string_view state) {
  connectors::ConnectorStats stats = input.connector->stats();
  const std::lock_guard lock(mutex_);
  InputStatus& status = status_[input.name];
  status.name = input.name;
  status.kind = input.kind;
  status.stats = std::move(stats);
  status.state = state;
}

std::vector<InputStatus> Intake::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<InputStatus> out;
  for (const auto& [name, status] : status_) out.push_back(status);
  return out;
}

}  // namespace silt::daemon
