#include "connectors/file/file_connector.h"

#include <sys/resource.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "connectors/batch_builder.h"
#include "connectors/file/discovery.h"
#include "connectors/file/generations.h"
#include "connectors/file/globs.h"
#include "connectors/file/stream_name.h"
#include "connectors/file/tail_reader.h"

namespace silt::connectors {
namespace {

// One poll looks at so many files, goes through so many bytes (of lines that are too long, of holes)
// and stores so many rows beside those of the files that it read.
constexpr int kLooksPerPoll = 4096;
constexpr std::uint64_t kLookedBytesPerPoll = 8 << 20;
constexpr std::size_t kRowsPerBatch = 4096;
constexpr std::uint32_t kOpenFilesDefault = 512;

std::uint32_t open_files_limit(std::uint32_t wanted) {
  if (wanted > 0) return wanted;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kOpenFilesDefault;
  return static_cast<std::uint32_t>(std::clamp<rlim_t>(limit.rlim_cur / 4, 4, kOpenFilesDefault));
}

// What a batch that is never confirmed must not have changed.
struct Position {
  explicit Position(const Generation& from)
      : id(from.id),
        offset(from.offset),
        tail(from.tail),
        seen_size(from.seen_size),
        stretch(from.stretch),
        scan_to(from.scan_to),
        scan_tail(from.scan_tail),
        nul_from(from.nul_from),
        nul_to_end(from.nul_to_end),
        modified_ns(from.modified_ns),
        lost_bytes(from.lost_bytes),
        lost_files(from.lost_files),
        open_text(from.retired ? from.open_text : std::string()) {}

  void restore(Generation& to) const {
    to.offset = offset;
    to.tail = tail;
    to.seen_size =
        std::max(to.seen_size, seen_size);  // what was seen was there, stored or not: so the head stays
    to.stretch = stretch;
    to.scan_to = scan_to;
    to.scan_tail = scan_tail;
    to.nul_from = nul_from;
    to.nul_to_end = nul_to_end;
    to.modified_ns = modified_ns;
    to.lost_bytes = lost_bytes;
    to.lost_files = lost_files;
    to.open_text = open_text;
  }

  std::uint64_t id;
  std::uint64_t offset;
  Fingerprint tail;
  std::uint64_t seen_size;
  Stretch stretch;
  std::uint64_t scan_to;
  Fingerprint scan_tail;
  std::uint64_t nul_from;
  bool nul_to_end;
  std::int64_t modified_ns;
  std::uint64_t lost_bytes;
  std::uint32_t lost_files;
  std::string open_text;
};

}  // namespace

std::vector<std::string> FileConnectorOptions::default_exclude() {
  return {"*.gz", "*.xz",  "*.zst", "*.bz2",   "*.lz4",   "*.zip",    "*.Z",       "*.tmp",     "*.swp",
          "*~",   "wtmp*", "btmp*", "lastlog", "faillog", "tallylog", "*.journal", "journal/**"};
}

class FileConnector::Impl {
 public:
  Impl(FileConnectorOptions options, Globs include, Globs exclude, StreamName stream_name, const Clock& clock,
       Waiter& waiter)
      : options_(std::move(options)),
        include_(include),
        stream_name_(std::move(stream_name)),
        clock_(clock),
        waiter_(waiter),
        generations_(open_files_limit(options_.open_files_max)),
        discovery_(options_, std::move(include), std::move(exclude), clock, generations_, faults_, *activity_),
        reader_(options_.format, options_.rules, options_.flush_ms * 1000) {}

  Status resume(std::span<const CursorRow> rows) {
    std::vector<GenerationRow> decoded;
    for (const CursorRow& row : rows) {
      SILT_ASSIGN(GenerationRow one, decode_row(row));
      decoded.push_back(std::move(one));
    }
    for (GenerationRow& row : decoded) generations_.add(std::move(row), 0);
    discovery_.begin(rows.empty());
    begun_ = true;
    return Status::ok();
  }

  Result<bool> poll(const ReadLimits& limits, Batch& out) {
    if (!begun_) return failed_precondition("resume() comes before the first poll()");
    if (limits.batch_bytes_max == 0 || limits.batch_records_max == 0 || limits.record_bytes_max == 0) {
      return invalid_argument("read limits must not be zero");
    }
    roll_back();
    BatchBuilder builder(limits, out);
    discovery_.catch_up();
    mark_due();
    const std::uint64_t looked_max = reader_.looked_bytes() + kLookedBytesPerPoll;
    std::vector<Chain*> read_once;
    for (int looks = 0; looks < kLooksPerPoll && !builder.full() && !pins_too_many(); ++looks) {
      Chain* chain = reader_.looked_bytes() < looked_max ? generations_.next_ready() : nullptr;
      if (chain == nullptr) break;
      const bool has_records = read_chain(*chain, builder);
      if (!has_dirty(*chain)) continue;
      has_records ? read_once.push_back(chain) : generations_.requeue(*chain);
    }
    // A chain is read once for a batch: what becomes of its file meanwhile is seen by the next poll,
    // when it is known whether this batch was stored.
    for (Chain* chain : read_once) generations_.requeue(*chain);
    const bool all_rows = collect_rows(out);
    account(out);
    return generations_.any_ready() || !all_rows;
  }

  void confirm() {
    stats_.bytes_read += unconfirmed_.bytes_read;
    stats_.bytes_lost += unconfirmed_.bytes_lost;
    stats_.records_cut += unconfirmed_.records_cut;
    for (const std::uint64_t id : rows_sent_) {
      generations_.changed().erase(id);
      Generation* generation = generations_.by_id(id);
      if (generation != nullptr && generation->settled()) generations_.remove(*generation);
    }
    forget_batch();
  }

  void notify_when_ready(std::function<void()> wake) {
    std::int64_t at_us = discovery_.next_reconcile_us();
    for (const auto& [id, due_us] : open_) at_us = std::min(at_us, due_us);
    const std::int64_t wait_us = at_us - clock_.monotonic_us();
    const std::int64_t wait_ms =
        generations_.any_ready() ? 0 : std::max<std::int64_t>(0, (wait_us + 999) / 1000);
    waiter_.wait(discovery_.event_fd(), std::chrono::milliseconds(wait_ms), std::move(wake));
  }

  ConnectorStats stats() {
    ConnectorStats stats = stats_;
    stats.files_open = generations_.open_count();
    stats.files_known = generations_.files_known();
    stats.backlog_bytes = generations_.unread_bytes();
    stats.read_errors = faults_.count;
    stats.last_error = faults_.last;
    return stats;
  }

  std::shared_ptr<const Activity> activity() const { return activity_; }

  void reconcile_now() { discovery_.compare_all_soon(); }

 private:
  // Something to read, before lines that wait for the rest of their record: what follows comes after it.
  static bool has_dirty(const Chain& chain) {
    for (const Generation* generation : chain.generations) {
      if (generation->dirty) return true;
      if (generation->waits()) return false;
    }
    return false;
  }

  // Lines whose record did not go on are read as one.
  void mark_due() {
    const std::int64_t now_us = clock_.monotonic_us();
    std::erase_if(open_, [&](const auto& entry) {
      Generation* const generation = generations_.by_id(entry.first);
      const bool open = generation != nullptr && generation->flush_at_us != 0;
      if (open && generation->flush_at_us <= now_us) generations_.mark(*generation);
      return !open || generation->flush_at_us <= now_us;
    });
  }

  const std::string& stream_of(Chain& chain) {
    if (chain.stream == nullptr) {
      std::string name = stream_name_.of(chain.path, include_);
      chain.stream = name == chain.path ? &chain.path : &*streams_.insert(std::move(name)).first;
    }
    return *chain.stream;
  }

  // Reads the oldest generation of the chain that has something to say; false when it said nothing.
  bool read_chain(Chain& chain, BatchBuilder& builder) {
    StreamWriter out(builder, stream_of(chain));
    const std::vector<Generation*> members = chain.generations;  // a truncation changes the chain
    bool more = false;
    for (Generation* generation : members) {
      if (generation->dirty) {
        read_generation(*generation, out);
        generations_.recount(*generation);
        more = more || generation->dirty;
        if (generation->flush_at_us != 0) open_[generation->id] = generation->flush_at_us;
      }
      if (!out.empty() || more || generation->waits()) break;
    }
    return !out.empty();
  }

  void read_generation(Generation& generation, StreamWriter& out) {
    const Position before(generation);
    activity_->at(generation.path);
    if (generation.retired || (!generation.fd && !generation.present())) {
      generation.dirty = false;
      generation.flush_at_us = 0;
      if (!generation.open_text.empty() && generation.retired) reader_.report_open(generation, out);
      if (generation.lost_bytes > 0 || generation.lost_files > 0) reader_.report_loss(generation, out);
      if (!out.empty()) keep(generation, before);
      return;
    }
    if (const Status opened = generations_.open(generation); !opened.is_ok()) {
      generation.dirty = false;
      generation.flush_at_us = 0;
      if (opened.code() == Code::kNotFound) return discovery_.path_lost(generation);
      return faults_.note(opened);
    }
    const std::uint64_t reported_before = reader_.reported_bytes();
    const bool was_unlinked = generation.unlinked;
    const Result<TailReader::Outcome> outcome = reader_.read(generation, out, {clock_.monotonic_us(), clock_.wall_us()});
    if (!outcome.is_ok()) {  // EIO, ESTALE: opened afresh at the next reconcile
      before.restore(generation);
      out.undo();
      reader_.take_back_reported(reported_before);
      generation.dirty = false;
      generation.flush_at_us = 0;
      if (generation.live) generations_.close(generation);
      return faults_.note(outcome.status().with_context(generation.path));
    }
    if (*outcome == TailReader::Outcome::kTruncated) return discovery_.file_truncated(generation);
    generation.dirty = *outcome == TailReader::Outcome::kMore;
    if (!out.empty()) {
      keep(generation, before);
    } else if (generation.offset != before.offset || generation.unlinked != was_unlinked ||
               (generation.torn && generation.seen_size != before.seen_size)) {
      generations_.touch(generation);
    }
  }

  // A rotated file must stay open until the batch is stored, for it may lose its last name meanwhile.
  bool pins_too_many() const { return pinned_ > 0 && pinned_ >= generations_.open_max() / 2; }

  void keep(Generation& generation, const Position& before) {
    generations_.touch(generation);
    generation.in_batch = true;
    if (generation.unlinked || !generation.live) ++pinned_;
    before_.push_back(before);
  }

  // Returns false when rows are left for the next batch.
  bool collect_rows(Batch& out) {
    const auto add = [&](std::uint64_t id) {
      const Generation* generation = generations_.by_id(id);
      if (generation == nullptr) return;
      out.cursors.push_back(generation->settled() ? deleted_row(id) : encode_row(*generation));
      rows_sent_.push_back(id);
    };
    for (const Position& position : before_) add(position.id);  // these rows go with their records
    std::size_t others = 0;
    for (const std::uint64_t id : generations_.changed()) {
      const Generation* generation = generations_.by_id(id);
      if (generation == nullptr || generation->in_batch) continue;
      if (++others > kRowsPerBatch) return false;
      add(id);
    }
    return true;
  }

  void account(const Batch& batch) {
    for (const StreamBatch& stream : batch.streams) {
      for (const Record& record : stream.records) {
        if (record.flags & kRecordGap) continue;
        unconfirmed_.bytes_read +=
            record.origin.end - record.origin.begin + ((record.flags & kRecordPartial) ? 0 : 1);
        unconfirmed_.records_cut += (record.flags & kRecordCut) ? 1 : 0;
      }
    }
    unconfirmed_.bytes_lost = reader_.reported_bytes() - reported_bytes_;
  }

  void roll_back() {
    for (const Position& position : before_) {
      Generation* generation = generations_.by_id(position.id);
      if (generation == nullptr) continue;
      position.restore(*generation);
      generations_.mark(*generation);
    }
    forget_batch();
  }

  void forget_batch() {
    for (const Position& position : before_) {
      if (Generation* generation = generations_.by_id(position.id)) generation->in_batch = false;
    }
    before_.clear();
    pinned_ = 0;
    rows_sent_.clear();
    unconfirmed_ = {};
    reported_bytes_ = reader_.reported_bytes();
  }

  const FileConnectorOptions options_;
  const Globs include_;
  const StreamName stream_name_;
  const Clock& clock_;
  Waiter& waiter_;
  const std::shared_ptr<Activity> activity_ = std::make_shared<Activity>();
  Faults faults_;
  Generations generations_;
  Discovery discovery_;
  TailReader reader_;
  std::unordered_set<std::string> streams_;  // names that are not a chain's path
  std::unordered_map<std::uint64_t, std::int64_t> open_;  // when lines of these generations are due
  bool begun_ = false;
  ConnectorStats stats_;

  // The batch that was polled and not yet confirmed.
  std::vector<Position> before_;      // of the generations that it has records of
  std::size_t pinned_ = 0;            // so many of them keep their files open
  std::uint64_t reported_bytes_ = 0;  // of the reader, before it
  std::vector<std::uint64_t> rows_sent_;
  ConnectorStats unconfirmed_;
};

FileConnector::FileConnector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileConnector::~FileConnector() = default;

Result<std::unique_ptr<FileConnector>> FileConnector::create(FileConnectorOptions options, const Clock& clock,
                                                             Waiter& waiter) {
  if (options.include.empty()) return invalid_argument("a file input needs at least one include pattern");
  SILT_ASSIGN(Globs include, Globs::compile(options.include, false));
  SILT_ASSIGN(Globs exclude, Globs::compile(options.exclude, true));
  SILT_ASSIGN(StreamName stream_name, StreamName::compile(options.stream_name, include));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(include), std::move(exclude),
                                     std::move(stream_name), clock, waiter);
  return std::unique_ptr<FileConnector>(new FileConnector(std::move(impl)));
}

Status FileConnector::resume(std::span<const CursorRow> rows) {
  return impl_->resume(rows);
}
Result<bool> FileConnector::poll(const ReadLimits& limits, Batch& out) {
  return impl_->poll(limits, out);
}
void FileConnector::confirm() {
  impl_->confirm();
}
void FileConnector::notify_when_ready(std::function<void()> wake) {
  impl_->notify_when_ready(std::move(wake));
}
ConnectorStats FileConnector::stats() const {
  return impl_->stats();
}
std::shared_ptr<const Activity> FileConnector::activity() const {
  return impl_->activity();
}
void FileConnector::reconcile_now() {
  impl_->reconcile_now();
}

}  // namespace silt::connectors
