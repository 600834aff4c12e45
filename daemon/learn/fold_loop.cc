#include "daemon/learn/fold_loop.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "daemon/fold/timestamp.h"
#include "daemon/store/attributes.h"
#include "daemon/store/hash64.h"
#include "daemon/store/segment.h"
#include "daemon/store/tombstone.h"

namespace silt::learn {
namespace {

using store::Block;
using store::BlockPtr;
using store::FoldCommit;
using store::FoldHead;
using store::FoldMark;
using store::RecordView;
using store::Seq;
using store::SourceRef;

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kWaitUs = kSecondUs;  // without a wake-up; keeps the sign of life fresh

store::PatternRow row_of(const fold::Pattern& pattern, std::string state) {
  return {pattern.id,           pattern.text,         pattern.count,   pattern.first_seq,    pattern.last_seq,
          pattern.first_time_us, pattern.last_time_us, pattern.program, pattern.merged_into, std::move(state)};
}

// The arrival, or when its file was last written: a record is not from later.
std::int64_t latest_of(const RecordView& record) {
  if (record.attributes.empty()) return record.arrival_us;
  const auto attributes = store::decode_attributes(record.attributes);
  if (!attributes.is_ok()) return record.arrival_us;
  for (const store::Attribute& attribute : *attributes) {
    if (attribute.key != connectors::kModified) continue;
    const auto modified = fold::parse_timestamp(attribute.value, record.arrival_us, 0);
    return modified ? std::min(modified->time_us, record.arrival_us) : record.arrival_us;
  }
  return record.arrival_us;
}

}  // namespace

void terms_of(std::string_view text, std::vector<std::string>& out) {
  fold::index_terms(text, out);
}

FoldLoop::FoldLoop(const store::RecordLog& log, store::FoldStore& folds, const Clock& clock, FoldOptions options)
    : log_(log), folds_(folds), clock_(clock), options_(std::move(options)) {
  last_progress_us_ = clock.monotonic_us();
}

FoldLoop::~FoldLoop() {
  stop();
}

void FoldLoop::point(std::string_view name) const {
  if (options_.at_point) options_.at_point(name);
}

// --- one source -------------------------------------------------------------------------------------

Status FoldLoop::configure(Resident& resident) {
  const std::uint64_t configuration = configuration_;
  if (resident.configuration == configuration) return Status::ok();
  SILT_ASSIGN(const store::SourceInfo info, log_.source(resident.ref));
  resident.zone = options_.zone_of(info);
  resident.configuration = configuration;
  return Status::ok();
}

Result<FoldLoop::Resident*> FoldLoop::resident(SourceRef source) {
  const auto [found, is_new] = residents_.try_emplace(source);
  Resident& resident = found->second;
  if (!is_new) {
    used_.splice(used_.begin(), used_, resident.used);
    SILT_TRY(configure(resident));
    return &resident;
  }
  resident.ref = source;
  used_.push_front(source);
  resident.used = used_.begin();
  SILT_ASSIGN(resident.head, folds_.fold_head(source));
  SILT_TRY(configure(resident));
  std::vector<store::PatternRow> rows;
  Status loaded = folds_.patterns(source, rows);
  std::vector<fold::MinerRow> states;
  for (store::PatternRow& row : rows) states.push_back({row.id, std::move(row.state)});
  if (loaded.is_ok()) loaded = resident.miner.load(states);
  if (loaded.is_ok()) return &resident;
  // Patterns can be made again: of records that are there, for as far back as they are there.
  log::error("patterns_damaged", {{"source", log_.source(source).is_ok() ? log_.source(source)->name : "?"},
                                  {"error", loaded.message()},
                                  {"action", "folding its journal again from the beginning"}});
  SILT_TRY(folds_.reset_fold(source));
  resident.miner = fold::Miner();
  SILT_ASSIGN(resident.head, folds_.fold_head(source));
  return &resident;
}

void FoldLoop::evict() {
  // Those of the many that write now and then are read again when they do.
  const std::int64_t idle_us = clock_.monotonic_us() - options_.quiet_s * kSecondUs;
  while (!used_.empty() && (residents_.size() > options_.resident_max || residents_.at(used_.back()).last_turn_us < idle_us)) {
    residents_.erase(used_.back());
    used_.pop_back();
  }
  std::size_t builders = 0;
  for (const SourceRef ref : used_) {
    Resident& resident = residents_.at(ref);
    if (resident.builder && ++builders > options_.builders_max) resident.builder.reset();
  }
}

// Told by the origin, or said by the line (`line_` is the record's), or that of the record before it in its
// place: a line without a time goes with the one that it follows. When that one came a while ago, the time
// since then has passed, too.
std::int64_t FoldLoop::event_of(Resident& resident, const RecordView& record) const {
  constexpr std::int64_t kFollowsUs = 10 * kSecondUs;
  FoldHead& head = resident.head;
  const std::uint64_t place = store::hash64(record.origin.place);
  std::int64_t event_us = record.told_us;
  if (event_us == 0 && line_.time) {
    const std::int64_t before_us = head.last_event_place == place ? head.last_event_us : 0;
    event_us = fold::resolve_time(*line_.time, latest_of(record), resident.zone(record.arrival_us), before_us).value_or(0);
  }
  if (event_us != 0) {
    head.last_event_us = event_us;
    head.last_event_arrival_us = record.arrival_us;
    head.last_event_place = place;
    return event_us;
  }
  if (head.last_event_us == 0 || head.last_event_place != place) return record.arrival_us;
  const std::int64_t since_us = record.arrival_us - head.last_event_arrival_us;
  return head.last_event_us + (since_us < kFollowsUs ? 0 : since_us);
}

FoldMark FoldLoop::mark_of(Resident& resident, const RecordView& record) {
  fold::scan_line(record.text, line_);
  FoldMark mark;
  mark.event_us = event_of(resident, record);
  if ((record.flags & connectors::kRecordGap) != 0 || store::is_forgotten(record)) return mark;
  const fold::Folded folded = resident.miner.fold(line_, record.seq, mark.event_us);
  mark.pattern = folded.pattern;
  mark.new_pattern = folded.is_new;
  return mark;
}

// `line_` is the record's.
void FoldLoop::add(store::SegmentBuilder& builder, const RecordView& record, const FoldMark& mark) {
  spans_.clear();
  for (const fold::Token& token : line_.tokens) spans_.push_back({token.begin, token.end});
  builder.add(record, mark, spans_);
}

void FoldLoop::open_builder(Resident& resident) {
  if (!resident.builder && resident.head.folded_seq == resident.head.sealed_seq)
    resident.builder = std::make_unique<store::SegmentBuilder>();
}

Status FoldLoop::fold_source(Resident& resident, FoldCommit& commit, std::uint64_t& bytes) {
  commit.source = resident.ref;
  const std::uint64_t before = resident.head.folded_bytes;
  commit.marks_first_seq = resident.head.folded_seq + 1;
  while (resident.head.folded_bytes - before < options_.turn_bytes && !stopping_) {
    SILT_ASSIGN(const BlockPtr block, log_.block_after(resident.ref, resident.head.folded_seq));
    if (!block) break;
    SILT_TRY(block->damage.empty() ? fold_block(resident, *block, commit) : skip_damage(resident, *block, commit));
    const std::uint64_t open_bytes = resident.head.folded_bytes - resident.head.sealed_bytes;
    const bool many = resident.head.open_chunks >= options_.chunks_max;
    if (open_bytes >= options_.segment_bytes || many) SILT_TRY(seal(resident, commit, many));
  }
  bytes += resident.head.folded_bytes - before;
  take_patterns(resident, commit);
  resident.last_turn_us = clock_.monotonic_us();
  if (resident.head.open_chunks >= options_.quiet_chunks_min) {
    quiet_since_us_[resident.ref] = resident.last_turn_us;
  } else {
    quiet_since_us_.erase(resident.ref);
  }
  commit.head = resident.head;
  return Status::ok();
}

void FoldLoop::take_patterns(Resident& resident, FoldCommit& commit) {
  for (fold::MinerRow& row : resident.miner.take_dirty()) {
    if (const fold::Pattern* pattern = resident.miner.find(row.id))
      commit.patterns.push_back(row_of(*pattern, std::move(row.bytes)));
  }
  resident.head.patterns = resident.miner.size();
}

Status FoldLoop::fold_block(Resident& resident, const Block& block, FoldCommit& commit) {
  FoldHead& head = resident.head;
  // A block that is sealed already is folded again (after a reset): its segment is made anew.
  const bool sealed = block.last_seq <= head.sealed_seq;
  store::SegmentBuilder again;
  if (!sealed) open_builder(resident);
  store::SegmentBuilder* const builder = sealed ? &again : resident.builder.get();
  for (const RecordView& record : block.records.records()) {
    if (record.seq <= head.folded_seq && !sealed) continue;
    const FoldMark mark = mark_of(resident, record);
    if (builder != nullptr) add(*builder, record, mark);
    if (!sealed) commit.marks.push_back(mark);
    head.folded_bytes += record.text.size();
  }
  head.folded_seq = block.last_seq;
  if (!sealed) {
    ++head.open_chunks;
    return Status::ok();
  }
  head.sealed_bytes = head.folded_bytes;
  commit.marks_first_seq = head.folded_seq + 1;
  return finish_segment(again, commit);
}

void FoldLoop::report(SourceRef source, const Block& block) const {
  const auto info = log_.source(source);
  log::error("block_damaged", {{"source", info.is_ok() ? info->name : "?"},
                               {"first_seq", block.first_seq},
                               {"last_seq", block.last_seq},
                               {"error", block.damage},
                               {"remedy", "these records cannot be read; the rest goes on. Restore a backup to "
                                          "have them, and check the disk"}});
}

// The records are lost, and the fold goes on behind them. What came before is sealed, so that nothing
// has to reach over the hole.
Status FoldLoop::skip_damage(Resident& resident, const Block& block, FoldCommit& commit) {
  FoldHead& head = resident.head;
  report(resident.ref, block);
  if (head.folded_seq > head.sealed_seq) SILT_TRY(seal(resident, commit, false));
  const bool all_sealed = head.folded_seq <= head.sealed_seq;
  head.folded_seq = std::max(head.folded_seq, block.last_seq);
  if (all_sealed && head.sealed_seq < head.folded_seq) {
    head.sealed_seq = head.folded_seq;
    head.sealed_bytes = head.folded_bytes;
    head.open_chunks = 0;
  }
  commit.marks_first_seq = head.folded_seq + 1;
  resident.builder.reset();
  return Status::ok();
}

// --- sealing ----------------------------------------------------------------------------------------

// Reads again what the fold has done from `from` on, which has its marks in the store, and seals it
// around blocks that went bad meanwhile. False: marks are lost, too.
Result<bool> FoldLoop::seal_again(Resident& resident, Seq from, FoldCommit& commit) {
  store::SegmentBuilder builder;
  const std::size_t sealed_before = commit.sealed.size();
  for (Seq after = from - 1; after < resident.head.folded_seq;) {
    SILT_ASSIGN(const BlockPtr block, log_.block_after(resident.ref, after));
    if (!block) break;
    after = block->last_seq;
    if (!block->damage.empty()) {
      report(resident.ref, *block);
      SILT_TRY(finish_segment(builder, commit));
      continue;
    }
    if (block->marks.empty()) {
      commit.sealed.resize(sealed_before);
      return false;
    }
    for (std::size_t i = 0; i < block->marks.size(); ++i) {
      const RecordView& record = block->records.records()[i];
      if (record.seq < from) continue;
      fold::scan_line(record.text, line_);
      add(builder, record, block->marks[i]);
    }
  }
  SILT_TRY(finish_segment(builder, commit));
  return true;
}

Status FoldLoop::seal(Resident& resident, FoldCommit& commit, bool merge_last) {
  FoldHead& head = resident.head;
  if (resident.begins_again) return Status::ok();
  Seq from = head.sealed_seq + 1;
  if (merge_last) {
    SILT_ASSIGN(const auto segments, folds_.segments(resident.ref));
    const bool small = !segments.empty() && segments.back().last_seq == head.sealed_seq &&
                       segments.back().raw_bytes < options_.segment_bytes_min;
    if (small) from = segments.back().first_seq;
  }
  const bool whole = resident.builder && resident.builder->records() > 0 &&
                     resident.builder->first_seq() == from && resident.builder->last_seq() == head.folded_seq;
  if (whole) {
    SILT_TRY(finish_segment(*resident.builder, commit));
  } else {
    SILT_TRY(commit_turn(resident, commit));
    SILT_ASSIGN(const bool sealed, seal_again(resident, from, commit));
    if (!sealed) return begin_again(resident);
    resident.builder.reset();
  }
  head.sealed_seq = head.folded_seq;
  head.sealed_bytes = head.folded_bytes;
  head.open_chunks = 0;
  commit.marks.clear();
  commit.marks_first_seq = head.folded_seq + 1;
  return Status::ok();
}

// The marks of this turn are not stored yet; whoever reads them back stores them first.
Status FoldLoop::commit_turn(Resident& resident, FoldCommit& commit) {
  if (commit.marks.empty()) return Status::ok();
  take_patterns(resident, commit);
  commit.head = resident.head;
  std::vector<FoldCommit> commits{std::move(commit)};
  SILT_TRY(this->commit(commits));
  commit = FoldCommit();
  commit.source = resident.ref;
  commit.marks_first_seq = resident.head.folded_seq + 1;
  return Status::ok();
}

// With the next round: this one goes on as if nothing had happened, and seals nothing.
Status FoldLoop::begin_again(Resident& resident) {
  const auto info = log_.source(resident.ref);
  log::error("marks_damaged", {{"source", info.is_ok() ? info->name : "?"},
                               {"action", "folding its journal again from the beginning"}});
  resident.builder.reset();
  resident.begins_again = true;
  (void)reset(resident.ref);  // refused only when the loop is stopping: then it is found again
  return Status::ok();
}

Status FoldLoop::finish_segment(store::SegmentBuilder& builder, FoldCommit& commit) {
  if (builder.records() == 0) return Status::ok();
  SILT_ASSIGN(std::string bytes, builder.finish(fold::possible_terms));
  const auto shared = std::make_shared<const std::string>(std::move(bytes));
  SILT_ASSIGN(const store::Segment segment, store::Segment::open(shared));
  store::SealedSegment sealed;
  const store::SegmentHeader& header = segment.header();
  sealed.info = {segment.first_seq(),  segment.last_seq(),    shared->size(),     header.text_bytes,
                 header.max_arrival_us, header.min_event_us, header.max_event_us};
  sealed.bytes = *shared;
  commit.sealed.push_back(std::move(sealed));
  return Status::ok();
}

// Sources that have been quiet: what they left in many small chunks becomes a segment.
Status FoldLoop::seal_quiet(bool& more) {
  const std::int64_t now = clock_.monotonic_us();
  std::vector<FoldCommit> commits;
  for (auto it = quiet_since_us_.begin(); it != quiet_since_us_.end() && commits.size() < 16;) {
    if (now - it->second < options_.quiet_s * kSecondUs) {
      ++it;
      continue;
    }
    SILT_ASSIGN(Resident* const resident, this->resident(it->first));
    it = quiet_since_us_.erase(it);
    if (resident->head.open_chunks < options_.quiet_chunks_min) continue;
    FoldCommit commit;
    commit.source = resident->ref;
    SILT_TRY(seal(*resident, commit, true));
    commit.head = resident->head;
    commits.push_back(std::move(commit));
  }
  more = more || commits.size() >= 16;
  return this->commit(commits);
}

Status FoldLoop::commit(std::vector<FoldCommit>& commits) {
  if (commits.empty()) return Status::ok();
  point("fold.before_commit");
  SILT_TRY(folds_.commit(commits));
  point("fold.after_commit");
  std::vector<SourceRef> sources;
  for (const FoldCommit& commit : commits) sources.push_back(commit.source);
  commits.clear();
  options_.on_folded(sources);
  last_progress_us_ = clock_.monotonic_us();
  return Status::ok();
}

Status FoldLoop::fold_ready(SourceRef source, FoldCommit& commit, std::uint64_t& bytes) {
  SILT_ASSIGN(Resident* const resident, this->resident(source));
  return fold_source(*resident, commit, bytes);
}

// --- rounds -----------------------------------------------------------------------------------------

Result<bool> FoldLoop::round() {
  SILT_TRY(run_commands());
  std::vector<FoldCommit> commits;
  std::uint64_t bytes = 0;
  bool more = false;
  std::size_t left = 0;
  const bool paused = !options_.has_room();
  {
    const std::lock_guard lock(mutex_);
    paused_ = paused;
    left = ready_.size();
  }
  if (paused) {
    SILT_TRY(trim_some());
    return false;
  }
  for (; left > 0 && !stopping_; --left) {
    SourceRef source;
    {
      const std::lock_guard lock(mutex_);
      source = ready_.front();
      ready_.pop_front();
      is_ready_.erase(source);
    }
    FoldCommit commit;
    const std::uint64_t before = bytes;
    const Status folded = fold_ready(source, commit, bytes);
    if (!folded.is_ok() && !log_.source(source).is_ok()) continue;  // deleted since
    SILT_TRY(folded);
    commits.push_back(std::move(commit));
    if (bytes - before >= options_.turn_bytes) ready(std::span(&source, 1));  // it may have more
    // A commit ends in good time, so that no more sources are in memory than may be.
    if (bytes < options_.commit_bytes && commits.size() < options_.resident_max) continue;
    SILT_TRY(this->commit(commits));
    bytes = 0;
    evict();
  }
  SILT_TRY(this->commit(commits));
  evict();
  SILT_TRY(seal_quiet(more));
  SILT_TRY(trim_some());
  const std::lock_guard lock(mutex_);
  return more || !ready_.empty();
}

Status FoldLoop::trim_some() {
  const std::int64_t now = clock_.monotonic_us();
  if (now < next_retention_us_) return Status::ok();
  next_retention_us_ = now + options_.retention_every_s * kSecondUs;
  const std::int64_t wall = clock_.wall_us();
  for (const store::SourceInfo& info : log_.sources()) {
    const Retention retention = options_.retention(info);
    if (retention.age_s == 0 && retention.stored_bytes == 0) continue;
    SILT_ASSIGN(const auto segments, folds_.segments(info.ref));
    std::uint64_t stored = 0;
    for (const store::SegmentInfo& segment : segments) stored += segment.stored_bytes;
    Seq floor = 0;
    for (const store::SegmentInfo& segment : segments) {
      const bool old = retention.age_s != 0 && segment.last_arrival_us < wall - retention.age_s * kSecondUs;
      const bool large = retention.stored_bytes != 0 && stored > retention.stored_bytes;
      if (!old && !large) break;
      floor = segment.last_seq;
      stored -= segment.stored_bytes;
    }
    if (floor == 0) continue;
    SILT_ASSIGN(const Seq reached, folds_.trim(info.ref, floor));
    if (reached < floor) options_.keep_state(info.ref);
    if (const auto found = residents_.find(info.ref); found != residents_.end()) {
      SILT_ASSIGN(found->second.head, folds_.fold_head(info.ref));
    }
    last_progress_us_ = clock_.monotonic_us();
  }
  return Status::ok();
}

// --- threads ----------------------------------------------------------------------------------------

void FoldLoop::start() {
  const std::vector<store::SourceInfo> all = log_.sources();
  std::vector<SourceRef> behind;
  for (const store::SourceInfo& info : all) {
    const auto head = folds_.fold_head(info.ref);
    const auto intake = log_.intake_head(info.ref);
    if (head.is_ok() && head->open_chunks >= options_.quiet_chunks_min) quiet_since_us_[info.ref] = clock_.monotonic_us();
    if (head.is_ok() && intake.is_ok() && head->folded_seq < intake->journal_seq) behind.push_back(info.ref);
  }
  ready(behind);
  thread_ = std::thread([this] { run(); });
}

void FoldLoop::stop() {
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);
    wake_up_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void FoldLoop::ready(std::span<const SourceRef> sources) {
  if (sources.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const SourceRef source : sources) {
    if (is_ready_.emplace(source, true).second) ready_.push_back(source);
  }
  wake_up_.notify_all();
}

void FoldLoop::run() {
  const Status ended = loop();
  std::deque<Command> left;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    left.swap(commands_);
  }
  for (Command& command : left) command.done.set_value(unavailable("the fold is stopping"));
  if (!ended.is_ok()) options_.on_fatal(ended.with_context("fold"));
}

Status FoldLoop::loop() {
  while (!stopping_) {
    SILT_ASSIGN(const bool more, round());
    if (!more) wait();
  }
  return Status::ok();
}

void FoldLoop::wait() {
  std::unique_lock lock(mutex_);
  wake_up_.wait_for(lock, std::chrono::microseconds(kWaitUs),
                    [this] { return stopping_.load() || (!ready_.empty() && !paused_) || !commands_.empty(); });
  last_progress_us_ = clock_.monotonic_us();
}

Status FoldLoop::reset(SourceRef source) {
  SILT_TRY(post(source, [this, source] { return folds_.reset_fold(source); }).status());
  ready(std::span(&source, 1));
  return Status::ok();
}

Status FoldLoop::drop(SourceRef source) {
  auto done = post(source, [] { return Status::ok(); });
  return done.is_ok() ? done->get() : done.status();
}

Result<std::future<Status>> FoldLoop::post(SourceRef source, std::function<Status()> work) {
  const std::lock_guard lock(mutex_);
  if (ended_ || stopping_) return unavailable("the fold is stopping");
  commands_.push_back({source, std::move(work), {}});
  wake_up_.notify_all();
  return commands_.back().done.get_future();
}

Status FoldLoop::run_commands() {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (commands_.empty()) return Status::ok();
    Command command = std::move(commands_.front());
    commands_.pop_front();
    lock.unlock();
    if (const auto found = residents_.find(command.source); found != residents_.end()) {
      used_.erase(found->second.used);
      residents_.erase(found);
    }
    quiet_since_us_.erase(command.source);
    const Status done = command.work();
    command.done.set_value(done);
    if (!done.is_ok() && done.code() != Code::kNotFound) return done;
  }
}

}  // namespace silt::learn
