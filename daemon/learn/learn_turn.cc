// The part of LearnLoop that gives sources their turn: their states come into memory, then their records are gathered
// and read side by side. No state is committed between the two.
#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "daemon/learn/learn_loop.h"

namespace silt::learn {
namespace {

constexpr std::int64_t kHeldUs = 60'000'000;

}  // namespace

// Where one source fails alone, the others go on.
Status LearnLoop::turn(std::span<const store::SourceRef> sources) {
  const std::int64_t began_us = clock_.monotonic_us();
  std::vector<TurnLane> lanes;
  if (!has_room_for(sources.size())) SILT_TRY(commit());
  for (const store::SourceRef ref : sources) {
    if (is_held(ref)) continue;
    const bool fits = residents_.find(ref) != nullptr || !residents_.is_full(1) || residents_.size() > lanes.size();
    if (!lanes.empty() && !(fits && has_room_for(1))) break;  // it would push out one of these
    TurnLane lane;
    const Status boarded = board(sources_.at(ref), lanes.size(), lane);
    if (!boarded.is_ok()) SILT_TRY(drop_failed(ref, boarded));
    if (lane.resident != nullptr) lanes.push_back(std::move(lane));
  }
  const std::int64_t worked_before = pacer_.worked_us();
  read_side_by_side(lanes);
  ReplayWork work;
  for (TurnLane& lane : lanes) {
    if (lane.status.is_ok()) {
      work += end_turn(lane, began_us);
    } else {
      SILT_TRY(drop_failed(lane.source->info.ref, lane.status));
    }
  }
  cost_.measured(work, pacer_.worked_us() - worked_before);
  pace(0);
  return Status::ok();
}

// On a device a state that has learned has two versions until the next commit: the one that answers read, and its own.
bool LearnLoop::has_room_for(std::size_t lanes) const {
  const std::uint64_t states_max = learner_.states_max();
  return states_max == 0 || residents_.size() + changed_.size() + 2 * lanes <= states_max;
}

// Stopped inside a record or a replay, a state is of no use, and the journal has everything. And a source may be
// deleted at any time. Where the device has no room, because answers hold old versions, it is tried again; where a
// pinned version is in the way, somebody must decide. Every other failure is the loop's.
Status LearnLoop::drop_failed(store::SourceRef ref, const Status& failure) {
  const bool is_full = failure.code() == Code::kResourceExhausted && learner_.states_max() > 0;
  const bool is_refused = failure.code() == Code::kFailedPrecondition;
  if (failure.code() != Code::kCancelled && !is_full && !is_refused && !is_gone(ref, failure)) return failure;
  if (is_refused) hold(sources_.at(ref).info, failure);
  let_go(ref);
  if (!is_full) return Status::ok();
  log::warning("device_full", {{"error", failure.message()}, {"action", "the source is tried again later"}});
  ready_.report({&ref, 1});
  return Status::ok();
}

// It reads nothing meanwhile; its records wait in the journal.
void LearnLoop::hold(const store::SourceInfo& source, const Status& why) {
  held_until_us_[source.ref] = clock_.monotonic_us() + kHeldUs;
  log::warning("learning_held", {{"source", source.name},
                                 {"error", why.message()},
                                 {"remedy", "export that version if it must stay (silt state export), then unpin it (silt state pin --off)"}});
  options_.point("learn.held");
}

bool LearnLoop::is_held(store::SourceRef ref) {
  const auto held = held_until_us_.find(ref);
  if (held == held_until_us_.end()) return false;
  if (clock_.monotonic_us() < held->second) {
    ready_.set(ref, {}, 0, clock_.monotonic_us());
    return true;
  }
  held_until_us_.erase(held);
  return false;
}

// Brings the source's state into memory. The lane stays empty where its net has nothing to read.
Status LearnLoop::board(Source& source, std::size_t beside, TurnLane& lane) {
  const std::uint64_t replayed_before = counters_.replayed_steps;
  SILT_ASSIGN(Resident* const resident, make_resident(source, beside));
  const std::uint64_t replayed = counters_.replayed_steps - replayed_before;
  if (source.config.mode == fold::SourceMode::kCount) return start_counting(source);
  SILT_TRY(shed_if_needed(source, *resident));
  residents_.touch(source.info.ref);  // those that come after push out others first
  note_change(source.info.ref, changed_);
  lane.source = &source;
  lane.resident = resident;
  lane.before = {resident->state.net.steps, resident->state.head.learned_seq};
  // A state that took a long replay may read as much before others have their turn.
  lane.steps_max = std::max<std::uint64_t>(options_.quantum_steps, replayed);
  return Status::ok();
}

void LearnLoop::read_side_by_side(std::vector<TurnLane>& lanes) {
  const std::uint32_t left = uncommitted_max() - std::min(uncommitted_max(), uncommitted_records_);
  for (TurnLane& lane : lanes) {
    const auto share = static_cast<std::uint32_t>(left / lanes.size());
    lane.records_max = std::max<std::uint32_t>(1, std::min(options_.quantum_records, share));
  }
  std::vector<TurnLane*> going;
  std::vector<NetReader::Lane> reads;
  for (;;) {
    going.clear();
    for (TurnLane& lane : lanes) {
      if (lane.status.is_ok() && lane.end == JournalWalk::End::kFull) going.push_back(&lane);
    }
    if (going.empty()) return;
    gather(going);
    reads.clear();
    for (TurnLane* const lane : going) {
      reads.push_back({&lane->resident->state, &lane->reading, &lane->resident->scores, lane->status});
    }
    reader_.read(reads);
    for (std::size_t i = 0; i < going.size(); ++i) going[i]->status = reads[i].status;
  }
}

// Each of the lanes takes what it reads next from its journal, on all threads that there are for it.
void LearnLoop::gather(std::span<TurnLane* const> lanes) {
  std::atomic<std::size_t> next = 0;
  const auto take = [&] {
    for (std::size_t i = next++; i < lanes.size(); i = next++) gather(*lanes[i]);
  };
  std::vector<std::jthread> others;
  const std::size_t threads = std::min(static_cast<std::size_t>(options_.threads), lanes.size());
  while (others.size() + 1 < threads) others.emplace_back(take);
  take();
}

void LearnLoop::gather(TurnLane& lane) {
  NetState& state = lane.resident->state;
  const auto on_record = [&](const store::RecordView& record, bool shed) {
    ++counters_.records;
    if (shed) ++counters_.shed_records;
    if (lane.records++ == 0) lane.oldest_arrival_us = record.arrival_us;
    const bool go_on = alive();
    options_.point("learn.record");
    return go_on && lane.records < lane.records_max &&
           reader_.steps_after(state, lane.reading) - lane.before.steps < lane.steps_max;
  };
  const JournalWalk::Target target{lane.source->folded_seq, lane.source->folded_bytes};
  const auto walked =
      walk_.gather(lane.source->info, *lane.resident, target, /*first_time=*/true, lane.reading, on_record);
  lane.status = walked.status();
  if (walked.is_ok()) lane.end = walked->end;
}

// What the turn did, and the source's place in the queue.
ReplayWork LearnLoop::end_turn(TurnLane& lane, std::int64_t began_us) {
  Source& source = *lane.source;
  Resident& resident = *lane.resident;
  const store::NetHead& head = resident.state.head;
  const ReplayWork done{resident.state.net.steps - lane.before.steps, head.learned_seq - lane.before.records};
  resident.since_blob += done;
  const std::int64_t now_us = clock_.monotonic_us();
  if (resident.aged_since_us == 0) resident.aged_since_us = std::max<std::int64_t>(1, now_us);
  if (lane.records > 0) latency_.add(clock_.wall_us() - lane.oldest_arrival_us, now_us);
  source.learned_seq = head.learned_seq;
  source.processed_bytes = head.processed_bytes;
  uncommitted_records_ += lane.records;
  counters_.steps += done.steps;
  replay_credit_steps_ += static_cast<std::int64_t>(done.steps);
  if (lane.end == JournalWalk::End::kShort) source.folded_seq = source.learned_seq;  // until it is reported again
  residents_.touch(source.info.ref);
  queue(source);
  ready_.served(source.info.ref, began_us);
  return done;
}

// A device reads that much more in the time between two commits.
std::uint32_t LearnLoop::uncommitted_max() const {
  return options_.commit_records_max * static_cast<std::uint32_t>(learner_.lanes_max());
}

}  // namespace silt::learn
