#include "daemon/watch/monitor.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "daemon/watch/glance.h"

namespace silt::watch {

void Monitor::start() {
  const std::vector<store::SourceInfo> sources = stores_.log.sources();
  for (const store::SourceInfo& info : sources) ready_.insert(info.ref);
  thread_ = std::thread([this] { run(); });
}

void Monitor::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_up_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  keep(true);
}

void Monitor::ready(std::span<const store::SourceRef> sources) {
  {
    const std::lock_guard lock(mutex_);
    ready_.insert(sources.begin(), sources.end());
  }
  wake_up_.notify_all();
}

void Monitor::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    round();
    lock.lock();
    wake_up_.wait_for(lock, std::chrono::microseconds(kSilenceEveryUs), [this] { return stopping_ || !ready_.empty(); });
  }
}

void Monitor::round() {
  std::set<store::SourceRef> sources;
  {
    const std::lock_guard lock(mutex_);
    sources = std::exchange(ready_, {});
  }
  for (const store::SourceRef source : sources) {
    // Deleted since, or damaged: what is wrong is reported by who needs it.
    if (!look(source).is_ok()) {
      watched_.erase(source);
      normals_.reload();
    }
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
  if (clock_.monotonic_us() >= next_silence_us_) {
    next_silence_us_ = clock_.monotonic_us() + kSilenceEveryUs;
    look_at_silence();
  }
  keep(false);
}

// News at once, with the cursors of all that was looked at: a kill loses nothing of either, and a row is never written
// without the cursor that it came from. Cursors alone now and then.
void Monitor::keep(bool now) {
  if (ledger_ == nullptr) {
    changed_.clear();
    advanced_.clear();
  }
  if (changed_.empty() && advanced_.empty()) return;
  if (changed_.empty() && !must_keep_ && !now && clock_.monotonic_us() < next_keep_us_) return;
  next_keep_us_ = clock_.monotonic_us() + kKeepEveryUs;
  must_keep_ = false;
  std::vector<Incident> incidents;
  for (const std::uint64_t number : std::exchange(changed_, {})) {
    Result<Incident> incident = board_.incident(number);
    if (incident.is_ok()) incidents.push_back(std::move(incident).value());
  }
  std::vector<store::WatchCursor> cursors;
  for (const store::SourceRef source : std::exchange(advanced_, {})) {
    const auto found = watched_.find(source);
    if (found == watched_.end()) continue;
    const Watched& at = found->second;
    cursors.push_back({source, at.folded_seq, at.learned_seq, at.gap_seq, at.news_from_us, at.watch.is_silent()});
  }
  ledger_->keep(incidents, cursors);
}

Monitor::Watched& Monitor::watch(store::SourceRef source, const store::FoldHead& fold) {
  const auto [found, is_new] = watched_.try_emplace(source, source);
  Watched& watched = found->second;
  if (!is_new) return watched;
  watched.news_from_us = clock_.wall_us() - kHistoryUs;
  store::Seq known = fold.folded_seq;
  const std::optional<store::WatchCursor> cursor = ledger_ == nullptr ? std::nullopt : ledger_->cursor(source);
  if (cursor) {
    watched.news_from_us = cursor->news_from_us;
    watched.kept_folded_seq = cursor->folded_seq;
    watched.kept_learned_seq = cursor->learned_seq;
    watched.gap_seq = cursor->gap_seq;
    watched.has_cursor = true;
    watched.silence_known = !cursor->silent;
    watched.counts_from_start = !cursor->silent;
    known = std::min(known, cursor->folded_seq);
  } else {
    must_keep_ = true;  // from here on everything is news, whatever happens
  }
  watched.folded_seq = watched.learned_seq = known - std::min(known, kHistoryRecords);
  return watched;
}

Status Monitor::look(store::SourceRef source) {
  SILT_ASSIGN(const store::FoldHead fold, stores_.folds.fold_head(source));
  SILT_ASSIGN(const store::IntakeHead intake, stores_.log.intake_head(source));
  if (fold.folded_seq < kRecordsMin && intake.gaps == 0 && !watched_.contains(source)) return Status::ok();
  Watched& at = watch(source, fold);
  if (fold.folded_seq < at.folded_seq) return not_found("the fold of the source began again");
  const SourceWatch::Emit emit = [this, &at](const Change& change) {
    if (at.trigger_is_news && change.time_us >= at.news_from_us) tell(change);
  };
  advanced_.insert(source);
  SILT_TRY(look_at_records(source, at, fold.folded_seq, emit));
  SILT_TRY(look_at_gaps(source, at, intake));
  return look_at_surprise(source, at, emit);
}

Status Monitor::look_at_records(store::SourceRef source, Watched& at, store::Seq folded_seq, const SourceWatch::Emit& emit) {
  while (at.folded_seq < folded_seq) {
    SILT_ASSIGN(const store::BlockPtr block, stores_.log.block_after(source, at.folded_seq));
    if (!block) break;
    const std::span<const store::RecordView> records = block->records.records();
    for (std::size_t i = 0; i < std::min(records.size(), block->marks.size()); ++i) {  // none, when it is damaged
      const store::RecordView& record = records[i];
      if (record.seq <= at.folded_seq || record.seq > folded_seq) continue;
      at.trigger_is_news = record.seq > at.kept_folded_seq;
      const Glance glanced = glance(record.text);
      const store::FoldMark& mark = block->marks[i];
      at.watch.take({record.seq, mark.event_us, mark.pattern, mark.new_pattern, glanced.trouble, glanced.identifier}, emit);
    }
    at.folded_seq = std::max(at.folded_seq, block->last_seq);
  }
  at.folded_seq = folded_seq;
  return Status::ok();
}

Status Monitor::look_at_surprise(store::SourceRef source, Watched& at, const SourceWatch::Emit& emit) {
  SILT_ASSIGN(const std::optional<store::NetHead> net, stores_.nets.net_head(source));
  const store::Seq learned = net ? std::min(net->learned_seq, at.folded_seq) : 0;
  if (learned <= at.learned_seq) return Status::ok();
  SILT_TRY(stores_.evidence.scan(source, {at.learned_seq + 1, learned}, true, [&](const store::Evidence& record) {
    at.trigger_is_news = record.seq > at.kept_learned_seq;
    if (record.tokens > 0) at.watch.take_surprise(record.seq, record.event_us, record.adapted_nats / record.tokens, emit);
    return true;
  }));
  at.learned_seq = learned;
  return Status::ok();
}

Status Monitor::look_at_gaps(store::SourceRef source, Watched& at, const store::IntakeHead& intake) {
  if (intake.gaps == at.gaps) return Status::ok();
  SILT_ASSIGN(const std::vector<store::Gap> gaps, stores_.log.gaps(source));
  for (const store::Gap& gap : gaps) {
    if (gap.seq <= at.gap_seq) continue;
    at.gap_seq = gap.seq;
    if (!at.has_cursor && gap.found_us < started_us_) continue;
    tell({Kind::kGap, source, 0, gap.found_us, gap.seq, static_cast<double>(gap.bytes), 0, kGapScore});
  }
  at.gaps = intake.gaps;
  return Status::ok();
}

void Monitor::tell(const Change& change) {
  if (!normals_.covers(change)) changed_.insert(board_.add(change));
}

void Monitor::look_at_silence() {
  const std::int64_t now_us = clock_.wall_us();
  for (auto& [source, at] : watched_) {
    const bool first = !std::exchange(at.silence_known, true);
    if (!at.watch.may_fall_silent()) continue;  // most of many thousand sources: nothing is asked of the store
    const auto intake = stores_.log.intake_head(source);
    if (!intake.is_ok()) continue;  // deleted since; its next look says so
    // What was not silent when the last process ended is news if it is now; but while none ran, nothing could be read.
    const std::int64_t from_us = at.counts_from_start ? std::max(intake->last_arrival_us, started_us_) : intake->last_arrival_us;
    at.watch.look_at_silence(now_us, from_us, intake->last_arrival_us, [&](const Change& change) {
      if (!first) tell(change);
      advanced_.insert(source);
    });
  }
}

}  // namespace silt::watch
