// Runs queries on the store.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/answer/query.h"
#include "daemon/answer/search/outcome.h"
#include "daemon/answer/search/profile.h"

namespace silt::answer::search {

inline constexpr std::uint64_t kCheckEvery = 4096;  // records between looks at Limits::late()

inline constexpr std::size_t kGroupsShownMax = 40;  // whose examples have their texts

// Threads that queries may use beside their own, all together. Safe from any thread.
class SpareThreads {
 public:
  explicit SpareThreads(int threads) : left_(threads) {}

  // Takes up to `wanted` of those that are left, and gives them back in the end. Null: there are none.
  class Loan {
   public:
    Loan(SpareThreads* from, int wanted);
    ~Loan();
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    int threads() const { return threads_; }

   private:
    SpareThreads* from_;
    int threads_ = 0;
  };

 private:
  std::atomic<int> left_;
};

struct Limits {
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  const std::atomic<bool>* cancelled = nullptr;
  SpareThreads* spare = nullptr;
  std::uint64_t share_records_min = 64 * 1024;  // that are worth a thread
  std::int32_t zone_s = 0;
  std::size_t sample = 8;
  std::size_t groups = 200'000;  // distinct values that are told apart

  bool late() const {
    return (cancelled != nullptr && *cancelled) || std::chrono::steady_clock::now() >= deadline;
  }
};

using Profiles = std::vector<std::shared_ptr<const Profile>>;

// Of the sources of `profiles`, all of them. The same for any number of threads, but for which groups are left out
// where there are too many.
Result<Outcome> execute(const store::RecordLog& log, const Profiles& profiles, const Query& query, const Limits& limits);

// "2026-11-20 09" for hour, "2026-11-20" for day, and so on: the bucket that a time falls into.
std::string bucket_of(std::int64_t us, std::string_view unit, std::int32_t zone_s);
bool is_bucket(std::string_view group);
double bucket_seconds(std::string_view unit);

}  // namespace silt::answer::search
