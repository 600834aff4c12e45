#include "daemon/learn/residents.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace silt::learn {
namespace {

constexpr double kWeight = 0.1;  // of the newest measurement

void blend(double& mean, double value) {
  mean += kWeight * (value - mean);
}

}  // namespace

// Steps outweigh records by far: a stretch with steps says what a step takes, one without what a record.
void ReplayCost::measured(const ReplayWork& work, std::int64_t us) {
  const double time = static_cast<double>(us);
  const double records = static_cast<double>(work.records);
  if (work.steps > 0) {
    blend(step_us_, std::max(1.0, time - records * record_us_) / static_cast<double>(work.steps));
  } else if (work.records > 0) {
    blend(record_us_, time / records);
  }
}

std::int64_t ReplayCost::us(const ReplayWork& work) const {
  return std::llround(static_cast<double>(work.steps) * step_us_ +
                      static_cast<double>(work.records) * record_us_);
}

std::uint64_t ReplayCost::steps(const ReplayWork& work) const {
  return work.steps +
         static_cast<std::uint64_t>(std::ceil(static_cast<double>(work.records) * record_us_ / step_us_));
}

bool Resident::is_shed(store::Seq seq) const {
  return std::any_of(sheds.begin(), sheds.end(), [&](const store::ShedMark& mark) {
    return mark.first_seq <= seq && seq <= mark.last_seq;
  });
}

std::uint64_t Residents::bytes_of(const Resident& resident) const {
  return learner_.bytes(resident.state.net) + resident.state.pending.size() * sizeof(PendingRecord);
}

Resident* Residents::find(store::SourceRef source) {
  const auto found = entries_.find(source);
  return found == entries_.end() ? nullptr : &found->second.resident;
}

Resident& Residents::insert(store::SourceRef source, Resident resident) {
  erase(source);
  Entry& entry = entries_[source];
  entry.resident = std::move(resident);
  entry.place = order_.insert(order_.end(), source);
  touch(source);
  return entry.resident;
}

void Residents::erase(store::SourceRef source) {
  const auto found = entries_.find(source);
  if (found == entries_.end()) return;
  bytes_ -= found->second.bytes;
  order_.erase(found->second.place);
  entries_.erase(found);
}

void Residents::touch(store::SourceRef source) {
  Entry& entry = entries_.at(source);
  order_.splice(order_.end(), order_, entry.place);
  bytes_ -= entry.bytes;
  entry.bytes = bytes_of(entry.resident);
  bytes_ += entry.bytes;
}

bool Residents::is_full(std::size_t more) const {
  if (order_.empty()) return false;
  const std::uint64_t states_max = learner_.states_max();
  // A device has a memory of its own, of which versions that answers still read need a little.
  if (states_max > 0) return order_.size() + more > states_max - std::max<std::uint64_t>(1, states_max / 8);
  return bytes_ + more * learner_.full_state_bytes() > bytes_max_;
}

}  // namespace silt::learn
