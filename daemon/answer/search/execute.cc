#include "daemon/answer/search/execute.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "daemon/answer/search/access.h"
#include "daemon/answer/search/collect.h"
#include "daemon/answer/search/filter.h"

namespace silt::answer::search {
namespace {

class Execution {
 public:
  Execution(const store::RecordLog& log, const Query& query, const Limits& limits)
      : log_(log), query_(query), limits_(limits), collectors_(collectors_for(query, limits)) {
    const auto all = [&](auto property) {
      return std::all_of(collectors_.begin(), collectors_.end(), [&](const auto& each) { return (*each.*property)(); });
    };
    needs_.counts_suffice = all(&Collector::takes_counts);
    needs_.sample = limits.sample;
    const auto any = [&](auto property) {
      return std::any_of(collectors_.begin(), collectors_.end(), [&](const auto& each) { return (*each.*property)(); });
    };
    reads_text_ = any(&Collector::reads_text);
    reads_slots_ = any(&Collector::reads_slots);
  }

  Status source(const Profile& profile, std::size_t index) {
    out_.total += profile.total();
    if (!out_.complete) return Status::ok();
    const Filter filter(query_, profile, limits_.zone_s);
    RecordInHand hand(profile.layout);
    SILT_ASSIGN(const AccessPlan plan, plan_access(log_, profile, index, filter, needs_, [this] { return limits_.late(); }));
    for (const Part& part : plan.parts) {
      out_.complete = !limits_.late();
      if (!out_.complete) return Status::ok();
      if (part.detail == Detail::kRecords) {
        SILT_TRY(read(profile, index, filter, part, hand));
      } else {
        out_.examined += part.last_seq - part.first_seq + 1;
        for (const PatternCount& found : part.counts) {
          for (const auto& collector : collectors_) collector->add_counts(found);
        }
      }
      if (!out_.complete) return Status::ok();
    }
    out_.complete = plan.complete;
    return Status::ok();
  }

  Outcome finish() {
    for (const auto& collector : collectors_) collector->finish(out_);
    return std::move(out_);
  }

 private:
  Status read(const Profile& profile, std::size_t index, const Filter& filter, const Part& part, RecordInHand& hand) {
    const auto visit = [&](RecordInHand& record) {
      if (++looked_ % kCheckEvery == 0 && limits_.late()) return false;
      if (!filter.matches(record)) return true;
      if (reads_text_) record.text();
      if (reads_slots_) record.look();
      if (!record.status().is_ok()) return true;
      for (const auto& collector : collectors_) collector->add(record, index);
      return true;
    };
    SILT_ASSIGN(const Scanned scanned,
                visit_records(log_, profile.ref, {part.first_seq, part.last_seq}, part.patterns, hand, visit));
    out_.examined += scanned.records;
    out_.damaged += scanned.damaged;
    out_.complete = !scanned.stopped;
    return Status::ok();
  }

  const store::RecordLog& log_;
  const Query& query_;
  const Limits& limits_;
  std::vector<std::unique_ptr<Collector>> collectors_;
  AccessNeeds needs_;
  bool reads_text_ = false;
  bool reads_slots_ = false;
  std::uint64_t looked_ = 0;
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
