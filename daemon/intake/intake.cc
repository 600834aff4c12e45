#include "daemon/intake/intake.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/bytes.h"
#include "base/log.h"
#include "daemon/store/attributes.h"

namespace silt::intake {
namespace {

using store::IntakeHead;
using store::RecordView;
using store::SourceRef;

constexpr std::int64_t kQuotaWaitUs = 1'000'000;
constexpr std::int64_t kWaitMs = 1000;  // without a wake-up; keeps the sign of life fresh

std::string encode(const fold::RedactState& state) {
  ByteWriter writer;
  writer.varint(state.key_lines_left);
  return writer.take();
}

fold::RedactState decode(std::string_view bytes) {
  fold::RedactState state;
  if (bytes.empty()) return state;
  ByteReader reader(bytes);
  state.key_lines_left = static_cast<std::uint32_t>(reader.varint());
  return state;
}

}  // namespace

Intake::Intake(store::RecordLog& log, const Clock& clock, IntakeOptions options)
    : log_(log), clock_(clock), options_(std::move(options)) {
  last_progress_us_ = clock.monotonic_us();
}

Intake::~Intake() {
  stop();
}

void Intake::add(InputOptions options, std::unique_ptr<connectors::Connector> connector) {
  auto input = std::make_unique<Input>(std::move(options), std::move(connector), [this] { wake(); });
  note_status(*input, "waiting");
  {
    const std::lock_guard lock(mutex_);
    changes_.push_back({{}, std::move(input)});
  }
  wake();
}

void Intake::remove(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    changes_.push_back({name, nullptr});
  }
  wake();
}

void Intake::take_changes() {
  std::vector<Change> changes;
  {
    const std::lock_guard lock(mutex_);
    changes.swap(changes_);
  }
  for (Change& change : changes) {
    if (change.add) {
      note_status(*change.add, "waiting");
      inputs_.push_back(std::move(change.add));
      continue;
    }
    const auto kept = std::stable_partition(inputs_.begin(), inputs_.end(), [&](const auto& input) {
      return input->options.name != change.remove;
    });
    end_inputs({kept, inputs_.end()});
    inputs_.erase(kept, inputs_.end());
    const std::lock_guard lock(mutex_);
    status_.erase(change.remove);
  }
}

void Intake::start() {
  thread_ = std::thread([this] { run(); });
}

void Intake::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
  end_inputs(inputs_);
}

// Together, for the time is for all.
void Intake::end_inputs(std::span<const std::unique_ptr<Input>> inputs) const {
  for (const auto& input : inputs) input->worker.ask_to_end();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.end_ms);
  for (const auto& input : inputs) {
    const std::string at = input->worker.doing();
    if (input->worker.end(deadline)) continue;
    log::warning("input_abandoned", {{"input", input->options.name},
                                     {"at", at},
                                     {"reason", "its file system does not answer"},
                                     {"effect", "nothing is lost: what was not stored is read again"}});
  }
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
    if (!more && !stopping_) wait();
  }
}

Result<bool> Intake::round() {
  bool more = false;
  SILT_TRY(poll_all(more));
  return more;
}

// One batch of each input, appended together; in parts when they are large.
Status Intake::poll_all(bool& more) {
  last_progress_us_ = clock_.monotonic_us();
  take_changes();
  disk_full_ = !options_.has_room();
  if (disk_full_) {
    for (const auto& input : inputs_) note_status(*input, "paused");
    return Status::ok();
  }
  std::vector<Input*> asked;
  for (const auto& input : inputs_) {
    const bool was_polling = input->worker.polling();
    SILT_TRY(start_poll(*input));
    if (input->worker.polling() && !was_polling) asked.push_back(input.get());
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.answer_ms);
  for (Input* const input : asked) input->worker.wait_until(deadline);
  Group group;
  for (const auto& input : inputs_) {
    if (stopping_) break;
    SILT_TRY(take_poll(*input, group, more));
    if (group.bytes < options_.append_bytes_max) continue;
    SILT_TRY(append(group));
    group = Group();
  }
  return append(group);
}

std::int64_t Intake::due_us(const Input& input) const {
  return *input.filling ? input.not_before_us : std::max(input.not_before_us, input.grouped_until_us);
}

Status Intake::start_poll(Input& input) {
  const std::int64_t now = clock_.monotonic_us();
  if (stopping_ || input.worker.polling() || !*input.ready || now < due_us(input)) return Status::ok();
  if (!options_.may_read(input.options.tenant)) {
    input.not_before_us = now + kQuotaWaitUs;
    note_status(input, "paused");
    const std::lock_guard lock(mutex_);
    status_[input.options.name].stats.last_error = "its tenant has the bytes of today; reading goes on at 00:00 UTC, or when quota.mib_per_day is raised";
    return Status::ok();
  }
  std::optional<std::vector<connectors::CursorRow>> rows;
  if (!input.resumed) {
    SILT_ASSIGN(rows, log_.cursors(input.options.name));
  }
  input.at.clear();
  input.at_since_us = now;
  input.worker.start_poll(options_.limits, std::move(rows));
  return Status::ok();
}

Status Intake::take_poll(Input& input, Group& group, bool& more) {
  if (!input.worker.polling()) {
    if (input.resumed && input.retry_ms == 0 && clock_.monotonic_us() >= input.not_before_us) note_status(input, "waiting");
    return Status::ok();
  }
  const std::optional<InputWorker::Polled> polled = input.worker.take();
  if (!polled) {
    await(input);
    return Status::ok();
  }
  if (std::exchange(input.hung, false)) log::info("input_answers", {{"input", input.options.name}});
  input.resumed = input.resumed || polled->resumed;
  if (!polled->status.is_ok()) {
    connector_failed(input, polled->status);
    return Status::ok();
  }
  input.retry_ms = 0;
  if (!input.worker.batch().empty()) {
    point("intake.polled");
    SILT_TRY(gather(input, group));
  }
  note_status(input, polled->more ? "reading" : "waiting");
  if (polled->more) {
    more = true;
    return Status::ok();
  }
  // Small rounds are grouped by not looking again for a while; full ones are never delayed.
  input.grouped_until_us = clock_.monotonic_us() + options_.group_ms * 1000;
  *input.filling = false;
  input.worker.notify_when_filling([this, filling = input.filling] {
    *filling = true;
    wake();
  });
  *input.ready = false;
  input.worker.notify_when_ready([this, ready = input.ready] {
    *ready = true;
    wake();
  });
  return Status::ok();
}

// Its poll has not ended. It hangs when it is at the same place for long.
void Intake::await(Input& input) {
  const std::int64_t now = clock_.monotonic_us();
  std::string at = input.worker.doing();
  if (at != input.at) {
    input.at = std::move(at);
    input.at_since_us = now;
  }
  if (now - input.at_since_us < options_.hung_after_ms * 1000) return;
  const std::string place = input.at.empty() ? "an operation" : input.at;
  if (!std::exchange(input.hung, true)) {
    log::error("input_hangs", {{"input", input.options.name},
                               {"at", input.at},
                               {"remedy", "check the file system; the other inputs go on, and this one when it answers"}});
  }
  note_status(input, "hung");
  const std::lock_guard lock(mutex_);
  if (const auto found = status_.find(input.options.name); found != status_.end()) {
    found->second.stats.last_error = place + " has not answered for " +
                                     std::to_string((now - input.at_since_us) / 1'000'000) +
                                     " s: check its file system; reading goes on when it answers";
  }
}

// The records of a source too many keep their places; only the source is another.
std::string Intake::source_for(const Input& input, const std::string& wanted) const {
  bool known = false;
  const auto count = [&] {
    std::uint64_t sources = 0;
    for (const store::SourceInfo& info : log_.sources()) {
      if (info.tenant != input.options.tenant) continue;
      ++sources;
      known = known || info.stream == wanted;
    }
    return known ? 0 : sources;
  };
  return options_.may_open(input.options.tenant, count) ? wanted : input.options.name + ":others";
}

Result<Intake::Stream*> Intake::stream_of(const Input& input, const std::string& name) {
  const std::string& source = name.empty() ? input.options.name : name;
  const std::string key = input.options.tenant + '\0' + source;
  if (const auto found = streams_.find(key); found != streams_.end()) return &found->second;
  Stream stream;
  SILT_ASSIGN(const store::SourceInfo info, log_.open_source(input.options.tenant, source_for(input, source), input.options.name));
  SILT_ASSIGN(const IntakeHead head, log_.intake_head(info.ref));
  stream.source = info.ref;
  stream.redaction = decode(head.redaction);
  return &streams_.emplace(key, std::move(stream)).first->second;
}

std::string_view Intake::redacted(std::string_view text, fold::RedactState& state, Group& group,
                                  IntakeHead& delta) {
  fold::RedactCounts counts;
  if (!fold::redact(text, fold::RedactConfig(), state, redacted_, counts)) return text;
  delta.redactions += std::accumulate(counts.by_kind.begin(), counts.by_kind.end(), std::uint64_t{0});
  return group.arena.copy(redacted_);
}

// A value is judged behind its key, as if the line said key=value.
std::string_view Intake::attributes_of(const connectors::Record& record, Group& group, IntakeHead& delta) {
  if (record.attributes.empty()) return {};
  std::vector<store::Attribute> out;
  for (const connectors::Attribute& attribute : record.attributes) {
    const std::string pair = std::string(attribute.key) + "=" + std::string(attribute.value);
    fold::RedactState alone;
    const std::string_view kept = redacted(pair, alone, group, delta);
    const bool same = kept.data() == pair.data();
    const std::size_t split = same ? std::string_view::npos : kept.find('=');
    out.push_back({attribute.key, same                              ? attribute.value
                                  : split == std::string_view::npos ? kept
                                                                    : kept.substr(split + 1)});
  }
  return group.arena.copy(store::encode_attributes(out));
}

RecordView Intake::view_of(const connectors::Record& record, fold::RedactState& redaction, Group& group,
                           IntakeHead& delta) {
  RecordView out;
  out.arrival_us = clock_.wall_us();
  out.told_us = record.told_us;
  out.text = redacted(record.text, redaction, group, delta);
  out.attributes = attributes_of(record, group, delta);
  out.origin = {record.origin.place, record.origin.generation, record.origin.begin, record.origin.end};
  out.flags = record.flags;
  out.bytes_cut = record.bytes_cut;
  const bool gap = (record.flags & connectors::kRecordGap) != 0;
  delta.lines += gap ? 0 : 1;
  delta.gaps += gap ? 1 : 0;
  delta.bytes += out.text.size();
  delta.bytes_lost += record.bytes_cut;
  delta.last_arrival_us = std::max(delta.last_arrival_us, out.arrival_us);
  return out;
}

// The views of the input's batch stay where they are: it is kept until the append is confirmed.
Status Intake::gather(Input& input, Group& group) {
  for (const connectors::StreamBatch& from : input.worker.batch().streams) {
    SILT_ASSIGN(Stream* const stream, stream_of(input, from.stream));
    const auto [at, is_new] = group.at.try_emplace(stream->source, group.append.streams.size());
    if (is_new) group.append.streams.push_back({stream->source, {}, {}});
    store::StreamAppend& to = group.append.streams[at->second];
    to.records.reserve(to.records.size() + from.records.size());
    const std::uint64_t before = to.delta.bytes;
    for (const connectors::Record& record : from.records) {
      to.records.push_back(view_of(record, stream->redaction, group, to.delta));
    }
    to.delta.redaction = encode(stream->redaction);
    group.bytes += to.delta.bytes - before;
    group.bytes_of[input.options.tenant] += to.delta.bytes - before;
    group.records += from.records.size();
  }
  for (const connectors::CursorRow& row : input.worker.batch().cursors) {
    group.append.cursors.push_back({input.options.name, row});
  }
  group.inputs.push_back(&input);
  return Status::ok();
}

Status Intake::append(Group& group) {
  if (group.inputs.empty()) return Status::ok();
  point("intake.before_append");
  const Status appended = log_.append(group.append);
  if (appended.code() == Code::kAborted) {
    // A source was deleted. What was polled is not confirmed, so the next poll brings it again.
    streams_.clear();
    for (Input* const input : group.inputs) *input->ready = true;
    return Status::ok();
  }
  SILT_TRY(appended);
  point("intake.after_append");
  std::vector<SourceRef> sources;
  for (const store::StreamAppend& stream : group.append.streams) {
    sources.push_back(stream.source);
    counters_.bytes += stream.delta.bytes;
    counters_.redactions += stream.delta.redactions;
  }
  for (Input* const input : group.inputs) input->worker.confirm();
  for (const auto& [tenant, bytes] : group.bytes_of) options_.have_read(tenant, bytes);
  point("intake.after_confirm");
  ++counters_.batches;
  counters_.records += group.records;
  last_progress_us_ = clock_.monotonic_us();
  if (!sources.empty()) options_.on_journalled(sources);
  return Status::ok();
}

void Intake::connector_failed(Input& input, const Status& status) {
  ++counters_.connector_failures;
  input.retry_ms = std::clamp(2 * input.retry_ms, options_.retry_first_ms, options_.retry_last_ms);
  input.not_before_us = clock_.monotonic_us() + input.retry_ms * 1000;
  log::warning("connector_failed",
               {{"input", input.options.name}, {"error", status.message()}, {"retry_ms", input.retry_ms}});
  note_status(input, "failing");
  const std::lock_guard lock(mutex_);
  if (const auto found = status_.find(input.options.name); found != status_.end())
    found->second.stats.last_error = status.message();
}

void Intake::wait() {
  std::int64_t wait_us = kWaitMs * 1000;
  const std::int64_t now = clock_.monotonic_us();
  for (const auto& input : inputs_) {
    if (*input->ready && !disk_full_ && !input->worker.polling())
      wait_us = std::min(wait_us, std::max<std::int64_t>(due_us(*input) - now, 1000));
  }
  std::unique_lock lock(mutex_);
  wake_up_.wait_for(lock, std::chrono::microseconds(wait_us), [this] { return woken_ || stopping_.load(); });
  woken_ = false;
}

void Intake::note_status(const Input& input, std::string_view state) {
  connectors::ConnectorStats stats = input.worker.stats();
  const std::lock_guard lock(mutex_);
  InputStatus& status = status_[input.options.name];
  status.name = input.options.name;
  status.kind = input.options.kind;
  status.stats = std::move(stats);
  status.state = state;
}

std::vector<InputStatus> Intake::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<InputStatus> out;
  for (const auto& [name, status] : status_) out.push_back(status);
  return out;
}

}  // namespace silt::intake
