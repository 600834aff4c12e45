#include "daemon/watch/source_watch.h"

#include <algorithm>
#include <cmath>

namespace silt::watch {
namespace {

constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr double kFade = 0.9995;        // of what was most, a minute with records: half is left after a day
constexpr std::int64_t kLiveMinutes = 10;  // between what a record says of its time and its arrival
constexpr double kNewRateStep = 0.002;  // about the last 500 records

// What changes deserve, beside trouble's 1 for a warning and 3 for what stops a program.
constexpr double kNewScore = 2, kGoneScore = 2.5, kSurpriseScore = 3, kSilenceScore = 4, kLouderScore = 3;
constexpr double kLouderBit = 0.5;    // for each time that it doubled beyond the most
constexpr double kRareBit = 0.125;    // for each bit of what a pattern's rarity says
constexpr double kRareBitsMax = 16;
constexpr double kStoryScore = 2, kStoryBit = 0.35, kStoryTrouble = 1.5;  // when one of its records tells of any

std::int64_t minute_of(std::int64_t time_us) {
  return time_us / kMinuteUs;
}

}  // namespace

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kNewPattern: return "new_pattern";
    case Kind::kLouder: return "louder";
    case Kind::kGone: return "gone";
    case Kind::kSurprise: return "surprise";
    case Kind::kSilence: return "silence";
    case Kind::kGap: return "gap";
    case Kind::kSeverity: return "severity";
    case Kind::kOddStory: return "odd_story";
  }
  return "";
}

void SourceWatch::take(const Seen& record, const Emit& emit) {
  const std::int64_t minute = minute_of(record.event_us);
  if (minute > whole_.minute) close_minute(minute, emit);
  // Clocks jump back, and lines come late: they count for the newest minute.
  const std::int64_t at = std::max(minute, whole_.minute);
  note(whole_, at, record.seq);
  if (record.trouble >= 1 && record.pattern != 0) take_trouble(record, at, emit);
  if (record.identifier != 0) take_story(record, emit);
  if (record.new_pattern && records_ >= kRecordsMin && new_rate_ < kNewRateMax) {
    emit({Kind::kNewPattern, source_, record.pattern, record.event_us, record.seq, 1, 0, kNewScore});
  }
  ++records_;
  const double step = std::max(kNewRateStep, 1 / static_cast<double>(records_));  // a plain mean, as long as there are few
  new_rate_ += step * ((record.new_pattern ? 1 : 0) - new_rate_);
  if (patterns_.size() < kPatternsMax || patterns_.contains(record.pattern)) note(patterns_[record.pattern], at, record.seq);
}

// A line of a kind that has not come for an hour, or never, and does not come regularly.
void SourceWatch::take_trouble(const Seen& record, std::int64_t minute, const Emit& emit) {
  const auto found = patterns_.find(record.pattern);
  const bool known = found != patterns_.end();
  if (!known && patterns_.size() >= kPatternsMax) return;
  if (records_ < kTroubleRecordsMin || (known && (is_regular(found->second) || minute - found->second.minute < kTroubleMinutes))) return;
  const double share = static_cast<double>((known ? found->second.records : 0) + 1) / static_cast<double>(records_ + 1);
  const double score = record.trouble + kRareBit * std::min(kRareBitsMax, -std::log2(share));
  if (score >= kAlertScore) emit({Kind::kSeverity, source_, record.pattern, record.event_us, record.seq, record.trouble, 0, score});
}

void SourceWatch::take_story(const Seen& record, const Emit& emit) {
  if (!stories_) stories_ = std::make_unique<Stories>();
  stories_->take(record.identifier, record.seq, record.event_us, record.pattern, record.trouble, [&](const OddStory& story) {
    const auto alike = static_cast<double>(story.alike), stories = static_cast<double>(story.stories);
    const double score = kStoryScore + kStoryBit * std::log2((stories + 1) / (alike + 1)) + kStoryTrouble * std::min(1.0F, story.trouble);
    emit({Kind::kOddStory, source_, story.pattern, story.event_us, story.seq, alike, stories, score});
  });
}

// What the newest minute was, once a later one has begun; and what is missing by then.
void SourceWatch::close_minute(std::int64_t minute, const Emit& emit) {
  if (whole_.minute < 0) return;
  close(0, whole_, emit);
  look_for_gone(minute, emit);
}

void SourceWatch::close(store::PatternId pattern, Rhythm& rhythm, const Emit& emit) const {
  const auto count = static_cast<double>(rhythm.count);
  if (is_regular(rhythm) && rhythm.count >= kLoudMin && count > kFactor * rhythm.most) {
    emit({Kind::kLouder, source_, pattern, rhythm.minute * kMinuteUs, rhythm.seq, count, rhythm.most,
          kLouderScore + kLouderBit * std::log2(count / std::max(1.0, kFactor * rhythm.most))});
  }
  rhythm.most = std::max(rhythm.most * kFade, count);
  rhythm.count = 0;
}

// Patterns of the minute that ended are closed, too: all are looked at once a minute.
void SourceWatch::look_for_gone(std::int64_t minute, const Emit& emit) {
  for (auto& [pattern, rhythm] : patterns_) {
    if (rhythm.count > 0) close(pattern, rhythm, emit);
    const std::int64_t pause = whole_.minute - rhythm.minute;  // by the clock of those that still come
    const bool unusual = pause >= kQuietMinutesMin && static_cast<double>(pause) > kFactor * rhythm.longest_pause;
    if (rhythm.absent || !is_regular(rhythm) || !unusual || minute - whole_.minute > 1) continue;
    rhythm.absent = true;
    emit({Kind::kGone, source_, pattern, whole_.minute * kMinuteUs, rhythm.seq, static_cast<double>(pause), rhythm.longest_pause, kGoneScore});
  }
}

void SourceWatch::note(Rhythm& rhythm, std::int64_t minute, store::Seq seq) {
  if (minute > rhythm.minute) {
    if (rhythm.minute >= 0) rhythm.longest_pause = std::max(rhythm.longest_pause * kFade, static_cast<double>(minute - rhythm.minute));
    rhythm.minute = minute;
    ++rhythm.minutes;
    rhythm.absent = false;
  }
  ++rhythm.count;
  ++rhythm.records;
  rhythm.seq = seq;
}

void SourceWatch::take_surprise(store::Seq seq, std::int64_t event_us, double nats_per_token, const Emit& emit) {
  constexpr std::uint64_t kRecordsOfMean = 5;
  Surprise& now = surprise_;
  const std::int64_t minute = minute_of(event_us);
  if (minute > now.minute) {
    if (now.records >= kRecordsOfMean) {
      const double mean = now.nats / static_cast<double>(now.records);
      if (now.minutes >= kMinutesMin && mean > kFactor * now.most)
        emit({Kind::kSurprise, source_, 0, now.minute * kMinuteUs, now.seq, mean, now.most, kSurpriseScore});
      now.most = std::max(now.most * kFade, mean);
      ++now.minutes;
    }
    now.minute = minute;
    now.nats = now.seq_nats = 0;
    now.records = 0;
  }
  now.nats += nats_per_token;
  ++now.records;
  if (nats_per_token >= now.seq_nats) {
    now.seq = seq;
    now.seq_nats = nats_per_token;
  }
}

void SourceWatch::look_at_silence(std::int64_t now_us, std::int64_t from_us, std::int64_t arrival_us, const Emit& emit) {
  const std::int64_t pause = minute_of(now_us - from_us);
  const bool unusual = pause >= kQuietMinutesMin && static_cast<double>(pause) > kFactor * whole_.longest_pause;
  const bool live = minute_of(arrival_us) - whole_.minute <= kLiveMinutes;  // an old file that was read once is not silent
  if (!may_fall_silent() || !unusual || !live) return;
  whole_.absent = true;
  emit({Kind::kSilence, source_, 0, now_us, whole_.seq, static_cast<double>(pause), whole_.longest_pause, kSilenceScore});
}

}  // namespace silt::watch
