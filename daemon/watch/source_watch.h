// SourceWatch: what is usual of one source, and what is not. It compares each minute of the log's own time with the
// most extreme one before it, which needs no model of how lines come, and can be said in one sentence: "61 in a
// minute, never more than 12 before". What was extreme becomes usual by that, and slowly fades.
//
// A function of the records that it is given, in seq order. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "daemon/watch/change.h"
#include "daemon/watch/stories.h"

namespace silt::watch {

// A record, as far as it matters here.
struct Seen {
  store::Seq seq = 0;
  std::int64_t event_us = 0;
  store::PatternId pattern = 0;
  bool new_pattern = false;
  float trouble = 0;             // glance.h
  std::uint64_t identifier = 0;
};

class SourceWatch {
 public:
  static constexpr double kFactor = 3;                // so many times the most before
  static constexpr std::uint32_t kMinutesMin = 30;    // of history, before anything is unusual
  static constexpr std::uint64_t kRecordsMin = 500;   // before a new pattern is news
  static constexpr double kNewRateMax = 0.01;         // of late: a source that makes one in a hundred makes no news
  static constexpr std::uint64_t kLoudMin = 10;       // records in a minute
  static constexpr std::int64_t kQuietMinutesMin = 5;
  static constexpr std::size_t kPatternsMax = 4096;   // further ones are only counted with the source
  static constexpr std::uint64_t kTroubleRecordsMin = 50;  // before trouble is news
  static constexpr std::int64_t kTroubleMinutes = 60;      // that its pattern did not come

  using Emit = std::function<void(const Change&)>;

  explicit SourceWatch(store::SourceRef source) : source_(source) {}

  void take(const Seen& record, const Emit& emit);
  // Of a record that the net has read: its surprise, in nats a token.
  void take_surprise(store::Seq seq, std::int64_t event_us, double nats_per_token, const Emit& emit);
  // Whether a pause of this source could be told at all: it came regularly, and is not said to be silent.
  bool may_fall_silent() const { return is_regular(whole_) && !whole_.absent; }
  bool is_silent() const { return whole_.absent; }
  // At wall time `now_us`, when nothing has arrived since `from_us`; the newest record arrived at `arrival_us`, not later.
  void look_at_silence(std::int64_t now_us, std::int64_t from_us, std::int64_t arrival_us, const Emit& emit);

 private:
  // How a pattern, or the whole source, comes: minute by minute.
  struct Rhythm {
    std::int64_t minute = -1;   // the newest with a record
    std::uint64_t count = 0;    // of it
    std::uint64_t records = 0;
    store::Seq seq = 0;         // its last record
    std::uint32_t minutes = 0;  // with a record
    double most = 0;            // records in one, before the newest
    double longest_pause = 0;   // minutes without any, between two with
    bool absent = false;        // said to be gone, or silent
  };
  struct Surprise {
    std::int64_t minute = -1;
    double nats = 0;
    std::uint64_t records = 0;
    store::Seq seq = 0;  // the most surprising
    double seq_nats = 0;
    std::uint32_t minutes = 0;
    double most = 0;  // mean of a minute, before the newest
  };

  void take_trouble(const Seen& record, std::int64_t minute, const Emit& emit);
  void take_story(const Seen& record, const Emit& emit);
  void close_minute(std::int64_t minute, const Emit& emit);
  void close(store::PatternId pattern, Rhythm& rhythm, const Emit& emit) const;
  void look_for_gone(std::int64_t minute, const Emit& emit);
  static void note(Rhythm& rhythm, std::int64_t minute, store::Seq seq);
  static bool is_regular(const Rhythm& rhythm) { return rhythm.minutes >= kMinutesMin; }

  const store::SourceRef source_;
  std::uint64_t records_ = 0;
  double new_rate_ = 1;  // new patterns a record, of late
  Rhythm whole_;
  std::unordered_map<store::PatternId, Rhythm> patterns_;
  Surprise surprise_;
  std::unique_ptr<Stories> stories_;  // as soon as a record names an identifier
};

}  // namespace silt::watch
