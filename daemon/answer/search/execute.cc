#include "daemon/answer/search/execute.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "daemon/answer/search/collect.h"
#include "daemon/answer/search/filter.h"
#include "daemon/answer/search/records.h"

namespace silt::answer::search {
namespace {

constexpr std::uint64_t kCheckEvery = 4096;  // records between looks at the clock

class Execution {
 public:
  Execution(const store::RecordLog& log, const Query& query, const Limits& limits)
      : log_(log), query_(query), limits_(limits), collectors_(collectors_for(query, limits)) {}

  Status source(const Profile& profile, std::size_t index) {
    out_.total += profile.records;
    if (!out_.complete) return Status::ok();
    const Filter filter(query_, profile, limits_.zone_s);
    RecordInHand hand(profile.layout);
    SILT_ASSIGN(const Scanned scanned,
                scan_records(log_, profile.ref, {}, [&](const store::RecordView& record, const store::FoldMark& mark) {
                  if (++out_.examined % kCheckEvery == 0 && limits_.late()) return false;
                  hand.take(record, mark);
                  if (!filter.matches(hand)) return true;
                  for (const auto& collector : collectors_) collector->add(hand, index);
                  return true;
                }));
    out_.damaged += scanned.damaged;
    out_.complete = !scanned.stopped;
    return Status::ok();
  }

  Outcome finish() {
    for (const auto& collector : collectors_) collector->finish(out_);
    return std::move(out_);
  }

 private:
  const store::RecordLog& log_;
  const Query& query_;
  const Limits& limits_;
  std::vector<std::unique_ptr<Collector>> collectors_;
  Outcome out_;
};

// First and last records and the ends of gaps are known by their place only.
Status read_ends(const store::RecordLog& log, const Profiles& profiles, Outcome& out) {
  for (std::optional<Hit>* end : {&out.first, &out.last, &out.from, &out.to}) {
    if (!*end || !(*end)->text.empty()) continue;
    auto record = log.read(profiles[(*end)->source]->ref, (*end)->seq);
    if (is_gone(record.status())) continue;  // its time is known all the same
    SILT_TRY(record.status());
    (*end)->text = std::move(record->text);
  }
  return Status::ok();
}

}  // namespace

bool is_bucket(std::string_view group) {
  return group == "second" || group == "minute" || group == "hour" || group == "day" || group == "month";
}

double bucket_seconds(std::string_view unit) {
  if (unit == "second") return 1;
  if (unit == "minute") return 60;
  if (unit == "hour") return 3600;
  if (unit == "day") return 86400;
  if (unit == "week") return 7 * 86400.0;
  return 30.4375 * 86400;
}

std::string bucket_of(std::int64_t us, std::string_view unit, std::int32_t zone_s) {
  const std::time_t seconds = us / 1'000'000 - (us % 1'000'000 < 0) + zone_s;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  const char* format = unit == "second"   ? "%Y-%m-%d %H:%M:%S"
                       : unit == "minute" ? "%Y-%m-%d %H:%M"
                       : unit == "hour"   ? "%Y-%m-%d %H:00"
                       : unit == "day"    ? "%Y-%m-%d"
                                          : "%Y-%m";
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), format, &parts);
  return text.data();
}

Result<Outcome> execute(const store::RecordLog& log, const Profiles& profiles, const Query& query, const Limits& limits) {
  Execution execution(log, query, limits);
  for (std::size_t i = 0; i < profiles.size(); ++i) SILT_TRY(execution.source(*profiles[i], i));
  Outcome out = execution.finish();
  SILT_TRY(read_ends(log, profiles, out));
  return out;
}

}  // namespace silt::answer::search
