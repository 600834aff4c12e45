#include "daemon/answer/search/execute.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <functional>
#include <thread>

#include "daemon/answer/search/access.h"
#include "daemon/answer/search/collect.h"
#include "daemon/answer/search/filter.h"

namespace silt::answer::search {
namespace {

using Collectors = std::vector<std::unique_ptr<Collector>>;

// Empty: some of them cannot be forked.
Collectors fork(const Collectors& collectors) {
  Collectors out;
  for (const auto& collector : collectors) {
    out.push_back(collector->fork());
    if (!out.back()) return {};
  }
  return out;
}

template <class Property>
bool any_of(const Collectors& collectors, Property property) {
  return std::ranges::any_of(collectors, [&](const auto& each) { return (*each.*property)(); });
}

// The records of a source that one thread reads.
struct Share {
  std::span<const Part> parts;  // of kRecords alone those are read
  Collectors collectors;
  Scanned scanned;
  Status status;
};

class Reader {
 public:
  Reader(const store::RecordLog& log, const Query& query, const Limits& limits, const Profile& profile, std::size_t source)
      : log_(log), limits_(limits), profile_(profile), source_(source), filter_(query, profile, limits.zone_s), hand_(profile.layout) {}

  void read(Share& share) {
    const bool texts = any_of(share.collectors, &Collector::reads_text);
    const bool slots = any_of(share.collectors, &Collector::reads_slots);
    const auto visit = [&](RecordInHand& record) {
      if (++looked_ % kCheckEvery == 0 && limits_.late()) return false;
      if (!filter_.matches(record)) return true;
      if (texts) record.text();
      if (slots) record.look();
      if (!record.status().is_ok()) return true;
      for (const auto& collector : share.collectors) collector->add(record, source_);
      return true;
    };
    for (const Part& part : share.parts) {
      if (part.detail != Detail::kRecords) continue;
      share.scanned.stopped = limits_.late();
      if (share.scanned.stopped) return;
      const auto found = visit_records(log_, profile_.ref, {part.first_seq, part.last_seq}, part.patterns, hand_, visit);
      share.status = found.status();
      if (!found.is_ok()) return;
      share.scanned.records += found->records;
      share.scanned.damaged += found->damaged;
      share.scanned.stopped = found->stopped;
      if (found->stopped) return;
    }
  }

 private:
  const store::RecordLog& log_;
  const Limits& limits_;
  const Profile& profile_;
  const std::size_t source_;
  const Filter filter_;
  RecordInHand hand_;
  std::uint64_t looked_ = 0;
};

// Records to read, as far as headers say.
std::uint64_t records_of(const Part& part) {
  return part.detail == Detail::kRecords && part.last_seq != ~store::Seq{0} ? part.last_seq - part.first_seq + 1 : 0;
}

// Contiguous ones of about as many records each.
std::vector<std::span<const Part>> split(std::span<const Part> parts, std::size_t shares) {
  std::uint64_t total = 0, passed = 0;
  for (const Part& part : parts) total += records_of(part);
  std::vector<std::span<const Part>> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < parts.size() && out.size() + 1 < shares; ++i) {
    passed += records_of(parts[i]);
    if (passed * shares < total * (out.size() + 1)) continue;
    out.push_back(parts.subspan(begin, i + 1 - begin));
    begin = i + 1;
  }
  out.push_back(parts.subspan(begin));
  return out;
}

class Execution {
 public:
  Execution(const store::RecordLog& log, const Query& query, const Limits& limits)
      : log_(log), query_(query), limits_(limits), collectors_(collectors_for(query, limits)) {
    needs_.counts_suffice = std::ranges::all_of(collectors_, [](const auto& each) { return each->takes_counts(); });
    needs_.sample = limits.sample;
  }

  Status source(const Profile& profile, std::size_t index) {
    out_.total += profile.total();
    if (!out_.complete) return Status::ok();
    const Filter filter(query_, profile, limits_.zone_s);
    SILT_ASSIGN(const AccessPlan plan, plan_access(log_, profile, index, filter, needs_, [this] { return limits_.late(); }));
    SILT_TRY(read(plan, profile, index));
    if (!out_.complete) return Status::ok();
    for (const Part& part : plan.parts) {
      if (part.detail == Detail::kRecords) continue;
      out_.examined += part.last_seq - part.first_seq + 1;
      for (const PatternCount& found : part.counts) {
        for (const auto& collector : collectors_) collector->add_counts(found);
      }
    }
    out_.complete = plan.complete;
    return Status::ok();
  }

  Outcome finish() {
    for (const auto& collector : collectors_) collector->finish(out_);
    return std::move(out_);
  }

 private:
  // In shares, by as many threads as are to spare.
  Status read(const AccessPlan& plan, const Profile& profile, std::size_t index) {
    std::uint64_t records = 0;
    for (const Part& part : plan.parts) records += records_of(part);
    const SpareThreads::Loan loan(limits_.spare, static_cast<int>(records / limits_.share_records_min) - 1);
    std::vector<Share> shares;
    for (const std::span<const Part> parts : split(plan.parts, static_cast<std::size_t>(loan.threads()) + 1))
      shares.push_back({parts, fork(collectors_), {}, {}});
    const bool alone = shares.size() == 1 || shares.front().collectors.empty();
    if (alone) {
      shares.resize(1);
      shares.front().parts = plan.parts;
    }
    shares.front().collectors.swap(collectors_);
    const auto read_share = [&](Share& share) { Reader(log_, query_, limits_, profile, index).read(share); };
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 1; i < shares.size(); ++i) threads.emplace_back(read_share, std::ref(shares[i]));
      read_share(shares.front());
    }
    shares.front().collectors.swap(collectors_);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      SILT_TRY(shares[i].status);
      out_.examined += shares[i].scanned.records;
      out_.damaged += shares[i].scanned.damaged;
      out_.complete = out_.complete && !shares[i].scanned.stopped;
      for (std::size_t k = 0; i > 0 && k < collectors_.size(); ++k) collectors_[k]->merge(*shares[i].collectors[k]);
    }
    return Status::ok();
  }

  const store::RecordLog& log_;
  const Query& query_;
  const Limits& limits_;
  Collectors collectors_;
  AccessNeeds needs_;
  Outcome out_;
};

Status read_text(const store::RecordLog& log, const Profiles& profiles, Hit& hit) {
  if (!hit.text.empty()) return Status::ok();
  auto record = log.read(profiles[hit.source]->ref, hit.seq);
  if (is_gone(record.status())) return Status::ok();  // its time is known all the same
  SILT_TRY(record.status());
  hit.text = std::move(record->text);
  return Status::ok();
}

// First and last records and the ends of gaps are known by their place only.
Status read_ends(const store::RecordLog& log, const Profiles& profiles, Outcome& out) {
  for (std::optional<Hit>* end : {&out.first, &out.last, &out.from, &out.to}) {
    if (*end) SILT_TRY(read_text(log, profiles, **end));
  }
  return Status::ok();
}

// Texts of the groups that an answer shows.
Status read_examples(const store::RecordLog& log, const Profiles& profiles, const Query& query, Outcome& out) {
  std::size_t shown = 0;
  for (Group& group : out.groups) {
    if (query.op == Op::kThreshold && static_cast<double>(group.count) < query.number) continue;
    SILT_TRY(read_text(log, profiles, group.example));
    if (++shown == kGroupsShownMax) break;
  }
  return Status::ok();
}

}  // namespace

SpareThreads::Loan::Loan(SpareThreads* from, int wanted) : from_(from) {
  if (from_ == nullptr) return;
  int left = from_->left_.load();
  do {
    threads_ = std::clamp(wanted, 0, std::max(left, 0));
  } while (!from_->left_.compare_exchange_weak(left, left - threads_));
}

SpareThreads::Loan::~Loan() {
  if (from_ != nullptr) from_->left_ += threads_;
}

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
  SILT_TRY(read_examples(log, profiles, query, out));
  return out;
}

}  // namespace silt::answer::search
